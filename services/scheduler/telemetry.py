"""What this process counts: requests and their outcomes, refusals and their reasons, and how long a decision takes."""

from collections.abc import Callable

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge

from services.allocation.commands import CreateReservation
from services.allocation.rejections import Rejected
from services.runtime.tally import Counter, Histogram, Spread
from services.scheduler.group_commit import Sheet
from services.scheduler.watch import Watches
from services.scheduler.writer import Writer

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0)
COMPANIES_MAX = 1_000
"""Companies with a label of their own; the others share `_other`."""
OTHER = "_other"


class Telemetry:
    """The scheduler's own metrics, in a registry that the caller gives."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "alloc_reservation_requests_total",
            "Reservations asked for, by company and outcome.",
            ("company", "outcome"),
            registry,
        )
        self._rejections = Counter(
            "alloc_reservation_rejections_total",
            "Rules that refused a reservation, by what they were about.",
            ("pool", "reason"),
            registry,
        )
        self._decision = Histogram(
            "alloc_decision_seconds",
            "From a valid request to its durable answer, by the first resource asked for.",
            ("pool",),
            SECONDS_BUCKETS,
            registry,
        )
        self._pages = prometheus_client.Counter("alloc_pages_appended_total", "Pages made durable.", registry=registry)
        self._events = prometheus_client.Counter(
            "alloc_events_published_total", "Events that are durable in the log.", registry=registry
        )
        self.on_unmet: list[Callable[[CreateReservation, Rejected], None]] = []
        self._registry = registry
        self._counted: dict[tuple[str, str], Callable[[int], None]] = {}
        self._spreads: dict[str, Spread] = {}
        self._companies: set[str] = set()

    def follow(self, writer: Writer, watches: Watches) -> None:
        """Count the pages of a writer, and look at it whenever somebody asks."""
        writer.pages.on_durable.append(self._on_durable)
        position = Gauge("alloc_log_position", "The last durable position.", registry=self._registry)
        position.set_function(lambda: writer.pages.head.position)
        live = Gauge("alloc_reservations_kept", "Reservations held in memory.", registry=self._registry)
        live.set_function(lambda: len(writer.centre.reservations))
        behind = Gauge(
            "alloc_clock_behind_seconds",
            "How far the clock is behind the last decision; time stands still meanwhile.",
            registry=self._registry,
        )
        behind.set_function(writer.clock_behind)
        set_by = Gauge(
            "alloc_clock_set_seconds", "By how much the clock was set since the start.", registry=self._registry
        )
        set_by.set_function(writer.clock.set_by)
        unbelieved = Gauge(
            "alloc_clock_unbelieved_seconds",
            "By how much the clock was set ahead, where that is too far to be believed; nothing is decided meanwhile.",
            registry=self._registry,
        )
        unbelieved.set_function(lambda: writer.clock.unbelieved)
        streams = Gauge("alloc_watch_streams", "Open watch streams.", ("watch",), registry=self._registry)
        streams.labels("reservations").set_function(lambda: watches.streams)

    def answered(self, company: str, outcome: str, times: int = 1) -> None:
        """Count requests of a company by their outcome: granted, replay, refused or unknown."""
        count = self._counted.get((company, outcome))
        if count is None:
            count = self._counted[(company, outcome)] = self._requests.labels(self._label(company), outcome).inc
        count(times)

    def refused(self, refusal: Rejected, pools: frozenset[str]) -> None:
        """Count every rule that said no. What is not a pool of ours has no label of its own."""
        for violation in refusal.violations:
            pool = violation.subject if violation.subject in pools else ""
            self._rejections.labels(pool, violation.reason).inc()

    def unmet(self, command: CreateReservation, refusal: Rejected) -> None:
        """Tell whoever follows unmet demand that a booking was refused."""
        for listener in self.on_unmet:
            listener(command, refusal)

    def decided(self, pool: str, seconds: float, trace: str = "", position: int = 0) -> None:
        """Note how long a granted request took; one that is traced is the example for its like."""
        spread = self._spreads.get(pool)
        if spread is None:
            spread = self._spreads[pool] = self._decision.labels(pool)
        spread.observe(seconds)
        if trace:
            spread.show(seconds, {"trace_id": trace, "position": str(position)})

    def _on_durable(self, sheet: Sheet) -> None:
        self._pages.inc()
        self._events.inc(sheet.events)

    def _label(self, company: str) -> str:
        if company not in self._companies and len(self._companies) >= COMPANIES_MAX:
            return OTHER
        self._companies.add(company)
        return company
