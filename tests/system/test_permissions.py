"""The users of `deploy/nats/`: the services live with what they may, and may nothing else."""

import asyncio
from collections.abc import AsyncIterator

import nats.errors
import pytest
import pytest_asyncio

from services.eventlog.connection import Connection, inbox_of
from services.eventlog.snapshots import JetStreamSnapshots
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from tests.eventlog.contract import in_pieces
from tests.system.harness import Clients, eventually, register
from tests.system.permitted import CENTRE
from tests.system.production import Production, listening
from tests.system.small_catalogue import COMPANY, HOUR
from tests.system.views import balance, scrape
from tests.system.workload import booking

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM, LOG = f"AIDC-{CENTRE}", f"aidc.{CENTRE}.log"
ALTERING = ("PURGE", "DELETE", "UPDATE", "MSG.DELETE")
FORBIDDEN = {
    "reader": (
        *(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in (*ALTERING, "CREATE")),
        *(LOG, f"aidc.{CENTRE}.standing", f"aidc.{CENTRE}.refusals", f"aidc.{CENTRE}.use.gpu-0"),
    ),
    "scheduler": tuple(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in ALTERING),
    "agent-gpu-0": (
        *(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in (*ALTERING, "CREATE", "INFO", "MSG.GET")),
        *(f"$JS.API.STREAM.{verb}.{STREAM}-use" for verb in (*ALTERING, "INFO", "MSG.GET")),
        *(f"$JS.API.CONSUMER.{verb}" for verb in (f"CREATE.{STREAM}", f"CREATE.{STREAM}-use", f"NAMES.{STREAM}")),
        *(f"$JS.API.CONSUMER.{verb}.{STREAM}.ledger" for verb in ("MSG.NEXT", "DELETE", "DURABLE.CREATE")),
        *(LOG, f"$JS.API.DIRECT.GET.{STREAM}", f"aidc.{CENTRE}.refusals", f"aidc.{CENTRE}.standing"),
        *(f"aidc.{CENTRE}.use.gpu-1", f"aidc.{CENTRE}.use", "aidc.other.use.gpu-0"),
    ),
}
"""What each user asks for in vain: to write, alter or drop the log; and for an agent, to read anything, and to speak
for another node or another centre."""
UNHEARD = {
    "reader": ("_INBOX.>", "_INBOX.scheduler.>", "_INBOX.agent-gpu-0.>", "aidc.>"),
    "scheduler": ("_INBOX.>", "_INBOX.reader.>", "_INBOX.agent-gpu-0.>", "aidc.>"),
    "agent-gpu-0": ("_INBOX.>", "_INBOX.scheduler.>", "_INBOX.reader.>", "_INBOX.agent-gpu-1.>", "aidc.>"),
}
"""What each user listens for in vain: what others are told."""
REFUSED_SECONDS = 1.0
"""NATS does not answer what it does not permit; what it permits it answers within milliseconds."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """Such a centre, with the small catalogue."""
    async with Production(tmp_path_factory.mktemp("permissions")) as centre, Clients(centre) as clients:
        await register(clients)
        yield clients


async def test_the_services_need_no_more(clients: Clients) -> None:
    """A booking becomes durable, and comes to the ledger and the metrics, by what each is permitted."""
    granted = await clients.call(clients.scheduler.CreateReservation, booking(COMPANY, "core", 16, day=20), COMPANY)
    told: ledger_api.Balance = await balance(clients, f"companies/{COMPANY}", COMPANY, granted.position)
    assert told.position >= granted.position

    async def shown() -> bool:
        return (await scrape(clients)).get(("alloc_held_unit_seconds", COMPANY, "core")) == 16 * 2 * HOUR

    await eventually(shown, "the metrics show it")


async def test_the_scheduler_keeps_snapshots(clients: Clients) -> None:
    """Three are saved and the oldest are let go, which needs the right to purge those and nothing else."""
    connection = await Connection.open(clients.centre.nats.url_of("scheduler"), name="test")
    try:
        snapshots = JetStreamSnapshots(connection, CENTRE)
        for position in (1, 2, 3):
            await snapshots.save(position, "0" * 64, in_pieces(b"state"))
        assert await snapshots.load() == (3, "0" * 64, b"state")
    finally:
        await connection.close()


@pytest.mark.parametrize("user", FORBIDDEN)
async def test_nobody_may_more(clients: Clients, user: str) -> None:
    """No user can purge, delete or alter the log, only the scheduler can write to it, and an agent reads nothing."""
    refusals: list[str] = []
    client = await listening(clients.centre.nats.url_of(user), refusals)
    try:
        outcomes = await asyncio.gather(
            *(client.request(subject, b"{}", timeout=REFUSED_SECONDS) for subject in FORBIDDEN[user]),
            return_exceptions=True,
        )
    finally:
        await client.close()
    assert {type(outcome) for outcome in outcomes} == {nats.errors.TimeoutError}
    assert len(refusals) == len(outcomes), refusals


@pytest.mark.parametrize("user", UNHEARD)
async def test_nobody_hears_what_others_are_told(clients: Clients, user: str) -> None:
    """Answers come to a place of each user's own, and pages pass nobody by."""
    refusals: list[str] = []
    client = await listening(clients.centre.nats.url_of(user), refusals)
    try:
        for subject in UNHEARD[user]:
            await client.subscribe(subject)
        await eventually(lambda: len(refusals) == len(UNHEARD[user]), f"{user} is refused")
    finally:
        await client.close()


async def test_answers_have_a_place_of_their_own() -> None:
    """It is named after the user of the address; without one, or with an odd one, it is the usual."""
    assert inbox_of("nats://reader:secret@nats-1:4222,nats://reader:secret@nats-2:4222") == "_INBOX.reader"
    assert inbox_of("nats://nats-1:4222") == inbox_of("nats://a.*:secret@nats-1:4222") == "_INBOX"
