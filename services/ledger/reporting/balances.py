"""What stands on the accounts, of a company or of all together, in one month or in all: in unit-seconds and KRW."""

from datetime import datetime

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.batch import Checkpoint
from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.views import NOW, View, after, demand_company, known

EVERY_MONTH = 0


class Amount(Struct, frozen=True):
    """What stands on one account."""

    resource: str
    account: str
    unit_seconds: int
    krw: int


async def centre_balance(
    readers: asyncpg.Pool, view: View, period: int = EVERY_MONTH
) -> tuple[Checkpoint, list[Amount]]:
    """What stands on the accounts of all companies together."""
    async with snapshot(readers) as connection:
        standing = await known(connection, view)
        if view == NOW:
            rows = await connection.fetch(_CENTRE, period)
        else:
            rows = await connection.fetch(_CENTRE_BEFORE, period, after(view), standing.number)
        return standing, [Amount(**row) for row in rows]


async def company_balance(
    readers: asyncpg.Pool, company: str, view: View, period: int = EVERY_MONTH
) -> tuple[Checkpoint, list[Amount]]:
    """What stands on a company's accounts. Raises `NotFound`."""
    async with company_snapshot(readers, company) as connection:
        await demand_company(connection, company)
        standing = await known(connection, view)
        if view == NOW:
            rows = await connection.fetch(_COMPANY, company, period)
            return standing, [Amount(**row) for row in rows]
        return standing, await balance_before(connection, company, after(view), standing.number, period)


async def balance_before(
    connection: PoolConnectionProxy, company: str, moment: datetime, number: int, period: int = EVERY_MONTH
) -> list[Amount]:
    """What stood on a company's accounts before a moment, by the events up to a number."""
    rows = await connection.fetch(_COMPANY_BEFORE, company, period, moment, number)
    return [Amount(**row) for row in rows]


async def balances_of_all(
    connection: PoolConnectionProxy, moment: datetime, number: int, first: int, last: int
) -> list[tuple[str, Amount]]:
    """What stood on every company's accounts of some months before a moment, by the events up to a number."""
    rows = await connection.fetch(_ALL_BEFORE, first, moment, number, last)
    return [(row["company"], Amount(row["resource"], row["account"], row["unit_seconds"], row["krw"])) for row in rows]


_CENTRE = """
SELECT resource, account, sum(unit_seconds)::bigint AS unit_seconds, sum(krw)::bigint AS krw
FROM balances
WHERE $1 = 0 OR period = $1
GROUP BY resource, account
HAVING sum(unit_seconds) <> 0 OR sum(krw) <> 0
ORDER BY resource, account
"""

_COMPANY = """
SELECT resource, account, sum(unit_seconds)::bigint AS unit_seconds, sum(krw)::bigint AS krw
FROM balances
WHERE company = $1 AND ($2 = 0 OR period = $2)
GROUP BY resource, account
HAVING sum(unit_seconds) <> 0 OR sum(krw) <> 0
ORDER BY resource, account
"""

# Backwards from today's balances, because what people ask for is recent.
_CENTRE_BEFORE = """
SELECT resource, account, sum(unit_seconds)::bigint AS unit_seconds, sum(krw)::bigint AS krw
FROM (
    SELECT period, resource, account, unit_seconds, krw FROM balances
    UNION ALL
    SELECT period, resource, from_account, unit_seconds, krw FROM transfers WHERE time >= $2 OR number > $3
    UNION ALL
    SELECT period, resource, to_account, -unit_seconds, -krw FROM transfers WHERE time >= $2 OR number > $3
) AS amounts (period, resource, account, unit_seconds, krw)
WHERE $1 = 0 OR period = $1
GROUP BY resource, account
HAVING sum(unit_seconds) <> 0 OR sum(krw) <> 0
ORDER BY resource, account
"""

_COMPANY_BEFORE = """
SELECT resource, account, sum(unit_seconds)::bigint AS unit_seconds, sum(krw)::bigint AS krw
FROM (
    SELECT period, resource, account, unit_seconds, krw FROM balances
    WHERE company = $1
    UNION ALL
    SELECT period, resource, from_account, unit_seconds, krw FROM transfers
    WHERE company = $1 AND (time >= $3 OR number > $4)
    UNION ALL
    SELECT period, resource, to_account, -unit_seconds, -krw FROM transfers
    WHERE company = $1 AND (time >= $3 OR number > $4)
) AS amounts (period, resource, account, unit_seconds, krw)
WHERE $2 = 0 OR period = $2
GROUP BY resource, account
HAVING sum(unit_seconds) <> 0 OR sum(krw) <> 0
ORDER BY resource, account
"""

_ALL_BEFORE = """
SELECT company, resource, account, sum(unit_seconds)::bigint AS unit_seconds, sum(krw)::bigint AS krw
FROM (
    SELECT company, resource, account, unit_seconds, krw FROM balances WHERE period BETWEEN $1 AND $4
    UNION ALL
    SELECT company, resource, from_account, unit_seconds, krw FROM transfers
    WHERE period BETWEEN $1 AND $4 AND (time >= $2 OR number > $3)
    UNION ALL
    SELECT company, resource, to_account, -unit_seconds, -krw FROM transfers
    WHERE period BETWEEN $1 AND $4 AND (time >= $2 OR number > $3)
) AS amounts (company, resource, account, unit_seconds, krw)
GROUP BY company, resource, account
HAVING sum(unit_seconds) <> 0 OR sum(krw) <> 0
ORDER BY company, resource, account
"""
