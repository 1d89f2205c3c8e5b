"""The agenda of the centre: which reservation time alone will change next, and when."""

from collections.abc import Mapping
from heapq import heappop, heappush

from services.allocation.calendars.pool import Pool
from services.allocation.life import next_change
from services.allocation.reservations import Reservation, State


class Agenda:
    """Ids of reservations by the time in seconds at which time alone will change them, and a heap of those times.

    Many change at the same time, a full hour say. What is stale is left in it until its time has come. The centre's
    tables are shared, and only looked at.
    """

    def __init__(self, pools: Mapping[str, Pool], reservations: Mapping[str, Reservation]) -> None:
        self._at: dict[int, list[str]] = {}
        self._times: list[int] = []
        self._pools = pools
        self._reservations = reservations

    @property
    def first(self) -> int | None:
        """The first time of all; None if there is none."""
        return self._times[0] if self._times else None

    def enter(self, reservation: Reservation) -> None:
        """Note when time will change a live reservation."""
        self._note(self.next_change(reservation), reservation.id)

    def follow(self, before: Reservation, after: Reservation) -> None:
        """Note when time will change a reservation, where that is another time than before."""
        if after.state.live and (due := self.next_change(after)) != self.next_change(before):
            self._note(due, after.id)

    def _note(self, time: int, reservation_id: str) -> None:
        names = self._at.get(time)
        if names is None:
            self._at[time] = [reservation_id]
            heappush(self._times, time)
        else:
            names.append(reservation_id)

    def due(self, now: int, limit: int) -> list[Reservation]:
        """At most `limit` reservations whose start or end has come, in order of that time and of their ids."""
        due: list[Reservation] = []
        while self._times and self._times[0] <= now and len(due) < limit:
            time = self._times[0]
            names = self._at[time]
            names.sort(reverse=True)
            while names and len(due) < limit:
                reservation = self._reservations.get(names.pop())
                # Stale is what ended before its time or has moved on; what was rehearsed comes twice.
                stale = reservation is None or not reservation.state.live or self.next_change(reservation) != time
                if reservation is not None and not stale and (not due or due[-1] is not reservation):
                    due.append(reservation)
            if not names:
                del self._at[heappop(self._times)]
        for reservation in due:
            self.enter(reservation)
        return due

    def notes(self) -> set[tuple[int, str]]:
        """Every time that is noted, and for whom."""
        return {(time, name) for time, names in self._at.items() for name in names}

    def next_change(self, reservation: Reservation) -> int:
        """When time alone will change a live reservation, in seconds."""
        return next_change(reservation, self.grace(reservation) if reservation.state is State.ACTIVE else 0)

    def grace(self, reservation: Reservation) -> int:
        """Seconds after its start within which somebody must check in; 0 where nobody need.

        At a machine nobody stands: whether compute is in use, its nodes report.
        """
        own = [self._pools[each.resource] for each in reservation.allocations if not each.companion_of]
        return min([pool.grace_seconds for pool in own if pool.grace_seconds], default=0)
