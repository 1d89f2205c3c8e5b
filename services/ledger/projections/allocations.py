"""Who held which bins, when, and from which decision of the log to which that was true (table `allocations`).

The table refuses what would double-book (P1): see schema/0003_reservations.sql.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from asyncpg import Range
from asyncpg.pool import PoolConnectionProxy

from services.allocation.reservations import Allocation
from services.allocation.standing import runs
from services.ledger.books import Place
from services.ledger.facts import Fact

Rows = list[tuple[Any, ...]]


class Allocations:
    """New rows, and the ends of earlier ones."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._rows: Rows = []
        self._open: dict[int, tuple[Rows, int]] = {}
        self._ends: dict[int, int] = {}

    def add(self, fact: Fact) -> None:
        if fact.step is None:
            return
        before, after = fact.step.before, fact.step.after
        live = after.reservation.state.live
        if before is not None and (not live or before.number != after.number):
            self._end(before.number, fact.decision)
        if live and (before is None or before.number != after.number):
            self._hold(fact, after.reservation.allocations)

    def _hold(self, fact: Fact, allocations: tuple[Allocation, ...]) -> None:
        label = (fact.number, fact.reservation)
        rows = [
            (*label, *row) for allocation in allocations for row in _rows(allocation, self._places[allocation.resource])
        ]
        self._open[fact.number] = (rows, fact.decision)

    def _end(self, number: int, decision: int) -> None:
        opened = self._open.pop(number, None)
        if opened is None:
            self._ends[number] = decision
        else:
            self._close(*opened, decision)

    def _close(self, rows: Rows, first: int, end: int) -> None:
        if first != end:  # Else it was true at no moment: one decision both made it and ended it.
            self._rows += [(*row, Range(first, end)) for row in rows]

    async def write(self, connection: PoolConnectionProxy) -> None:
        if self._ends:
            await connection.execute(_END, _listed(self._ends), _listed(self._ends.values()))
        standing = [(*row, Range(first, None)) for rows, first in self._open.values() for row in rows]
        if self._rows or standing:
            await connection.copy_records_to_table("allocations", records=[*self._rows, *standing])


def _rows(allocation: Allocation, place: Place) -> Iterator[tuple[Any, ...]]:
    """A row for each span and each run of whole bins, or each bin where bins can be shared."""
    spans = [(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)) for start, end in allocation.spans]
    for run in runs(allocation, place.bin_capacity):
        for start, end in spans:
            at = place.first + run.first
            yield (allocation.resource, at, run.bins, run.amount, place.bin_capacity, start, end)


def _listed(numbers: Iterable[int]) -> str:
    """Numbers for Postgres to take apart: in an array, asyncpg would look at each of them in Python."""
    return ",".join(map(str, numbers))


_END = """
UPDATE allocations
SET held = int8range(lower(held), ending.decision)
FROM unnest(string_to_array($1, ',')::bigint[], string_to_array($2, ',')::bigint[]) AS ending (number, decision)
WHERE allocations.number = ending.number
"""
