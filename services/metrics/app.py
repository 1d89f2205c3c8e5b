"""The metrics service: fold the log from its first page, follow it, and serve the figures at /metrics.

/healthz answers 503 until the figures have equalled the end of the log once. While NATS is away the figures stay up and
`alloc_projection_lag_seconds` grows. A log that cannot be trusted ends the process with a non-zero status and one line
that says why (P9): a scrape that fails is louder than figures that may be wrong, and a restart folds everything anew.
"""

import asyncio
import os
import sys
from dataclasses import dataclass
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector

from services.allocation import life
from services.eventlog import EventLog, Unknown
from services.eventlog.beside import REFUSALS, USE, SideStream
from services.eventlog.chain import read_pages
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.page import Head
from services.eventlog.refusals import read_refusals
from services.eventlog.use import read_use
from services.metrics.beside import Side, Stream
from services.metrics.collector import UsageCollector
from services.metrics.figures import COMPANY_LABELS_MAX, LabelLimits
from services.metrics.jetstream import Monitor, MonitorError
from services.metrics.outlooks import Outlooker
from services.metrics.progress import Progress
from services.metrics.showing import Sources
from services.metrics.unmet import Unmet
from services.metrics.usage import Usage
from services.metrics.use import UseNow
from services.runtime import garbage, lifecycle, logs
from services.runtime.form import form_of
from services.runtime.health import Health
from services.runtime.http_server import HttpServer
from services.runtime.lifecycle import Stop
from services.runtime.nats_credentials import Credentials
from services.runtime.settings import (
    Address,
    Centre,
    NatsUrl,
    NewFile,
    Replicas,
    SettingsError,
    WebUrl,
    load,
)

LOOK_SECONDS = 1.0
"""How often the log is asked where it ends."""
OUTLOOK_SECONDS = 5.0
"""The pause between two outlooks."""
MONITOR_SECONDS = 5.0
"""How often nats-server is asked how it is."""

_log = structlog.get_logger()


class LabelCount(int):
    """How many labels there may be: 0 or more."""

    @classmethod
    def parse(cls, text: str) -> "LabelCount":
        """Read a count. Raises ValueError."""
        if not text.isdecimal():
            raise ValueError("is not a whole number of 0 or more")
        return cls(text)


