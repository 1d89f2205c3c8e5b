"""What compute has been used of late: the records of running reservations, as long as a rule may ask about them. Pure.

What nobody reported is unknown, never idle: it counts as work wherever somebody could lose something by it.
"""

from collections.abc import Iterable

from msgspec import Struct

from services.allocation.attendance.use import MeasuredUse
from services.allocation.reservations import Reservation
from services.allocation.resources import Interval

PERCENT = 100


class Sample(Struct, frozen=True, gc=False, array_like=True):
    """Unit-seconds of a running reservation that were known between two times, and those of them that were of work."""

    since: int
    until: int
    measured: int
    busy: int


class Recent(Struct, frozen=True, gc=False, array_like=True):
    """The samples of one reservation, the oldest first."""

    reservation: str
    samples: tuple[Sample, ...]


def sample_of(since: int, until: int, resources: Iterable[MeasuredUse]) -> Sample:
    """A record as a sample."""
    uses = tuple(resources)
    return Sample(since, until, sum(each.measured for each in uses), sum(each.busy for each in uses))


def with_sample(samples: tuple[Sample, ...], fresh: Sample, window_seconds: int) -> tuple[Sample, ...]:
    """The samples with one more, and without those that no window reaches any more."""
    first = fresh.until - window_seconds
    return *(each for each in samples if each.since >= first), fresh


def used_percent(reservation: Reservation, samples: tuple[Sample, ...], window_seconds: int) -> int | None:
    """How much of what was held in the window before the last sample was, or may have been, used.

    None if the reservation has not run for so long, or nothing is known.
    """
    if not samples or samples[-1].until - window_seconds < reservation.start:
        return None
    window = samples[-1].until - window_seconds, samples[-1].until
    held = sum(each.units * _within(each.spans, window) for each in reservation.allocations)
    inside = [each for each in samples if each.since >= window[0]]
    idle = sum(each.measured - each.busy for each in inside)
    return -((idle - held) * PERCENT // held) if held else None


def _within(spans: tuple[Interval, ...], window: Interval) -> int:
    return sum(max(0, min(end, window[1]) - max(start, window[0])) for start, end in spans)
