"""Balances and statements, read from Postgres at one position each.

Every answer is read in one snapshot together with the checkpoint, so it equals the fold of the log at the position
that it states: late perhaps, a mixture never (P6).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.batch import Checkpoint
from services.ledger.journal import read_checkpoint

STATEMENT_LINES_MAX = 10_000


class NotFound(Exception):
    """There is nothing of this name, or nothing that may be seen."""


class TooLong(Exception):
    """A statement has more than `STATEMENT_LINES_MAX` lines; up to `fits_until` it has no more than that."""

    def __init__(self, fits_until: datetime) -> None:
        super().__init__(f"more than {STATEMENT_LINES_MAX} lines")
        self.fits_until = fits_until


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


@asynccontextmanager
async def snapshot(readers: asyncpg.Pool) -> AsyncIterator[PoolConnectionProxy]:
    """A connection on which every read sees the same moment."""
    async with (
        readers.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def centre_balance(readers: asyncpg.Pool) -> tuple[Checkpoint, list[Amount]]:
    """What stands on the accounts of all companies together."""
    async with snapshot(readers) as connection:
        rows = await connection.fetch(_CENTRE)
        return await read_checkpoint(connection), [Amount(**row) for row in rows]


async def company_balance(readers: asyncpg.Pool, company: str) -> tuple[Checkpoint, list[Amount]]:
    """What stands on a company's accounts. Raises `NotFound`."""
    async with snapshot(readers) as connection:
        await _demand_company(connection, company)
        rows = await connection.fetch(_BALANCE, company)
        return await read_checkpoint(connection), [Amount(**row) for row in rows]


async def statement(readers: asyncpg.Pool, company: str, start: datetime, end: datetime) -> Statement:
    """A company's transfers of a half-open period. Raises `NotFound` or `TooLong`."""
    async with snapshot(readers) as connection:
        await _demand_company(connection, company)
        rows = await connection.fetch(_LINES, company, start, end, STATEMENT_LINES_MAX + 1)
        if len(rows) > STATEMENT_LINES_MAX:
            raise TooLong(max(row["time"] for row in rows))
        return Statement(
            checkpoint=await read_checkpoint(connection),
            opening=[Amount(**row) for row in await connection.fetch(_BALANCE_BEFORE, company, start)],
            lines=[Line(**row) for row in rows],
            closing=[Amount(**row) for row in await connection.fetch(_BALANCE_BEFORE, company, end)],
        )


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

# Backwards from today's balances, because the periods that people ask for are recent ones.
_BALANCE_BEFORE = """
SELECT resource, account, sum(unit_seconds)::bigint AS unit_seconds
FROM (
    SELECT resource, account, unit_seconds FROM balances WHERE company = $1
    UNION ALL
    SELECT resource, from_account, unit_seconds FROM transfers WHERE company = $1 AND time >= $2
    UNION ALL
    SELECT resource, to_account, -unit_seconds FROM transfers WHERE company = $1 AND time >= $2
) AS amounts (resource, account, unit_seconds)
GROUP BY resource, account
HAVING sum(unit_seconds) <> 0
ORDER BY resource, account
"""

_LINES = """
SELECT line.time, journal.position, journal.type AS event, line.reservation, line.resource,
       line.from_account, line.to_account, line.unit_seconds
FROM (
    SELECT * FROM transfers
    WHERE company = $1 AND time >= $2 AND time < $3
    ORDER BY time, number, line
    LIMIT $4
) AS line
JOIN journal USING (number)
ORDER BY line.number, line.line
"""
