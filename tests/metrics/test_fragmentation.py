"""Fragmentation, by hand cases, and against a computation that asks each shape of each node one by one."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation import events
from services.allocation.reservations import Allocation, Line, Reservation, State
from services.allocation.resources import Kind, Node, Resource, Unit
from services.eventlog.page import FORMAT, GENESIS, Entry, Page
from services.metrics.fragmentation import DAY_SECONDS, DAYS, TYPICAL_SHARE, Asked, Mix, fragmented, typical
from services.metrics.outlook import look_ahead
from services.metrics.usage import MICROSECONDS, Usage
from tests.metrics.synthetic import START, company, pool

NODES, BINS, CAPACITY = 3, 2, 1000


def shared(nodes: int = NODES) -> Resource:
    """A pool of two-GPU nodes whose GPUs are shared by the thousandth."""
    return Resource(
        id="shared",
        kind=Kind.COMPUTE,
        unit=Unit.MILLI_GPU,
        nodes=tuple(Node(id=f"n{number}") for number in range(nodes)),
        slot_minutes=60,
        time_zone="Asia/Seoul",
        bins_per_node=BINS,
        bin_capacity=CAPACITY,
    )


def pods(resource: Resource, units: int, units_per_node: int) -> list[tuple[int, int]]:
    """What single nodes are asked for, (GPUs, milli of each), cut by hand."""
    whole = resource.units_per_node
    parts = [units_per_node] * (units // units_per_node) if units_per_node else [whole] * (units // whole)
    if rest := units - sum(parts):
        parts.append(rest)
    return [(1, part) if part < CAPACITY else (part // CAPACITY, CAPACITY) for part in parts]


def naive(resource: Resource, free: list[list[int]], asked: Asked) -> Fraction | None:
    """The definition in the paper, shape by shape and node by node, in fractions."""
    counted: dict[tuple[int, int], int] = {}
    for (units, each), times in asked.items():
        for pod in pods(resource, units, each):
            counted[pod] = counted.get(pod, 0) + times
    ranked, covered, chosen = sorted(counted, key=lambda pod: (-counted[pod], -pod[0], -pod[1])), 0, []
    for pod in ranked:
        if covered < Fraction(str(TYPICAL_SHARE)) * sum(counted.values()):
            chosen.append(pod)
            covered += counted[pod]
    idle = sum(sum(node) for node in free)
    if not idle or not covered:
        return None
    lost = Fraction(0)
    for gpus, milli in chosen:
        weight = Fraction(counted[gpus, milli], covered)
        for node in free:
            enough = [left for left in node if left >= milli]
            lost += weight * (sum(left for left in node if left < milli) if len(enough) >= gpus else sum(node))
    return lost / idle


wishes = st.one_of(
    st.tuples(st.sampled_from([125, 250, 500, 875, 1000, 2000, 2500, 3000, 4000, 6000]), st.just(0)),
    st.sampled_from([(2000, 1000), (3000, 1000), (4000, 2000), (1000, 500)]),
)
mixes = st.dictionaries(wishes, st.integers(1, 40), max_size=6).map(Counter)
leftovers = st.lists(st.lists(st.integers(0, CAPACITY), min_size=BINS, max_size=BINS), min_size=NODES, max_size=NODES)


@given(leftovers, mixes)
def test_it_equals_the_naive_computation(free: list[list[int]], asked: Asked) -> None:
    """Whatever is free and whatever was asked for, the share is that of the definition taken literally."""
    resource = shared()
    expected, found = naive(resource, free, asked), fragmented(np.array(free), typical(resource, asked))
    assert (found is None) == (expected is None)
    assert found is None or expected is None or found == pytest.approx(float(expected))
    assert found is None or 0 <= found <= 1


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        # Five in eight ask for half a GPU, three for both: a whole node serves everybody.
        ([1000, 1000], 0),
        # 400 are too little for anybody, and nobody gets both: 5/8 of 400 and 3/8 of 1,400 of 1,400.
        ([400, 1000], (5 / 8 * 400 + 3 / 8 * 1400) / 1400),
        # What is left serves nobody at all.
        ([300, 200], 1),
    ],
)
def test_cases_by_hand(free: list[int], expected: float) -> None:
    """The cases of the paper's own measure, without those that ask for no GPU."""
    asked: Asked = Counter({(500, 0): 5, (2000, 0): 3})
    assert fragmented(np.array([free]), typical(shared(), asked)) == pytest.approx(expected)


