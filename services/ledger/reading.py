"""How the books are read: one moment for all that an answer needs, and a role that sees no more than the answer may.

The readers' connections begin as the role `aidc_reader`, to whom the database shows the rows of one company, and of
none until a transaction names it. What concerns the whole centre is read as `aidc_auditor`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.pool import PoolConnectionProxy


@asynccontextmanager
async def company_snapshot(readers: asyncpg.Pool, company: str) -> AsyncIterator[PoolConnectionProxy]:
    """A connection on which every read sees the same moment, and of companies' rows this one's alone."""
    async with _transaction(readers, _HOLD) as connection:
        await connection.execute("SELECT set_config('aidc.company', $1, true)", company)
        yield connection


@asynccontextmanager
async def snapshot(readers: asyncpg.Pool) -> AsyncIterator[PoolConnectionProxy]:
    """A connection on which every read sees the same moment, everybody's rows included."""
    async with _transaction(readers, f"SET LOCAL ROLE aidc_auditor; {_HOLD}") as connection:
        yield connection


@asynccontextmanager
async def _transaction(readers: asyncpg.Pool, first: str) -> AsyncIterator[PoolConnectionProxy]:
    async with (
        readers.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(first)
        yield connection


# Before the moment is fixed, which the first query does: from here on no other generation of the tables can take the
# place of this one until the transaction ends (see `generations`).
_HOLD = "LOCK TABLE checkpoint IN ACCESS SHARE MODE"
