"""Clearing the way for an outage: whoever stands on what is out is put elsewhere, or else loses it.

The oldest claims come first. What has not begun keeps its slots on other units where that is possible, and others that
wait may be moved for it. What runs is bound to its units: it is put elsewhere for a failure alone, it ends when a
planned outage begins, and it loses its units to an outage that came unannounced. One decision deals with a bounded
number of reservations; a tick goes on with the others, and nobody can book what is out meanwhile.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from services.allocation.calendars.places import Place
from services.allocation.centre import Centre
from services.allocation.events import AllocationsMoved, ChangeEnded, ReservationCurtailed, ReservationDisplaced
from services.allocation.reservations import Allocation, Line, Reservation
from services.allocation.resources import Interval
from services.allocation.states.asking import over
from services.allocation.units.placing import Paper
from services.allocation.units.repack import may_repack, piece_of, repack
from services.allocation.units.want import Want
from services.allocation.values.change import ChangeOutcome
from services.allocation.values.outage import OutageKind

RESERVATIONS_MAX = 100
"""One decision deals with at most so many reservations, so that it fits a page and nobody waits long behind it."""
REPACKS_MAX = 10
"""So often may one decision arrange anew what waits in a pool; then the next decision goes on."""

Cleared = tuple[ChangeEnded | AllocationsMoved | ReservationCurtailed | ReservationDisplaced, ...]


def clear(centre: Centre, reservations: Iterable[Reservation], now: int) -> Cleared:
    """What becomes of the oldest of some reservations that stand in the way. The calendars are left as they were."""
    # What begins just now is bound to its units, though no tick has said so yet: that comes first.
    ready = (each for each in reservations if not each.state.waiting or each.start > now)
    oldest = sorted(ready, key=lambda each: (each.created_at, each.start, each.id))[:RESERVATIONS_MAX]
    return _Clearing(centre, oldest, now).run()


class _Clearing:
    """One decision in the making, drawn onto paper."""

    def __init__(self, centre: Centre, reservations: Sequence[Reservation], now: int) -> None:
        self._centre = centre
        self._now = now
        self._paper = Paper(centre)
        self._asked = [each for each in reservations if each.asked is not None]
        self._waiting = {each.id: over(each) for each in reservations}
        self._repacks = 0
        self._outage_of: dict[str, str] = {}
        self._lost: list[ReservationCurtailed | ReservationDisplaced] = []

    def run(self) -> Cleared:
        """Deal with one after another, with none of the others in the way."""
        try:
            for reservation in self._asked:  # What was only asked for makes way first, and what stands may then stay.
                for allocation in reservation.beside:
                    self._paper.hold(allocation, -1)
            for reservation in self._waiting.values():
                for allocation in reservation.allocations:
                    if self._hit(allocation):
                        self._paper.hold(allocation, -1)
            for reservation in list(self._waiting.values()):
                if self._repacks >= REPACKS_MAX:
                    break
                self._deal_with(reservation)
                del self._waiting[reservation.id]
        finally:
            moves = self._paper.clear()
        ended = (self._ended(each) for each in self._asked if each.id not in self._waiting)
        moved = (replace(move, outage=self._outage_of.get(move.reservation_id, "")) for move in moves)
        return (*ended, *moved, *self._lost)

    def _ended(self, reservation: Reservation) -> ChangeEnded:
        outage = self._centre.outages.obstacle(reservation)
        assert outage is not None, "it stands in the way of one"
        return ChangeEnded(reservation_id=reservation.id, outcome=ChangeOutcome.OUTAGE, outage=outage.id)

    def _deal_with(self, reservation: Reservation) -> None:
        outage = self._centre.outages.obstacle(reservation)
        if outage is None:
            return  # Only what was asked for stood in its way.
        begun, ahead = reservation.start <= self._now, outage.start > self._now
        cut = max(reservation.start, outage.start) if begun else reservation.start
        placed = None
        if not begun or (outage.kind is OutageKind.FAILURE and not ahead):
            placed = self._placed(reservation, cut)
        if placed is not None:
            self._paper.moved[reservation.id] = placed
            self._outage_of[reservation.id] = outage.id
            return
        self._lose(reservation, cut)
        self._lost.append(
            ReservationCurtailed(reservation_id=reservation.id, until=cut, outage=outage.id)
            if begun and ahead
            else ReservationDisplaced(reservation_id=reservation.id, displaced_at=cut, outage=outage.id)
        )

    def _hit(self, allocation: Allocation) -> bool:
        return self._centre.pools[allocation.resource].closed.takes(allocation.bins, allocation.spans)

    def _placed(self, reservation: Reservation, cut: int) -> Reservation | None:
        """The reservation with other units, from a time on, for all that is out; drawn. None if there are none."""
        allocations: list[Allocation] = []
        drawn: list[Allocation] = []
        for number, allocation in enumerate(reservation.allocations):
            if not self._hit(allocation):
                allocations.append(allocation)
                continue
            place = self._place(reservation, number, allocation.since(cut))
            if place is None:
                for each in drawn:
                    self._paper.hold(each, -1)
                return None
            if used := allocation.until(cut):
                drawn.append(replace(allocation, spans=used))
            drawn.append(replace(allocation, spans=allocation.since(cut), bins=place.bins, amounts=place.amounts))
            allocations += drawn[-2 if used else -1 :]
            for each in drawn[-2 if used else -1 :]:
                self._paper.hold(each)
        return replace(reservation, allocations=tuple(allocations))

    def _place(self, reservation: Reservation, number: int, spans: tuple[Interval, ...]) -> Place | None:
        pool = self._centre.pools[reservation.allocations[number].resource]
        piece = piece_of(pool, reservation, number)
        place = pool.place(spans, piece.parts, piece.colocation)
        if place is not None:
            return place
        line = Line(resource=pool.resource.id, units=piece.units, colocation=piece.colocation)
        want = Want(pool, pool.resource, line, piece.parts, spans)
        if not may_repack(want):
            return None
        self._repacks += 1
        arranged = repack(self._centre, want, self._now, self._paper.moved, left_out=self._waiting.keys())
        if arranged is None:
            return None
        place, moved = arranged
        self._paper.move(moved)
        return place

    def _lose(self, reservation: Reservation, cut: int) -> None:
        """Leave in the calendars what lies before a time. What is out has left them already."""
        for allocation in reservation.allocations:
            if not self._hit(allocation):
                self._paper.hold(allocation, -1)
            if kept := allocation.until(cut):
                self._paper.hold(replace(allocation, spans=kept))
