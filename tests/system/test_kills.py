"""Everything is killed while companies book, and every promise is checked afterwards by somebody else's arithmetic."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
import pytest_asyncio

from services.cli.up.service import Service
from services.runtime.embedded import StartError
from tests.system.against_ledger import differences
from tests.system.checker import faults
from tests.system.harness import PARTS, Centre, Clients, eventually, frozen, kill, running_centre
from tests.system.raw_log import read_log
from tests.system.small_catalogue import COMPANY
from tests.system.streamed import Streamed
from tests.system.views import view_faults
from tests.system.workload import Asked, Crowd, Outcome, booking, busy

pytestmark = pytest.mark.asyncio(loop_scope="module")

GRANTS = 40
"""Granted before the fault, and again after it."""
STREAMED = 4_500
"""Demands on one stream: so many that it is still under way when the scheduler is killed."""
SECONDS_TO_NOTICE = 10
"""How long a scheduler may take to find out that another one has written."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A centre that the tests of this file break one after the other; each leaves it whole."""
    async with running_centre(tmp_path_factory.mktemp("kills")) as clients:
        yield clients


async def more_granted(crowd: Crowd, number: int = GRANTS) -> None:
    """Wait until so many more requests are granted."""
    wanted = crowd.count(Outcome.GRANTED) + number
    await eventually(lambda: crowd.count(Outcome.GRANTED) >= wanted, f"{number} more requests are granted")


def unanswered(crowd: Crowd) -> bool:
    """Whether somebody had to ask twice and still does not know."""
    return any(each.attempts > 1 and each.outcome is Outcome.OPEN for each in crowd.asked)


async def all_faults(clients: Clients, crowd: Crowd, streamed: Sequence[Asked] = ()) -> list[str]:
    """Every broken promise: of the log, of the answers, of the views, and of one view against the other."""
    log = await read_log(clients.centre)
    return [
        *faults(log, [*crowd.asked, *streamed], clients.centre.name),
        *await view_faults(clients, log),
        *await differences(clients),
    ]


@pytest.mark.parametrize("victim", PARTS)
async def test_promises_survive_kill_nine(clients: Clients, victim: str) -> None:
    """P1-P6: whichever process dies in the middle of the work, it comes back by itself and no promise is broken."""
    centre = clients.centre
    reports = len(centre.reports)
    async with centre.supervised():
        async with busy(clients, seed=f"kill {victim}") as crowd:
            await more_granted(crowd)
            kill(centre.part(victim))
            await eventually(lambda: f"{victim} is back" in centre.reports[reports:], f"{victim} is back")
            await more_granted(crowd)
        assert not await all_faults(clients, crowd)


async def test_a_stream_outlives_the_scheduler(clients: Clients) -> None:
    """P1, P2, P4: a stream is resumed after kill -9 and every demand is answered once, beside others who book."""
    centre = clients.centre
    async with centre.supervised(), busy(clients, seed="stream") as crowd:
        streamed = Streamed(clients, STREAMED, seed="streamed")
        booking_all = asyncio.create_task(streamed.book())
        await eventually(lambda: streamed.answered > 0, "the stream is under way")
        kill(centre.scheduler)
        assert streamed.answered < STREAMED, "it was over before the scheduler died"
        await booking_all
        await more_granted(crowd)
    assert streamed.answered == STREAMED
    assert not await all_faults(clients, crowd, streamed.asked)


async def test_bookings_go_on_without_the_views(clients: Clients) -> None:
    """P10: with Postgres, the ledger and metrics all dead, every answer comes at once; later they catch up."""
    centre = clients.centre
    for victim in (centre.ledger, centre.metrics, centre.postgres):
        kill(victim)
        await victim.exited()
    async with busy(clients, seed="views away") as crowd:
        await more_granted(crowd)
    assert {each.attempts - max(0, len(each.answers) - 1) for each in crowd.asked} == {1}, "somebody had to ask twice"
    await asyncio.gather(centre.postgres.start(), centre.metrics.start())
    await centre.ledger.start()
    assert not await all_faults(clients, crowd)


async def test_ledger_waits_for_postgres(clients: Clients) -> None:
    """P10: a ledger that starts while Postgres is away waits, and serves once it is back."""
    centre = clients.centre
    await centre.ledger.stop()
    kill(centre.postgres)
    await centre.postgres.exited()
    starting = asyncio.create_task(centre.ledger.start())
    async with busy(clients, seed="late postgres") as crowd:
        await more_granted(crowd)
        await centre.postgres.start()
        await starting
    assert not await all_faults(clients, crowd)


async def test_of_two_schedulers_one_survives(clients: Clients) -> None:
    """P1, P2: a second writer beside the first ends one of the two, loudly, and no yes of either is lost."""
    centre = clients.centre
    first, second = centre.scheduler, centre.new_scheduler("second-scheduler")
    async with busy(clients, seed="two schedulers") as crowd:
        await more_granted(crowd)
        beaten = first if await started(second) else second
        async with asyncio.timeout(SECONDS_TO_NOTICE):
            assert await beaten.exited() == 1
        centre.scheduler = second if beaten is first else first
        await more_granted(crowd)
    assert not await all_faults(clients, crowd)


