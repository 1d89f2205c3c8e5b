"""How Postgres is: what its own statistics say, read now and then and shown at every scrape.

The ledger exports this because it is the one that has a connection. Statistics are Postgres's own counters of this
database; they begin anew when it does.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import asyncpg
import structlog
from prometheus_client import Metric as Family
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from services.ledger.database import GONE, OUTAGES
from services.ledger.progress import Progress

PAUSE_SECONDS = 15.0
TABLES_MAX = 40
"""Tables with series of their own: the largest ones. There are some fifteen."""
COLLECTOR = "postgres"

_log = structlog.get_logger()


class Seen(NamedTuple):
    """One reading: the figures of the database, and bytes and dead rows of its tables by name."""

    database: asyncpg.Record
    tables: Sequence[asyncpg.Record]


class DatabaseHealth(Collector):
    """Reads the statistics and keeps the last ones. `clock` is monotonic, in seconds."""

    def __init__(self, readers: asyncpg.Pool, clock: Callable[[], float]) -> None:
        self._readers = readers
        self._clock = clock
        self._seen: Seen | None = None
        self._working = False
        self._worked_at = clock()

    async def keep_reading(self, progress: Progress) -> None:
        """Read again and again once there are books, for ever. An outage is a figure, not a failure."""
        await progress.opened.wait()
        while True:
            await self.read()
            await asyncio.sleep(PAUSE_SECONDS)

    async def read(self) -> None:
        """Read once; if Postgres does not answer, the last figures stay, and their age tells."""
        try:
            async with self._readers.acquire() as connection:
                database = await connection.fetchrow(_DATABASE)
                tables = await connection.fetch(_TABLES, TABLES_MAX)
        except (*OUTAGES, *GONE) as outage:
            self._working = False
            _log.warning("database_statistics_missing", reason=f"{type(outage).__name__}: {outage}")
            return
        assert database is not None, "a connection is to a database that exists"
        self._seen, self._working, self._worked_at = Seen(database, tables), True, self._clock()

    def collect(self) -> Iterator[Family]:
        """Every figure of the last reading, and how old it is."""
        yield _gauge(
            "alloc_collector_success",
            "1 if the background reading worked when it was last tried.",
            ("collector",),
            [((COLLECTOR,), int(self._working))],
        )
        yield _gauge(
            "alloc_collector_data_age_seconds",
            "Seconds since the background reading last worked.",
            ("collector",),
            [((COLLECTOR,), self._clock() - self._worked_at)],
        )
        if self._seen is not None:
            yield from _of_database(self._seen.database)
            yield from _of_tables(self._seen.tables)


Rows = list[tuple[tuple[str, ...], float]]
"""Label values and a number."""


def _of_database(row: asyncpg.Record) -> Iterator[Family]:
    yield _gauge("alloc_db_size_bytes", "Size of the ledger's database on disk.", (), [((), row["size"])])
    yield _gauge("alloc_db_backends", "Connections that Postgres serves in this database.", (), [((), row["backends"])])
    yield _counter(
        "alloc_db_transactions_total",
        "Transactions that ended, by how.",
        ("outcome",),
        [(("committed",), row["committed"]), (("rolled_back",), row["rolled_back"])],
    )
    yield _counter(
        "alloc_db_blocks_total",
        "Blocks that were found in Postgres's memory, or had to be read.",
        ("source",),
        [(("memory",), row["hits"]), (("disk",), row["reads"])],
    )
    yield _counter("alloc_db_rows_written_total", "Rows inserted, updated or deleted.", (), [((), row["written"])])
    yield _counter("alloc_db_deadlocks_total", "Deadlocks that Postgres resolved.", (), [((), row["deadlocks"])])
    yield _counter(
        "alloc_db_temporary_bytes_total",
        "Bytes written to temporary files, because memory did not suffice.",
        (),
        [((), row["temporary"])],
    )


def _of_tables(rows: Sequence[asyncpg.Record]) -> Iterator[Family]:
    yield _gauge(
        "alloc_db_table_bytes",
        "Size of a table with its indexes.",
        ("table",),
        [((row["name"],), row["bytes"]) for row in rows],
    )
    yield _gauge(
        "alloc_db_table_dead_rows",
        "Rows of a table that are no longer true and not yet swept away.",
        ("table",),
        [((row["name"],), row["dead"]) for row in rows],
    )


def _gauge(name: str, text: str, labels: tuple[str, ...], rows: Rows) -> Family:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _counter(name: str, text: str, labels: tuple[str, ...], rows: Rows) -> Family:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


_DATABASE = """
SELECT pg_database_size(datname)                  AS size,
       numbackends                                AS backends,
       xact_commit                                AS committed,
       xact_rollback                              AS rolled_back,
       blks_hit                                   AS hits,
       blks_read                                  AS reads,
       tup_inserted + tup_updated + tup_deleted   AS written,
       deadlocks,
       temp_bytes                                 AS temporary
FROM pg_stat_database
WHERE datname = current_database()
"""

_TABLES = """
SELECT coalesce(whole.relname, part.relname)            AS name,  -- partitions count for their table
       sum(pg_total_relation_size(part.relid))::bigint  AS bytes,
       sum(part.n_dead_tup)::bigint                     AS dead
FROM pg_stat_user_tables AS part
LEFT JOIN pg_inherits ON inhrelid = part.relid
LEFT JOIN pg_class AS whole ON whole.oid = inhparent
WHERE part.schemaname = current_schema()
GROUP BY 1
ORDER BY bytes DESC
LIMIT $1
"""
