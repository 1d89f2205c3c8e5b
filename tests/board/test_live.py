"""Live changes over a real connection: one's own at once, others' never, streams bounded, an end in good order."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from services.board.app import Settings, run
from services.board.doors.session import COOKIE
from services.board.entrance import patience
from services.board.entrance.live import PERSON_STREAMS_MAX
from services.runtime.lifecycle import Stop
from services.runtime.settings import Address
from tests.board.browsing import Browsing
from tests.system.harness import eventually
from tests.system.small_catalogue import COMPANIES, RIVAL

pytestmark = pytest.mark.asyncio(loop_scope="session")
SECONDS_MAX = 20.0
ANY = Address("127.0.0.1", 0)
WATCHER = COMPANIES[4]


class Served:
    """The board behind its own server, for those who want streams."""

    def __init__(self, browsing: Browsing, addresses: dict[str, str]) -> None:
        self.browsing = browsing
        self.web, self.http = addresses["web"], addresses["http"]

    def browser(self, holder: str) -> httpx.AsyncClient:
        """A browser of somebody."""
        token = self.browsing.centre.centre.tokens[holder]
        return httpx.AsyncClient(
            base_url=f"http://{self.web}", headers={"cookie": f"{COOKIE}={token}"}, timeout=SECONDS_MAX
        )

    @asynccontextmanager
    async def events(self, holder: str, **headers: str) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
        """The stream of somebody: pairs of event and id."""
        async with self.browser(holder) as browser, browser.stream("GET", "/live", headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield _pairs(answer)


async def _pairs(answer: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    known: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        known[name] = value
        if not line and "event" in known:
            yield known["event"], known.get("id", "")
            known = {}


@asynccontextmanager
async def serving(browsing: Browsing, folder: Path, stop: Stop) -> AsyncIterator[Served]:
    """The board as a process runs it, in this one."""
    centre, ready = browsing.centre.centre, folder / "ready.json"
    settings = Settings(
        scheduler=centre.scheduler.grpc, ledger=centre.ledger.grpc, listen=ANY, metrics_listen=ANY, ready_file=ready
    )
    running = asyncio.create_task(run(settings, stop))
    await eventually(ready.exists, "the board serves")
    try:
        yield Served(browsing, json.loads(ready.read_text()))
    finally:
        stop.request("the test is over")
        async with asyncio.timeout(SECONDS_MAX):
            await running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(board: Browsing, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A board that streams."""
    async with serving(board, tmp_path_factory.mktemp("served"), Stop()) as found:
        yield found


async def next_of(events: AsyncIterator[tuple[str, str]], wanted: str) -> str:
    """The id of the next event of a kind."""
    async with asyncio.timeout(SECONDS_MAX):
        async for kind, position in events:
            if kind == wanted:
                return position
    raise AssertionError("the stream ended")


async def test_a_change_of_ones_own_is_told_at_once(served: Served) -> None:
    """Who watches learns of a booking from its position, and can go on from there."""
    async with served.events(WATCHER) as events:
        began = await next_of(events, "alive")
        made = await served.browsing.book(WATCHER, "core", day=16)
        assert await next_of(events, "change") == str(made.position)
    async with served.events(WATCHER, **{"last-event-id": began}) as events:
        assert await next_of(events, "change") == str(made.position)


async def test_a_stream_carries_positions_and_nothing_else(served: Served) -> None:
    """P8: the bytes of a company's stream are the same whoever else books what; an operator is told of all."""
    async with served.browser(WATCHER) as browser, browser.stream("GET", "/live") as answer:
        lines = answer.aiter_lines()
        seen = [await anext(lines) for _ in range(6)]
        async with served.events("operator") as everything:
            await next_of(everything, "alive")
            theirs = await served.browsing.book(RIVAL, "core", day=16, note="canary")
            assert await next_of(everything, "change") == str(theirs.position)
        mine = await served.browsing.book(WATCHER, "core", day=16)
        while f"id: {mine.position}" not in seen:
            seen.append(await anext(lines))
    assert all(line == "" or line.split(": ")[0] in ("retry", "id", "event", "data") for line in seen)
    assert f"id: {theirs.position}" not in seen


async def test_streams_are_bounded_for_each_person(served: Served) -> None:
    """One page too many is told to wait; a page that closes makes room."""
    async with served.browser(WATCHER) as browser:
        opened = [browser.stream("GET", "/live") for _ in range(PERSON_STREAMS_MAX)]
        answers = [await each.__aenter__() for each in opened]
        assert {answer.status_code for answer in answers} == {200}
        assert (await browser.get("/live")).status_code == 429
        for each in opened:
            await each.__aexit__(None, None, None)

        async def room() -> bool:
            async with browser.stream("GET", "/live") as answer:
                return answer.status_code == 200

        await eventually(room, "a stream that closed makes room")


async def test_nobody_streams_without_signing_in(served: Served) -> None:
    """No token, no stream; a bad one is told to sign in."""
    async with httpx.AsyncClient(base_url=f"http://{served.web}") as browser:
        assert (await browser.get("/live")).status_code == 401
        token = served.browsing.centre.centre.tokens[WATCHER][:-4] + "AAAA"
        answer = await browser.get("/live", headers={"cookie": f"{COOKIE}={token}"})
    assert "event: signed-out" in answer.text


async def test_health_and_metrics_have_a_door_of_their_own(served: Served) -> None:
    """/healthz says that it serves, /metrics counts pages and streams, and browsers find neither."""
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://{served.http}/healthz")).json() == {"status": "serving"}
        async with served.events(WATCHER):
            text = (await client.get(f"http://{served.http}/metrics")).text
        assert "alloc_board_streams 1.0" in text
        assert (await client.get(f"http://{served.web}/metrics")).status_code == 404


async def test_who_says_nothing_is_let_go(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that never ends its request is closed, and one that is half said as well."""
    monkeypatch.setattr(patience, "REQUEST_HEAD_SECONDS_MAX", 0.05)
    host, _, port = served.web.rpartition(":")
    for said in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(said)
        async with asyncio.timeout(SECONDS_MAX):
            assert await reader.read() == b""
        writer.close()


async def test_a_board_that_stops_ends_its_streams(board: Browsing, tmp_path: Path) -> None:
    """Who watches while the board goes away sees an end, and the board does not wait for them."""
    stop = Stop()
    async with serving(board, tmp_path, stop) as brief, brief.events(WATCHER) as events:
        await next_of(events, "alive")
        stop.request("now")
        async with asyncio.timeout(SECONDS_MAX):
            assert [event async for event in events] == []
