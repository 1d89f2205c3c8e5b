"""Counters and histograms of one thread, under the names and labels of Prometheus.

Every service counts on its event loop alone, so an increment needs no lock: it is one addition, a fifth of what the
library's own counters cost, which a booking would pay six times. What Prometheus reads is made when it asks.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString


class Count:
    """How often something happened."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, times: int = 1) -> None:
        """So many times more."""
        self.value += times


class Spread:
    """How long something took, by buckets."""

    __slots__ = ("_bounds", "buckets", "examples", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.buckets = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.examples: dict[int, Exemplar] = {}
        self._bounds = bounds

    def observe(self, seconds: float) -> None:
        """Once more, for so long."""
        self.buckets[bisect_left(self._bounds, seconds)] += 1
        self.sum += seconds

    def show(self, seconds: float, example: dict[str, str]) -> None:
        """Keep what took so long as its bucket's example: labels by which it can be found elsewhere."""
        self.examples[bisect_left(self._bounds, seconds)] = Exemplar(example, seconds)


class Counter(Collector):
    """Counts by the values of their labels."""

    def __init__(self, name: str, help: str, labels: Sequence[str], registry: CollectorRegistry) -> None:  # noqa: A002
        self._name, self._help, self._labels = name, help, labels
        self._counts: dict[tuple[str, ...], Count] = {}
        registry.register(self)

    def labels(self, *values: str) -> Count:
        """The count under these labels."""
        return self._counts.setdefault(values, Count())

    def collect(self) -> Iterator[Metric]:
        """What Prometheus reads."""
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for values, count in list(self._counts.items()):
            family.add_metric(values, count.value)
        yield family


class Histogram(Collector):
    """Spreads by the values of their labels. `bounds` are the upper ends of the buckets, in seconds."""

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002 (the library's word)
        labels: Sequence[str],
        bounds: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._help, self._labels = name, help, labels
        self._bounds = bounds
        self._spreads: dict[tuple[str, ...], Spread] = {}
        registry.register(self)

    def labels(self, *values: str) -> Spread:
        """The spread under these labels."""
        return self._spreads.setdefault(values, Spread(self._bounds))

    def collect(self) -> Iterator[Metric]:
        """What Prometheus reads."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        ends = [*map(floatToGoString, self._bounds), "+Inf"]
        for values, spread in list(self._spreads.items()):
            reached = 0
            buckets: list[Any] = []  # A pair, or with an example a triple, as the library wants them.
            for place, (end, count) in enumerate(zip(ends, spread.buckets, strict=True)):
                reached += count
                example = spread.examples.get(place)
                buckets.append((end, float(reached), example) if example else (end, float(reached)))
            family.add_metric(values, buckets=buckets, sum_value=spread.sum)
        yield family
