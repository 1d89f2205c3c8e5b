"""Writes an archive from the tables, so many rows at a time: whole, or under a name that says that it is not."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from asyncpg.pool import PoolConnectionProxy

from services.allocation.prices.periods import number_of
from services.eventlog.page import GENESIS
from services.ledger.archived import archives
from services.ledger.archives.form import (
    CHECKPOINT,
    EVENTS,
    FILES,
    LINK,
    NOTE,
    PAGES,
    SCHEMAS,
    TABLES,
    Manifest,
    Run,
)
from services.ledger.proving.nodes import read_frontier
from services.ledger.proving.notes import Signer
from services.ledger.reading import snapshot

PAGES_AT_ONCE, EVENTS_AT_ONCE = 64, 5_000
COMPRESSION = "zstd"


class Refused(Exception):
    """This month cannot be archived, or not there. The message says why, and what to do."""


async def run_of(connection: PoolConnectionProxy, month: str) -> Run:
    """The pages and events of a month that is over and closed, in tables that hold them. Raises `Refused`."""
    try:
        first_day = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise Refused(f"{month} is not a month such as 2026-03") from None
    row = await connection.fetchrow(_RUN, first_day)
    if row is None:
        raise Refused(f"no page of the log is of {month}")
    for archive in await archives(connection, row["first_position"], row["first_position"]):
        raise Refused(f"{month} was archived on {archive.archived_at:%Y-%m-%d} and lies in {archive.folder}")
    if row["next_position"] is None:
        raise Refused(f"{month} is not over: it is the month that the log is in")
    if not await connection.fetchval(_CLOSED, number_of(month)):
        raise Refused(f"the books of {month} are not closed: `aidc close {month}` does that")
    return Run(
        month=first_day,
        first_position=row["first_position"],
        last_position=row["next_position"] - 1,
        first_number=row["first_number"],
        last_number=row["next_number"] - 1,
    )


async def covering(connection: PoolConnectionProxy, run: Run) -> asyncpg.Record:
    """The first signed checkpoint at or after a month's end. Raises `Refused`."""
    row = await connection.fetchrow(_COVERING, run.last_position)
    if row is None:
        raise Refused(
            f"no checkpoint that was signed covers {run.name}: the ledger signs every minute, if it has a key"
        )
    for archive in await archives(connection, run.last_position + 1, row["position"]):
        raise Refused(f"its proof needs pages of {archive.name}, and {archive.words}")
    return row


async def write(readers: asyncpg.Pool, signer: Signer, run: Run, folder: Path) -> None:
    """Write everything into a folder; if it is there, it was left half-written. Raises `Refused` or `OSError`."""
    _clear(folder)
    async with snapshot(readers) as connection:
        checkpoint = await covering(connection, run)
        frontier = await read_frontier(connection, run.first_number - 1)
        before = await _hash_of(connection, run.first_position - 1)
    last, end = run.last_position, checkpoint["position"]
    await _write(folder / PAGES, _rows(readers, _PAGES, run.first_position - 1, last, PAGES_AT_ONCE))
    await _write(folder / EVENTS, _rows(readers, _EVENTS, run.first_number - 1, run.last_number, EVENTS_AT_ONCE))
    await _write(folder / LINK, _rows(readers, _LINK, last, end, PAGES_AT_ONCE))
    manifest = Manifest(
        origin=signer.origin,
        run=run,
        before=before,
        left=tuple(peak for _, peak in sorted(frontier.peaks.items(), reverse=True)),
        hashes={name: sha256_of(folder / name) for name in TABLES},
    )
    (folder / CHECKPOINT).write_text(checkpoint["note"], encoding="utf-8")
    (folder / NOTE).write_text(signer.sign_text(manifest.text(datetime.now(UTC))), encoding="utf-8")


async def _hash_of(connection: PoolConnectionProxy, position: int) -> str:
    """The hash of a page, here or in an archive; of no page that before the first."""
    for archive in await archives(connection, position, position):
        return archive.last_hash
    return await connection.fetchval("SELECT hash FROM pages WHERE position = $1", position) or GENESIS


def put_in_place(fresh: Path, folder: Path) -> None:
    """Give a folder its name, once all that is in it is on disk. Raises `OSError`."""
    for name in FILES:
        _sync(fresh / name)
    _sync(fresh)
    fresh.rename(folder)
    _sync(folder.parent)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    """Make the folder, or make it empty: it has our name, and what is in it was never finished."""
    if folder.exists():
        strange = sorted(path.name for path in folder.iterdir() if path.name not in FILES)
        if strange:
            raise Refused(f"{folder} holds {strange[0]}, which is no part of an archive: move it away")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


async def _write(path: Path, batches: AsyncIterator[Sequence[tuple[Any, ...]]]) -> None:
    """Write one file, a row group a batch."""
    schema = SCHEMAS[path.name]
    with pq.ParquetWriter(path, schema, compression=COMPRESSION) as writer:
        async for rows in batches:
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
            await asyncio.to_thread(writer.write_table, pa.table(arrays, schema=schema))


async def _rows(
    readers: asyncpg.Pool, query: str, place: int, end: int, at_once: int
) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    """Rows after a place up to an end, each batch in a snapshot of its own: what is past does not change."""
    while place < end:
        async with snapshot(readers) as connection:
            records = await connection.fetch(query, place, end, at_once)
        if not records:
            raise Refused(f"rows after {place} are missing: `aidc audit log` says what is wrong")
        yield [tuple(record) for record in records]
        place = records[-1][0]


_RUN = """
SELECT first_position, first_number, next_position, next_number
FROM (
    SELECT month, first_position, first_number,
           lead(first_position) OVER (ORDER BY month) AS next_position,
           lead(first_number)   OVER (ORDER BY month) AS next_number
    FROM months
) AS runs
WHERE month = $1
"""

_CLOSED = "SELECT EXISTS (SELECT FROM closings WHERE period >= $1)"

_COVERING = """
SELECT position, note FROM notary.checkpoints WHERE position >= $1 ORDER BY position LIMIT 1
"""

_PAGES = """
SELECT position, hash, writer, epoch, time, events, number, data
FROM pages
WHERE position > $1 AND position <= $2
ORDER BY position
LIMIT $3
"""

_EVENTS = """
SELECT number, position, entry, index, time, actor, request_id, type, company, reservation, payload, leaf
FROM journal
WHERE number > $1 AND number <= $2
ORDER BY number
LIMIT $3
"""

_LINK = "SELECT position, data FROM pages WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"