def test_rare_shapes_do_not_count() -> None:
    """What lies beyond 95 % of the demand changes nothing."""
    often: Asked = Counter({(1000, 0): 95})
    rare: Asked = Counter({(1000, 0): 95, (125, 0): 3, (2000, 0): 2})
    assert typical(shared(), often) == typical(shared(), rare) == {(1, CAPACITY): 1.0}


def test_nothing_free_or_nothing_asked_has_no_share() -> None:
    """Of nothing there is no share, and without demand nothing is of no use."""
    weights = typical(shared(), Counter({(500, 0): 1}))
    assert fragmented(np.zeros((NODES, BINS), dtype=np.int32), weights) is None
    assert fragmented(np.full((NODES, BINS), CAPACITY), typical(shared(), Counter())) is None


def reservation(units: int, companion: int = 0) -> Reservation:
    """A reservation of the shared pool, by itself and along with a piece of equipment."""
    spans = ((START, START + 3600),)
    along = Allocation(
        resource="shared", units=companion, spans=spans, bins=(0,), amounts=(companion,), companion_of="RIG"
    )
    return Reservation(
        id="r",
        company="CMP-0000",
        start=START,
        end=START + 3600,
        lines=(Line(resource="shared", units=units),),
        allocations=(along,) if companion else (),
        state=State.CONFIRMED,
        created_at=START,
    )


def test_demand_is_forgotten_after_a_week() -> None:
    """What was asked for counts today and on the six days after, companions too, and then no more."""
    mix = Mix()
    mix.add(reservation(500, companion=2000), START)
    mix.add(reservation(1000), START + 2 * DAY_SECONDS)
    first, second = {(500, 0): 1, (2000, 0): 1}, {(1000, 0): 1}
    assert mix.recent(START + 3 * DAY_SECONDS) == {"shared": Counter({**first, **second})}
    assert mix.recent(START + (DAYS - 1) * DAY_SECONDS)["shared"][500, 0] == 1
    assert mix.recent(START + DAYS * DAY_SECONDS) == {"shared": Counter(second)}
    mix.add(reservation(125), START + 40 * DAY_SECONDS)
    assert mix.recent(START + 40 * DAY_SECONDS) == {"shared": Counter({(125, 0): 1})}


def test_the_fold_of_the_log_tells_it() -> None:
    """Whole nodes are asked for, and one GPU is held on each of two nodes: what is free there serves nobody."""
    usage, spans = Usage(), ((START, START + 10 * DAY_SECONDS),)
    made: list[events.Event] = [
        events.ResourceRegistered(resource=pool(0, nodes=4)),
        events.CompanyRegistered(company=company(0)),
    ]
    for number, (units, bins) in enumerate([(1, (0,)), (1, (8,)), *[(8, tuple(range(16, 24)))] * 58]):
        held = Allocation(resource="pool-000", units=units, spans=spans, bins=bins, amounts=(1,) * len(bins))
        made.append(
            events.ReservationConfirmed(
                reservation_id=f"r{number}",
                company="CMP-0000",
                start=START,
                end=START + 10 * DAY_SECONDS,
                lines=(Line(resource="pool-000", units=units),),
                allocations=(held,),
            )
        )
        if number > 2:
            made.append(events.ReservationCancelled(reservation_id=f"r{number}"))
    entry = Entry(actor="companies/CMP-0000", time=START * MICROSECONDS, events=tuple(made))
    page = Page(format=FORMAT, centre="c", writer="w", epoch=1, time=entry.time, previous=GENESIS, entries=(entry,))
    usage.apply(1, page)
    outlook = look_ahead(
        usage.pools["pool-000"].resource,
        usage.allocations_ahead()["pool-000"],
        usage.now,
        asked=usage.mix.recent(usage.now)["pool-000"],
    )
    # Seven free on each of two nodes, eight on the last; 58 of 60 asked for eight, which is 95 % and more.
    assert outlook.fragmented == pytest.approx(14 / 22)
