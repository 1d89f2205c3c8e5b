"""What running reservations were used of late, kept as long as the rule about idle compute may ask."""

from services.allocation.attendance.idling import Sample, sample_of, with_sample
from services.allocation.events import UseMeasured
from services.allocation.reservations import Reservation
from services.allocation.values.terms import IdleRule

HOUR_SECONDS = 3600


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
