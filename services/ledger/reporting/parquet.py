"""Tables of the books as Parquet files, written as they are read: so many rows in memory, however long the table is.

Every row of a file is of one position, which stands in its metadata. What only grows is read page by page, up to the
last event of that position; reservations, which change, are read in one snapshot.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.allocation.prices.periods import name_of
from services.ledger.archived import demand_run
from services.ledger.chart import phase_of
from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.transfers import demand_caused, lines_query
from services.ledger.reporting.views import View, demand_company, known

ROWS_AT_ONCE = 5_000
"""Rows of a row group, and in memory."""
BYTES_AT_ONCE = 256 * 1024
"""A piece of a file, well below what one message may carry."""
COMPRESSION = "zstd"

_moment = pa.timestamp("us", tz="UTC")
_word = pa.dictionary(pa.int32(), pa.string())


DemandAll = Callable[[PoolConnectionProxy, Sequence[asyncpg.Record], int, int], Awaitable[None]]
"""Raises `Archived` if rows found between two event numbers are not all there is."""


async def _all_there(*_: object) -> None:
    """Nothing of this table ever leaves."""


async def _all_caused(connection: PoolConnectionProxy, rows: Sequence[asyncpg.Record], *_: int) -> None:
    await demand_caused(connection, rows)


async def _all_at_hand(connection: PoolConnectionProxy, _: Sequence[asyncpg.Record], first: int, last: int) -> None:
    await demand_run(connection, first, last)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """One kind of file: its columns, the query of a page of rows, and how a row becomes values in that order.

    `key` names what a page begins after; without one the table changes, and is read in one snapshot.
    """

    schema: pa.Schema
    query: str
    key: tuple[str, ...]
    values: Callable[[asyncpg.Record], tuple[Any, ...]]
    demand_all: DemandAll = _all_there


class Piece(Struct, frozen=True):
    """Some bytes of a file, and the rows written so far."""

    data: bytes
    rows: int


class _Sink:
    """Collects what the writer writes, until somebody takes it."""

    def __init__(self) -> None:
        self.closed = False
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        """There is nothing behind it."""

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


async def write_table(
    readers: asyncpg.Pool, company: str, table: str, view: View
) -> AsyncGenerator[tuple[int, Piece], None]:
    """A table of one company, or of all where it is empty, in pieces, each with the position.

    Raises `NotFound` or `Archived`.
    """
    kind, sink, rows, position = TABLES[table], _Sink(), 0, 0
    writer: pq.ParquetWriter | None = None
    try:
        async for position, records in _pages(readers, company, kind, view):
            schema = kind.schema.with_metadata({"aidc.position": str(position), "aidc.company": company or "-"})
            writer = await asyncio.to_thread(_write, writer, sink, schema, [kind.values(row) for row in records])
            rows += len(records)
            for piece in _cut(sink.take()):
                yield position, Piece(piece, rows)
    finally:
        if writer is not None:
            await asyncio.to_thread(writer.close)
    for piece in _cut(sink.take()):
        yield position, Piece(piece, rows)


def _write(
    writer: pq.ParquetWriter | None, sink: _Sink, schema: pa.Schema, rows: Sequence[tuple[Any, ...]]
) -> pq.ParquetWriter:
    """Append a row group; the first one begins the file."""
    writer = writer or pq.ParquetWriter(sink, schema, compression=COMPRESSION)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    writer.write_table(pa.table(arrays, schema=schema))
    return writer


def _cut(data: bytes) -> list[bytes]:
    return [data[start : start + BYTES_AT_ONCE] for start in range(0, len(data), BYTES_AT_ONCE)]


async def _pages(
    readers: asyncpg.Pool, company: str, kind: Exported, view: View
) -> AsyncIterator[tuple[int, list[asyncpg.Record]]]:
    """Rows by the page, at least one page, with the position that all of them are of."""
    async with _whose(readers, company) as connection:
        if company:
            await demand_company(connection, company)
        standing = await known(connection, view)
        if not kind.key:
            cursor = await connection.cursor(kind.query, company, standing.number)
            records = await cursor.fetch(ROWS_AT_ONCE)
            yield standing.position, records
            while records := await cursor.fetch(ROWS_AT_ONCE):
                yield standing.position, records
            return
    place = [0] * len(kind.key)
    while True:
        # A snapshot a page: a slow client must not hold up those who exchange the tables or clean them.
        async with _whose(readers, company) as connection:
            records = await connection.fetch(kind.query, company, standing.number, ROWS_AT_ONCE, *place)
            await kind.demand_all(connection, records, place[0] + 1, standing.number)
        if records or not any(place):
            yield standing.position, records
        if len(records) < ROWS_AT_ONCE:
            return
        place = [records[-1][name] for name in kind.key]


def _whose(readers: asyncpg.Pool, company: str) -> AbstractAsyncContextManager[PoolConnectionProxy]:
    """A connection that sees a company's rows, or everybody's."""
    return company_snapshot(readers, company) if company else snapshot(readers)


_TRANSFERS = lines_query("""
    SELECT * FROM transfers
    WHERE ($1 = '' OR company = $1) AND number <= $2 AND (number, line) > ($4, $5)
    ORDER BY number, line
    LIMIT $3
