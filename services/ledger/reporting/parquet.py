"""Tables of the books as Parquet files, written as they are read: so many rows in memory, however long the table is.

Every row of a file is of one position, which stands in its metadata. What only grows is read page by page, up to the
last event of that position; reservations, which change, are read in one snapshot.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.exported import TABLES, Exported
from services.ledger.reporting.views import View, demand_company, known

ROWS_AT_ONCE = 5_000
"""Rows of a row group, and in memory."""
BYTES_AT_ONCE = 256 * 1024
"""A piece of a file, well below what one message may carry."""
COMPRESSION = "zstd"


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
