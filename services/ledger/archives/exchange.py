"""Takes an archived month out of the tables, and puts one back: whole, or not at all.

Either way partitions change places while nobody reads and nothing is written, which takes moments: the readers of the
moment are waited for as when generations are exchanged. Everything slow is done before, beside the living partitions.
"""

import asyncio
from pathlib import Path

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from services.ledger.archived import BLOCK, LIVE, archives
from services.ledger.archives.form import ArchiveFault, Run
from services.ledger.archives.reading import Archive
from services.ledger.database import as_owner
from services.ledger.generations import ATTEMPTS_MAX, READERS_WAIT_SECONDS
from services.ledger.journal import REGISTERED
from services.ledger.proving.nodes import are_stored

_log = structlog.get_logger()


async def demand_same(connection: PoolConnectionProxy, archive: Archive) -> None:
    """Read an archive back, and hold its tree against that of the tables. Raises `ArchiveFault`."""
    for piece in archive.pieces():
        await _demand_stored(connection, archive, piece.complete)


async def detach(owner: asyncpg.Pool, archive: Archive) -> None:
    """Let a month that was archived, and read back, leave the tables. Raises `ArchiveFault` or `LockNotAvailableError`.

    Its pages go. Of its events those stay that the ledger needs to go on: see `schema/0013_archives.sql`.
    """
    run, suffix = archive.manifest.run, archive.manifest.run.suffix
    async with as_owner(owner) as connection:
        await _nobody_reads(connection)
        row = await connection.fetchrow(_STANDS.format(suffix=suffix))
        if row is None or tuple(row) != (run.last_position, archive.last_hash, run.last_number):
            raise ArchiveFault(f"{archive.folder} does not hold what the tables have of {run.name}")
        await connection.execute(f"ALTER TABLE pages DETACH PARTITION pages_{suffix}; DROP TABLE pages_{suffix}")
        if run.last_number >= run.first_number:
            await connection.execute(_SET_ASIDE.format(suffix=suffix, first=run.first_number, last=run.last_number))
            await connection.execute("SET LOCAL ROLE aidc_projector")  # Policies hide what is needed from the owner.
            await connection.execute(_KEEP, LIVE, *_edges(run))
            await connection.execute("SET LOCAL ROLE NONE; DROP TABLE journal_leaving")
            await connection.execute(_APPEND_ONLY.format(table=f"journal_{suffix}"))
        numbers = (run.first_position, run.last_position, run.first_number, run.last_number)
        where = (archive.last_hash, archive.note_sha256, str(archive.folder.absolute()))
        await connection.execute(_RECORD, run.month, *numbers, *where)
    _log.info("month_detached", month=run.name, folder=str(archive.folder))


async def restore(owner: asyncpg.Pool, readers: asyncpg.Pool, folder: Path) -> Run:
    """Put a month back from its archive; no row of it is seen before all of them are verified.

    Raises `ArchiveFault`, or `LockNotAvailableError` if somebody reads for too long; then everything is as before.
    """
    archive = await asyncio.to_thread(Archive, folder)
    run, suffix = archive.manifest.run, archive.manifest.run.suffix
    async with as_owner(owner) as connection:
        await _demand_left(connection, archive)
        for table, column, first, last in (
            ("pages", "position", run.first_position, run.last_position),
            ("journal", "number", run.first_number, run.last_number),
        ):
            await connection.execute(f"CREATE TABLE {table}_coming (LIKE {table} INCLUDING ALL)")
            await connection.execute(_CHECKED.format(table=table, column=column, first=first, last=last))
        await connection.execute("ALTER TABLE pages_coming ALTER COLUMN data SET STORAGE EXTERNAL")
        async with readers.acquire() as reader, reader.transaction(readonly=True):
            await reader.execute("SET LOCAL ROLE aidc_auditor")
            for piece in archive.pieces():
                await _demand_stored(reader, archive, piece.complete)
                await connection.copy_records_to_table("pages_coming", records=piece.pages)
                await connection.copy_records_to_table("journal_coming", records=piece.events)
        await _nobody_reads(connection)
        await _demand_left(connection, archive)
        await _attach(connection, "pages", run.suffix, run.first_position, run.last_position)
        if run.last_number >= run.first_number:
            await connection.execute(f"DROP TABLE journal_{suffix}")
            await _attach(connection, "journal", suffix, run.first_number, run.last_number)
        else:
            await connection.execute("DROP TABLE journal_coming")
        await connection.execute("DELETE FROM archived WHERE month = $1", run.month)
    _log.info("month_restored", month=run.name, folder=str(folder))
    return run


