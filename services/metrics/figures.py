"""What one scrape shows of a `Usage`: its figures at one position, with a bounded number of labels.

The first companies registered, up to a limit, have a label of their own; so have the first pairs of company and pool
that appear. Everything later is summed under `_other`, so sums by pool stay exact, whoever has a label keeps it, and no
counter ever falls.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.allocation.reservations import State
from services.metrics.availability import Availability, Unavailable
from services.metrics.counts import LIVE_STATES, Account, Measured, Period, PoolUsage, Tally
from services.metrics.usage import EVENT_NAMES, Usage

OTHER = "_other"
COMPANY_LABELS_MAX = 1_000
ACCOUNT_LABELS_MAX = 1_500
QUOTA_LABELS_MAX = 1_000
MEASURED_LABELS_MAX = 600
NO_SHOW_LABELS_MAX = 150
LOST_LABELS_MAX = 150
OVERFLOW_LABELS = (
    "company",
    "company_pool",
    "company_kind",
    "company_measured",
    "company_no_show",
    "company_lost",
)
"""What can overflow, in the order of `LabelLimits`."""

Pair = tuple[str, str]


class LabelLimits(NamedTuple):
    """How many companies, pairs of company and pool (booked, measured, missed), meter, or loss have series."""

    companies: int = COMPANY_LABELS_MAX
    accounts: int = ACCOUNT_LABELS_MAX
    quotas: int = QUOTA_LABELS_MAX
    measured: int = MEASURED_LABELS_MAX
    no_shows: int = NO_SHOW_LABELS_MAX
    lost: int = LOST_LABELS_MAX


class AccountFigures(NamedTuple):
    """Unit-seconds of a company, or of all the others, on a pool."""

    reserved: int
    used: int
    released: int
    held: int


class MeasuredFigures(NamedTuple):
    """Unit-seconds of a company, or of all the others, on a pool, of which the use is known."""

    seconds: int
    busy: int
    idle: int


class QuotaFigures(NamedTuple):
    """Unit-seconds of a company, or of all the others, on a meter in the period that contains now."""

    limit: int
    used: int


class Figures(NamedTuple):
    """Everything that is shown of the log, at one position. `now` is the log's own time, in seconds."""

    position: int
    now: int
    pools: dict[str, PoolUsage]
    unavailable: dict[tuple[str, Unavailable], int]
    reserved: dict[tuple[str, State], int]
    free: dict[str, int]
    funded: dict[str, int]
    programmes: dict[str, str]  # by company
    accounts: dict[Pair, AccountFigures]
    moved: dict[Pair, Account]  # tells the pages that last moved an account; sums have none
    measured: dict[Pair, MeasuredFigures]
    measured_at: dict[Pair, Measured]  # the same for what was measured
    no_shows: dict[Pair, int]
    lost: dict[Pair, int]
    lost_at: dict[Pair, Tally]  # tells the pages that last moved a loss; sums have none
    denials: dict[str, int]  # by pool: when the first booking that waits is denied by itself
    quotas: dict[Pair, QuotaFigures]
    spent_at: dict[Pair, int]  # sums have none
    period_ends: dict[str, int]  # by meter: the first end of a running period
    reserves: dict[Pair, int]  # by pool and programme: unit-seconds left
    applied: dict[str, int]
    overflow: dict[str, int]


