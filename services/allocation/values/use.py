"""What was measured of a reservation: unit-seconds of each resource, and whether it was taken into use."""

from msgspec import Struct


class MeasuredUse(Struct, frozen=True, gc=False, kw_only=True):
    """Unit-seconds of one resource whose use is known: how many, how many of work, and how many idle."""

    resource: str
    measured: int
    busy: int
    idle: int


class Record(Struct, frozen=True, gc=False, kw_only=True):
    """What was measured of a reservation between two times, in seconds, and whether it was taken into use in time.

    For `unused_seconds` from its start no process ran on any unit of it; 0 if one did, or nobody can tell.
    """

    since: int
    until: int
    resources: tuple[MeasuredUse, ...]
    in_use: bool | None
    unused_seconds: int = 0
