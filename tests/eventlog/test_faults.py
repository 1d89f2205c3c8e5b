"""What holds while a real nats-server is killed, frozen and cut off: no acknowledged page lost, none twice."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.eventlog import Fenced, Unknown
from services.eventlog.append import append_page
from services.eventlog.chain import ChainReader, read_pages
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.page import Head, Record, page_hash
from services.runtime.embedded import NatsServer
from tests.eventlog.contract import PATIENCE_SECONDS, filled, taken
from tests.eventlog.pages import CENTRE, chain
from tests.eventlog.proxy import Proxy

AWAY_SECONDS = 10.0
"""How long the log is away: longer than a client waits for an answer, shorter than a writer does."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A nats-server of the test's own, to be treated badly."""
    async with NatsServer(tmp_path) as started:
        yield started


@pytest.fixture
async def log(server: NatsServer) -> AsyncIterator[JetStreamLog]:
    """An empty log on that server."""
    opened = await JetStreamLog.connect(server.url, CENTRE, monitor_url=server.monitor_url)
    yield opened
    await opened.close()


@pytest.fixture
async def proxy(server: NatsServer) -> AsyncIterator[Proxy]:
    """A proxy in front of that server."""
    async with Proxy(server.address) as started:
        yield started


@pytest.fixture
async def far(server: NatsServer, log: JetStreamLog, proxy: Proxy) -> AsyncIterator[JetStreamLog]:
    """The same log, through the proxy."""
    opened = await JetStreamLog.connect(server.url.replace(server.address, proxy.url), CENTRE, create=False)
    yield opened
    await opened.close()


async def appended(log: JetStreamLog, pages: list[bytes], *, after: int = 0) -> list[int]:
    """Append these pages one after the other, each settled before the next."""
    return [await append_page(log, data, position) for position, data in enumerate(pages, after)]


async def stored(log: JetStreamLog, count: int) -> list[bytes]:
    """Every page of the log, checked to be so many, in an unbroken chain."""
    assert await log.last_position() == count
    records = await taken(log.follow(0), count)
    chain_reader = ChainReader(Head(), CENTRE)
    for record in records:
        chain_reader.take(record)
    return [record.data for record in records]


async def test_killed_under_appends(server: NatsServer, log: JetStreamLog) -> None:
    """kill -9 of the server, again and again under load, loses no acknowledged page and doubles none."""
    pages = chain(2_000)
    writer = asyncio.create_task(appended(log, pages))
    records = log.follow(0)
    for _ in range(3):
        await taken(records, 500)
        server.kill()
        await server.start()
    assert await writer == list(range(1, 2_001))
    assert await stored(log, 2_000) == pages


async def test_a_reader_survives_the_servers_restarts(server: NatsServer, log: JetStreamLog) -> None:
    """A reader that follows while the server is killed and started sees every page once, in order."""
    pages = chain(300)
    reader = asyncio.create_task(taken(log.follow(0), 300))
    for start in (0, 100, 200):
        await appended(log, pages[start : start + 100], after=start)
        server.kill()
        await server.start()
    assert [record.data for record in await reader] == pages


async def test_the_log_is_away_and_comes_back(server: NatsServer, log: JetStreamLog) -> None:
    """An append that meets an absent log waits for it and completes, once."""
    pages = chain(2)
    await appended(log, pages[:1])
    server.kill()
    waiting = asyncio.create_task(append_page(log, pages[1], 1))
    done, _ = await asyncio.wait([waiting], timeout=AWAY_SECONDS)
    assert not done
    await server.start()
    assert await waiting == 2
    assert await stored(log, 2) == pages


async def test_an_absent_log_is_given_up_in_time(server: NatsServer, log: JetStreamLog) -> None:
    """When the log stays away the append ends in `Unknown` at its limit, so that the process can exit."""
    server.kill()
    with pytest.raises(Unknown, match="has not answered for 1 s"):
        async with asyncio.timeout(5):
            await append_page(log, b"page", 0, seconds_max=1.0)


async def test_a_stopped_server_gets_no_page_twice(server: NatsServer, log: JetStreamLog) -> None:
    """A server that freezes holds the first request and every repetition; when it thaws, one of them counts."""
    pages = chain(4)
    await appended(log, pages[:1])
    server.process.send_signal(signal.SIGSTOP)
    await asyncio.to_thread(os.waitid, os.P_PID, server.process.pid, os.WSTOPPED | os.WNOWAIT)
    writer = asyncio.create_task(appended(log, pages[1:], after=1))
    done, _ = await asyncio.wait([writer], timeout=AWAY_SECONDS)
    assert not done
    server.process.send_signal(signal.SIGCONT)
    assert await writer == [2, 3, 4]
    assert await stored(log, 4) == pages


