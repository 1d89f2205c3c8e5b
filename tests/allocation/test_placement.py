"""Which units stand behind a line: shapes, closeness, best fit, and room made by moving what has not begun."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.commands import CancelReservation, RegisterResource
from services.allocation.decide import decide
from services.allocation.events import AllocationsMoved
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Colocation, Reservation
from services.allocation.resources import Closure
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, line

NOON = TUESDAY + 12 * HOUR
A100_NODE = 8000


def nodes_of(reservation: Reservation, bins_per_node: int = 8) -> list[int]:
    """Numbers of the nodes that a reservation stands on."""
    return sorted({index // bins_per_node for each in reservation.allocations for index in each.bins})


def hole(scenario: Scenario, node: int) -> None:
    """One node of the A100 pool is free, and every other one busy with something that has begun."""
    taken = [scenario.books(book("BETA", line("a100", 8000), start=NOON, hours=24)) for _ in range(6)]
    scenario.reaches(NOON)
    scenario.releases(next(scenario.current(each) for each in taken if nodes_of(each) == [node]))


def test_a_gang_stands_on_as_many_nodes() -> None:
    """A gang of four parts of two GPUs takes two GPUs on each of four nodes."""
    reservation = fixture.fresh().books(book("ALPHA", line("a100", 8000, each=2000), start=NOON, hours=1))
    (allocation,) = reservation.allocations
    counts = [sum(1 for index in allocation.bins if index // 8 == node) for node in nodes_of(reservation)]
    assert counts == [2, 2, 2, 2]
    assert set(allocation.amounts) == {1000}


@pytest.mark.parametrize(
    ("units", "each"), [(8000, 3000), (16_000, 16_000), (3000, 1500)], ids=["unequal", "too-large", "broken"]
)
def test_a_gang_of_no_shape_is_refused(units: int, each: int) -> None:
    """Parts must be equal, fit a node, and not split a second GPU."""
    wish = book("ALPHA", line("a100", units, each=each), start=NOON, hours=1)
    assert fixture.fresh().refuses(wish) == [Reason.INVALID_UNITS]


def test_a_gang_larger_than_the_centre_is_refused() -> None:
    """Seven nodes of six are not there, even when nothing is booked."""
    wish = book("ALPHA", line("a100", 7000, each=1000), start=NOON, hours=1)
    assert fixture.fresh().refuses(wish) == [Reason.NO_PLACEMENT]


def test_one_node_means_one_node() -> None:
    """A shape that needs two nodes contradicts a demand for one."""
    scenario = fixture.fresh()
    for wish in (line("a100", 9000, near=Colocation.NODE), line("a100", 16_000, each=8000, near=Colocation.NODE)):
        assert scenario.refuses(book("ALPHA", wish, start=NOON, hours=1)) == [Reason.INVALID_UNITS]
    reservation = scenario.books(book("ALPHA", line("a100", 5000, near=Colocation.NODE), start=NOON, hours=1))
    assert len(nodes_of(reservation)) == 1


@pytest.mark.parametrize(("near", "rooms"), [(Colocation.RACK, 2), (Colocation.FABRIC_GROUP, 4)])
def test_close_nodes_share_their_place(near: Colocation, rooms: int) -> None:
    """Nodes asked for close together stand in one rack or fabric group; more than it holds are refused."""
    scenario = fixture.fresh()
    places = fixture.A100.nodes
    reservation = scenario.books(book("ALPHA", line("a100", rooms * A100_NODE, near=near), start=NOON, hours=1))
    assert len({getattr(places[node], near.value) for node in nodes_of(reservation)}) == 1
    wish = book("ALPHA", line("a100", (rooms + 1) * A100_NODE, near=near), start=NOON + DAY, hours=1)
    assert scenario.refuses(wish) == [Reason.NO_PLACEMENT]


def test_close_nodes_take_the_smallest_group_that_fits() -> None:
    """Two nodes close together leave the larger fabric group whole for those who need it."""
    scenario, found = fixture.fresh(), []
    for nodes in (2, 4):
        wish = line("a100", nodes * A100_NODE, near=Colocation.FABRIC_GROUP)
        stands = nodes_of(scenario.books(book("ALPHA", wish, start=NOON, hours=1)))
        assert len(stands) == nodes
        found.append({fixture.A100.nodes[number].fabric_group for number in stands})
    small, large = found
    assert (len(small), len(large), small & large) == (1, 1, set())


def test_the_last_part_of_a_line_stands_in_the_same_rack() -> None:
    """A line of one node and a half asks for both in one rack, the half node included."""
    reservation = fixture.fresh().books(book("ALPHA", line("a100", 12_000, near=Colocation.RACK), start=NOON, hours=1))
    assert len({fixture.A100.nodes[node].rack for node in nodes_of(reservation)}) == 1
    assert len(nodes_of(reservation)) == 2


def test_shares_fill_the_fullest_accelerator() -> None:
    """A share goes where the least is left, so that whole accelerators stay whole."""
    scenario = fixture.fresh()
    first = scenario.books(book("ALPHA", line("a100", 500), start=NOON, hours=1))
    second = scenario.books(book("BETA", line("a100", 500), start=NOON, hours=1))
    assert first.allocations[0].bins == second.allocations[0].bins


def test_single_accelerators_fill_the_fullest_node() -> None:
    """Whole accelerators asked for one by one share a node, so that whole nodes stay whole."""
    scenario = fixture.fresh()
    scenario.given(book("ALPHA", line("a100", 3000, near=Colocation.NODE), start=NOON, hours=1))
    blocked = scenario.books(book("ALPHA", line("a100", A100_NODE - 1000), start=NOON, hours=1))
    single = scenario.books(book("ALPHA", line("a100", 1000), start=NOON, hours=1))
    assert nodes_of(single) == nodes_of(blocked)


def test_a_share_is_never_split() -> None:
    """Half an accelerator here and half one there are not one accelerator."""
    scenario = fixture.fresh()
    scenario.given(*(book("ALPHA", line("a100", 625), start=NOON, hours=24) for _ in range(48)))
    scenario.reaches(NOON)
    assert scenario.refuses(book("ALPHA", line("a100", 500), start=NOON + HOUR, hours=1)) == [Reason.NO_PLACEMENT]
    scenario.books(book("ALPHA", line("a100", 375), start=NOON + HOUR, hours=1))


def test_free_nodes_in_the_wrong_racks_are_no_placement() -> None:
    """Enough is free, but not where it was asked for: the reason says so, and what has begun is not moved."""
    scenario = fixture.fresh()
    hole(scenario, 3)
    assert scenario.refuses(
        book("ALPHA", line("a100", 2000, each=1000, near=Colocation.RACK), start=NOON + HOUR, hours=1)
    ) == [Reason.NO_PLACEMENT]


def test_fragmentation_alone_does_not_refuse() -> None:
    """Late binding: two half-days on two nodes move together when a whole day needs one of them."""
    scenario = fixture.fresh()
    keep = [
        scenario.books(book("ALPHA", line("h100", units), start=NOON + shift * HOUR, hours=12))
        for units, shift in ((16, 0), (8, 0), (16, 12), (8, 0), (8, 12))
    ]
    scenario.cancels(keep[1])
    whole = scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=24))
    (own,) = whole.allocations[0].bins
    kept = [scenario.current(each) for number, each in enumerate(keep) if number != 1]
    assert all(own not in each.allocations[0].bins for each in kept)
    assert [each for each, was in zip(kept, [keep[0], *keep[2:]], strict=True) if each.allocations != was.allocations]


@pytest.mark.parametrize("ticked", [True, False])
def test_what_has_begun_stays_where_it_is(ticked: bool) -> None:
    """Units are bound at the start, whether or not a tick has said so yet: only what is still to come moves."""
    pair = replace(fixture.H100, id="pair", nodes=fixture.H100.nodes[:2], quota_required=False)
    scenario = Scenario.of(pair, fixture.ALPHA, now=NOW)
    first = scenario.books(book("ALPHA", line("pair", 8), start=NOON, hours=1))
    long = scenario.books(book("ALPHA", line("pair", 8), start=NOON, hours=2))
    scenario.cancels(first)
    short = scenario.books(book("ALPHA", line("pair", 8), start=NOON, hours=1))
    later = scenario.books(book("ALPHA", line("pair", 8), start=NOON + 2 * HOUR, hours=2))
    scenario.now = NOON
    if ticked:
        scenario.reaches(NOON)
    assert later.allocations[0].bins == short.allocations[0].bins
    wish = book("ALPHA", line("pair", 8), start=NOON + HOUR, hours=3)
    moved = [event for event in decide(scenario.centre, wish, scenario.now) if isinstance(event, AllocationsMoved)]
    assert [event.reservation_id for event in moved] == [later.id]
    assert moved[0].allocations[0].bins == long.allocations[0].bins


def test_a_move_keeps_everything_but_the_bins() -> None:
    """A moved reservation holds the same units for the same spans; its version and position tell of the change."""
    scenario = fixture.fresh()
    first = scenario.books(book("ALPHA", line("h100", 24), start=NOON, hours=2))
    second = scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=2))
    later = scenario.books(book("ALPHA", line("h100", 8), start=NOON + 2 * HOUR, hours=2))
    assert later.allocations[0].bins != second.allocations[0].bins
    scenario.cancels(first)
    blocked = scenario.given(
        *(book("ALPHA", line("h100", 8), start=NOON + 2 * HOUR, hours=2) for _ in range(2)),
        *(book("ALPHA", line("h100", 8), start=NOON, hours=2) for _ in range(1)),
        book("ALPHA", line("h100", 8), start=NOON, hours=4),
    )
    for before in (second, later):
        after = blocked.current(before)
        assert [replace(each, bins=()) for each in after.allocations] == [
            replace(each, bins=()) for each in before.allocations
        ]
        assert (after.version > before.version) == (after.allocations != before.allocations)


def test_no_time_is_spent_on_too_much_that_would_have_to_move() -> None:
    """Re-packing is bounded: beyond its limit the answer is no, and it comes at once."""
    scenario = fixture.fresh()
    taken = [scenario.books(book("BETA", line("cpu", 1), start=NOON, hours=4)) for _ in range(112 + 104)]
    for reservation in taken[:4]:
        scenario.cancels(reservation)
    wish = book("BETA", line("cpu", 10, near=Colocation.NODE), start=NOON, hours=1)
    assert scenario.refuses(wish) == [Reason.NO_PLACEMENT]
    for reservation in taken[200:]:
        scenario.cancels(reservation)
    scenario.books(wish)


def test_both_lines_of_a_demand_may_need_others_to_move() -> None:
    """For each of them others make way, and where they stand by now is what the next line goes by."""
    twins = [replace(fixture.H100, id=name, nodes=fixture.H100.nodes[:2], quota_required=False) for name in "pq"]
    scenario = Scenario.of(*twins, fixture.ALPHA, now=NOW)
    for name in "pq":
        blocker = scenario.books(book("ALPHA", line(name, 8), start=NOON, hours=2))
        scenario.books(book("ALPHA", line(name, 8), start=NOON, hours=1, reservation_id=f"early-{name}"))
        scenario.cancels(blocker)
    later = scenario.books(book("ALPHA", line("p", 8), line("q", 8), start=NOON + HOUR, hours=1))
    wish = book("ALPHA", line("p", 8), line("q", 8), start=NOON, hours=2)
    moves = [event for event in scenario.decided(wish) if isinstance(event, AllocationsMoved)]
    assert {each.resource for event in moves for each in event.allocations} == {"p", "q"}
    both = scenario.books(wish)
    for mine, other in zip(both.allocations, scenario.current(later).allocations, strict=True):
        assert not set(mine.bins) & set(other.bins)


HOURS = 24

spans = st.tuples(st.integers(1, HOURS), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))
actions = st.lists(st.one_of(spans, st.integers(0, 30)), min_size=1, max_size=60)


@given(actions)
@examples(60)
def test_identical_bins_refuse_only_when_a_moment_is_full(asked: list[tuple[int, int] | int]) -> None:
    """For single nodes of an exclusive pool, a refusal comes exactly when some moment would exceed the capacity."""
    pool = replace(fixture.H100, quota_required=False)
    scenario = Scenario.of(pool, fixture.ALPHA, now=NOW)
    held: dict[str, tuple[int, int]] = {}
    for action in asked:
        if isinstance(action, int):
            if held:
                name = list(held)[action % len(held)]
                scenario.grants(CancelReservation(reservation_id=name, company="ALPHA"))
                del held[name]
            continue
        first, last = action
        wish = book("ALPHA", line("h100", 8), start=NOON + first * HOUR, end=NOON + last * HOUR)
        changes = [0] * (HOURS + 16)
        for start, end in [*held.values(), action]:
            changes[start] += 1
            changes[end] -= 1
        fits = max(list(accumulate(changes))[first:last]) <= len(pool.nodes)
        try:
            scenario.books(wish)
        except Rejected:
            assert not fits, "fragmentation alone refused"
        else:
            assert fits, "a moment holds more than there is"
            held[wish.reservation_id] = action


def test_what_closes_takes_part_of_a_zone_out() -> None:
    """Announced maintenance takes its zone out, and bookings around it find the other nodes."""
    closing = replace(
        fixture.H100, id="z", quota_required=False, closures=(Closure(start=NOON, end=NOON + DAY, zone="Z-A"),)
    )
    scenario = fixture.fresh().given(RegisterResource(resource=closing))
    reservation = scenario.books(book("ALPHA", line("z", 16), start=NOON, hours=2))
    assert {closing.nodes[index].zone for index in reservation.allocations[0].bins} == {"Z-B"}
    assert scenario.refuses(book("ALPHA", line("z", 8), start=NOON, hours=2)) == [Reason.MAINTENANCE]
