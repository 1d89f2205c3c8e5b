"""Exactly once: whatever dies when, and however many ledgers there are, each page counts one time."""

import asyncio
import math
import re
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from services.eventlog import BrokenLog
from services.eventlog.memory import MemoryLog
from services.ledger import batch, journal
from services.ledger.batch import Batch
from services.ledger.database import as_owner, connect_readers, connect_writer
from services.ledger.journal import Journal, Superseded
from services.ledger.migrate import WrongSchema
from services.runtime.embedded import Postgres
from tests.ledger.busy import busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import OPENING, chained, confirmed, entry, extend, held, hours


async def test_a_commit_that_nobody_heard_of_is_not_repeated(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection dies after the commit and before its answer: the retry finds the work done."""
    lost = 0
    post = Journal._post

    async def commit_and_lose_the_answer(journal: Journal, batch: Batch) -> None:
        nonlocal lost
        await post(journal, batch)
        if lost < 3:
            lost += 1
            raise asyncpg.ConnectionDoesNotExistError("gone")

    monkeypatch.setattr(Journal, "_post", commit_and_lose_the_answer)
    ledger.log.pages += chained(busy_centre(30))
    await ledger.fold()
    assert lost == 3
    assert await ledger.rows("SELECT count(*) FROM pages") == [(30,)]
    assert await ledger.rows("SELECT count(*) - max(number) FROM journal") == [(0,)]


@pytest.mark.parametrize(
    "trouble",
    [
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.SerializationError("could not serialize"),
        asyncpg.DiskFullError("no space left"),
        asyncpg.AdminShutdownError("terminating"),
        asyncpg.CannotConnectNowError("starting up"),
        ConnectionRefusedError("nobody listens"),
        TimeoutError(),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_what_passes_by_itself_is_waited_out(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    """Trouble that may be gone at the next attempt delays a batch and never loses or repeats it."""
    attempts = 0
    post = Journal._post

    async def fail_twice(journal: Journal, batch: Batch) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise trouble
        await post(journal, batch)

    monkeypatch.setattr(Journal, "_post", fail_twice)
    extend(ledger.log, OPENING)
    await ledger.fold()
    assert attempts == 3
    assert await ledger.rows("SELECT count(*) FROM pages") == [(1,)]


async def test_a_transaction_cut_short_leaves_nothing(ledger: Ledger) -> None:
    """The backend is killed inside the transaction: nothing of the batch is there, and the retry writes all of it."""
    extend(ledger.log, OPENING)
    await ledger.fold()
    extend(ledger.log, (entry(confirmed("r1", held([0], hours(0, 4)))),))
    blocking = await connect_writer(ledger.dsn)
    async with as_owner(blocking) as blocker:
        # The batch waits for this lock with its checkpoint moved and its events copied.
        await blocker.execute("LOCK TABLE transfers IN EXCLUSIVE MODE")
        folding = asyncio.create_task(ledger.fold())
        while not await blocker.fetchval(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'transfers'::regclass AND NOT granted"
        ):
            await blocker.execute("SELECT pg_sleep(0.01)")
        assert await blocker.fetchval("SELECT position FROM checkpoint") == 1
        assert await ledger.rows("SELECT count(*) FROM reservations") == [(0,)]
    blocking.terminate()
    await folding
    assert await ledger.rows("SELECT position FROM checkpoint") == [(2,)]
    assert await ledger.rows("SELECT count(*) FROM reservations") == [(1,)]


async def test_of_two_ledgers_one_wins(ledger: Ledger) -> None:
    """Two ledgers on one database: the slower one learns it from the checkpoint and stops, and nothing counts twice."""
    other_writer, other_readers = await connect_writer(ledger.dsn), await connect_readers(ledger.dsn)
    other = Ledger(ledger.log, other_writer, other_readers, ledger.dsn)
    ledger.log.pages += chained(busy_centre(40))
    first, second = await ledger.open(), await other.open()
    await first.follow(until=40)
    with pytest.raises(Superseded, match="another ledger writes"):
        await second.follow(until=40)
    assert await ledger.rows("SELECT count(*) FROM pages") == [(40,)]
    other_writer.terminate()
    other_readers.terminate()


async def test_a_ledger_whose_tables_are_dropped_stops(ledger: Ledger) -> None:
    """Dropping the tables for a rebuild stops the ledger that still writes to them."""
    ledger.log.pages += chained(busy_centre(20))
    projector = await ledger.open()
    await ledger.drop()
    with pytest.raises(Superseded, match="dropped"):
        await projector.follow(until=20)


async def test_postgres_killed_under_load_loses_and_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres is killed again and again while pages pour in: the books come out as without it."""
    monkeypatch.setattr(batch, "PAGES_MAX", 20)  # So that much is still to come at every kill.
    monkeypatch.setattr(journal, "RETRY_SECONDS_MAX", 0.2)
    pages = chained(busy_centre(300))
    async with Postgres(tmp_path) as postgres:
        writer, readers = await connect_writer(postgres.dsn), await connect_readers(postgres.dsn)
        ledger = Ledger(MemoryLog(pages), writer, readers, postgres.dsn)
        folding = asyncio.create_task(ledger.fold())
        for share in (0.1, 0.4, 0.7):
            reached = asyncio.create_task(ledger.progress.wait_for(int(len(pages) * share), math.inf))
            await asyncio.wait({reached, folding}, return_when=asyncio.FIRST_COMPLETED)
            assert not folding.done(), "it was over before Postgres was killed"
            postgres.kill()
            await postgres.exited()
            await postgres.start()
        await folding
        after_kills = await ledger.digests()
        await ledger.drop()
        await ledger.fold()
        assert await ledger.digests() == after_kills
        writer.terminate()
        readers.terminate()


async def test_a_log_that_ends_before_the_checkpoint_is_refused(ledger: Ledger) -> None:
    """The ledger is ahead of the log: pages were lost, and nothing may be guessed (P9)."""
    ledger.log.pages += chained(busy_centre(10))
    await ledger.fold()
    del ledger.log.pages[5:]
    with pytest.raises(BrokenLog, match="ends before position 10"):
        await ledger.open()


async def test_tables_from_an_older_backup_go_on_from_there(ledger: Ledger, postgres: Postgres) -> None:
    """A database restored from a backup knows by its checkpoint where it stands, and ends with the same books."""
    pages = chained(busy_centre(40))
    ledger.log.pages += pages[:15]
    await ledger.fold()
    database = ledger.dsn.rpartition("/")[2]
    for pool in (ledger.writer, ledger.readers):
        await pool.expire_connections()
    admin = await asyncpg.connect(postgres.superuser_dsn)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database)
    await admin.execute(f'CREATE DATABASE "{database}_backup" TEMPLATE "{database}" OWNER aidc')
    ledger.log.pages += pages[15:]
    dsn = postgres.dsn_of(f"{database}_backup")
    writer, readers = await connect_writer(dsn), await connect_readers(dsn)
    restored = Ledger(ledger.log, writer, readers, dsn)
    assert await restored.rows("SELECT position FROM checkpoint") == [(15,)]
    await restored.fold()
    await ledger.fold()
    assert await restored.digests() == await ledger.digests()
    for pool in (writer, readers):
        pool.terminate()
    await admin.close()
    await postgres.drop_database(f"{database}_backup")


