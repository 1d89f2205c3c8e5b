"""What one scrape can see: the figures of the log at a position, and what the service keeps up to date beside them."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from services.metrics.beside import Side
from services.metrics.figures import Figures
from services.metrics.freshness import Freshness
from services.metrics.jetstream import Monitor
from services.metrics.outlooks import Outlooker
from services.metrics.progress import Progress
from services.metrics.unmet import Key, Missing, Unmet
from services.metrics.usage import Usage
from services.metrics.use import PoolUse, UseNow


class Build(NamedTuple):
    """What is running."""

    version: str
    python: str


class Extent(NamedTuple):
    """Series of one metric in a scrape: shown, left out because they were beyond its bound, and that bound."""

    shown: int
    cut: int
    limit: int


class Sources(NamedTuple):
    """What the service keeps up to date, and a scrape looks at."""

    usage: Usage
    progress: Progress
    outlooker: Outlooker
    unmet: Unmet
    use: UseNow
    sides: tuple[Side, ...]
    monitor: Monitor | None

    def freshness(self) -> dict[str, Freshness]:
        """When each background reading last worked, by collector."""
        known = {"log": self.progress.asked, "outlook": self.outlooker.freshness}
        known |= {side.name: side.freshness for side in self.sides if side.messages}
        return known | {"jetstream": self.monitor.freshness} if self.monitor else known


class Showing(NamedTuple):
    """What one scrape can see. `at` is its monotonic time, in seconds; `series` counts what it has shown so far."""

    figures: Figures
    missing: Mapping[Key, Missing]
    use: Mapping[str, PoolUse]
    sources: Sources
    build: Build
    at: float
    series: dict[str, Extent]


Row = tuple[tuple[str, ...], float] | tuple[tuple[str, ...], float, int]
"""Label values, a number, and of some counters the position of the page that last moved it; 0 if none did."""
Reading = Callable[[Showing], Iterable[Row]]