async def started(scheduler: Service) -> bool:
    """Whether a scheduler came to lead; it may as well have been fenced by the one that leads."""
    try:
        await scheduler.start()
    except StartError:
        return False
    return True


async def test_stale_scheduler_never_says_yes(clients: Clients) -> None:
    """P2: a scheduler that slept while another took over wakes up, is refused by the log, and ends without a yes."""
    centre = clients.centre
    stale, fresh = centre.scheduler, centre.new_scheduler("fresh-scheduler")
    async with busy(clients, seed="sleeper") as crowd:
        await more_granted(crowd)
        with frozen(stale.pid):
            await fresh.start()
            centre.scheduler = fresh
            await more_granted(crowd)
        async with asyncio.timeout(SECONDS_TO_NOTICE):
            assert await stale.exited() == 1
    assert not await all_faults(clients, crowd)


async def test_nobody_hears_a_yes_from_a_frozen_log(clients: Clients) -> None:
    """P2: what is decided while nats-server stands still is not told before it is durable, and then it is."""
    crowd = Crowd(clients, seed="probe")
    probe = Asked(COMPANY, "CreateReservation", booking(COMPANY, "core", 1, day=40))
    with frozen(clients.centre.nats.process.pid):
        await crowd.attempt(probe)
        assert probe.outcome is Outcome.OPEN
    await crowd.settle(probe)
    assert probe.outcome is Outcome.GRANTED
    assert not await all_faults(clients, crowd)


async def test_frozen_log_delays_answers_and_loses_none(clients: Clients) -> None:
    """P2, P3: while nats-server does not answer nobody hears a yes, and afterwards everybody hears the truth."""
    async with busy(clients, seed="frozen log") as crowd:
        await more_granted(crowd)
        with frozen(clients.centre.nats.process.pid):
            await eventually(lambda: unanswered(crowd), "somebody asks again")
        await more_granted(crowd)
    assert not await all_faults(clients, crowd)


async def test_yes_outlives_the_death_of_everything(clients: Clients) -> None:
    """P2, P3: all processes die at once while the log is stuck; what was granted is there, what was not is settled."""
    centre = clients.centre
    async with busy(clients, seed="power cut") as crowd:
        await more_granted(crowd)
        with frozen(centre.nats.process.pid):
            await eventually(lambda: unanswered(crowd), "somebody asks again")
            for name in PARTS:
                kill(centre.part(name))
            await asyncio.gather(*(centre.part(name).exited() for name in PARTS))
        await centre.start()
        await more_granted(crowd)
    assert not await all_faults(clients, crowd)


async def test_dropped_tables_are_folded_again(clients: Clients) -> None:
    """P7: every table of the ledger dropped and rebuilt from the log holds the same rows, to the last byte."""
    centre = clients.centre
    async with busy(clients, seed="rebuild") as crowd:
        await more_granted(crowd)
    await centre.scheduler.stop()  # Time stands still, so both folds end at the same page.
    log = await read_log(centre)
    await eventually(lambda: digests_at(centre, len(log)), "the ledger has caught up")
    before = await digests(centre)
    assert before["journal"] != before["migrations"]
    await centre.ledger.stop()
    said = await asyncio.to_thread(rebuild, centre)
    after = await digests(centre)
    assert json.loads(said.splitlines()[-1])["position"] == len(log)
    assert before.pop("migrations") != after.pop("migrations"), "the tables were not made anew"
    assert after == before
    await asyncio.gather(centre.scheduler.start(), centre.ledger.start())
    assert not await all_faults(clients, crowd)


def rebuild(centre: Centre) -> str:
    """Run the ledger's rebuild to its end, and give what it printed."""
    command = [sys.executable, "-m", "services.ledger.app", "--rebuild"]
    environment = {"PATH": os.environ["PATH"], **centre.ledger_settings()}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout


async def digests(centre: Centre) -> dict[str, str]:
    """The hash of all rows of each table of the ledger, as text and sorted."""
    connection = await asyncpg.connect(centre.postgres.dsn, server_settings={"role": "aidc_auditor"})
    try:
        names = await connection.fetch(_TABLES)
        assert names
        return {name: await _digest(connection, name) for (name,) in names}
    finally:
        await connection.close()


# Partitions are read by the table that they are parts of.
_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""


async def _digest(connection: asyncpg.Connection, table: str) -> str:
    rows = await connection.fetch(f'SELECT t::text FROM ledger."{table}" AS t')
    return hashlib.sha256("\n".join(sorted(row[0] for row in rows)).encode()).hexdigest()


async def digests_at(centre: Centre, position: int) -> bool:
    """Whether the ledger's tables hold this position."""
    connection = await asyncpg.connect(centre.postgres.dsn, server_settings={"role": "aidc_auditor"})
    try:
        return bool(await connection.fetchval("SELECT max(position) FROM ledger.checkpoint") == position)
    finally:
        await connection.close()
