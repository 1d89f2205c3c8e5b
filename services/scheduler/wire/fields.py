"""Reading fields: what is wrong with each is noted, and all of it is told at once, with what would make sense."""

import re
from functools import lru_cache

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.runtime.problems import invalid

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
NAME_CHARACTERS_MAX = 300
NAMES_KEPT_MAX = 4_096
NOTE_CHARACTERS_MAX = 500
ETAG_CHARACTERS_MAX = 64
SECONDS_MAX = 4_102_444_800
"""2100-01-01: no calendar here reaches so far."""


class Fields:
    """Reads fields and keeps what is wrong with them; `demand_valid` raises INVALID_ARGUMENT with all of it.

    Those of an item within a request have a prefix, and may share their faults with the other items.
    """

    def __init__(self, prefix: str = "", faults: dict[str, str] | None = None) -> None:
        self.prefix = prefix
        self.faults: dict[str, str] = {} if faults is None else faults

    def fault(self, field: str, description: str) -> None:
        """Note what is wrong with a field."""
        self.faults.setdefault(self.prefix + field, description)

    def demand_valid(self) -> None:
        """Raise what was found, if anything was."""
        if self.faults:
            raise invalid(self.faults)

    def name(self, field: str, text: str, *collections: str) -> tuple[str, ...]:
        """The ids in a resource name such as `companies/C/reservations/R`."""
        ids = ids_in(text, collections)
        if ids is not None:
            return ids
        form = "/".join(f"{collection}/ID" for collection in collections)
        self.fault(field, f"must be {form}, with ids of letters, digits and hyphens")
        return ("",) * len(collections)

    def request_id(self, text: str) -> str:
        """A UUID that is not all zeros."""
        if not is_uuid(text):
            self.fault("request_id", "must be a UUID, made anew for every request and kept when it is repeated")
        return text.lower()

    def time(self, field: str, message: Message, name: str) -> int:
        """A required timestamp of whole seconds."""
        if not message.HasField(name):
            self.fault(field, "is required")
            return 0
        return self.seconds(field, getattr(message, name))

    def seconds(self, field: str, value: Timestamp | Duration) -> int:
        """Whole seconds, neither negative nor beyond any calendar."""
        seconds: int = value.seconds
        if value.nanos:
            self.fault(field, "must be whole seconds")
        if not 0 <= seconds <= SECONDS_MAX:
            self.fault(field, "must lie between 1970 and 2100, or be a duration that is not negative")
        return seconds

    def whole(self, field: str, value: Duration, unit_seconds: int, unit: str) -> int:
        """A duration in whole units, such as minutes."""
        seconds = self.seconds(field, value)
        if seconds % unit_seconds:
            self.fault(field, f"must be whole {unit}")
        return seconds // unit_seconds

    def text(self, field: str, text: str, characters_max: int = NOTE_CHARACTERS_MAX) -> str:
        """Text for people, of bounded length."""
        if len(text) > characters_max:
            self.fault(field, f"has {len(text)} characters; {characters_max} is the most")
        return text


def is_uuid(text: str) -> bool:
    """Whether it is a UUID that is not all zeros."""
    return UUID.fullmatch(text) is not None and bool(text.strip("0-"))


@lru_cache(NAMES_KEPT_MAX)
def ids_in(text: str, collections: tuple[str, ...]) -> tuple[str, ...] | None:
    """The ids in a resource name, or None if it is none. The same few resources are named again and again."""
    parts = text.split("/") if len(text) <= NAME_CHARACTERS_MAX else []
    ids = tuple(parts[1::2])
    fits = tuple(parts[::2]) == collections and len(ids) == len(collections) and all(map(ID.fullmatch, ids))
    return ids if fits else None
