"""Shows the catalogue to Prometheus. The figures of one log position are drawn once, however often it is scraped."""

import platform
from collections.abc import Callable, Iterator
from importlib import metadata
from itertools import islice

from prometheus_client import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample

from services.metrics.availability import Availability
from services.metrics.catalogue import METRICS, Metric
from services.metrics.figures import Figures, LabelLimits, draw
from services.metrics.showing import Build, Extent, Showing, Sources
from services.metrics.unmet import Key, Missing


class UsageCollector(Collector):
    """Reads what the service keeps up to date. To be scraped on the thread that applies pages: a page shows whole."""

    def __init__(self, sources: Sources, clock: Callable[[], float], limits: LabelLimits) -> None:
        self._sources = sources
        self._clock = clock
        self._limits = limits
        self._availability = Availability()
        self._figures = draw(sources.usage, self._availability, limits)
        self._build = Build(metadata.version("aidc"), platform.python_version())

    def collect(self) -> Iterator[Family]:
        """Every metric of the catalogue, in its order."""
        showing = Showing(
            figures=self._current(),
            missing=self._missing(),
            use=self._sources.use.figures(),
            sources=self._sources,
            build=self._build,
            at=self._clock(),
            series={},
        )
        for metric in METRICS:
            yield _family(metric, showing)

    def _current(self) -> Figures:
        if self._figures.position != self._sources.usage.position:
            self._figures = draw(self._sources.usage, self._availability, self._limits)
        return self._figures

    def _missing(self) -> dict[Key, Missing]:
        usage, unmet = self._sources.usage, self._sources.unmet
        unmet.let_time_pass(usage.now)
        return unmet.figures(usage.pools, {name: company.programme for name, company in usage.companies.items()})


def _family(metric: Metric, showing: Showing) -> Family:
    family = Family(metric.name.removesuffix("_total"), metric.help, metric.type)
    rows = iter(metric.read(showing))
    # A bound that is passed is our mistake, and must cost figures rather than Prometheus's memory.
    family.samples = [_sample(metric, *row) for row in islice(rows, metric.series_max)]
    showing.series[metric.name] = Extent(len(family.samples), sum(1 for _ in rows), metric.series_max)
    return family


def _sample(metric: Metric, values: tuple[str, ...], number: float, position: int = 0) -> Sample:
    # Without a time of its own an exemplar gets the scrape's: the log's time may be simulated.
    exemplar = Exemplar({"position": str(position)}, 1) if position else None
    return Sample(metric.name, dict(zip(metric.labels, values, strict=True)), number, None, exemplar)
