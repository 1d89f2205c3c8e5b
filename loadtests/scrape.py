"""What Prometheus gets from the metrics service of a centre with a thousand companies: how much, and how fast.

The service is a process of its own on a JetStream log, and is asked through its real HTTP server.
"""

import asyncio
import statistics
import time
from pathlib import Path

from msgspec import Struct

from loadtests.core import NOW
from loadtests.crowd import write_crowd
from loadtests.site import Service
from services.eventlog.jetstream import JetStreamLog
from services.runtime.embedded import NatsServer

CENTRE = "crowd"
METRICS = ("-m", "services.metrics.app")
SCRAPES = 20
PAUSE_SECONDS = 0.3
ANSWER_SECONDS_MAX = 30.0


class Scrapes(Struct, kw_only=True):
    """How many series there are, how long their text is, and how long each scrape took."""

    series: int
    bytes: int
    milliseconds: list[float]

    @property
    def median_ms(self) -> float:
        """The median scrape."""
        return statistics.median(self.milliseconds)


async def scrape(folder: Path) -> Scrapes:
    """Write the log, start the service, and scrape it once it has caught up."""
    async with NatsServer(folder / "nats") as nats:
        log = await JetStreamLog.connect(nats.url, CENTRE, monitor_url=nats.monitor_url)
        try:
            await write_crowd(log, CENTRE, NOW)
        finally:
            await log.close()
        settings = {
            "AIDC_CENTRE": CENTRE,
            "AIDC_NATS_URL": nats.url,
            "AIDC_NATS_MONITOR": nats.monitor_url,
            "AIDC_METRICS_LISTEN": "127.0.0.1:0",
        }
        service = Service(folder / "metrics", "metrics", settings, METRICS)
        await service.start()
        try:
            return await _scrapes(service.addresses["http"])
        finally:
            await service.stop()


async def _scrapes(address: str) -> Scrapes:
    body = await read_metrics(address)  # The first one is not counted.
    took = []
    for _ in range(SCRAPES):
        await asyncio.sleep(PAUSE_SECONDS)  # Spread over several of the outlooks that are drawn beside the scrapes.
        began = time.perf_counter()
        body = await read_metrics(address)
        took.append((time.perf_counter() - began) * 1000)
    series = sum(bool(line) and not line.startswith(b"#") for line in body.split(b"\n"))
    return Scrapes(series=series, bytes=len(body), milliseconds=[round(each, 1) for each in took])


async def read_metrics(address: str) -> bytes:
    """The text of /metrics, as OpenMetrics, which Prometheus asks for."""
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        reader, writer = await asyncio.open_connection(host, int(port))
        asked = (
            f"GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n"
        )
        writer.write(asked.encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert head.split()[1] == b"200", head
    return body
