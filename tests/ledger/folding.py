"""A ledger over a log in memory and a real Postgres: fold as much as a test wants, then look at the tables."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from prometheus_client import CollectorRegistry

from services.eventlog.memory import MemoryLog
from services.ledger.database import SCHEMA, as_owner
from services.ledger.digest import Digest, digests
from services.ledger.journal import Journal
from services.ledger.migrate import drop
from services.ledger.progress import Progress
from services.ledger.projector import Projector
from services.ledger.reading import snapshot
from services.ledger.telemetry import LedgerTelemetry
from tests.ledger.pages import CENTRE


class Ledger:
    """One ledger's parts, without its doors."""

    def __init__(
        self, log: MemoryLog, writer: asyncpg.Pool, readers: asyncpg.Pool, dsn: str, centre: str = CENTRE
    ) -> None:
        self.log = log
        self.writer = writer
        self.readers = readers
        self.dsn = dsn
        self.centre = centre
        self.registry = CollectorRegistry()
        self.journal = Journal(writer)
        self.progress = Progress(monotonic)
        self.telemetry = LedgerTelemetry(self.registry)

    async def open(self) -> Projector:
        """Open the journal, as at every start."""
        return await Projector.open(self.log, self.centre, self.journal, self.progress, self.telemetry)

    async def fold(self) -> None:
        """Take everything that the log holds now."""
        projector = await self.open()
        await projector.follow(until=len(self.log.pages))

    async def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """What a query finds."""
        async with snapshot(self.readers) as connection:
            return [tuple(row) for row in await connection.fetch(query, *arguments)]

    async def digests(self) -> dict[str, Digest]:
        """The digest of every table."""
        async with snapshot(self.readers) as connection:
            return await digests(connection)

    @asynccontextmanager
    async def tampering(self) -> AsyncIterator[PoolConnectionProxy]:
        """A transaction of somebody who owns the tables, for whom neither triggers nor policies count."""
        async with as_owner(self.writer) as connection:
            for name in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'ledger'"):
                await connection.execute(f"ALTER TABLE {name[0]} DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY")
            yield connection

    async def drop(self) -> None:
        """Forget all tables."""
        async with as_owner(self.writer) as connection:
            await drop(connection, SCHEMA)

    async def balances(self, company: str = "CMP-0001") -> dict[tuple[str, str], int]:
        """What stands on a company's accounts, by resource and account."""
        query = """
            SELECT resource, account, sum(unit_seconds)::bigint FROM balances WHERE company = $1
            GROUP BY resource, account HAVING sum(unit_seconds) <> 0
        """
        return {(resource, account): amount for resource, account, amount in await self.rows(query, company)}
