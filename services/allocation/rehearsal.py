"""A rehearsal: decisions made true in the centre for a while, so that the next ones see them, and then taken back."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from services.allocation.centre import Centre
from services.allocation.conduct import Conduct
from services.allocation.events import Event, ReservationEvent, StrikeGiven, SuspensionSet
from services.allocation.resources import Reservation


class Rehearsal:
    """What was made true since the block began. At its end the centre is as it was."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._before: list[tuple[str, Reservation | None]] = []
        self._conducts: dict[str, Conduct | None] = {}

    def __enter__(self) -> Self:
        return self

    def play(self, facts: Iterable[Event]) -> None:
        """Make facts about reservations, and about how companies conduct themselves, true for now."""
        for fact in facts:
            if isinstance(fact, StrikeGiven | SuspensionSet):
                self._conducts.setdefault(fact.company, self._centre.records.conducts.get(fact.company))
            else:
                assert isinstance(fact, ReservationEvent), "anything else could not be taken back"
                self._before.append((fact.reservation_id, self._centre.reservations.get(fact.reservation_id)))
            self._centre.rehearse(fact)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reservation_id, before in reversed(self._before):
            self._centre.take_back(reservation_id, before)
        for company, conduct in self._conducts.items():
            self._centre.records.restore(company, conduct)