async def test_a_second_writer_fences_the_first(log: JetStreamLog, far: JetStreamLog) -> None:
    """Once another writer has appended, the first one's next page is refused, with or without doubt."""
    pages = chain(2)
    await appended(log, pages[:1])
    await append_page(far, b"the new leader", 1)
    with pytest.raises(Fenced):
        await append_page(log, pages[1], 1)
    assert await log.last_position() == 2


async def test_a_writer_that_was_cut_off_is_fenced_when_it_returns(
    log: JetStreamLog, far: JetStreamLog, proxy: Proxy
) -> None:
    """A writer that cannot hear, while another takes over, learns of it and does not append."""
    await appended(far, chain(1))
    proxy.swallow_answers = True
    await append_page(log, b"the new leader", 1)
    deaf = asyncio.create_task(append_page(far, b"the old leader", 1))
    done, _ = await asyncio.wait([deaf], timeout=0.5)
    assert not done
    proxy.swallow_answers = False
    with pytest.raises(Fenced):
        await deaf
    assert await log.last_position() == 2


async def test_a_lost_acknowledgement_is_settled_by_looking(log: JetStreamLog, far: JetStreamLog, proxy: Proxy) -> None:
    """A page that was stored while its acknowledgement got lost is found, and not stored again."""
    pages = chain(2)
    await appended(far, pages[:1])
    proxy.swallow_answers = True
    with pytest.raises(Unknown):
        await far.append(pages[1], 1)
    proxy.swallow_answers = False
    assert await append_page(far, pages[1], 1) == 2
    assert await stored(log, 2) == pages


@pytest.mark.parametrize("bytes_sent", [1, 100, 250, 600])
async def test_a_page_cut_in_two_is_sent_again(
    log: JetStreamLog, far: JetStreamLog, proxy: Proxy, bytes_sent: int
) -> None:
    """A connection that breaks inside a page leaves no part of it; the page arrives whole, once."""
    pages = chain(3)
    await appended(far, pages[:1])
    proxy.cut_after_bytes = bytes_sent
    assert await appended(far, pages[1:], after=1) == [2, 3]
    assert await stored(log, 3) == pages


async def test_a_reader_that_is_cut_off_goes_on(log: JetStreamLog, far: JetStreamLog, proxy: Proxy) -> None:
    """A reader whose connection is reset goes on with the next page when it is back."""
    pages = chain(30)
    records = far.follow(0)
    found: list[Record] = []
    for start in (0, 10, 20):
        await appended(log, pages[start : start + 10], after=start)
        found += await taken(records, 10)
        proxy.cut()
    assert [record.data for record in found] == pages


async def test_pages_lost_on_the_way_are_asked_for_again(log: JetStreamLog, far: JetStreamLog, proxy: Proxy) -> None:
    """Pages that left the server and never arrived are no gap in the log: the reader asks for them again."""
    pages = chain(20)
    records = far.follow(0)
    await appended(log, pages[:10])
    await taken(records, 10)
    proxy.swallow_answers = True
    rest = asyncio.create_task(taken(records, 10))
    await appended(log, pages[10:], after=10)
    done, _ = await asyncio.wait([rest], timeout=1)
    assert not done
    proxy.swallow_answers = False
    assert [record.data for record in await rest] == pages[10:]


async def test_pages_are_vouched_for_across_restarts(server: NatsServer, log: JetStreamLog) -> None:
    """Reading with the chain checked goes on over a restart from the head that it had."""
    pages = chain(6)
    await filled(log, pages[:3])
    batches = read_pages(log, Head(), CENTRE)
    heads = [record.hash for record, _ in await _pages_taken(batches, 3)]
    server.kill()
    await server.start()
    await appended(log, pages[3:], after=3)
    heads += [record.hash for record, _ in await _pages_taken(batches, 3)]
    assert heads == [page_hash(data) for data in pages]


async def _pages_taken(batches: AsyncIterator[list[tuple[Record, object]]], count: int) -> list[tuple[Record, object]]:
    found: list[tuple[Record, object]] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < count:
            found += await anext(batches)
    return found
