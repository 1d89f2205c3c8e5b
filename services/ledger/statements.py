"""Balances and statements, read from Postgres at one position each.

Every answer is read in one snapshot together with the checkpoint, so it equals the fold of the log at the position
that it states: late perhaps, a mixture never (P6). Every answer can also be had as of an earlier time, and as known at
an earlier position: then the transfers that came later are taken off again.
"""

from datetime import UTC, datetime, timedelta

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.batch import Checkpoint
from services.ledger.journal import read_checkpoint
from services.ledger.reading import company_snapshot, snapshot

STATEMENT_LINES_MAX = 10_000
FOREVER = datetime.max.replace(tzinfo=UTC)


class NotFound(Exception):
    """There is nothing of this name, or nothing that may be seen."""


class TooLong(Exception):
    """A statement has more than `STATEMENT_LINES_MAX` lines; up to `fits_until` it has no more than that."""

    def __init__(self, fits_until: datetime) -> None:
        super().__init__(f"more than {STATEMENT_LINES_MAX} lines")
        self.fits_until = fits_until


class View(Struct, frozen=True, kw_only=True):
    """From when an answer is: what was true at `as_of`, as known at the log position `known_at`; None is now."""

    as_of: datetime | None = None
    known_at: int | None = None


NOW = View()


class Amount(Struct, frozen=True):
    """What stands on one account."""

    resource: str
    account: str
    unit_seconds: int


class Line(Struct, frozen=True, kw_only=True):
    """One transfer of a statement, and the event that caused it."""

    time: datetime
    position: int
    event: str
    reservation: str
    resource: str
    from_account: str
    to_account: str
    unit_seconds: int


class Statement(Struct, frozen=True, kw_only=True):
    """Opening plus lines is closing."""

    checkpoint: Checkpoint
    opening: list[Amount]
    lines: list[Line]
    closing: list[Amount]


async def centre_balance(readers: asyncpg.Pool, view: View) -> tuple[Checkpoint, list[Amount]]:
    """What stands on the accounts of all companies together."""
    async with snapshot(readers) as connection:
        standing = await known(connection, view)
        if view == NOW:
            rows = await connection.fetch(_CENTRE)
        else:
            rows = await connection.fetch(_CENTRE_BEFORE, after(view), standing.number)
        return standing, [Amount(**row) for row in rows]


async def company_balance(readers: asyncpg.Pool, company: str, view: View) -> tuple[Checkpoint, list[Amount]]:
    """What stands on a company's accounts. Raises `NotFound`."""
    async with company_snapshot(readers, company) as connection:
        await _demand_company(connection, company)
        standing = await known(connection, view)
        if view == NOW:
            rows = await connection.fetch(_BALANCE, company)
        else:
            rows = await connection.fetch(_BALANCE_BEFORE, company, after(view), standing.number)
        return standing, [Amount(**row) for row in rows]


async def statement(readers: asyncpg.Pool, company: str, start: datetime, end: datetime, view: View) -> Statement:
    """A company's transfers of a half-open period. Raises `NotFound` or `TooLong`."""
    start, end = min(start, after(view)), min(end, after(view))
    async with company_snapshot(readers, company) as connection:
        await _demand_company(connection, company)
        standing = await known(connection, view)
        rows = await connection.fetch(_LINES, company, start, end, STATEMENT_LINES_MAX + 1, standing.number)
        if len(rows) > STATEMENT_LINES_MAX:
            raise TooLong(max(row["time"] for row in rows))
        opening = await connection.fetch(_BALANCE_BEFORE, company, start, standing.number)
        closing = await connection.fetch(_BALANCE_BEFORE, company, end, standing.number)
        return Statement(
            checkpoint=standing,
            opening=[Amount(**row) for row in opening],
            lines=[Line(**row) for row in rows],
            closing=[Amount(**row) for row in closing],
        )


def after(view: View) -> datetime:
    """The first moment that does not count any more. Times of the log are whole microseconds."""
    return FOREVER if view.as_of is None or view.as_of >= FOREVER else view.as_of + timedelta(microseconds=1)


async def known(connection: PoolConnectionProxy, view: View) -> Checkpoint:
    """Where the tables stand, or stood at the position asked for, which they must hold."""
    standing = await read_checkpoint(connection)
    if view.known_at is None or view.known_at == standing.position:
        return standing
    assert view.known_at < standing.position, "the caller has waited for it"
    row = await connection.fetchrow(_PAGE, view.known_at)
    assert row is not None, "positions have no gaps"
    return Checkpoint(**row)


async def _demand_company(connection: PoolConnectionProxy, company: str) -> None:
    if not await connection.fetchval("SELECT true FROM companies WHERE company = $1", company):
        raise NotFound(company)


_CENTRE = """
SELECT resource, account, sum(unit_seconds)::bigint AS unit_seconds
FROM balances
GROUP BY resource, account
HAVING sum(unit_seconds) <> 0
ORDER BY resource, account
"""

_BALANCE = """
SELECT resource, account, unit_seconds
FROM balances
WHERE company = $1 AND unit_seconds <> 0
ORDER BY resource, account
"""

# Backwards from today's balances, because what people ask for is recent.
_CENTRE_BEFORE = """
SELECT resource, account, sum(unit_seconds)::bigint AS unit_seconds
FROM (
    SELECT resource, account, unit_seconds FROM balances
    UNION ALL
    SELECT resource, from_account, unit_seconds FROM transfers WHERE time >= $1 OR number > $2
    UNION ALL
    SELECT resource, to_account, -unit_seconds FROM transfers WHERE time >= $1 OR number > $2
) AS amounts (resource, account, unit_seconds)
GROUP BY resource, account
HAVING sum(unit_seconds) <> 0
ORDER BY resource, account
"""

_BALANCE_BEFORE = """
SELECT resource, account, sum(unit_seconds)::bigint AS unit_seconds
FROM (
    SELECT resource, account, unit_seconds FROM balances WHERE company = $1
    UNION ALL
    SELECT resource, from_account, unit_seconds FROM transfers WHERE company = $1 AND (time >= $2 OR number > $3)
    UNION ALL
    SELECT resource, to_account, -unit_seconds FROM transfers WHERE company = $1 AND (time >= $2 OR number > $3)
) AS amounts (resource, account, unit_seconds)
GROUP BY resource, account
HAVING sum(unit_seconds) <> 0
ORDER BY resource, account
"""

_PAGE = "SELECT position, hash, number, time AS page_time FROM pages WHERE position = $1"

_LINES = """
SELECT line.time, journal.position, journal.type AS event, line.reservation, line.resource,
       line.from_account, line.to_account, line.unit_seconds
FROM (
    SELECT * FROM transfers
    WHERE company = $1 AND time >= $2 AND time < $3 AND number <= $5
    ORDER BY time, number, line
    LIMIT $4
) AS line
JOIN journal USING (number)
ORDER BY line.number, line.line
"""