async def test_another_page_at_the_checkpoint_is_refused(ledger: Ledger) -> None:
    """The log was replaced by another of the same length: its page at the checkpoint has another hash."""
    ledger.log.pages += chained(busy_centre(10))
    await ledger.fold()
    ledger.log.pages[:] = chained(busy_centre(10, seed=2))
    with pytest.raises(BrokenLog, match="position 10"):
        await ledger.open()


@pytest.mark.parametrize(
    ("spoil", "reason", "position"),
    [
        (lambda pages: pages.__setitem__(6, pages[6][:-1] + b" }"), "page with hash", 7),
        (lambda pages: pages.__setitem__(6, pages[6][:-9]), "position 7", 6),
        (lambda pages: pages.pop(6), "page with hash", 6),
        (lambda pages: pages.__setitem__(6, pages[5]), "page with hash", 6),
        (lambda pages: pages.__setitem__(6, pages[6].replace(b'"type":"', b'"type":"un')), "position 7", 6),
    ],
    ids=["altered", "cut short", "missing", "repeated", "unknown event"],
)
async def test_a_page_that_cannot_be_trusted_stops_the_ledger(
    ledger: Ledger, spoil: Callable[[list[bytes]], object], reason: str, position: int
) -> None:
    """What comes before it is applied, and nothing else ever (P9). Other bytes show in the next page, by its hash."""
    ledger.log.pages += chained(busy_centre(10))
    spoil(ledger.log.pages)
    with pytest.raises(BrokenLog, match=reason):
        await ledger.fold()
    assert await ledger.rows("SELECT position FROM checkpoint") == [(position,)]


async def test_an_event_that_does_not_fit_stops_the_ledger(ledger: Ledger) -> None:
    """A page with an event that contradicts its past is not applied, not even in part."""
    extend(ledger.log, OPENING, (entry(confirmed("r1", held([0], hours(0, 4)))), entry(OPENING[0].events[0])))
    with pytest.raises(BrokenLog, match=r"event 1 of the page at position 2 .* registered twice"):
        await ledger.fold()
    assert await ledger.rows("SELECT position, number FROM checkpoint") == [(1, 5)]


async def test_a_schema_that_we_did_not_make_is_refused(ledger: Ledger) -> None:
    """A migration that was applied in another form stops the start, and names the file."""
    await ledger.open()
    async with as_owner(ledger.writer) as connection:
        await connection.execute("UPDATE migrations SET checksum = 'other' WHERE name = '0003_reservations.sql'")
    with pytest.raises(WrongSchema, match=r"0003_reservations\.sql"):
        await ledger.open()


async def test_tables_of_another_release_are_refused_with_a_remedy(ledger: Ledger) -> None:
    """A migration that this release does not have stops the start, and the message says what to do."""
    await ledger.open()
    async with as_owner(ledger.writer) as connection:
        await connection.execute("UPDATE migrations SET name = '9999_later.sql' WHERE name = '0003_reservations.sql'")
    with pytest.raises(WrongSchema, match=r"9999_later\.sql.*empty database"):
        await ledger.open()


async def test_two_starts_at_once_make_one_schema(postgres_dsn: str) -> None:
    """Several ledgers that start on an empty database wait for one another."""
    pools = [await connect_writer(postgres_dsn) for _ in range(3)]
    opened = await asyncio.gather(*(Journal(pool).open() for pool in pools))
    assert [checkpoint.position for checkpoint, _ in opened] == [0, 0, 0]
    for pool in pools:
        pool.terminate()


def test_every_fault_of_the_table_has_its_tests() -> None:
    """FAULTS.md names tests that exist."""
    root = Path(__file__).parents[1]
    named = set(re.findall(r"`(test_\w+)`", (root / "ledger" / "FAULTS.md").read_text()))
    written = {name for path in root.rglob("*.py") for name in re.findall(r"def (test_\w+)", path.read_text())}
    assert len(named) > 15
    assert named <= written
