"""The agenda of the centre: which reservation time alone will change next, and when."""

from collections.abc import Mapping
from heapq import heappop, heappush

from services.allocation.calendars.pool import Pool
from services.allocation.life import next_change
from services.allocation.reservations import Reservation, State


class Agenda:
    """A heap of times in seconds and ids of reservations. What is stale is left in it until its time has come.

    The centre's tables are shared, and only looked at.
    """

    def __init__(self, pools: Mapping[str, Pool], reservations: Mapping[str, Reservation]) -> None:
        self.entries: list[tuple[int, str]] = []
        self._pools = pools
        self._reservations = reservations

    def enter(self, reservation: Reservation) -> None:
        """Note when time will change a live reservation."""
        heappush(self.entries, (self.next_change(reservation), reservation.id))

    def follow(self, before: Reservation, after: Reservation) -> None:
        """Note when time will change a reservation, where that is another time than before."""
        if after.state.live and (due := self.next_change(after)) != self.next_change(before):
            heappush(self.entries, (due, after.id))

    def due(self, now: int, limit: int) -> list[Reservation]:
        """At most `limit` reservations whose start or end has come, in order of that time."""
        due: list[Reservation] = []
        while self.entries and self.entries[0][0] <= now and len(due) < limit:
            time, reservation_id = heappop(self.entries)
            reservation = self._reservations.get(reservation_id)
            # Stale is what ended before its time or has moved on; what was rehearsed comes twice.
            stale = reservation is None or not reservation.state.live or self.next_change(reservation) != time
            if reservation is not None and not stale and (not due or due[-1] is not reservation):
                due.append(reservation)
        for reservation in due:
            self.enter(reservation)
        return due

    def next_change(self, reservation: Reservation) -> int:
        """When time alone will change a live reservation, in seconds."""
        return next_change(reservation, self.grace(reservation) if reservation.state is State.ACTIVE else 0)

    def grace(self, reservation: Reservation) -> int:
        """Seconds after its start within which somebody must check in; 0 where nobody need.

        At a machine nobody stands: whether compute is in use, its nodes report.
        """
        own = [self._pools[each.resource] for each in reservation.allocations if not each.companion_of]
        return min([pool.grace_seconds for pool in own if pool.grace_seconds], default=0)
