"""A metrics service without its process: a usage, its progress, and what Prometheus would read.

As a program it prints a scrape of a small centre, for `promtool check metrics`.
"""

import asyncio
import sys
from itertools import chain

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from services.eventlog.page import decode_page
from services.metrics.beside import Side
from services.metrics.collector import UsageCollector
from services.metrics.figures import LabelLimits
from services.metrics.forecast import forecast
from services.metrics.history import HOURS_KEPT
from services.metrics.jetstream import Monitor, ServerHealth, StreamHealth
from services.metrics.outlooks import Outlooker
from services.metrics.progress import Progress
from services.metrics.showing import Sources
from services.metrics.unmet import Unmet
from services.metrics.usage import Usage
from services.metrics.use import UseNow
from tests.metrics.synthetic import bookings, catalogue, chained, refusals, report

LIMITS = LabelLimits()


class Centre:
    """A centre of so many companies and pools, after so many reservations."""

    def __init__(
        self, companies: int, pools: int, reservations: int, meters: int = 2, limits: LabelLimits = LIMITS
    ) -> None:
        self.usage, self.progress = Usage(), Progress(started_at=0)
        registered = ([event] for event in catalogue(companies, pools, meters))
        for record in chained(chain(registered, bookings(reservations, companies, pools, meters))):
            self.usage.apply(record.position, decode_page(record.data))
        self.progress.end_seen(self.usage.position, at=1)
        self.progress.advanced(self.usage.position)
        self.outlooker = Outlooker(started_at=0)
        asyncio.run(self.outlooker.look(self.usage, at=1))
        past = self.usage.history.past(dict.fromkeys(self.usage.pools, ()), self.usage.now)
        forecasts = {name: drawn for name, held in past.items() if (drawn := forecast(held + 1, HOURS_KEPT))}
        self.outlooker.drawn = self.outlooker.drawn._replace(forecasts=forecasts)
        self.monitor = Monitor("", "test", started_at=0)
        streams = {
            name: StreamHealth(4_096, 1 << 30, 7, 3, 1, 2, 0) for name in ("AIDC-test", "OBJ_AIDC-test-snapshots")
        }
        self.monitor.seen = ServerHealth(streams, connections=4, slow_consumers=0, api_errors=1)
        self.registry = CollectorRegistry()
        self.unmet, refused = Unmet(), Side("refusals", started_at=0)
        self.unmet.apply(refusals(companies, pools, self.usage.now))
        self.use = UseNow(self.usage, lambda: 2.0)
        for pool in self.usage.pools.values():
            for node in pool.resource.nodes:
                self.use.take(report(node.id))
        sources = Sources(self.usage, self.progress, self.outlooker, self.unmet, self.use, (refused,), self.monitor)
        self.registry.register(UsageCollector(sources, lambda: 2.0, limits))

    def scrape(self) -> str:
        """What Prometheus would read."""
        return generate_latest(self.registry).decode()


if __name__ == "__main__":
    small = Centre(companies=3, pools=2, reservations=250)
    ProcessCollector(registry=small.registry)
    sys.stdout.write(small.scrape())
