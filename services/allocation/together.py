"""Deciding several commands together: each on what the ones before it would change, and all of them or none.

The decisions are rehearsed in the centre itself and taken back again, so that it is left as it was.
"""

from collections.abc import Iterable, Sequence

from services.allocation.centre import Centre
from services.allocation.commands import Command, CreateReservation
from services.allocation.decide import Events, create_reservation
from services.allocation.events import AllocationsMoved, Event, ReservationConfirmed, ReservationHeld
from services.allocation.rejections import Rejected
from services.allocation.resources import Reservation


class RejectedTogether(Exception):
    """One of the commands was refused, so all of them are. `index` says which, `refusal` why."""

    def __init__(self, index: int, refusal: Rejected) -> None:
        super().__init__(f"item {index}: {refusal}")
        self.index = index
        self.refusal = refusal


def create_together(centre: Centre, commands: Sequence[tuple[int, Command]], now: int) -> list[Events]:
    """The events of every command, in order. Each comes with its place in the batch. Raises `RejectedTogether`."""
    decided: list[Events] = []
    rehearsed: list[tuple[str, Reservation | None]] = []
    try:
        for index, command in commands:
            assert isinstance(command, CreateReservation)
            try:
                decided.append(create_reservation(centre, command, now))
            except Rejected as refusal:
                raise RejectedTogether(index, refusal) from None
            rehearsed += _rehearse(centre, decided[-1])
    finally:
        for reservation_id, before in reversed(rehearsed):
            centre.take_back(reservation_id, before)
    return decided


def _rehearse(centre: Centre, facts: Iterable[Event]) -> list[tuple[str, Reservation | None]]:
    """Make the facts true for now; every reservation that they change, as it was before."""
    changed = []
    for fact in facts:
        assert isinstance(fact, ReservationConfirmed | ReservationHeld | AllocationsMoved)
        changed.append((fact.reservation_id, centre.reservations.get(fact.reservation_id)))
        centre.rehearse(fact)
    return changed
