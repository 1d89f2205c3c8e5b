"""The lists of the centre: which reservations are whose, which are held or offered, which wait, run or have ended."""

from collections import deque
from collections.abc import Mapping

from services.allocation.calendars.pool import Pool
from services.allocation.reservations import Reservation, State


class Lists:
    """Ids of reservations, in the order in which they came. What waits is listed in the pool for which it waits."""

    def __init__(self, pools: Mapping[str, Pool]) -> None:
        self.of: dict[str, dict[str, None]] = {}  # All of each company.
        self.held: dict[str, set[str]] = {}  # The held offers of each company.
        self.offered: dict[str, dict[str, None]] = {}  # What others let each company take over.
        self.running: dict[str, None] = {}  # What has started.
        self.ended: deque[tuple[int, str]] = deque()  # What has ended, with the time in seconds.
        self._pools = pools

    def enter(self, reservation: Reservation) -> None:
        """Take in a reservation that was on no list."""
        name, state = reservation.id, reservation.state
        self.of.setdefault(reservation.company, {})[name] = None
        if not state.live:
            return
        if state is State.HELD:
            self._note_held(reservation)
        self._note_offer(None, reservation)
        if not state.waiting:
            self.running[name] = None
            return
        for each in reservation.allocations:
            self._pools[each.resource].waiting[name] = None
        for each in reservation.asked.beside if reservation.asked is not None else ():
            self._pools[each.resource].waiting[name] = None

    def follow(self, before: Reservation, after: Reservation, now: int) -> None:
        """Put a reservation onto the lists that it belongs to after an event, at a time in seconds."""
        if before.state is State.HELD:
            self._note_held(after)
        self._note_offer(before, after)
        self._wait(before, after)
        if not after.state.live:
            self.running.pop(after.id, None)
            self.ended.append((now, after.id))
        elif not after.state.waiting:
            self.running[after.id] = None

    def come_last(self, before: Reservation, after: Reservation) -> None:
        """Let a reservation of other resources, or another company, be the last wherever it waits, as on a restart."""
        del self.of[before.company][after.id]
        self.of[after.company][after.id] = None
        for name in before.resources:
            self._pools[name].waiting.pop(after.id, None)

    def go_back(self, after: Reservation, before: Reservation) -> None:
        """Let a waiting reservation stand where it stood before an event that is taken back."""
        self._wait(after, before)
        self._note_offer(after, before)
        self._note_held(before)

    def leave(self, reservation: Reservation) -> None:
        """Let it be as if a waiting reservation had never been."""
        self.held.get(reservation.company, set()).discard(reservation.id)
        del self.of[reservation.company][reservation.id]
        for name in reservation.resources:
            self._pools[name].waiting.pop(reservation.id, None)

    def _note_held(self, reservation: Reservation) -> None:
        held = self.held.setdefault(reservation.company, set())
        if reservation.state is State.HELD:
            held.add(reservation.id)
        else:
            held.discard(reservation.id)

    def _note_offer(self, before: Reservation | None, after: Reservation) -> None:
        if before is not None and before.transfer is not None:
            self.offered.get(before.transfer.to, {}).pop(before.id, None)
        if after.transfer is not None and after.offered_to:
            self.offered.setdefault(after.offered_to, {})[after.id] = None

    def _wait(self, before: Reservation, after: Reservation) -> None:
        waits = after.resources if after.state.waiting else frozenset()
        for name in before.resources if before.state.waiting else ():
            if name not in waits:
                self._pools[name].waiting.pop(after.id, None)
        for name in sorted(waits):
            self._pools[name].waiting[after.id] = None
