"""How soon a booking is seen: from the moment at which the log has its page to that at which the views show it.

A thousand bookings a second come in an open loop, into a centre with all its services. The ledger's checkpoint is read
again and again, so its figure holds the time until the next look too. A scrape costs the metrics service far more than
the bookings do, so only some pages are looked for there: as soon as such a page is in the log, and until it is shown.
Every clock is the machine's: nats-server's when it stored the page, ours when we saw it.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import asyncpg
from msgspec import Struct

from loadtests.jobs import Job, Targets
from loadtests.load import LoadClient, load_client
from loadtests.measures import Round, percentiles_ms
from loadtests.scrape import METRICS, read_metrics
from loadtests.site import Advance, Keys, Service, centre
from loadtests.workload import CROWD
from services.allocation.events import ReservationConfirmed
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.page import decode_page
from services.eventlog.stream import stream_name
from services.runtime.embedded import NatsServer, Postgres

CENTRE = "bench"
LEDGER = ("-m", "services.ledger.app")
BOOKINGS_PER_SECOND = 1_000
ITEMS = 10
WARM_UP_SECONDS, SECONDS = 3.0, 30.0
LOOK_SECONDS, SCRAPE_PAUSE_SECONDS = 0.01, 0.15
SEEN_SECONDS_MAX = 30.0
POSITION = b'\nalloc_projection_position{projection="metrics"} '

Position = Callable[[], Awaitable[int]]
"""Looks at a view once; the log position that it shows."""


class Visible(Struct, kw_only=True):
    """The round that was played, and how long its bookings took to be seen."""

    played: Round
    ledger_ms: dict[str, float]
    metrics_ms: dict[str, float]
    pages: int
    pages_scraped_for: int

    @property
    def p99_ms(self) -> float:
        """Of the view that is later."""
        return max(self.ledger_ms["p99"], self.metrics_ms["p99"])


class Published(NamedTuple):
    """A page: since when the log has it, in seconds of the wall clock, and how many bookings it makes."""

    position: int
    at: float
    bookings: int


class Sighting(NamedTuple):
    """A view showed everything up to a position, at a moment of the wall clock."""

    position: int
    at: float


async def visible(folder: Path, seed: int, advance: Advance) -> Visible:
    """Book at a steady rate, and watch both views. Exits if not everything was granted; raises if it is not seen."""
    async with _site(folder, advance) as site:
        await site.client.play(_job(seed, WARM_UP_SECONDS))
        first = await site.log.last_position() + 1
        ledger, metrics = Seen(), Seen()
        async with asyncio.TaskGroup() as looking:
            tasks = [
                looking.create_task(_keep_looking(site.ledger_position, ledger)),
                looking.create_task(_look_for_some(site.log, first - 1, site.metrics_position, metrics)),
            ]
            played = await site.client.play(_job(seed + 1, SECONDS))
            last = await site.log.last_position()
            await ledger.has(last)
            for task in tasks:
                task.cancel()
        pages = [await _published(site.log, position) for position in range(first, last + 1)]
    if played.granted_share < 1:
        raise SystemExit(f"not all was granted: {played.outcomes}")
    scraped = {sighting.position for sighting in metrics.sightings}
    return Visible(
        played=played,
        ledger_ms=percentiles_ms(delays(pages, ledger.sightings)),
        metrics_ms=percentiles_ms(delays([page for page in pages if page.position in scraped], metrics.sightings)),
        pages=len(pages),
        pages_scraped_for=len(scraped),
    )


def delays(pages: Sequence[Published], sightings: Sequence[Sighting]) -> list[float]:
    """For every booking, the seconds until it was seen. The last sighting is of the last page or later."""
    positions = [sighting.position for sighting in sightings]
    return [
        sightings[bisect_left(positions, page.position)].at - page.at for page in pages for _ in range(page.bookings)
    ]


class Seen:
    """What was seen of a view, in order."""

    def __init__(self) -> None:
        self.sightings: list[Sighting] = []
        self._more = asyncio.Condition()

    async def add(self, position: int) -> None:
        """The view shows this position now."""
        self.sightings.append(Sighting(position, time.time()))
        async with self._more:
            self._more.notify_all()

    async def has(self, position: int) -> None:
        """Wait until the view shows a position. Raises `TimeoutError`."""
        async with asyncio.timeout(SEEN_SECONDS_MAX), self._more:
            await self._more.wait_for(lambda: self.sightings and self.sightings[-1].position >= position)


async def _keep_looking(look: Position, seen: Seen) -> None:
    """Look at a fixed pace, for ever."""
    while True:
        began = time.monotonic()
        await seen.add(await look())
        await asyncio.sleep(max(0.0, began + LOOK_SECONDS - time.monotonic()))


async def _look_for_some(log: JetStreamLog, after: int, look: Position, seen: Seen) -> None:
    """Whenever the pause is over take the next page that comes, and look until it is there; for ever."""
    pause_ends = time.monotonic()
    async with aclosing(log.follow(after)) as batches:
        async for records in batches:
            if time.monotonic() < pause_ends:
                continue
            position = records[-1].position
            await asyncio.sleep(LOOK_SECONDS)  # Not in a race with the page itself, which would cost a second scrape.
            while await look() < position:
                pass
            await seen.add(position)
            pause_ends = time.monotonic() + SCRAPE_PAUSE_SECONDS


class _Site(NamedTuple):
    client: LoadClient
    log: JetStreamLog
    ledger_position: Position
    metrics_position: Position


@asynccontextmanager
async def _site(folder: Path, advance: Advance) -> AsyncIterator[_Site]:
    """A centre with every service, the client that books, and two who look."""
    async with AsyncExitStack() as stack:
        nats, scheduler, keys = await stack.enter_async_context(centre(folder, advance, companies=CROWD))
        postgres = await stack.enter_async_context(Postgres(folder / "postgres"))
        views = [_ledger(folder, nats, postgres, keys), _metrics(folder, nats)]
        for view in views:
            await view.start()
            stack.push_async_callback(view.stop)
        log = await JetStreamLog.connect(nats.url, CENTRE, monitor_url=nats.monitor_url, create=False)
        stack.push_async_callback(log.close)
        reader = await asyncpg.connect(
            postgres.dsn, server_settings={"role": "aidc_auditor", "search_path": "ledger"}, timeout=SEEN_SECONDS_MAX
        )
        stack.push_async_callback(reader.close)
        pids = {"scheduler": scheduler.pid, "nats": nats.process.pid, "ledger": views[0].pid, "metrics": views[1].pid}
        targets = Targets(lanes=keys.lanes(CROWD), scheduler=scheduler.address)
        client = await stack.enter_async_context(load_client(targets, {"batches": pids}))

        async def ledger_position() -> int:
            return int(await reader.fetchval("SELECT position FROM checkpoint"))

        async def metrics_position() -> int:
            text = await read_metrics(views[1].addresses["http"])
            return int(float(text.partition(POSITION)[2].partition(b"\n")[0]))

        yield _Site(client, log, ledger_position, metrics_position)


def _ledger(folder: Path, nats: NatsServer, postgres: Postgres, keys: Keys) -> Service:
    settings = {
        "AIDC_CENTRE": CENTRE,
        "AIDC_NATS_URL": nats.url,
        "AIDC_NATS_MONITOR": nats.monitor_url,
        "AIDC_POSTGRES_DSN": postgres.dsn,
        "AIDC_KEYS": str(keys.public),
        "AIDC_LISTEN": "127.0.0.1:0",
        "AIDC_METRICS_LISTEN": "127.0.0.1:0",
    }
    return Service(folder / "ledger", "ledger", settings, LEDGER)


def _metrics(folder: Path, nats: NatsServer) -> Service:
    settings = {
        "AIDC_CENTRE": CENTRE,
        "AIDC_NATS_URL": nats.url,
        "AIDC_NATS_MONITOR": nats.monitor_url,
        "AIDC_METRICS_LISTEN": "127.0.0.1:0",
    }
    return Service(folder / "metrics", "metrics", settings, METRICS)


def _job(seed: int, seconds: float) -> Job:
    return Job(
        target="batches",
        seconds=seconds,
        seed=seed,
        now=int(time.time()),
        clients=0,
        rate=BOOKINGS_PER_SECOND,
        calls=int(seconds * BOOKINGS_PER_SECOND / ITEMS * 1.2),  # More than chance will ask for.
        items=ITEMS,
    )


class _Stored(Struct):
    data: bytes
    time: datetime


class _Answer(Struct):
    message: _Stored


async def _published(log: JetStreamLog, position: int) -> Published:
    """A page as the stream holds it."""
    answer = await log.connection.ask(f"STREAM.MSG.GET.{stream_name(CENTRE)}", {"seq": position}, _Answer)
    page = decode_page(answer.message.data)
    bookings = sum(isinstance(event, ReservationConfirmed) for entry in page.entries for event in entry.events)
    return Published(position, answer.message.time.timestamp(), bookings)
