"""Through outages and to a halt: the ledger keeps trying (P10), and stops loudly where it cannot trust (P9)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from services.eventlog import EventLog, Unknown
from services.eventlog.memory import MemoryLog
from services.ledger import following
from services.ledger.following import Follower
from services.ledger.journal import Superseded
from services.ledger.progress import Progress
from services.runtime.health import Health
from tests.ledger.busy import busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import CENTRE, OPENING, chained, confirmed, entry, extend, held, hours

SECONDS_MAX = 10.0


class Connections:
    """Opens the log in memory, after so many failures."""

    def __init__(self, pages: list[bytes], failures: int = 0) -> None:
        self.pages = pages
        self.failures = failures
        self.opened: list[MemoryLog] = []

    async def open(self) -> EventLog:
        if self.failures:
            self.failures -= 1
            raise Unknown("NATS is away")
        log = MemoryLog(self.pages)
        self.opened.append(log)
        return log


@asynccontextmanager
async def followed(ledger: Ledger, connections: Connections, health: Health) -> AsyncIterator[asyncio.Task[None]]:
    """A follower at work."""
    ledger.telemetry.watch(ledger.progress, [ledger.writer, ledger.readers])
    follower = Follower(connections.open, CENTRE, ledger.journal, ledger.progress, ledger.telemetry, health)
    task = asyncio.create_task(follower.run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outages of a test are short."""
    monkeypatch.setattr(following, "RETRY_SECONDS_MAX", 0.05)
    monkeypatch.setattr(following, "RETRY_SECONDS_MIN", 0.01)
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.01)


async def test_the_log_may_be_away_at_the_start(ledger: Ledger) -> None:
    """Until the log answers the ledger says that it does not serve, and why; then it catches up by itself."""
    health = Health()
    async with followed(ledger, Connections(chained(busy_centre(20)), failures=3), health):
        assert await ledger.progress.wait_for(20, SECONDS_MAX)
        assert health.is_serving


async def test_the_log_may_go_away_and_come_back(ledger: Ledger) -> None:
    """A connection that is lost for good is opened anew, and following goes on behind the checkpoint."""
    connections, health = Connections(chained(busy_centre(20))), Health()
    async with followed(ledger, connections, health):
        assert await ledger.progress.wait_for(20, SECONDS_MAX)
        connections.pages = chained(busy_centre(40))
        await connections.opened[0].close()
        assert await ledger.progress.wait_for(40, SECONDS_MAX)
    assert await ledger.rows("SELECT count(*) FROM pages") == [(40,)]


async def test_an_altered_page_halts_the_ledger(ledger: Ledger) -> None:
    """It stops for good, says so in its health and counts it, and keeps what it has; it does not exit in a loop."""
    pages, health = chained(busy_centre(20)), Health()
    pages[10] = pages[10][:-2] + b" ]}"
    async with followed(ledger, Connections(pages), health) as task:
        async with asyncio.timeout(SECONDS_MAX):
            await task
    assert health.reason.startswith("halted: the page at position 12 cannot be trusted")
    assert ledger.progress.halted
    assert await ledger.rows("SELECT position FROM checkpoint") == [(11,)]
    violations = "alloc_ledger_invariant_violations_total"
    assert ledger.registry.get_sample_value(violations, {"invariant": "log"}) == 1


async def test_a_double_booking_halts_the_ledger(ledger: Ledger) -> None:
    """What the database refuses is counted under the name of its guard (P1)."""
    log = MemoryLog()
    extend(log, OPENING, *((entry(confirmed(name, held([0], hours(0, 1)))),) for name in ("r1", "r2")))
    health = Health()
    async with followed(ledger, Connections(log.pages), health) as task:
        async with asyncio.timeout(SECONDS_MAX):
            await task
    assert "allocations_overlap" in health.reason
    labels = {"invariant": "allocations_overlap"}
    assert ledger.registry.get_sample_value("alloc_ledger_invariant_violations_total", labels) == 1


async def test_the_slower_of_two_ledgers_ends(ledger: Ledger) -> None:
    """When another ledger has moved the checkpoint, following ends with the reason."""
    connections = Connections(chained(busy_centre(5)))
    async with followed(ledger, connections, Health()) as task:
        assert await ledger.progress.wait_for(5, SECONDS_MAX)
        async with ledger.writer.acquire() as connection:
            await connection.execute("UPDATE checkpoint SET position = 6")
        for page in chained(busy_centre(6))[5:]:
            connections.opened[0].append_as_other(page)
        async with asyncio.timeout(SECONDS_MAX):
            with pytest.raises(Superseded, match="stands at position 6"):
                await task


async def test_metrics_tell_what_was_applied_and_what_lags(ledger: Ledger) -> None:
    """Prometheus sees the events by type, and no lag once the end is reached."""
    async with followed(ledger, Connections(chained(busy_centre(30))), Health()):
        assert await ledger.progress.wait_for(30, SECONDS_MAX)
    value = ledger.registry.get_sample_value
    applied = {"projection": "ledger", "event_type": "company_registered"}
    assert value("alloc_projection_applied_total", applied) == 8
    assert value("alloc_projection_lag_events", {"projection": "ledger"}) == 0
    assert value("alloc_projection_lag_seconds", {"projection": "ledger"}) == 0
    assert value("alloc_db_pool_connections", {"state": "used"}) is not None


async def test_the_lag_counts_from_when_the_log_went_on(ledger: Ledger) -> None:
    """The lag in seconds is the age of the oldest page that is known and not applied."""
    now = 100.0
    progress = Progress(lambda: now)
    progress.saw(0)
    assert (progress.lag_pages, progress.lag_seconds) == (0, 0.0)
    progress.saw(3)
    now = 105.0
    progress.saw(8)
    assert (progress.lag_pages, progress.lag_seconds) == (8, 5.0)
    checkpoint = (await ledger.journal.open())[0]
    await progress.reached(replace(checkpoint, position=3))
    now = 107.0
    assert (progress.lag_pages, progress.lag_seconds) == (5, 2.0)
    await progress.reached(replace(checkpoint, position=8))
    assert (progress.lag_pages, progress.lag_seconds) == (0, 0.0)


async def test_the_lag_grows_while_the_log_cannot_be_asked() -> None:
    """A ledger that hears nothing does not claim to be up to date."""
    now = 100.0
    progress = Progress(lambda: now)
    progress.saw(0)
    progress.lost_sight()
    now = 130.0
    assert progress.lag_seconds == 30.0
    progress.saw(0)
    assert progress.lag_seconds == 0.0
