"""How the rows of each metric are read off what a scrape can see. A row is label values and a number."""

from collections.abc import Callable, Iterable, Iterator

from services.allocation.reservations import State
from services.metrics.counts import Account, Measured, PoolUsage, Tally
from services.metrics.figures import AccountFigures, MeasuredFigures, QuotaFigures
from services.metrics.forecast import Forecast
from services.metrics.freshness import Freshness
from services.metrics.jetstream import ServerHealth, StreamHealth
from services.metrics.outlook import Outlook
from services.metrics.outlooks import Outlooks
from services.metrics.showing import Extent, Reading, Row, Showing
from services.metrics.unmet import Missing
from services.metrics.use import PoolUse

PROJECTION = "metrics"
SERIES = "alloc_series"
NEVER = Account()
NOT_MEASURED = Measured()
NOTHING_LOST = Tally()


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


def entered(showing: Showing) -> Iterator[Row]:
    """Reservations that entered each state, by pool."""
    for name, pool in showing.figures.pools.items():
        for state, number in pool.entered.items():
            yield (name, state.value), number, pool.entered_at[state]


def accounts(value: Callable[[AccountFigures], float], moved_at: Callable[[Account], int]) -> Reading:
    """One row a company and pool."""
    return lambda showing: (
        (pair, value(account), moved_at(showing.figures.moved.get(pair, NEVER)))
        for pair, account in showing.figures.accounts.items()
    )


def measured(value: Callable[[MeasuredFigures], float]) -> Reading:
    """One row a company and pool of which anything was measured."""
    return lambda showing: (
        (pair, value(known), showing.figures.measured_at.get(pair, NOT_MEASURED).at)
        for pair, known in showing.figures.measured.items()
    )


def no_shows(showing: Showing) -> Iterator[Row]:
    """Reservations that nobody came to, by company and pool."""
    yield from showing.figures.no_shows.items()


def reclaimed(showing: Showing) -> Iterator[Row]:
    """Unit-seconds given back of what had begun, by pool and cause."""
    for name, pool in showing.figures.pools.items():
        for cause, tally in pool.reclaimed.items():
            yield (name, cause.value), tally.unit_seconds, tally.at


def lost(showing: Showing) -> Iterator[Row]:
    """Unit-seconds taken away, by company and cause."""
    for pair, unit_seconds in showing.figures.lost.items():
        yield pair, unit_seconds, showing.figures.lost_at.get(pair, NOTHING_LOST).at


def denials(showing: Showing) -> Iterator[Row]:
    """When the first booking that waits for approval is denied by itself, by pool."""
    for name, time in showing.figures.denials.items():
        yield (name,), time


def taken_up(showing: Showing) -> Iterator[Row]:
    """Reservations that were, or were not, in use soon after their start."""
    for name, pool in showing.figures.pools.items():
        for in_use, count in pool.taken_up.items():
            if any(pool.taken_up.values()):
                yield (name, "in_use" if in_use else "unused"), count


def in_use(value: Callable[[PoolUse], float]) -> Reading:
    """One row a pool whose nodes report."""
    return lambda showing: (((name,), value(use)) for name, use in showing.use.items())


def held(showing: Showing) -> Iterator[Row]:
    """Unit-seconds held, by company and pool."""
    for pair, account in showing.figures.accounts.items():
        yield pair, account.held


def quotas(value: Callable[[QuotaFigures], float]) -> Reading:
    """One row a company and meter."""
    return lambda showing: ((pair, value(quota)) for pair, quota in showing.figures.quotas.items())


def one_about(value: Callable[[Showing], float]) -> Reading:
    """One row without labels."""
    return lambda showing: [((), value(showing))]


def unmet(value: Callable[[Missing], float]) -> Reading:
    """One row a pool, reason and programme: what was asked for and refused."""
    return lambda showing: ((key, value(missing)) for key, missing in showing.missing.items())


