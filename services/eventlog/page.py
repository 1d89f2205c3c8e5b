"""A page: the events of one durable append, chained to the page before it by the hash of its exact bytes."""

import hashlib

import msgspec
from msgspec import Struct

from services.allocation.events import Event

FORMAT = 1
GENESIS = "0" * 64
"""The hash that the first page names as its predecessor."""

PAGE_BYTES_MAX = 768 * 1024
"""Below nats-server's default `max_payload` of 1 MiB, with room for headers."""


class Entry(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One decision: who asked, under which request id, and the events that follow. `time` is microseconds UTC."""

    time: int
    actor: str
    events: tuple[Event, ...]
    request_id: str = ""
    request_digest: str = ""


class Page(Struct, frozen=True, gc=False, kw_only=True):
    """What one append carries. A page without entries opens an epoch: its writer leads from there on."""

    format: int
    centre: str
    writer: str
    epoch: int
    time: int
    previous: str
    entries: tuple[Entry, ...]


class PageOut(Struct, frozen=True, kw_only=True):
    """A `Page` with entries that are encoded already."""

    format: int
    centre: str
    writer: str
    epoch: int
    time: int
    previous: str
    entries: list[msgspec.Raw]


class Record(Struct, frozen=True, gc=False, kw_only=True):
    """A page as the log holds it: exact bytes at a position. Positions start at 1 and have no gaps."""

    position: int
    data: bytes

    @property
    def hash(self) -> str:
        """SHA-256 of the exact bytes, in hexadecimal."""
        return page_hash(self.data)


class Head(Struct, frozen=True, gc=False, kw_only=True):
    """The end of a log, or of what a reader has taken from it: last position and that page's hash."""

    position: int = 0
    hash: str = GENESIS


encode_page = msgspec.json.Encoder().encode
decode_page = msgspec.json.Decoder(Page).decode


def page_hash(data: bytes) -> str:
    """SHA-256 of a page's exact bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
