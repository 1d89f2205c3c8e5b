"""A reader that stands still holds nobody up, is cut off by the server, and goes on where it was when it is back.

The server is the one of `deploy/nats/`, with its limits.
"""

import asyncio
import json
import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.eventlog.jetstream import JetStreamLog
from tests.system.harness import Clients, eventually, frozen, register
from tests.system.permitted import CENTRE, PermittedNats
from tests.system.production import Production
from tests.system.small_catalogue import COMPANY
from tests.system.views import balance, scrape
from tests.system.workload import booking

PAGE_BYTES = 512 * 1024
PAGES = 64
"""More in all than the server keeps for one connection, and what the kernel keeps besides."""
STANDING_STILL = "_INBOX.reader.still"
HOSE = {"deliver_subject": STANDING_STILL, "deliver_policy": "all", "ack_policy": "none"}
READERS = ("ledger", "metrics")


async def test_who_does_not_read_is_cut_off_and_holds_nobody_up(tmp_path: Path) -> None:
    """Every append is answered in time and reaches another reader, and the server counts a slow one that is gone."""
    server = PermittedNats(tmp_path)
    await server.start()
    try:
        log = await JetStreamLog.connect(server.url_of("scheduler"), CENTRE)
        other = await JetStreamLog.connect(server.url_of("reader"), CENTRE, create=False)
        async with standing_still(server):
            following = asyncio.create_task(read(other, PAGES))
            for position in range(PAGES):
                assert await log.append(bytes([position]) * PAGE_BYTES, position) == position + 1
            assert await following == list(range(1, PAGES + 1))
            await eventually(lambda: asks(server, "/varz")["slow_consumers"] == 1, "the slow reader is cut off")
        await log.close()
        await other.close()
    finally:
        await server.stop()


async def test_a_ledger_and_metrics_that_were_cut_off_catch_up(tmp_path: Path) -> None:
    """Stopped until the server has given them up, they go on by themselves with what was booked meanwhile."""
    async with Production(tmp_path) as centre, Clients(centre) as clients:
        await register(clients)
        book = clients.scheduler.CreateReservation
        before = len(connections(centre.permitted))
        with frozen(centre.ledger.pid), frozen(centre.metrics.pid):
            await eventually(lambda: len(connections(centre.permitted)) == before - 3, "both are cut off")
            granted = await clients.call(book, booking(COMPANY, "core", 16, day=20), COMPANY)
        told = await balance(clients, f"companies/{COMPANY}", COMPANY, granted.position)
        assert told.position >= granted.position

        async def shown() -> bool:
            return (await scrape(clients))["alloc_projection_position", "metrics"] >= granted.position

        await eventually(shown, "the metrics go on")
        assert centre.reports == []


@asynccontextmanager
async def standing_still(server: PermittedNats) -> AsyncIterator[None]:
    """A reader that has every page pushed to it, and takes none off its socket."""
    address = urlsplit(server.url_of("reader"))
    greeting = {"user": address.username, "pass": address.password, "verbose": False, "protocol": 1}
    request = json.dumps({"stream_name": f"AIDC-{CENTRE}", "config": HOSE})
    with socket.socket() as still:
        still.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        still.connect((address.hostname, address.port))
        still.sendall(
            f"CONNECT {json.dumps(greeting)}\r\nSUB {STANDING_STILL} 1\r\n"
            f"PUB $JS.API.CONSUMER.CREATE.AIDC-{CENTRE} {len(request)}\r\n{request}\r\n".encode()
        )
        await eventually(lambda: any(each["subscriptions"] for each in connections(server)), "it is subscribed")
        yield


def connections(server: PermittedNats) -> list[Any]:
    """Who is connected."""
    listed: list[Any] = asks(server, "/connz")["connections"]
    return listed


def asks(server: PermittedNats, page: str) -> Any:
    """What the server says of itself."""
    url = f"http://{urlsplit(server.monitor_url).netloc}{page}"
    return json.loads(urllib.request.urlopen(url, timeout=5).read())


async def read(log: JetStreamLog, count: int) -> list[int]:
    """The positions of the first pages that a reader gets."""
    positions: list[int] = []
    async with aclosing(log.follow(0)) as following:
        async for records in following:
            positions += [record.position for record in records]
            if len(positions) >= count:
                break
    return positions