def sides(showing: Showing) -> Iterator[Row]:
    """Messages of each stream beside the log."""
    for side in showing.sources.sides:
        yield (side.name, "taken"), side.messages
        yield (side.name, "unreadable"), side.unreadable


def one(label: str, value: Callable[[Showing], float]) -> Reading:
    """One row, under a fixed label value."""
    return lambda showing: [((label,), value(showing))]


def outlooker(value: Callable[[Outlooks], float]) -> Reading:
    """One row about all the outlooks together."""
    return lambda showing: [((), value(showing.sources.outlooker.drawn))]


def outlooks(rows: Callable[[Outlook], Iterable[tuple[tuple[str, ...], float]]]) -> Reading:
    """The rows of each pool's outlook, the pool first among their labels."""
    return lambda showing: (
        ((name, *labels), number)
        for name, outlook in showing.sources.outlooker.drawn.pools.items()
        for labels, number in rows(outlook)
    )


def forecasts(rows: Callable[[Forecast], Iterable[tuple[tuple[str, ...], float]]]) -> Reading:
    """The rows of each pool's forecast, the pool first among their labels."""
    return lambda showing: (
        ((name, *labels), number)
        for name, drawn in showing.sources.outlooker.drawn.forecasts.items()
        for labels, number in rows(drawn)
    )


def largest_block(outlook: Outlook) -> list[tuple[tuple[str, ...], float]]:
    """The largest block, where there is such a thing."""
    return [] if outlook.largest_block is None else [((), outlook.largest_block)]


def fragmented(outlook: Outlook) -> list[tuple[tuple[str, ...], float]]:
    """The share of what is free that is in pieces, where something is free and something was asked for."""
    return [] if outlook.fragmented is None else [((), outlook.fragmented)]


def collectors(value: Callable[[Freshness, float], float]) -> Reading:
    """One row a background reading."""
    return lambda showing: (
        ((name,), value(freshness, showing.at)) for name, freshness in showing.sources.freshness().items()
    )


def streams(value: Callable[[StreamHealth], float]) -> Reading:
    """One row a stream of JetStream, once its monitoring has answered."""
    return lambda showing: (
        ((name,), value(stream)) for server in seen(showing) for name, stream in server.streams.items()
    )


def server(value: Callable[[ServerHealth], float]) -> Reading:
    """One row, once the monitoring of nats-server has answered."""
    return lambda showing: (((), value(health)) for health in seen(showing))


def seen(showing: Showing) -> list[ServerHealth]:
    """The health of nats-server, if its monitoring is asked and has answered."""
    return [showing.sources.monitor.seen] if showing.sources.monitor and showing.sources.monitor.seen else []


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


def funded(showing: Showing) -> Iterator[Row]:
    """Units that are funded, by pool."""
    for name, units in showing.figures.funded.items():
        yield (name,), units


def company_info(showing: Showing) -> Iterator[Row]:
    """What each company is."""
    for name, programme in showing.figures.programmes.items():
        yield (name, programme), 1


def spent_at(showing: Showing) -> Iterator[Row]:
    """When each quota will be booked up."""
    yield from showing.figures.spent_at.items()


def reserves(showing: Showing) -> Iterator[Row]:
    """What is left in the reserve of each programme, by pool."""
    yield from showing.figures.reserves.items()


def period_ends(showing: Showing) -> Iterator[Row]:
    """When the period of each meter ends."""
    for meter, end in showing.figures.period_ends.items():
        yield (meter,), end


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


def extents(value: Callable[[Extent], float]) -> Reading:
    """One row a metric that was shown before this one."""
    return lambda showing: (((name,), value(extent)) for name, extent in list(showing.series.items()))


def series(showing: Showing) -> Iterator[Row]:
    """Series of each metric so far, and of the metric that says so, which comes last."""
    for name, extent in showing.series.items():
        yield (name,), extent.shown
    yield (SERIES,), len(showing.series) + 1