async def _attach(connection: PoolConnectionProxy, table: str, suffix: str, first: int, last: int) -> None:
    """Let the rows that came be the month's partition."""
    name = f"{table}_{suffix}"
    await connection.execute(f"ALTER TABLE {table}_coming RENAME TO {name}")
    await connection.execute(_APPEND_ONLY.format(table=name))
    await connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({last + 1})")
    await connection.execute(f"ALTER TABLE {name} DROP CONSTRAINT in_month")


async def _demand_left(connection: PoolConnectionProxy, archive: Archive) -> None:
    """Raises `ArchiveFault` unless this is the very archive that the month left to."""
    run = archive.manifest.run
    left = await archives(connection, run.first_position, run.last_position)
    if not left:
        raise ArchiveFault(f"{run.name} is in the tables: there is nothing to bring back")
    if left[0].manifest != archive.note_sha256:
        raise ArchiveFault(
            f"{archive.folder} is another archive than the one that {run.name} left to: {left[0].folder}"
        )


async def _demand_stored(
    connection: PoolConnectionProxy, archive: Archive, complete: list[tuple[int, int, bytes]]
) -> None:
    if not await are_stored(connection, complete):
        raise ArchiveFault(f"{archive.folder} holds other events than the tree of the tables says")


async def _nobody_reads(connection: PoolConnectionProxy) -> None:
    """Wait for those who read, and keep everybody out until the transaction ends. Raises `LockNotAvailableError`."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{READERS_WAIT_SECONDS}s'")
                await connection.execute("LOCK TABLE checkpoint IN ACCESS EXCLUSIVE MODE")
            return
        except asyncpg.LockNotAvailableError:
            if attempt == ATTEMPTS_MAX:
                raise
            _log.info("exchange_delayed", attempt=attempt)


def _edges(run: Run) -> tuple[int, int]:
    """Up to which number, and from which on, leaves share a block with leaves of the neighbours."""
    first, end = run.first_number - 1, run.last_number
    return first + -first % BLOCK, end - end % BLOCK + 1


_STANDS = """
SELECT position, hash, number FROM pages_{suffix} ORDER BY position DESC LIMIT 1
"""

_SET_ASIDE = """
ALTER TABLE journal DETACH PARTITION journal_{suffix};
ALTER TABLE journal_{suffix} RENAME TO journal_leaving;
CREATE TABLE journal_{suffix} PARTITION OF journal FOR VALUES FROM ({first}) TO ({last} + 1);
GRANT SELECT ON journal_leaving TO aidc_projector;
"""

_KEEP = f"""
INSERT INTO journal
SELECT * FROM journal_leaving
WHERE number IN (SELECT number FROM ({REGISTERED}) AS registered)
   OR number <= $2 OR number >= $3
   OR reservation <> '' AND reservation IN (SELECT reservation FROM reservations WHERE state = ANY ($1::text[]))
"""  # noqa: S608 (nothing in it comes from outside)

_APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""

# With it, attaching need not read all rows again.
_CHECKED = """
ALTER TABLE {table}_coming ADD CONSTRAINT in_month
    CHECK ({column} IS NOT NULL AND {column} >= {first} AND {column} <= {last})
"""

_RECORD = """
INSERT INTO archived
    (month, first_position, last_position, first_number, last_number, last_hash, manifest, folder)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
