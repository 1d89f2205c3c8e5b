"""A real Postgres whose disk fails, is full, or that stands still: the ledger waits, loses nothing, repeats nothing.

Each test has a Postgres of its own and takes seconds, so `make ledger-check` runs them and `make test` does not.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest
from structlog.testing import capture_logs

from services.eventlog.memory import MemoryLog
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger import database
from services.ledger.database import connect_readers, connect_writer
from services.ledger.rebuild import rebuild
from services.ledger.reporting.books_api import BooksApi
from services.runtime.embedded import Postgres
from tests.ledger import failing
from tests.ledger.busy import busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import CENTRE, chained
from tests.ledger.test_statements import OPERATOR, call, refusal

PAGES = 200
PATIENCE_SECONDS = 60.0
FROZEN_SECONDS = 60.0
ANSWER_SECONDS_MAX = 10.0
"""Within which a reader is turned away, on a machine that has other work."""


class Broken(Postgres):
    """A Postgres for which the kernel can be told to fail a call."""

    failing: tuple[str, str] | None = None

    def _command(self) -> list[str]:
        program, *arguments = super()._command()
        if self.failing is None:
            return [program, *arguments]
        # Its own shared memory must not be what fails.
        memory = ("-c", "dynamic_shared_memory_type=sysv")
        wrapped = (sys.executable, failing.__file__, *self.failing)
        return [*wrapped, shutil.which(program) or program, *arguments, *memory]

    async def start_failing(self, name: str, error: str) -> None:
        """Start it so, on data that are there; nothing is prepared in it, which could not succeed."""
        self.failing = (name, error)
        await self._child.start(self._command(), self._ready)

    async def heal(self) -> None:
        """End it if it still runs, and start it as it should be."""
        if self.running:
            self.kill()
        self.failing = None
        await self.start()

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to everything that it runs; what ended meanwhile needs none."""
        for pid in list(self.processes):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    @property
    def processes(self) -> Iterator[int]:
        """Everything that it runs, from the parent down."""
        waiting = [self.process.pid]
        while waiting:
            pid = waiting.pop(0)
            yield pid
            waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[Broken]:
    """One that is well, until a test breaks it."""
    async with Broken(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
async def busy(postgres: Broken) -> AsyncIterator[Ledger]:
    """A ledger on it that has taken half of a log, and has the other half before it."""
    writer, readers = await connect_writer(postgres.dsn), await connect_readers(postgres.dsn)
    ledger = Ledger(MemoryLog(), writer, readers, postgres.dsn)
    pages = chained(busy_centre(PAGES, entries_max=30))
    ledger.log.pages += pages[: PAGES // 2]
    await ledger.fold()
    ledger.log.pages += pages[PAGES // 2 :]
    yield ledger
    writer.terminate()
    readers.terminate()


async def delayed(said: list, error: str) -> None:  # type: ignore[type-arg]  # Whatever a log entry is.
    """Wait until the ledger said that it could not write, and why."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        # Its log is all that it tells.
        while not any(entry["event"] == "posting_delayed" and error in entry["error"] for entry in said):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def demand_whole(ledger: Ledger) -> None:
    """Every page and event once, and every table the fold of the log."""
    ((pages, events),) = await ledger.rows("SELECT count(*), sum(events) FROM pages")
    assert pages == PAGES
    assert await ledger.rows("SELECT count(*), max(number) FROM journal") == [(events, events)]
    assert (await rebuild(ledger.log, CENTRE, ledger.dsn)).differing == ()


async def test_a_log_of_postgres_that_cannot_be_synced(postgres: Broken, busy: Ledger) -> None:
    """fdatasync of the write-ahead log fails: Postgres ends itself and acknowledges nothing, the ledger waits, and once
    the disk is well every page counts exactly once, whatever of the last attempt had reached the disk."""
    projector = await busy.open()
    await postgres.stop()
    await postgres.start_failing("fdatasync", "EIO")
    with capture_logs() as said:
        folding = asyncio.create_task(projector.follow(until=PAGES))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await postgres.exited()
        await delayed(said, "")
        assert not folding.done()
        assert "could not fdatasync file" in (postgres._folder / "postgres.log").read_text()
        await postgres.heal()
        await folding
    await demand_whole(busy)


async def test_a_disk_that_is_full(postgres: Broken, busy: Ledger) -> None:
    """Tables cannot grow: the batch is rolled back and tried again and again, what is there is still answered, and once
    there is room every page counts exactly once."""
    projector = await busy.open()
    await postgres.stop()
    await postgres.start_failing("fallocate", "ENOSPC")
    with capture_logs() as said:
        folding = asyncio.create_task(projector.follow(until=PAGES))
        await delayed(said, "DiskFullError")
        ((reached,),) = await busy.rows("SELECT position FROM checkpoint")
        assert PAGES // 2 <= reached < PAGES
        assert await busy.rows("SELECT max(position) FROM pages") == [(reached,)]
        assert not folding.done()
        await postgres.heal()
        await folding
    await demand_whole(busy)


async def test_a_postgres_that_stands_still(postgres: Broken, busy: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped and not dead, it answers nobody and refuses nobody: the ledger gives up each attempt after a time, tells
    its lag, turns readers away in theirs, keeps to its few connections, and goes on when Postgres does."""
    monkeypatch.setattr(database, "WRITE_SECONDS_MAX", 2)
    monkeypatch.setattr(database, "READ_SECONDS_MAX", 2)
    writer, readers = await connect_writer(busy.dsn), await connect_readers(busy.dsn, seconds_max=2)
    ledger = Ledger(busy.log, writer, readers, busy.dsn)
    projector = await ledger.open()
    postgres.signal_all(signal.SIGSTOP)
    try:
        with capture_logs() as said:
            folding = asyncio.create_task(projector.follow(until=PAGES))
            api = BooksApi(readers, ledger.progress)
            asked = [api.get_balance(call(OPERATOR), wire.GetBalanceRequest(name="companies/-")) for _ in range(12)]
            problems = await asyncio.gather(*(refusal(answer) for answer in asked))
            assert {problem.reason for problem in problems} == {"DATABASE_AWAY"}
            await delayed(said, "TimeoutError")
            assert (ledger.progress.lag_pages, ledger.progress.lag_seconds > 1) == (PAGES // 2, True)
            assert readers.get_size() <= database.READERS_MAX
            assert not folding.done()
            postgres.signal_all(signal.SIGCONT)
            await folding
    finally:
        postgres.signal_all(signal.SIGCONT)
    await demand_whole(ledger)
    writer.terminate()
    readers.terminate()


@pytest.mark.timeout(300)
async def test_a_postgres_that_stands_still_for_a_minute(postgres: Broken, busy: Ledger) -> None:
    """A whole minute of it: readers are turned away in their time from the first to the last second, the lag that is
    told is true, the connections stay few, and then everything is caught up with, once."""
    writer, readers = await connect_writer(busy.dsn), await connect_readers(busy.dsn, seconds_max=2)
    ledger = Ledger(busy.log, writer, readers, busy.dsn)
    projector = await ledger.open()
    api = BooksApi(readers, ledger.progress)
    postgres.signal_all(signal.SIGSTOP)
    began, refused = monotonic(), 0
    try:
        folding = asyncio.create_task(projector.follow(until=PAGES))
        while monotonic() - began < FROZEN_SECONDS:
            problem = await refusal(api.get_balance(call(OPERATOR), wire.GetBalanceRequest(name="companies/-")))
            assert problem.reason == "DATABASE_AWAY"
            refused += 1
        assert refused >= FROZEN_SECONDS / ANSWER_SECONDS_MAX
        assert ledger.progress.lag_pages == PAGES // 2
        assert FROZEN_SECONDS - 1 <= ledger.progress.lag_seconds <= monotonic() - began + 1
        assert readers.get_size() <= database.READERS_MAX
        assert not folding.done()
        postgres.signal_all(signal.SIGCONT)
        await folding
    finally:
        postgres.signal_all(signal.SIGCONT)
    await demand_whole(ledger)
    assert ledger.progress.lag_pages == 0
    writer.terminate()
    readers.terminate()
