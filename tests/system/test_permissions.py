"""The users of `deploy/nats/nats.conf`: the services live with what they may, and may nothing else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import nats.errors
import pytest
import pytest_asyncio

from services.eventlog.beside import USE, SideStream
from services.eventlog.connection import Connection, inbox_of
from services.eventlog.snapshots import JetStreamSnapshots
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from tests.eventlog.contract import in_pieces
from tests.system.harness import Centre, Clients, eventually, register
from tests.system.permitted import CENTRE, PermittedNats
from tests.system.small_catalogue import COMPANY, HOUR
from tests.system.views import balance, scrape
from tests.system.workload import booking

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM, LOG = f"AIDC-{CENTRE}", f"aidc.{CENTRE}.log"
ALTERING = ("PURGE", "DELETE", "UPDATE", "MSG.DELETE")
FORBIDDEN = {
    "reader": (
        *(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in (*ALTERING, "CREATE")),
        *(LOG, f"aidc.{CENTRE}.standing", f"aidc.{CENTRE}.refusals", f"aidc.{CENTRE}.use.node-1"),
    ),
    "scheduler": tuple(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in ALTERING),
    "agent": (
        *(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in (*ALTERING, "CREATE", "INFO", "MSG.GET")),
        *(LOG, f"$JS.API.CONSUMER.CREATE.{STREAM}", f"$JS.API.DIRECT.GET.{STREAM}"),
    ),
}
"""What each user asks for in vain: to write, alter or drop the log; and for an agent, to read anything."""
UNHEARD = {
    "reader": ("_INBOX.>", "_INBOX.scheduler.>", "_INBOX.agent.>", "aidc.>"),
    "scheduler": ("_INBOX.>", "_INBOX.reader.>", "_INBOX.agent.>", "aidc.>"),
    "agent": ("_INBOX.>", "_INBOX.scheduler.>", "_INBOX.reader.>", "aidc.>"),
}
"""What each user listens for in vain: what others are told."""
REFUSED_SECONDS = 1.0
"""NATS does not answer what it does not permit; what it permits it answers within milliseconds."""


class Production(Centre):
    """A centre of which each service has the user that is meant for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CENTRE, speed=1)
        self.permitted = PermittedNats(folder / "permitted")
        self.nats: Any = self.permitted

    def _scheduler_settings(self) -> dict[str, str]:
        return {**super()._scheduler_settings(), "AIDC_NATS_URL": self.permitted.url_of("scheduler")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """Such a centre, with the small catalogue."""
    async with Production(tmp_path_factory.mktemp("permissions")) as centre, Clients(centre) as clients:
        await register(clients)
        yield clients


def url_of(clients: Clients, user: str) -> str:
    """Where a user connects."""
    url: str = clients.centre.nats.url_of(user)
    return url


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
    connection = await Connection.open(url_of(clients, "scheduler"), name="test")
    try:
        snapshots = JetStreamSnapshots(connection, CENTRE)
        for position in (1, 2, 3):
            await snapshots.save(position, "0" * 64, in_pieces(b"state"))
        assert await snapshots.load() == (3, "0" * 64, b"state")
    finally:
        await connection.close()


async def test_an_agent_reports(clients: Clients) -> None:
    """Of use, and of that alone."""
    connection = await Connection.open(url_of(clients, "agent"), name="test")
    try:
        await SideStream(connection, CENTRE, USE).publish(b"{}", "node-1")
    finally:
        await connection.close()


@pytest.mark.parametrize("user", FORBIDDEN)
async def test_nobody_may_more(clients: Clients, user: str) -> None:
    """No user can purge, delete or alter the log, and only the scheduler can write to it; an agent reads nothing."""
    refusals: list[str] = []
    client = await listening(url_of(clients, user), refusals)
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
    client = await listening(url_of(clients, user), refusals)
    try:
        for subject in UNHEARD[user]:
            await client.subscribe(subject)
        await eventually(lambda: len(refusals) == len(UNHEARD[user]), f"{user} is refused")
    finally:
        await client.close()


async def listening(url: str, refusals: list[str]) -> Any:
    """A plain client that notes what it is refused."""

    async def note(error: Exception) -> None:
        refusals.append(str(error))

    return await nats.connect(url, inbox_prefix=inbox_of(url), error_cb=note)


async def test_answers_have_a_place_of_their_own() -> None:
    """It is named after the user of the address; without one, or with an odd one, it is the usual."""
    assert inbox_of("nats://reader:secret@nats-1:4222,nats://reader:secret@nats-2:4222") == "_INBOX.reader"
    assert inbox_of("nats://nats-1:4222") == inbox_of("nats://a.*:secret@nats-1:4222") == "_INBOX"
