"""What the doors count: calls by method and outcome, how long they took, whom they turned away and why."""

from collections.abc import Callable

import grpc
from prometheus_client import CollectorRegistry

from services.runtime.tally import Counter, Histogram

# On both sides of the 0.25 s that decisions are promised in.
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0)
METHOD_LABELS = ("grpc_service", "grpc_method", "grpc_type")


class DoorTelemetry:
    """The metrics of one process's doors, in a registry that the caller gives."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._started = Counter("grpc_server_started_total", "Calls received.", METHOD_LABELS, registry)
        self._handled = Counter(
            "grpc_server_handled_total",
            "Calls finished, by status code.",
            (*METHOD_LABELS, "grpc_code"),
            registry,
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "From the arrival of a call to its end.",
            METHOD_LABELS,
            SECONDS_BUCKETS,
            registry,
        )
        self._shed = Counter("alloc_grpc_shed_total", "Calls turned away by our limits.", ("reason",), registry)
        self._closed = Counter(
            "alloc_watch_closed_total", "Streams of answers that ended, by why.", ("grpc_method", "reason"), registry
        )
        self._unauthenticated = Counter(
            "alloc_auth_failures_total", "Calls without a good token.", ("reason",), registry
        )

    def shed(self, reason: str) -> None:
        self._shed.labels(reason).inc()

    def unauthenticated(self, reason: str) -> None:
        self._unauthenticated.labels(reason).inc()

    def method(self, service: str, method: str, kind: str) -> "MethodTelemetry":
        labels = (service, method, kind)
        return MethodTelemetry(
            started=self._started.labels(*labels).inc,
            observe=self._seconds.labels(*labels).observe,
            handled=lambda code: self._handled.labels(*labels, code.name).inc,
            closed=lambda reason: self._closed.labels(method, reason).inc(),
        )


class MethodTelemetry:
    """The metrics of one method, its labels looked up beforehand."""

    def __init__(
        self,
        *,
        started: Callable[[], None],
        observe: Callable[[float], None],
        handled: Callable[[grpc.StatusCode], Callable[[], None]],
        closed: Callable[[str], None],
    ) -> None:
        self.started = started
        self.closed = closed
        self._observe = observe
        self._handled = handled
        self._handled_by_code: dict[grpc.StatusCode, Callable[[], None]] = {}

    def ended(self, code: grpc.StatusCode, seconds: float) -> None:
        count = self._handled_by_code.get(code)
        if count is None:
            count = self._handled_by_code[code] = self._handled(code)
        count()
        self._observe(seconds)
