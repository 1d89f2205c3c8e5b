"""An outage: units that are out for a while, or until somebody says that they are back. The nouns of it."""

from enum import StrEnum

from msgspec import Struct

from services.allocation.resources import Interval

OPEN_END = 2**40
"""Where an outage ends, in seconds, of which nobody knows yet when it ends."""


class OutageKind(StrEnum):
    """Why units are out."""

    MAINTENANCE = "maintenance"  # planned work
    FAILURE = "failure"  # something broke
    CLOSURE = "closure"  # a room, a site or staff is not to be had


class Scope(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What an outage is about, as it was declared: a resource (its nodes, or any `count` of them), or a place."""

    resource: str = ""
    nodes: tuple[str, ...] = ()  # of the resource; none and no count means all of them
    count: int = 0  # so many of the resource's nodes, whichever are needed least
    rack: str = ""
    zone: str = ""
    room: str = ""


class Taken(Struct, frozen=True, gc=False, kw_only=True):
    """The nodes of one resource that are out, by their numbers."""

    resource: str
    nodes: tuple[int, ...]


class Outage(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Units that cannot be held from `start` to `until`. Times are full minutes, in seconds."""

    id: str
    kind: OutageKind
    reason: str = ""
    start: int = 0
    end: int = 0  # 0: until it is lifted
    lead_in_hours: int = 0  # so long before the start nothing new may start there
    scopes: tuple[Scope, ...] = ()
    taken: tuple[Taken, ...] = ()
    declared_at: int = 0
    lifted_at: int = 0  # 0: it was not
    lift_reason: str = ""
    version: int = 1
    position: int = 0

    @property
    def until(self) -> int:
        """When the units are back, as far as anybody knows."""
        return self.lifted_at or self.end or OPEN_END

    @property
    def interval(self) -> Interval:
        """When the units are out; empty if it was lifted before it began."""
        return self.start, max(self.start, self.until)

    @property
    def etag(self) -> str:
        """Changes whenever the outage does."""
        return f'"{self.version}"'


class Outcome(StrEnum):
    """What became of a reservation that stood in the way of an outage."""

    MOVED = "moved"  # the same slots, on other units
    CURTAILED = "curtailed"  # it runs, and ends when the outage begins
    DISPLACED = "displaced"  # it lost its slots
    CHANGE_ENDED = "change_ended"  # it stands, and what was asked for it beside that is asked for no more


class Fate(Struct, frozen=True, gc=False, array_like=True):
    """What became of one reservation, the interval that it lost, if any, and the KRW that are given for that."""

    reservation_id: str
    company: str
    outcome: Outcome
    lost_from: int = 0
    lost_until: int = 0
    compensation: int = 0
