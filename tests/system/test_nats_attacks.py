"""Who holds a node's password attacks the centre through NATS, by the users of `deploy/nats/`."""

import json
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import nats.errors
import pytest
import pytest_asyncio

from services.eventlog.beside import USE, SideStream
from services.eventlog.connection import Connection
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.use import NodeUse, encode_use
from tests.system.harness import Clients, eventually, register
from tests.system.permitted import CENTRE, NODES, PermittedNats
from tests.system.production import Production, listening
from tests.system.small_catalogue import COMPANY
from tests.system.views import scrape
from tests.system.workload import booking

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINE, OTHERS = NODES
LOG, USED = f"aidc.{CENTRE}.log", f"aidc.{CENTRE}.use"
TARGETS = (
    LOG,
    f"aidc.{CENTRE}.refusals",
    f"{USED}.{OTHERS}",
    f"$JS.API.STREAM.PURGE.AIDC-{CENTRE}-use",
    f"$JS.API.STREAM.DELETE.AIDC-{CENTRE}",
    f"$JS.API.CONSUMER.CREATE.AIDC-{CENTRE}",
    "_INBOX.scheduler.all",
)
"""Where an attacker would have answers sent: what is sent there by somebody with the right to it has an effect."""
AT_WORK = (1000,) * 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A centre behind the deployed server, with the small catalogue."""
    async with Production(tmp_path_factory.mktemp("attacks")) as centre, Clients(centre) as clients:
        await register(clients)
        yield clients


def report(node: str) -> bytes:
    """That everything on a node was at work in the last ten seconds, as the node's own clock has it."""
    now = int(time.time())
    return encode_use(NodeUse(node=node, start=now - 10, end=now, source="nvml", accelerators=AT_WORK))


async def outcomes(clients: Clients) -> dict[str, float]:
    """What became of the reports that the scheduler read."""
    return {
        labels[0]: value
        for (name, *labels), value in (await scrape(clients, "scheduler")).items()
        if name == "alloc_use_reports_total"
    }


async def pages(clients: Clients) -> list[bytes]:
    """Everything that stands in the log's stream."""
    log = await JetStreamLog.connect(clients.centre.nats.url, CENTRE, create=False)
    try:
        records = [await log.read(position) for position in range(1, await log.last_position() + 1)]
    finally:
        await log.close()
    assert all(records)
    return [record.data for record in records if record]


async def test_a_node_is_believed_of_itself_alone(clients: Clients) -> None:
    """What it says of another under its own subject is counted as forged and leaves no figure anywhere."""
    connection = await Connection.open(clients.centre.nats.url_of(f"agent-{MINE}"), name="test")
    try:
        mine = SideStream(connection, CENTRE, USE)

        async def heard() -> bool:
            await mine.publish(report(OTHERS), MINE)
            return (await outcomes(clients)).get("forged", 0) > 0

        await eventually(heard, "the scheduler has read a forged report")  # It begins with now, not with the past.
        await mine.publish(report(MINE), MINE)

        async def shown() -> bool:
            return (await scrape(clients)).get(("alloc_pool_measured_units", "gpu"), 0) > 0

        await eventually(shown, "the metrics have read what came after it")
    finally:
        await connection.close()
    assert (await scrape(clients))["alloc_pool_measured_units", "gpu"] == len(AT_WORK)


@pytest.mark.parametrize("target", TARGETS)
async def test_an_answer_sent_elsewhere_does_nothing(clients: Clients, target: str) -> None:
    """A node has the acknowledgement of its report sent where it may not publish, and nothing comes there."""
    before = await pages(clients)
    attacker = await listening(clients.centre.nats.url_of(f"agent-{MINE}"), [])
    try:
        kept = await attacker.request(f"{USED}.{MINE}", report(MINE))
        await attacker.publish(f"{USED}.{MINE}", report(MINE), reply=target)
        again = await attacker.request(f"{USED}.{MINE}", report(MINE))
    finally:
        await attacker.close()
    assert json.loads(again.data)["seq"] == json.loads(kept.data)["seq"] + 2, "the stream of use has other messages"
    await clients.call(clients.scheduler.CreateReservation, booking(COMPANY, "core", 1, day=9), COMPANY)
    after = await pages(clients)
    assert after[: len(before)] == before
    assert all(json.loads(data)["centre"] == CENTRE for data in after)


async def test_a_node_that_is_no_longer_named_is_let_in_no_more(tmp_path: Path) -> None:
    """Nodes are added and taken out while the server runs, and those that stay keep their password."""
    server = PermittedNats(tmp_path)
    await server.start()
    try:
        mine, others = server.url_of(MINE), server.url_of(OTHERS)
        await server.add_nodes(MINE, "gpu-2")
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGHUP)

        async def as_named() -> bool:
            return [await let_in(url) for url in (mine, server.url_of("gpu-2"), others)] == [True, True, False]

        await eventually(as_named, "those that are named are let in, and the other is not")
        assert server.url_of(MINE) == mine
        assert modes_in(tmp_path / "agents") == {f"{MINE}.url": 0o600, "gpu-2.url": 0o600}
    finally:
        await server.stop()


async def let_in(url: str) -> bool:
    """Whether the server knows this user."""
    try:
        client: Any = await nats.connect(url, allow_reconnect=False, error_cb=_unheard)
    except (nats.errors.Error, OSError):  # While it rereads its configuration it may drop a connection.
        return False
    await client.close()
    return True


def modes_in(folder: Path) -> dict[str, int]:
    """Every file of a folder, and who may read it."""
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def _unheard(error: Exception) -> None:
    del error


async def test_odd_names_of_nodes_are_refused(tmp_path: Path) -> None:
    """A name that would mean more than one subject makes no user."""
    for name in ("*", ">", "node 1", "node.1", 'x" }'):
        with pytest.raises(AssertionError):
            await PermittedNats(tmp_path).add_nodes(name)
    assert not (tmp_path / "nodes.conf").exists()
