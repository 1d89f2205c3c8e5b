"""Entries of the books, each with the event that made it: for statements, for lists, and for what changed."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.archived import demand_events
from services.ledger.batch import Checkpoint
from services.ledger.chart import Phase, phase_of
from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.balances import EVERY_MONTH
from services.ledger.reporting.views import BEGINNING, View, after, demand_company, known

PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 100, 1_000
LATE_FEE_RETURNED = "late_fee_returned"
"""What the event is called that returns a late fee, whatever it was to the company that booked the time again."""


class Line(Struct, frozen=True, kw_only=True):
    """One transfer, and the event that caused it. It stands in `period`, and is about the month `about`."""

    number: int
    line: int
    time: datetime
    position: int
    event: str
    company: str
    reservation: str
    resource: str
    period: int
    about: int
    from_account: str
    to_account: str
    unit_seconds: int
    krw: int

    @property
    def phase(self) -> Phase:
        """Which part of a two-phase transfer it is."""
        return phase_of(self.from_account, self.to_account, self.about != self.period)


class Filter(Struct, frozen=True, kw_only=True):
    """Which transfers: all, or those of a month, a resource, a reservation."""

    period: int = EVERY_MONTH
    resource: str = ""
    reservation: str = ""


class Bounds(Struct, frozen=True):
    """What a view lets in: decisions before a moment, and events up to a number."""

    before: datetime
    number: int


NOTHING = Bounds(BEGINNING, 0)


async def lines_of(
    connection: PoolConnectionProxy, company: str, since: Bounds, until: Bounds, period: int, limit: int
) -> list[Line]:
    """A company's transfers that one view lets in and an earlier one does not, in log order. Raises `Archived`."""
    bounds = (since.before, since.number, until.before, until.number)
    rows = await connection.fetch(_OF_COMPANY_BETWEEN, company, *bounds, period, limit)
    return await _read(connection, rows)


async def page_of(
    readers: asyncpg.Pool, company: str, view: View, chosen: Filter, after_line: tuple[int, int], size: int
) -> tuple[Checkpoint, list[Line]]:
    """The first `size` transfers of a company, or of all where it is empty, after one.

    Raises `NotFound` or `Archived`.
    """
    whose = company_snapshot(readers, company) if company else snapshot(readers)
    async with whose as connection:
        if company:
            await demand_company(connection, company)
        standing = await known(connection, view)
        filters = (chosen.period, chosen.resource, chosen.reservation)
        query = _OF_COMPANY if company else _OF_ALL
        rows = await connection.fetch(query, company, *after_line, after(view), standing.number, size, *filters)
        return standing, await _read(connection, rows)


async def demand_caused(connection: PoolConnectionProxy, rows: Sequence[asyncpg.Record]) -> None:
    """Raises `Archived` if the event of a transfer is not here to be told."""
    if missing := [row["number"] for row in rows if row["event"] is None]:
        await demand_events(connection, missing)


async def _read(connection: PoolConnectionProxy, rows: Sequence[asyncpg.Record]) -> list[Line]:
    await demand_caused(connection, rows)
    return [Line(**row) for row in rows]


# The event that closes a month is nobody's own, so what it carries over is told by `closings`; and what returns a late
# fee is most often another company's, so `late_fees` says where it stands, and nothing of what it says is told.
_LINES = """
SELECT line.number, line.line, line.time,
       coalesce(journal.position, closings.position,
                (SELECT min(position) FROM late_fees WHERE late_fees.number = line.number)) AS position,
       CASE WHEN line.from_account = 'penalty' THEN '{returned}'
            WHEN closings.number IS NOT NULL THEN 'period_closed'
            ELSE journal.type END AS event,
       line.company, line.reservation, line.resource,
       line.period::integer AS period, line.about::integer AS about, line.from_account, line.to_account,
       line.unit_seconds, line.krw
FROM ({chosen}) AS line
LEFT JOIN journal  ON journal.number  = line.number
LEFT JOIN closings ON closings.number = line.number
ORDER BY line.number, line.line
"""


def lines_query(chosen: str) -> str:
    """A query for chosen transfers, each with the event behind it."""
    return _LINES.format(chosen=chosen, returned=LATE_FEE_RETURNED)


_BETWEEN = """
    SELECT * FROM transfers
    WHERE company = $1 AND NOT (time < $2 AND number <= $3) AND time < $4 AND number <= $5 AND ($6 = 0 OR period = $6)
    ORDER BY number, line
    LIMIT $7
"""

_PAGE = """
    SELECT * FROM transfers
    WHERE {whose} AND (number, line) > ($2, $3) AND time < $4 AND number <= $5
      AND ($7 = 0 OR period = $7) AND ($8 = '' OR resource = $8) AND ($9 = '' OR reservation = $9)
    ORDER BY number, line
    LIMIT $6
"""

_OF_COMPANY = lines_query(_PAGE.format(whose="company = $1"))
_OF_ALL = lines_query(_PAGE.format(whose="$1 = ''"))
_OF_COMPANY_BETWEEN = lines_query(_BETWEEN)
