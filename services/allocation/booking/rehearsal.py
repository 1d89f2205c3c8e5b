"""A rehearsal: decisions made true in the centre for a while, so that the next ones see them, and then taken back."""

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from services.allocation.centre import Centre
from services.allocation.events import (
    ChangeEnded,
    ChangeRequested,
    Event,
    ReservationCancelled,
    ReservationChanged,
    ReservationEvent,
    StrikeGiven,
    SuspensionSet,
)
from services.allocation.reservations import Reservation
from services.allocation.values.conduct import Conduct


class Rehearsal:
    """What was made true since the block began. At its end the centre is as it was."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._before: list[tuple[str, Reservation | None]] = []
        self._conducts: dict[str, Conduct | None] = {}
        self._rows: dict[int, tuple[dict[str, Any], list[str]]] = {}
        self._ended = len(centre.lists.ended)
        self._outages = centre.outages.memo()

    def __enter__(self) -> Self:
        return self

    def play(self, facts: Iterable[Event]) -> None:
        """Make facts about reservations, and about how companies conduct themselves, true for now."""
        for fact in facts:
            if isinstance(fact, StrikeGiven | SuspensionSet):
                self._conducts.setdefault(fact.company, self._centre.records.conducts.get(fact.company))
            else:
                assert isinstance(fact, ReservationEvent), "anything else could not be taken back"
                before = self._centre.reservations.get(fact.reservation_id)
                if before is not None:
                    self._keep_order(before, fact)
                self._before.append((fact.reservation_id, before))
            self._centre.rehearse(fact)

    def _keep_order(self, before: Reservation, fact: ReservationEvent) -> None:
        """Note in which order what waits came, where a fact may take a reservation out of the row."""
        centre, held = self._centre, before.resources
        rows: list[dict[str, Any]] = []
        moves = isinstance(fact, ReservationChanged) and held != {each.resource for each in fact.allocations}
        if moves or isinstance(fact, ChangeRequested | ChangeEnded):
            rows = [centre.reservations, centre.lists.of[before.company]]
        elif not isinstance(fact, ReservationCancelled):
            return
        for row in (*rows, *(centre.pools[name].waiting for name in held)):
            self._rows.setdefault(id(row), (row, list(row)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reservation_id, before in reversed(self._before):
            self._take_back(reservation_id, before)
        for company, conduct in self._conducts.items():
            self._centre.records.restore(company, conduct)
        while len(self._centre.lists.ended) > self._ended:
            self._centre.lists.ended.pop()
        if self._outages is not None:
            self._centre.outages.put_back(self._outages)
        self._line_up()

    def _take_back(self, reservation_id: str, before: Reservation | None) -> None:
        """Let a reservation stand as it did before it was last rehearsed, or not at all."""
        centre = self._centre
        after = centre.reservations[reservation_id]
        centre.holdings.hold(after, -1)
        if before is None:
            centre.lists.leave(after)
            del centre.reservations[reservation_id]
            return
        centre.holdings.hold(before)
        centre.lists.go_back(after, before)
        centre.reservations[reservation_id] = before
        if before.start != after.start:
            centre.cards.keep(after, before)

    def _line_up(self) -> None:
        """Let everything stand in the order in which it stood."""
        for row, order in self._rows.values():
            again = {name: row[name] for name in order if name in row}
            row.clear()
            row.update(again)
