"""Who held which bins, when, and from which decision of the log to which that was true (table `allocations`).

The table refuses what would double-book (P1): see schema/0003_reservations.sql and 0017_guards.sql.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from asyncpg.pool import PoolConnectionProxy

from services.allocation.reservations import Allocation
from services.allocation.standing import runs
from services.ledger.books import Place
from services.ledger.facts import Fact
from services.ledger.moments import second

Rows = list[tuple[Any, ...]]
Held = tuple[int, int | None]
"""The first and the last event after which it was true, as asyncpg takes a range; None: it still is."""

COLUMNS = (
    *("number", "reservation", "resource", "place", "bins", "amount"),
    *("bin_capacity", "starts_at", "ends_at", "held"),
)


class Allocations:
    """New rows, and the ends of earlier ones."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._rows: Rows = []
        self._open: dict[int, tuple[Rows, int]] = {}
        self._ends: dict[int, int] = {}
        self._ended_early: list[int] = []

    def add(self, fact: Fact) -> None:
        step = fact.step
        if step is None:
            return
        before, after = step.before, step.after
        live = after.reservation.state.live
        if before is not None:
            if live and before.number == after.number:
                return
            self._end(before.number, fact.decision)
            if fact.time < second(before.reservation.end):
                self._ended_early.append(before.number)
        if live:
            self._hold(fact, after.reservation.occupied)

    def _hold(self, fact: Fact, allocations: tuple[Allocation, ...]) -> None:
        held: Held = (fact.decision, None)
        rows: Rows = []
        for allocation in allocations:
            rows += _rows(fact, allocation, self._places[allocation.resource], held)
        self._open[fact.number] = (rows, fact.decision)

    def _end(self, number: int, decision: int) -> None:
        opened = self._open.pop(number, None)
        if opened is None:
            self._ends[number] = decision
            return
        rows, first = opened
        if first != decision:  # Else it was true at no moment: one decision both made it and ended it.
            held = (first, decision - 1)
            self._rows += [(*row[:-1], held) for row in rows]

    async def write(self, connection: PoolConnectionProxy) -> None:
        if self._ends:
            await connection.execute(_END, _listed(self._ends), _listed(self._ends.values()))
        records = self._rows.copy()
        for rows, _ in self._open.values():
            records += rows
        if records:
            await connection.copy_records_to_table("allocations", records=records, columns=COLUMNS)
        if self._ended_early:  # Only now, for what came may have come before that end.
            await connection.execute(_LEAVE, _listed(self._ended_early))


def _rows(fact: Fact, allocation: Allocation, place: Place, held: Held) -> Iterator[tuple[Any, ...]]:
    """A row for each span and each run of whole bins, or each bin where bins can be shared."""
    number, reservation, resource = fact.number, fact.reservation, allocation.resource
    first, capacity = place.first, place.bin_capacity
    spans = [(second(start), second(end)) for start, end in allocation.spans]
    for run in runs(allocation, capacity):
        for start, end in spans:
            yield number, reservation, resource, first + run.first, run.bins, run.amount, capacity, start, end, held


def _listed(numbers: Iterable[int]) -> str:
    """Numbers for Postgres to take apart: in an array, asyncpg would look at each of them in Python."""
    return ",".join(map(str, numbers))


_END = """
UPDATE allocations
SET held = int8range(lower(held), ending.decision)
FROM unnest(string_to_array($1, ',')::bigint[], string_to_array($2, ',')::bigint[]) AS ending (number, decision)
WHERE allocations.number = ending.number
"""

_LEAVE = """
UPDATE allocations
SET guarded = false
FROM unnest(string_to_array($1, ',')::bigint[]) AS early (number)
WHERE allocations.number = early.number
"""
