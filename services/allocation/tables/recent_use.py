"""What running reservations were used of late, kept as long as the rule about idle compute may ask.

What nobody reported is unknown, never idle: it counts as work wherever somebody could lose something by it.
"""

from collections.abc import Iterable

from msgspec import Struct

from services.allocation.events import UseMeasured
from services.allocation.measures import HOUR_SECONDS, PERCENT
from services.allocation.reservations import Reservation
from services.allocation.resources import Interval
from services.allocation.values.terms import IdleRule
from services.allocation.values.use import MeasuredUse


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


class RecentUse:
    """The samples of each running reservation that has any, the oldest first."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[Sample, ...]] = {}

    def note(self, event: UseMeasured, rule: IdleRule) -> None:
        """Keep a record, and let go of what no window of the rule reaches any more."""
        fresh = sample_of(event.since, event.until, event.resources)
        before = self.of.get(event.reservation_id, ())
        self.of[event.reservation_id] = with_sample(before, fresh, rule.window_hours * HOUR_SECONDS)

    def samples(self, reservation: Reservation) -> tuple[Sample, ...]:
        """What is known of a reservation."""
        return self.of.get(reservation.id, ())

    def forget(self, reservation_id: str) -> None:
        """A reservation runs no more."""
        self.of.pop(reservation_id, None)


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