def draw(usage: Usage, availability: Availability, limits: LabelLimits) -> Figures:
    """The figures at the position where the usage stands."""
    labelled = list(usage.companies)[: limits.companies]
    accounts, accounts_folded = fold_pairs(
        {
            pair: (account.reserved, account.used, account.released, account.held)
            for pair, account in usage.accounts.items()
        },
        labelled,
        limits.accounts,
    )
    periods = usage.periods_now()
    quotas, quotas_folded = fold_pairs(usage.quotas_now(), labelled, limits.quotas)
    measured, measured_folded = fold_pairs(
        {pair: (known.seconds, known.busy, known.idle) for pair, known in usage.measured.items()},
        labelled,
        limits.measured,
    )
    no_shows, no_shows_folded = fold_pairs(
        {pair: (count,) for pair, count in usage.no_shows.items()}, labelled, limits.no_shows
    )
    lost, lost_folded = fold_pairs(
        {pair: (tally.unit_seconds,) for pair, tally in usage.lost.items()}, labelled, limits.lost
    )
    unavailable = availability.at((pool.resource for pool in usage.pools.values()), usage.now, usage.outages.values())
    reserved = usage.reserved_now()
    companies_folded = len(usage.companies) - len(labelled)
    folded = (companies_folded, accounts_folded, quotas_folded, measured_folded, no_shows_folded, lost_folded)
    return Figures(
        position=usage.position,
        now=usage.now,
        pools=usage.pools,
        unavailable=unavailable,
        reserved=reserved,
        funded=usage.funded_now(),
        free=_free(usage.pools, unavailable, reserved),
        programmes=_programmes(usage, labelled),
        accounts={pair: AccountFigures(*sums) for pair, sums in accounts.items()},
        moved=usage.accounts,
        measured={pair: MeasuredFigures(*sums) for pair, sums in measured.items()},
        measured_at=usage.measured,
        no_shows={pair: count for pair, (count,) in no_shows.items()},
        lost={pair: unit_seconds for pair, (unit_seconds,) in lost.items()},
        lost_at=usage.lost,
        denials=usage.next_denials(),
        quotas={pair: QuotaFigures(*sums) for pair, sums in quotas.items()},
        spent_at={
            pair: spent_at
            for pair, period in periods.items()
            if pair in quotas and (spent_at := period.spent_at(usage.now)) is not None
        },
        period_ends=_period_ends(periods),
        reserves={(each.meter, each.programme): each.left for each in usage.reserves.of.values()},
        applied={name: usage.applied[event] for event, name in EVENT_NAMES.items()},
        overflow=dict(zip(OVERFLOW_LABELS, folded, strict=True)),
    )


def fold_pairs(
    sums: Mapping[Pair, tuple[int, ...]], labelled: Iterable[str], pairs_max: int
) -> tuple[dict[Pair, tuple[int, ...]], int]:
    """Keep the first pairs of labelled companies and add every other to a pair of `_other`; says how many were."""
    known = set(labelled)
    shown: dict[Pair, tuple[int, ...]] = {}
    others: dict[Pair, tuple[int, ...]] = {}
    for (company, second), figures in sums.items():
        if company in known and len(shown) < pairs_max:
            shown[company, second] = figures
            continue
        before = others.get((OTHER, second), (0,) * len(figures))
        others[OTHER, second] = tuple(a + b for a, b in zip(before, figures, strict=True))
    return shown | others, len(sums) - len(shown)


def _period_ends(periods: Mapping[Pair, Period]) -> dict[str, int]:
    ends: dict[str, int] = {}
    for (_, meter), period in periods.items():
        ends[meter] = min(ends.get(meter, period.quota.end), period.quota.end)
    return ends


def _programmes(usage: Usage, labelled: list[str]) -> dict[str, str]:
    programmes = {name: usage.companies[name].programme for name in labelled}
    if len(labelled) < len(usage.companies):
        programmes[OTHER] = OTHER
    return programmes


def _free(
    pools: dict[str, PoolUsage],
    unavailable: dict[tuple[str, Unavailable], int],
    reserved: dict[tuple[str, State], int],
) -> dict[str, int]:
    """Installed, less what is out of reach, less what is reserved. Below zero would be a double booking: show it."""
    return {
        name: pool.resource.capacity
        - sum(unavailable[name, reason] for reason in Unavailable)
        - sum(reserved[name, state] for state in LIVE_STATES)
        for name, pool in pools.items()
    }
