"""What the ledger is measured beside, on the same events and the same Postgres: a bare COPY, and another event store.

The COPY moves the very rows that the ledger wrote into tables without index, key or check. The other store is the
recorder of the `eventsourcing` library, which keeps each event, an order of all, and one version after another of each
originator; it has no books.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlsplit
from uuid import NAMESPACE_OID, uuid5

import asyncpg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from msgspec import Struct

from loadtests.past import Replay
from services.ledger.batch import EVENTS_MAX
from services.ledger.database import connect_readers
from services.ledger.reading import snapshot

TABLES = ("pages", "journal", "transfers", "reservations", "allocations")
BATCHES = 10
"""Batches of the journal that are put into the other store, which takes longer."""


class Beside(Struct, kw_only=True):
    """How long the yardsticks took."""

    bare_copy: Replay
    eventsourcing: Replay


async def measure(dsn: str, events: int) -> Beside:
    """Measure both, on what a ledger has folded in this database."""
    return Beside(bare_copy=await _bare_copy(dsn, events), eventsourcing=await _eventsourcing(dsn))


async def _bare_copy(dsn: str, events: int) -> Replay:
    """All rows of the ledger's large tables, table by table in its batches, into tables that guard nothing."""
    readers = await connect_readers(dsn, seconds_max=600)
    async with snapshot(readers) as connection:
        rows = {table: [tuple(row) for row in await connection.fetch(f"TABLE {table}")] for table in TABLES}
    readers.terminate()
    plain = await asyncpg.connect(dsn)
    try:
        for table in TABLES:
            await plain.execute(f"CREATE TABLE bare_{table} (LIKE ledger.{table})")
        began, cpu_began = time.perf_counter(), time.process_time()
        for table, records in rows.items():
            for some in _batches(records):
                async with plain.transaction():
                    await plain.copy_records_to_table(f"bare_{table}", records=some)
        return Replay(events=events, seconds=time.perf_counter() - began, cpu_seconds=time.process_time() - cpu_began)
    finally:
        await plain.close()


async def _eventsourcing(dsn: str) -> Replay:
    """Some batches of events of reservations into the other store, in as many transactions."""
    readers = await connect_readers(dsn, seconds_max=600)
    async with snapshot(readers) as connection:
        rows = await connection.fetch(_EVENTS, EVENTS_MAX * BATCHES)
    readers.terminate()
    versions: dict[str, int] = defaultdict(int)
    stored = []
    for row in rows:
        versions[row["reservation"]] += 1
        originator = uuid5(NAMESPACE_OID, row["reservation"])
        stored.append(StoredEvent(originator, versions[row["reservation"]], row["type"], row["payload"].encode()))
    return await asyncio.to_thread(_record, dsn, stored)


def _record(dsn: str, stored: list[StoredEvent]) -> Replay:
    where = urlsplit(dsn)
    datastore = PostgresDatastore(
        dbname=where.path.strip("/"),
        host=where.hostname or "",
        port=str(where.port),
        user=where.username or "",
        password=where.password or "",
    )
    try:
        recorder = PostgresApplicationRecorder(datastore, events_table_name="other_store")
        recorder.create_table()
        began, cpu_began = time.perf_counter(), time.process_time()
        for some in _batches(stored):
            recorder.insert_events(some)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    finally:
        datastore.close()
    return Replay(events=len(stored), seconds=took, cpu_seconds=cpu)


def _batches(items: list) -> Iterator[list]:  # type: ignore[type-arg]  # Rows of any kind.
    rest = iter(items)
    while some := list(islice(rest, EVENTS_MAX)):
        yield some


_EVENTS = "SELECT reservation, type, payload FROM journal WHERE reservation <> '' ORDER BY number LIMIT $1"
