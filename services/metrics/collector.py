"""Shows the catalogue to Prometheus. The figures of one log position are drawn once, however often it is scraped."""

import platform
from collections.abc import Callable, Iterator
from importlib import metadata

from prometheus_client import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample

from services.metrics.availability import Availability
from services.metrics.catalogue import METRICS, Metric
from services.metrics.figures import Figures, LabelLimits, draw
from services.metrics.jetstream import Monitor
from services.metrics.outlooks import Outlooker
from services.metrics.progress import Progress
from services.metrics.readings import Build, Showing
from services.metrics.usage import Usage


class UsageCollector(Collector):
    """Reads a usage and what is known beside it. To be scraped on the thread that applies pages: a page shows whole."""

    def __init__(
        self,
        usage: Usage,
        progress: Progress,
        outlooker: Outlooker,
        monitor: Monitor | None,
        clock: Callable[[], float],
        limits: LabelLimits,
    ) -> None:
        self._usage = usage
        self._progress = progress
        self._outlooker = outlooker
        self._monitor = monitor
        self._clock = clock
        self._limits = limits
        self._availability = Availability()
        self._figures = draw(usage, self._availability, limits)
        self._build = Build(metadata.version("aidc"), platform.python_version())

    def collect(self) -> Iterator[Family]:
        """Every metric of the catalogue, in its order."""
        showing = Showing(
            figures=self._current(),
            progress=self._progress,
            outlooker=self._outlooker,
            monitor=self._monitor,
            build=self._build,
            at=self._clock(),
            series={},
        )
        for metric in METRICS:
            yield _family(metric, showing)

    def _current(self) -> Figures:
        if self._figures.position != self._usage.position:
            self._figures = draw(self._usage, self._availability, self._limits)
        return self._figures


def _family(metric: Metric, showing: Showing) -> Family:
    family = Family(metric.name.removesuffix("_total"), metric.help, metric.type)
    family.samples = [_sample(metric, *row) for row in metric.read(showing)]
    showing.series[metric.name] = len(family.samples)
    return family


def _sample(metric: Metric, values: tuple[str, ...], number: float, position: int = 0) -> Sample:
    # Without a time of its own an exemplar gets the scrape's: the log's time may be simulated.
    exemplar = Exemplar({"position": str(position)}, 1) if position else None
    return Sample(metric.name, dict(zip(metric.labels, values, strict=True)), number, None, exemplar)
