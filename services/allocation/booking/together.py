"""Deciding several commands together: each on what the ones before it would change, and all of them or none."""

from collections.abc import Sequence

from services.allocation.booking.creating import create_reservation
from services.allocation.booking.rehearsal import Rehearsal
from services.allocation.centre import Centre
from services.allocation.commands import Command, CreateReservation
from services.allocation.events import Events
from services.allocation.rejections import Rejected


class RejectedTogether(Exception):
    """One of the commands was refused, so all of them are. `index` says which, `refusal` why."""

    def __init__(self, index: int, refusal: Rejected) -> None:
        super().__init__(f"item {index}: {refusal}")
        self.index = index
        self.refusal = refusal


def create_together(centre: Centre, commands: Sequence[tuple[int, Command]], now: int) -> list[Events]:
    """The events of every command, in order. Each comes with its place in the batch. Raises `RejectedTogether`."""
    decided: list[Events] = []
    with Rehearsal(centre) as rehearsal:
        for index, command in commands:
            assert isinstance(command, CreateReservation)
            try:
                decided.append(create_reservation(centre, command, now))
            except Rejected as refusal:
                raise RejectedTogether(index, refusal) from None
            rehearsal.play(decided[-1])
    return decided
