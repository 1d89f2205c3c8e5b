"""What the ledger says about itself, for Prometheus. Names are shared with the other readers of the log."""

from collections.abc import Callable, Mapping, Sequence

import asyncpg
from prometheus_client import CollectorRegistry, Counter, Gauge

from services.ledger.progress import Progress

PROJECTION = "ledger"


class LedgerTelemetry:
    """The ledger's own metrics in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._applied = Counter(
            "alloc_projection_applied_total",
            "Events applied, by type.",
            ["projection", "event_type"],
            registry=registry,
        )
        self._violations = Counter(
            "alloc_ledger_invariant_violations_total",
            "Invariants of the log found broken; must stay 0.",
            ["invariant"],
            registry=registry,
        )

        self._compared = Gauge(
            "alloc_states_compared_timestamp_seconds",
            "When the tables were last held against the scheduler's own state, by the wall clock.",
            registry=registry,
        )
        self._difference = Gauge(
            "alloc_states_difference_position",
            "Position at which the tables hold something else than the scheduler; 0 while they never did.",
            registry=registry,
        )

    def applied(self, events: Mapping[str, int]) -> None:
        """Count events that were committed."""
        for event_type, count in events.items():
            self._applied.labels(PROJECTION, event_type).inc(count)

    def violated(self, invariant: str) -> None:
        """Count an invariant found broken."""
        self._violations.labels(invariant).inc()

    def compared(self, time: float, position: int, *, agree: bool) -> None:
        """Tell that the tables were held against the scheduler's state. A difference stays, until the process ends."""
        self._compared.set(time)
        if not agree:
            self._difference.set(position)

    def watch(self, progress: Progress, pools: Sequence[asyncpg.Pool]) -> None:
        """Read the lag and the connections at every scrape."""
        self._gauge("alloc_projection_lag_events", "Log positions not applied yet.", lambda: progress.lag_pages)
        self._gauge(
            "alloc_projection_lag_seconds",
            "For how long the oldest position not applied has been known.",
            lambda: progress.lag_seconds,
        )
        connections = Gauge("alloc_db_pool_connections", "Connections to Postgres.", ["state"], registry=self._registry)
        connections.labels("idle").set_function(lambda: sum(pool.get_idle_size() for pool in pools))
        connections.labels("used").set_function(lambda: sum(pool.get_size() - pool.get_idle_size() for pool in pools))

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, ["projection"], registry=self._registry).labels(PROJECTION).set_function(value)
