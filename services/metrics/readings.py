"""How the rows of each metric are read off what a scrape can see. A row is label values and a number."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from services.allocation.resources import State
from services.metrics.figures import AccountFigures, Figures, QuotaFigures
from services.metrics.progress import Progress
from services.metrics.usage import PoolUsage

PROJECTION = "metrics"
LOG = "log"
SERIES = "alloc_series"


class Build(NamedTuple):
    """What is running."""

    version: str
    python: str


class Showing(NamedTuple):
    """What one scrape can see. `at` is its monotonic time, in seconds; `series` counts what it has shown so far."""

    figures: Figures
    progress: Progress
    build: Build
    at: float
    series: dict[str, int]


Row = tuple[tuple[str, ...], float]
Reading = Callable[[Showing], Iterable[Row]]


def pools(value: Callable[[PoolUsage], float]) -> Reading:
    """One row a pool."""
    return lambda showing: (((name,), value(pool)) for name, pool in showing.figures.pools.items())


def states(count: Callable[[PoolUsage], dict[State, int]]) -> Reading:
    """One row a pool and state."""
    return lambda showing: (
        ((name, state.value), number)
        for name, pool in showing.figures.pools.items()
        for state, number in count(pool).items()
    )


def accounts(value: Callable[[AccountFigures], float]) -> Reading:
    """One row a company and pool."""
    return lambda showing: ((pair, value(account)) for pair, account in showing.figures.accounts.items())


def quotas(value: Callable[[QuotaFigures], float]) -> Reading:
    """One row a company and meter."""
    return lambda showing: ((pair, value(quota)) for pair, quota in showing.figures.quotas.items())


def one(label: str, value: Callable[[Showing], float]) -> Reading:
    """One row, under a fixed label value."""
    return lambda showing: [((label,), value(showing))]


def pool_info(showing: Showing) -> Iterator[Row]:
    """What each pool is."""
    for name, pool in showing.figures.pools.items():
        yield (name, pool.resource.kind.value, pool.resource.unit.value), 1


def unavailable(showing: Showing) -> Iterator[Row]:
    """Units out of reach, by pool and reason."""
    for (name, reason), units in showing.figures.unavailable.items():
        yield (name, reason.value), units


def reserved(showing: Showing) -> Iterator[Row]:
    """Units held, by pool and state."""
    for (name, state), units in showing.figures.reserved.items():
        yield (name, state.value), units


def free(showing: Showing) -> Iterator[Row]:
    """Units neither out of reach nor held, by pool."""
    for name, units in showing.figures.free.items():
        yield (name,), units


def company_info(showing: Showing) -> Iterator[Row]:
    """What each company is."""
    for name, programme in showing.figures.programmes.items():
        yield (name, programme), 1


def applied(showing: Showing) -> Iterator[Row]:
    """Events taken in, by type."""
    for name, count in showing.figures.applied.items():
        yield (PROJECTION, name), count


def overflow(showing: Showing) -> Iterator[Row]:
    """Label values without a series of their own."""
    for name, count in showing.figures.overflow.items():
        yield (name,), count


def build(showing: Showing) -> Iterator[Row]:
    """What is running."""
    yield tuple(showing.build), 1


def series(showing: Showing) -> Iterator[Row]:
    """Series of each metric so far, and of the metric that says so, which comes last."""
    for name, count in showing.series.items():
        yield (name,), count
    yield (SERIES,), len(showing.series) + 1
