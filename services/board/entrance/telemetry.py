"""What the board counts: pages by route and status, how long they took, and the streams that are open."""

from collections.abc import Callable
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import Scope

SECONDS_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
OTHER = "other"
ROUTE = "aidc.route"
"""Where a scope keeps the path of its route."""


class BoardTelemetry:
    """The board's metrics, in a registry that the caller gives. Labels come from the routes there are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._answered = Counter(
            "alloc_board_requests_total", "Pages answered.", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "alloc_board_request_seconds",
            "From the arrival of a request to the end of its answer; streams are left out.",
            ("route",),
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )

    def watch_streams(self, count: Callable[[], int]) -> None:
        """Export how many streams are open."""
        gauge = Gauge("alloc_board_streams", "Streams of live changes that are open.", registry=self._registry)
        gauge.set_function(count)

    def request(self, scope: Scope) -> Callable[[int], None]:
        """Begin to measure a request; what is returned ends it with a status."""
        began = perf_counter()

        def ended(status: int) -> None:
            route = scope.get(ROUTE, OTHER)
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else OTHER
            self._answered.labels(route, method, str(status)).inc()
            if route != "/live":
                self._seconds.labels(route).observe(perf_counter() - began)

        return ended