""")

# Whom a move made room for is nobody's business (P8).
_EVENTS = """
SELECT number, position, entry, index, time, type, company, reservation, payload,
       CASE WHEN $1 <> '' AND type = 'allocations_moved' THEN 'system' ELSE actor END AS actor,
       CASE WHEN $1 <> '' AND type = 'allocations_moved' THEN '' ELSE request_id END AS request_id
FROM journal
WHERE ($1 = '' OR company = $1) AND number <= $2 AND number > $4
ORDER BY number
LIMIT $3
"""

_RESERVATIONS = """
SELECT reservation, company, state, starts_at, ends_at, note, confirmed_number, changed_number
FROM reservations
WHERE ($1 = '' OR company = $1) AND confirmed_number <= $2
ORDER BY confirmed_number
"""

TABLES: Mapping[str, Exported] = {
    "transfers": Exported(
        query=_TRANSFERS,
        demand_all=_all_caused,
        key=("number", "line"),
        schema=pa.schema(
            [
                ("event_number", pa.int64()),
                ("line", pa.int32()),
                ("time", _moment),
                ("position", pa.int64()),
                ("event", _word),
                ("company", _word),
                ("reservation", pa.string()),
                ("resource", _word),
                ("month", _word),
                ("about_month", _word),
                ("from_account", _word),
                ("to_account", _word),
                ("phase", _word),
                ("unit_seconds", pa.int64()),
                ("krw", pa.int64()),
            ]
        ),
        values=lambda row: (
            *(row["number"], row["line"], row["time"], row["position"], row["event"]),
            *(row["company"], row["reservation"], row["resource"], name_of(row["period"]), name_of(row["about"])),
            *(row["from_account"], row["to_account"]),
            phase_of(row["from_account"], row["to_account"], row["about"] != row["period"]).value,
            *(row["unit_seconds"], row["krw"]),
        ),
    ),
    "events": Exported(
        query=_EVENTS,
        demand_all=_all_at_hand,
        key=("number",),
        schema=pa.schema(
            [
                ("event_number", pa.int64()),
                ("position", pa.int64()),
                ("entry", pa.int32()),
                ("index", pa.int32()),
                ("time", _moment),
                ("actor", _word),
                ("request_id", pa.string()),
                ("type", _word),
                ("company", _word),
                ("reservation", pa.string()),
                ("payload_json", pa.string()),
            ]
        ),
        values=lambda row: (
            *(row["number"], row["position"], row["entry"], row["index"], row["time"]),
            *(row["actor"], row["request_id"], row["type"], row["company"], row["reservation"]),
            row["payload"],
        ),
    ),
    "reservations": Exported(
        query=_RESERVATIONS,
        key=(),
        schema=pa.schema(
            [
                ("reservation", pa.string()),
                ("company", _word),
                ("state", _word),
                ("start", _moment),
                ("end", _moment),
                ("note", pa.string()),
                ("first_event_number", pa.int64()),
                ("last_event_number", pa.int64()),
            ]
        ),
        values=tuple,
    ),
}
"""The tables that can be taken home, by name."""
