"""What a scrape shows: labels are bounded, sums stay exact, whoever has a label keeps it, and counters never fall."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.allocation import events
from services.allocation.companies import Quota
from services.allocation.events import Event
from services.allocation.resources import Closure, Kind, Node, OpeningHours, Resource, Unit
from services.allocation.values.outage import Outage, OutageKind, Taken
from services.metrics.availability import Availability, Unavailable
from services.metrics.figures import OTHER, Figures, LabelLimits, Pair, draw, fold_pairs
from services.metrics.usage import Usage
from tests.metrics.naive import COMPANIES, Decision, histories
from tests.metrics.synthetic import HOUR_SECONDS, START, company, confirmed, pool
from tests.metrics.test_usage import page

TIGHT = LabelLimits(companies=2, accounts=2, quotas=1)
WIDE = LabelLimits()


def sums_by_second(pairs: dict[Pair, tuple[int, ...]]) -> dict[str, Counter[int]]:
    """The sums of each figure over all companies."""
    sums: dict[str, Counter[int]] = {}
    for (_, second), figures in pairs.items():
        sums.setdefault(second, Counter()).update(dict(enumerate(figures)))
    return sums


def prefixes(history: list[Decision], limits: LabelLimits) -> list[Figures]:
    """The figures after every decision."""
    usage, drawn = Usage(), []
    for position, decision in enumerate(history, 1):
        usage.apply(position, page([decision]))
        drawn.append(draw(usage, Availability(), limits))
    return drawn


@given(histories())
def test_overflow_keeps_the_sums_of_every_pool(history: list[Decision]) -> None:
    """However few labels there are, the figures of a pool add up to the same."""
    tight, wide = prefixes(history, TIGHT)[-1], prefixes(history, WIDE)[-1]
    assert sums_by_second(tight.accounts) == sums_by_second(wide.accounts)
    assert sums_by_second(tight.quotas) == sums_by_second(wide.quotas)
    assert {company for company, _ in tight.accounts} <= {*COMPANIES[:2], OTHER}
    assert tight.programmes.keys() == {*COMPANIES[:2], OTHER}
    assert tight.overflow["company"] == 1
    assert set(wide.overflow.values()) == {0}


@given(histories())
def test_no_counter_ever_falls_and_no_label_is_lost(history: list[Decision]) -> None:
    """From one decision to the next, every counter of every series grows or stays, with overflow too."""
    drawn = prefixes(history, TIGHT)
    for before, after in pairwise(drawn):
        for pair, account in before.accounts.items():
            assert after.accounts[pair].reserved >= account.reserved
            assert after.accounts[pair].used >= account.used
            assert after.accounts[pair].released >= account.released
        assert before.quotas.keys() <= after.quotas.keys()
        assert all(after.overflow[label] >= count for label, count in before.overflow.items())
        assert all(after.applied[name] >= count for name, count in before.applied.items())


@given(st.dictionaries(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), st.tuples(st.integers(0, 9))))
def test_folding_names_what_it_folded(pairs: dict[Pair, tuple[int, ...]]) -> None:
    """Pairs past the limit or of a company without a label are counted, and the first ones kept as they are."""
    shown, folded = fold_pairs(pairs, ("a", "b"), pairs_max=3)
    kept = {pair: figures for pair, figures in shown.items() if pair[0] != OTHER}
    assert len(kept) <= 3
    assert len(kept) + folded == len(pairs)
    assert kept.items() <= pairs.items()


@given(histories())
def test_capacity_is_free_plus_reserved_plus_unavailable(history: list[Decision]) -> None:
    """At every moment the units of a pool are accounted for once."""
    figures = prefixes(history, WIDE)[-1]
    for name, usage in figures.pools.items():
        reserved = sum(units for (of, _), units in figures.reserved.items() if of == name)
        unavailable = sum(units for (of, _), units in figures.unavailable.items() if of == name)
        assert figures.free[name] + reserved + unavailable == usage.resource.capacity


def test_maintenance_counts_each_node_once() -> None:
    """Overlapping closures of a zone and of the whole pool take a node out once, and only while they last."""
    resource = closed_pool(Closure(start=START, end=START + 60, zone="Z-0"), Closure(start=START + 30, end=START + 60))
    availability = Availability()
    at = [availability.at([resource], START + second) for second in (0, 30, 60)]
    assert [units["pool-000", Unavailable.MAINTENANCE] for units in at] == [80, 240, 0]


def test_outages_take_units_out_while_they_last_and_once() -> None:
    """A failure counts as one, other outages as maintenance; a node under both, or under a closure too, counts once."""
    resource = closed_pool(Closure(start=START, end=START + 120, zone="Z-0"))
    nodes = (Taken(resource=resource.id, nodes=(0, 1, 2)),)
    broken = Outage(id="a", kind=OutageKind.FAILURE, start=START, taken=nodes, lifted_at=START + 60)
    planned = Outage(id="b", kind=OutageKind.CLOSURE, start=START, taken=nodes, end=START + 120)
    at = [Availability().at([resource], START + second, (broken, planned)) for second in (-1, 0, 60, 120)]
    assert [units[resource.id, Unavailable.FAILURE] for units in at] == [0, 24, 0, 0]
    zone = {number for number, node in enumerate(resource.nodes) if node.zone == "Z-0"} | {0, 1, 2}
    assert [units[resource.id, Unavailable.MAINTENANCE] for units in at] == [
        0,
        8 * len(zone - {0, 1, 2}),
        8 * len(zone),
        0,
    ]


def closed_pool(*closures: Closure) -> Resource:
    """Thirty nodes of eight units in three zones, with closures."""
    return Resource(
        id="pool-000",
        kind=Kind.COMPUTE,
        unit=Unit.GPU,
        nodes=pool(0).nodes,
        slot_minutes=60,
        time_zone="Asia/Seoul",
        bins_per_node=8,
        closures=closures,
    )


def test_equipment_is_unavailable_when_it_is_closed() -> None:
    """A simulator that opens from nine to six with a break can be held in those hours only."""
    availability = Availability()
    # START is a Tuesday, 09:00 in Seoul.
    seconds = {"opening": 0, "break": 4 * HOUR_SECONDS, "evening": 9 * HOUR_SECONDS, "night": 15 * HOUR_SECONDS}
    closed = {
        name: availability.at([simulator()], START + offset)["M01", Unavailable.CLOSED]
        for name, offset in seconds.items()
    }
    assert closed == {"opening": 0, "break": 1, "evening": 1, "night": 1}


def test_resource_out_of_service_counts_under_that_alone() -> None:
    """A unit is unavailable for one reason: the first that holds."""
    units = Availability().at([simulator(in_service=False)], START)
    assert units == {
        ("M01", Unavailable.OUT_OF_SERVICE): 1,
        ("M01", Unavailable.CLOSED): 0,
        ("M01", Unavailable.ABSENT): 0,
        ("M01", Unavailable.FAILURE): 0,
        ("M01", Unavailable.MAINTENANCE): 0,
    }


def simulator(*, in_service: bool = True) -> Resource:
    """One piece of equipment with opening hours and a lunch break."""
    return Resource(
        id="M01",
        kind=Kind.EQUIPMENT,
        unit=Unit.SEAT,
        nodes=(Node(id="M01"),),
        slot_minutes=60,
        time_zone="Asia/Seoul",
        hours=OpeningHours(weekdays=(0, 1, 2, 3, 4), opens=540, closes=1080, break_starts=780, break_ends=840),
        in_service=in_service,
    )


def quota_figures(*decisions: Decision) -> Figures:
    """The figures of a centre with one company, one pool and a quota of 1,600 unit-hours for a hundred hours."""
    opened: list[Event] = [
        events.ResourceRegistered(resource=pool(0)),
        events.CompanyRegistered(company=company(0)),
        events.QuotaGranted(
            quota=Quota(
                company="CMP-0000",
                meter="pool-000",
                start=START,
                end=START + 100 * HOUR_SECONDS,
                unit_seconds=1_600 * HOUR_SECONDS,
            )
        ),
    ]
    return prefixes([(START, opened), *decisions], WIDE)[-1]


def test_quota_is_projected_to_its_end() -> None:
    """Sixteen of 1,600 unit-hours booked in half an hour are all of them in fifty; the period ends when it ends."""
    booked = confirmed(0, "CMP-0000", "pool-000", START + HOUR_SECONDS)
    figures = quota_figures((START + HOUR_SECONDS // 2, [booked]))
    assert figures.spent_at == {("CMP-0000", "pool-000"): START + 50 * HOUR_SECONDS}
    assert figures.period_ends == {"pool-000": START + 100 * HOUR_SECONDS}


def test_unused_quota_is_never_spent_and_a_past_period_has_no_end() -> None:
    """What has no projection has no figure, rather than one that is far off or long ago."""
    assert quota_figures().spent_at == {}
    later: list[Event] = [events.CompanyRegistered(company=company(1))]
    past = quota_figures((START + 200 * HOUR_SECONDS, later))
    assert (past.spent_at, past.period_ends) == ({}, {})
    assert past.quotas["CMP-0000", "pool-000"] == (0, 0)
