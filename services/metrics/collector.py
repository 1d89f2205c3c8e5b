"""Shows the catalogue to Prometheus. The figures of one log position are drawn once, however often it is scraped."""

import platform
from collections.abc import Callable, Iterator
from importlib import metadata

from prometheus_client import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from services.metrics.availability import Availability
from services.metrics.catalogue import METRICS, Metric
from services.metrics.figures import Figures, LabelLimits, draw
from services.metrics.progress import Progress
from services.metrics.readings import Build, Showing
from services.metrics.usage import Usage


class UsageCollector(Collector):
    """Reads a usage and its progress. To be scraped on the thread that applies pages, so that a page shows whole."""

    def __init__(self, usage: Usage, progress: Progress, clock: Callable[[], float], limits: LabelLimits) -> None:
        self._usage = usage
        self._progress = progress
        self._clock = clock
        self._limits = limits
        self._availability = Availability()
        self._figures = draw(usage, self._availability, limits)
        self._build = Build(metadata.version("aidc"), platform.python_version())

    def collect(self) -> Iterator[Family]:
        """Every metric of the catalogue, in its order."""
        showing = Showing(self._current(), self._progress, self._build, self._clock(), series={})
        for metric in METRICS:
            yield _family(metric, showing)

    def _current(self) -> Figures:
        if self._figures.position != self._usage.position:
            self._figures = draw(self._usage, self._availability, self._limits)
        return self._figures


def _family(metric: Metric, showing: Showing) -> Family:
    family = Family(metric.name.removesuffix("_total"), metric.help, metric.type)
    family.samples = [
        Sample(metric.name, dict(zip(metric.labels, values, strict=True)), number)
        for values, number in metric.read(showing)
    ]
    showing.series[metric.name] = len(family.samples)
    return family
