"""Whole bins are placed by what is known of them at a glance: exactly where a look at the grid would place them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.calendars.busy import CELLS_MAX
from services.allocation.calendars.calendar import SLIDE_DAYS, base_for
from services.allocation.calendars.places import Part
from services.allocation.calendars.pool import Pool
from services.allocation.reservations import Allocation, Colocation
from services.allocation.resources import Closure
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import MONDAY, NOW
from tests.allocation.scenario import DAY, HOUR

NODES = 3
LENGTHS = [1, 2, 5, CELLS_MAX, CELLS_MAX + 1]


def pool_of(bins_per_node: int, bin_capacity: int, closures: tuple[Closure, ...] = ()) -> Pool:
    """A small pool of GPUs."""
    nodes = fixture.nodes("gpu", *[("R1", "F1", "")] * NODES)
    shape = replace(fixture.H100, bins_per_node=bins_per_node, bin_capacity=bin_capacity, nodes=nodes)
    return Pool(replace(shape, closures=closures), base_for(NOW))


def allocation(start: int, hours: int, bins: set[int], amount: int) -> Allocation:
    """So many units of each of some bins, from an hour of the week on."""
    spans = ((MONDAY + start * HOUR, MONDAY + (start + hours) * HOUR),)
    units = amount * len(bins)
    return Allocation(resource="gpu", units=units, spans=spans, bins=tuple(sorted(bins)), amounts=(amount,) * len(bins))


steps = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from(LENGTHS),
        st.sets(st.integers(0, NODES - 1), min_size=1),
        st.sets(st.integers(0, 7), min_size=1),
        st.booleans(),
        st.sampled_from(["stays", "goes"]),
        st.sampled_from([(), (1,), (1, 5), LENGTHS]),
    ),
    max_size=25,
)


def looked_up(pool: Pool, start: int, hours: int, bins: int) -> None:
    """What is found at a glance is what a look at the grid finds."""
    spans = ((MONDAY + start * HOUR, MONDAY + (start + hours) * HOUR),)
    parts = (Part(1, bins, pool.resource.bin_capacity),)
    found = pool.place(spans, parts, Colocation.NODE)
    assert found == pool.layout.place(pool.free_bins(spans), parts, Colocation.NODE)


@given(steps, st.sampled_from([1, 4, 8]), st.sampled_from([1, 1000]), st.integers(0, 3))
@examples(150)
def test_a_glance_finds_what_the_grid_says(held: list[tuple], width: int, capacity: int, weeks: int) -> None:
    """Whatever is held, over one another or in parts of bins, and let go again, at any time of it."""
    pool = pool_of(width, capacity)
    kept: list[Allocation] = []
    for start, hours, nodes, places, whole, fate, lengths in held:
        bins = {node * width + place % width for node in nodes for place in places}
        kept.append(allocation(start, hours, bins, capacity if whole else max(1, capacity // 4)))
        pool.hold(kept[-1])
        if fate == "goes":
            pool.hold(kept.pop(len(kept) // 2), -1)
        for length in lengths:
            for first in (0, start, start + 1):
                looked_up(pool, first, length, 1 + start % width)
    if weeks:
        pool.slide(pool.calendar.base + weeks * SLIDE_DAYS * DAY)
    for start in range(0, 80, 5):
        looked_up(pool, start, 1 + start % 7, 1 + start % width)


def test_a_bin_that_two_share_is_held_until_both_let_go() -> None:
    """Parts of a bin come and go, and only when nothing is left of them is it whole again."""
    pool = pool_of(1, 1000)
    halves = [allocation(0, 1, {0}, 500) for _ in range(2)]
    for half in halves:
        pool.hold(half)
    for half in halves:
        assert whole_bin(pool) == 1
        pool.hold(half, -1)
    assert whole_bin(pool) == 0


def whole_bin(pool: Pool) -> int:
    """The bin that a demand for all of one gets in the first hour."""
    found = pool.place(((MONDAY, MONDAY + HOUR),), (Part(1, 1, pool.resource.bin_capacity),), Colocation.ANYWHERE)
    assert found is not None
    return found.bins[0]


def test_a_glance_is_not_enough_where_something_is_out() -> None:
    """A node that is out is full, however little is held of it."""
    closure = Closure(start=MONDAY, end=MONDAY + DAY)
    pool = pool_of(8, 1, (closure,))
    part = (Part(1, 8, 1),)
    assert pool.place(((MONDAY, MONDAY + HOUR),), part, Colocation.ANYWHERE) is None
    assert pool.place(((MONDAY + DAY, MONDAY + DAY + HOUR),), part, Colocation.ANYWHERE) is not None


@pytest.mark.parametrize("near", [Colocation.RACK, Colocation.FABRIC_GROUP])
def test_a_rack_is_chosen_before_its_node(near: Colocation) -> None:
    """Where units must stand close, the rack that has the fewest nodes left comes before the fullest node."""
    nodes = fixture.nodes("gpu", ("R1", "F1", ""), ("R1", "F1", ""), ("R2", "F2", ""))
    pool = Pool(replace(fixture.H100, bins_per_node=8, bin_capacity=1, nodes=nodes), base_for(NOW))
    pool.hold(allocation(0, 1, {0}, 1))
    found = pool.place(((MONDAY, MONDAY + HOUR),), (Part(1, 1, 1),), near)
    assert found is not None
    assert found.bins == (16,)
