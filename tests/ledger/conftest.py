"""Fixtures of the ledger's tests."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from services.eventlog.memory import MemoryLog
from services.ledger.database import connect_readers, connect_writer
from services.ledger.migrate import migrate
from services.runtime.embedded import Postgres
from tests.ledger.folding import Ledger

TABLES = "tables"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def tables(postgres: Postgres) -> str:
    """The name of a database with this release's tables, all empty. To copy it is quicker than to make them again."""

    async def make() -> None:
        pool = await connect_writer(await postgres.create_database(TABLES))
        await migrate(pool)
        await pool.close()

    asyncio.run(make())
    return TABLES


@pytest.fixture
async def ledger(postgres: Postgres, tables: str) -> AsyncIterator[Ledger]:
    """A ledger over an empty log, in a database of its own with empty tables."""
    name = f"ledger_{next(_numbers)}"
    superuser = await asyncpg.connect(postgres.superuser_dsn)
    await superuser.execute(f'CREATE DATABASE "{name}" TEMPLATE "{tables}" OWNER aidc')
    await superuser.close()
    async with over(postgres.dsn_of(name)) as made:
        yield made
    await postgres.drop_database(name)


@pytest.fixture
async def unmade(postgres_dsn: str) -> AsyncIterator[Ledger]:
    """A ledger over an empty log and an empty database, whose tables are still to be made."""
    async with over(postgres_dsn) as empty:
        yield empty


@asynccontextmanager
async def over(dsn: str) -> AsyncIterator[Ledger]:
    """A ledger over an empty log and a database."""
    writer, readers = await connect_writer(dsn), await connect_readers(dsn)
    yield Ledger(MemoryLog(), writer, readers, dsn)
    writer.terminate()
    readers.terminate()
