"""Statements: the entries of a month or of any interval, what they come to, and what changed between two views."""

from datetime import datetime

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.batch import Checkpoint
from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.balances import EVERY_MONTH, Amount, balance_before, balances_of_all
from services.ledger.reporting.summary import CompanyTotal, Row, Thing, company_totals, rows_of
from services.ledger.reporting.transfers import NOTHING, Bounds, Line, lines_of
from services.ledger.reporting.views import View, after, demand_company, known

STATEMENT_LINES_MAX = 10_000


class TooLong(Exception):
    """An answer has more than `STATEMENT_LINES_MAX` lines; those before `fits_until` are no more than that."""

    def __init__(self, fits_until: datetime) -> None:
        super().__init__(f"more than {STATEMENT_LINES_MAX} lines")
        self.fits_until = fits_until


class Statement(Struct, frozen=True, kw_only=True):
    """Opening plus lines is closing. `closed` says whether the month was; `rows` what it comes to, by resource."""

    checkpoint: Checkpoint
    opening: list[Amount]
    lines: list[Line]
    closing: list[Amount]
    closed: bool = False
    rows: list[Row] = []
    totals: list[CompanyTotal] = []


class Changes(Struct, frozen=True, kw_only=True):
    """What stood on the accounts in one view and stands in another, and the lines in between."""

    base: Checkpoint
    checkpoint: Checkpoint
    before: list[Amount]
    after: list[Amount]
    lines: list[Line]


async def interval_statement(
    readers: asyncpg.Pool, company: str, start: datetime, end: datetime, view: View
) -> Statement:
    """A company's transfers that were decided in a half-open interval. Raises `NotFound` or `TooLong`."""
    start, end = min(start, after(view)), min(end, after(view))
    async with company_snapshot(readers, company) as connection:
        await demand_company(connection, company)
        standing = await known(connection, view)
        since, until = Bounds(start, standing.number), Bounds(end, standing.number)
        lines = await _lines(connection, company, since, until, EVERY_MONTH)
        opening = await balance_before(connection, company, start, standing.number)
        closing = await balance_before(connection, company, end, standing.number)
    return Statement(checkpoint=standing, opening=opening, lines=lines, closing=closing)


async def month_statement(readers: asyncpg.Pool, company: str, period: int, view: View) -> Statement:
    """All that stands in a company's books of one month. Raises `NotFound` or `TooLong`."""
    async with company_snapshot(readers, company) as connection:
        await demand_company(connection, company)
        standing = await known(connection, view)
        bounds = Bounds(after(view), standing.number)
        lines = await _lines(connection, company, NOTHING, bounds, period)
        closing = await balance_before(connection, company, bounds.before, bounds.number, period)
        return Statement(
            checkpoint=standing,
            opening=[],
            lines=lines,
            closing=closing,
            closed=await _closed(connection, period, bounds),
            rows=rows_of(closing, await _things(connection)),
        )


async def centre_statement(readers: asyncpg.Pool, period: int, view: View) -> Statement:
    """What stands in the books of one month, by resource and by company; each company's own tells the lines."""
    async with snapshot(readers) as connection:
        standing = await known(connection, view)
        bounds = Bounds(after(view), standing.number)
        amounts = await balances_of_all(connection, bounds.before, bounds.number, period, period)
        closing = [Amount(resource, account, *sums) for (resource, account), sums in sorted(_summed(amounts).items())]
        names = {row["company"]: row["display_name"] for row in await connection.fetch(_COMPANIES, standing.number)}
        return Statement(
            checkpoint=standing,
            opening=[],
            lines=[],
            closing=closing,
            closed=await _closed(connection, period, bounds),
            rows=rows_of(closing, await _things(connection)),
            totals=company_totals(amounts, names),
        )


async def changes(readers: asyncpg.Pool, company: str, period: int, base: View, view: View) -> Changes:
    """What changed in a company's books of one month, or of all, between two views. Raises `NotFound` or `TooLong`."""
    async with company_snapshot(readers, company) as connection:
        await demand_company(connection, company)
        first, last = await known(connection, base), await known(connection, view)
        since, until = Bounds(after(base), first.number), Bounds(after(view), last.number)
        return Changes(
            base=first,
            checkpoint=last,
            before=await balance_before(connection, company, since.before, since.number, period),
            after=await balance_before(connection, company, until.before, until.number, period),
            lines=await _lines(connection, company, since, until, period),
        )


async def _lines(
    connection: PoolConnectionProxy, company: str, since: Bounds, until: Bounds, period: int
) -> list[Line]:
    lines = await lines_of(connection, company, since, until, period, STATEMENT_LINES_MAX + 1)
    if len(lines) > STATEMENT_LINES_MAX:
        raise TooLong(max(line.time for line in lines))
    return lines


async def _closed(connection: PoolConnectionProxy, period: int, bounds: Bounds) -> bool:
    found: bool = await connection.fetchval(_CLOSED, period, bounds.before, bounds.number)
    return found


async def _things(connection: PoolConnectionProxy) -> dict[str, Thing]:
    return {row["resource"]: Thing(**row) for row in await connection.fetch(_THINGS)}


def _summed(amounts: list[tuple[str, Amount]]) -> dict[tuple[str, str], tuple[int, int]]:
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for _, amount in amounts:
        seconds, krw = sums.get((amount.resource, amount.account), (0, 0))
        sums[amount.resource, amount.account] = (seconds + amount.unit_seconds, krw + amount.krw)
    return sums


_CLOSED = "SELECT EXISTS (SELECT FROM closings WHERE period >= $1 AND time < $2 AND number <= $3)"

_COMPANIES = "SELECT company, display_name FROM companies WHERE number <= $1"

_THINGS = "SELECT resource, display_name, kind, unit, units_each FROM resources"