LABELS_DEFAULT = LabelCount(COMPANY_LABELS_MAX)
METRICS_LISTEN = Address("127.0.0.1", 7613)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is read from AIDC_ and its name in capitals."""

    nats_url: NatsUrl
    metrics_listen: Address = METRICS_LISTEN
    centre: Centre = "mudeung-ai"
    nats_credentials: Credentials | None = None
    nats_monitor: WebUrl | None = None
    nats_replicas: Replicas = 1
    company_labels_max: LabelCount = LABELS_DEFAULT
    ready_file: NewFile | None = None


async def run(settings: Settings, stop: Stop) -> None:
    """Serve until asked to stop. Raises `BrokenLog`, `Unknown` if NATS is away at the start, or `ListenError`."""
    log = await JetStreamLog.connect(
        settings.nats_url,
        settings.centre,
        credentials=settings.nats_credentials,
        replicas=settings.nats_replicas,
        monitor_url=settings.nats_monitor,
        create=False,  # The scheduler makes the log; this service only reads.
    )
    try:
        sides = [SideStream(log.connection, settings.centre, side) for side in (REFUSALS, USE)]
        await serve(settings, log, stop, *sides)
    finally:
        await log.close()


async def serve(settings: Settings, log: EventLog, stop: Stop, refusals: Stream, reports: Stream) -> None:
    """Show the figures of a log, and of what stands beside it, until asked to stop."""
    usage, progress, outlooker = Usage(), Progress(monotonic()), Outlooker(monotonic())
    unmet, refused = Unmet(), Side(REFUSALS.name, monotonic())
    use, reported = UseNow(usage, monotonic), Side(USE.name, monotonic())
    monitor = Monitor(settings.nats_monitor, settings.centre, monotonic()) if settings.nats_monitor else None
    sources = Sources(usage, progress, outlooker, unmet, use, (refused, reported), monitor)
    health, registry = Health(), CollectorRegistry()
    limits = LabelLimits(companies=settings.company_labels_max)
    registry.register(UsageCollector(sources, monotonic, limits))
    ProcessCollector(registry=registry)
    async with (
        HttpServer(listen=settings.metrics_listen, registry=registry, health=health) as server,
        lifecycle.background() as tasks,
    ):
        tasks.start(fold(log, settings.centre, usage, progress), name="fold")
        tasks.start(keep_looking(log, progress), name="look")
        tasks.start(refused.follow(refusals, read_refusals, unmet.apply, monotonic), name="refusals")
        tasks.start(follow_use(reported, reports, use, progress), name="use")
        if monitor:
            tasks.start(keep_asking(monitor), name="monitor")
        tasks.start(open_up(settings, server.address, usage, progress, outlooker, health), name="ready")
        await stop.wait()
        await health.drain()


async def fold(log: EventLog, centre: str, usage: Usage, progress: Progress) -> None:
    """Apply every page of the log, then each as it arrives. Raises `BrokenLog`."""
    async for batch in read_pages(log, Head(), centre):
        for record, page in batch:
            usage.apply(record.position, page)
        progress.advanced(usage.position)
        await asyncio.sleep(0)  # Scrapes have their turn during a long replay.


async def keep_looking(log: EventLog, progress: Progress) -> None:
    """Ask the log where it ends, for as long as the service runs. Raises `BrokenLog`."""
    while True:
        await look(log, progress)
        await asyncio.sleep(LOOK_SECONDS)


async def follow_use(side: Side, reports: Stream, use: UseNow, progress: Progress) -> None:
    """Take the reports of nodes in, once it is known which nodes there are."""
    await progress.caught_up.wait()
    await side.follow(reports, read_use, use.take, monotonic)


async def look(log: EventLog, progress: Progress) -> None:
    """Ask the log once where it ends. Raises `BrokenLog` if it is not the log that it was."""
    try:
        end = await log.last_position()
    except Unknown as unknown:
        _log.warning("log_end_unknown", reason=str(unknown))
        progress.end_unknown()
    else:
        progress.end_seen(end, monotonic())


async def keep_looking_ahead(outlooker: Outlooker, usage: Usage) -> None:
    """Draw what lies ahead again and again, for as long as the service runs."""
    while True:
        await asyncio.sleep(OUTLOOK_SECONDS)
        await outlooker.look(usage, monotonic())


async def keep_asking(monitor: Monitor) -> None:
    """Ask nats-server how it is, for as long as the service runs. Its silence is a figure, not a failure."""
    while True:
        try:
            await monitor.ask(monotonic())
        except MonitorError as error:
            _log.warning("monitor_silent", reason=str(error))
        await asyncio.sleep(MONITOR_SECONDS)


async def open_up(
    settings: Settings, address: Address, usage: Usage, progress: Progress, outlooker: Outlooker, health: Health
) -> None:
    """Say that the service serves once the figures have equalled the end of the log, and from then on look ahead."""
    await progress.caught_up.wait()
    await outlooker.look(usage, monotonic())  # Not earlier: during the replay it would only cost time.
    await health.serving()
    if settings.ready_file:
        lifecycle.announce(settings.ready_file, {"http": str(address)})
    _log.info("serving", http=str(address), position=progress.applied, rules=form_of(life))
    await keep_looking_ahead(outlooker, usage)


def main() -> int:
    """Run the service with the settings of the environment; give the exit status."""
    logs.configure("metrics")
    garbage.tune()
    try:
        settings = load(Settings, os.environ)
    except SettingsError as error:
        _log.error("settings_wrong", problems=error.problems)
        return 1
    return lifecycle.run(lambda stop: run(settings, stop))


if __name__ == "__main__":
    sys.exit(main())
