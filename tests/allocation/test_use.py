"""Who used what: reports of nodes, joined to reservations to the unit-second, once, and never guessed."""

import pytest
from msgspec.structs import replace

from services.allocation.attendance.use import CHECK_IN_SECONDS, UseBook, rates_of_bins
from services.allocation.reservations import Allocation, Line, Reservation, State
from services.allocation.resources import Kind, Node, Resource, Unit
from services.allocation.values.use import MeasuredUse

HOUR = 3_600
T = 1_772_409_600
GPUS = Resource(
    id="gpu",
    kind=Kind.COMPUTE,
    unit=Unit.GPU,
    nodes=(Node(id="n-0"), Node(id="n-1")),
    bins_per_node=4,
    slot_minutes=60,
    time_zone="Asia/Seoul",
)
SHARED = replace(GPUS, id="shared", unit=Unit.MILLI_GPU, nodes=(Node(id="s-0"),), bin_capacity=1000)
CORES = replace(GPUS, id="cpu", unit=Unit.CORE, nodes=(Node(id="c-0"),), bins_per_node=1, bin_capacity=112)
RESOURCES = {each.id: each for each in (GPUS, SHARED, CORES)}


def standing(
    name: str, resource: str, bins: dict[int, int], *spans: tuple[int, int], start: int = T, end: int = T + 4 * HOUR
) -> Reservation:
    """An active reservation of some units in some bins."""
    allocation = Allocation(
        resource=resource,
        units=sum(bins.values()),
        spans=spans or ((start, end),),
        bins=tuple(bins),
        amounts=tuple(bins.values()),
    )
    lines = (Line(resource=resource, units=allocation.units),)
    return Reservation(
        id=name,
        company="ALPHA",
        state=State.ACTIVE,
        start=start,
        end=end,
        lines=lines,
        allocations=(allocation,),
        created_at=T,
    )


def book(*reservations: Reservation) -> UseBook:
    """A book of the three resources on which these stand."""
    made = UseBook()
    for resource in RESOURCES.values():
        made.register(resource)
    for reservation in reservations:
        made.stand(reservation, RESOURCES)
    return made


def measured(of: UseBook, name: str) -> tuple[int, int, int]:
    """Unit-seconds known, of work and idle, of a reservation of one resource."""
    record = of.draft(name)
    if record is None:
        return (0, 0, 0)
    (use,) = record.resources
    return use.measured, use.busy, use.idle


def test_each_reservation_is_given_what_its_own_bins_did() -> None:
    """Two companies on one node are told apart by the bins they hold, and a free bin is nobody's."""
    kept = book(standing("a", "gpu", {0: 1, 1: 1}), standing("b", "gpu", {2: 1}))
    assert kept.take("n-0", T, T + 60, (1000, 500, 0, 1000), 300, T + 60)
    assert measured(kept, "a") == (120, 90, 0)
    assert measured(kept, "b") == (60, 0, 60)


def test_a_bin_of_the_second_node_is_not_one_of_the_first() -> None:
    """Bins count on from node to node, as their names do."""
    kept = book(standing("a", "gpu", {4: 1}))
    kept.take("n-0", T, T + 60, (1000, 1000, 1000, 1000), None, T + 60)
    assert measured(kept, "a") == (0, 0, 0)
    kept.take("n-1", T, T + 60, (1000, 0, 0, 0), None, T + 60)
    assert measured(kept, "a") == (60, 60, 0)


def test_only_what_is_held_is_measured() -> None:
    """A report that begins before the start, or runs into a break, counts for the seconds that are held."""
    kept = book(standing("a", "gpu", {0: 1}, (T, T + 30), (T + 50, T + 100)))
    kept.take("n-0", T - 20, T + 60, (1000, 0, 0, 0), None, T + 60)
    assert measured(kept, "a") == (40, 40, 0)


def test_what_is_told_twice_counts_once() -> None:
    """A report that is sent again, or overlaps the one before, adds only what is new."""
    kept = book(standing("a", "gpu", {0: 1}))
    assert kept.take("n-0", T, T + 60, (1000, 0, 0, 0), None, T + 60)
    assert not kept.take("n-0", T, T + 60, (1000, 0, 0, 0), None, T + 60)
    assert kept.take("n-0", T + 30, T + 90, (0, 0, 0, 0), None, T + 90)
    assert measured(kept, "a") == (90, 60, 30)


@pytest.mark.parametrize(
    ("node", "start", "end"),
    [("nobody", T, T + 60), ("n-0", T + 60, T), ("n-0", T + 3_600, T + 3_660)],
)
def test_a_report_that_cannot_be_is_not_believed(node: str, start: int, end: int) -> None:
    """Unknown nodes, reversed or very long times, and times to come are left out, and block nothing after them."""
    kept = book(standing("a", "gpu", {0: 1}))
    assert not kept.take(node, start, end, (1000,) * 4, None, T + 60)
    assert kept.take("n-0", T, T + 60, (1000,) * 4, None, T + 60)
    assert measured(kept, "a") == (60, 60, 0)


def test_unknown_is_not_idle() -> None:
    """A device of which the driver cannot tell is measured by nobody, beside one that is."""
    kept = book(standing("a", "gpu", {0: 1, 1: 1}))
    kept.take("n-0", T, T + 60, (None, 20, 0, 0), None, T + 60)
    assert measured(kept, "a") == (60, 1, 60)


def test_shares_of_one_bin_are_counted_at_the_bins_rate() -> None:
    """Nobody can tell whose work it was, so each share works as much as the whole."""
    kept = book(standing("a", "shared", {0: 250}), standing("b", "shared", {0: 750}))
    kept.take("s-0", T, T + 10, (500, 0, 0, 0), None, T + 10)
    assert measured(kept, "a") == (2_500, 1_250, 0)
    assert measured(kept, "b") == (7_500, 3_750, 0)


def test_cores_work_as_their_processor_does() -> None:
    """A pool of cores goes by the processor, whatever accelerators the node may have."""
    kept = book(standing("a", "cpu", {0: 56}))
    kept.take("c-0", T, T + 10, (), 250, T + 10)
    assert measured(kept, "a") == (560, 140, 0)


def test_a_whole_node_is_as_busy_as_its_accelerators_together() -> None:
    """Where one bin stands for all of a node, its rate is the mean; where numbers do not match, nobody knows."""
    whole = replace(GPUS, bins_per_node=1, bin_capacity=4)
    assert rates_of_bins(whole, (1000, 0, None, 500), None) == (500,)
    assert rates_of_bins(GPUS, (1000, 0), None) == (None,) * 4


def test_a_record_is_taken_off_and_what_came_later_stays() -> None:
    """Between the writing of a record and its durability more may be measured; nothing is lost and nothing twice."""
    kept = book(standing("a", "gpu", {0: 1}))
    kept.take("n-0", T, T + 60, (999, 0, 0, 0), None, T + 60)
    record = kept.draft("a")
    assert record
    assert record.resources == (MeasuredUse(resource="gpu", measured=60, busy=59, idle=0),)
    kept.take("n-0", T + 60, T + 120, (999, 0, 0, 0), None, T + 120)
    kept.settle("a", record)
    assert measured(kept, "a") == (60, 60, 0)
    later = kept.draft("a")
    assert later
    assert (later.since, later.until) == (T + 60, T + 120)


def test_a_release_ends_the_measuring_where_it_cut() -> None:
    """Reports that arrive after the end still count for the time before it, and for that alone."""
    before = standing("a", "gpu", {0: 1})
    kept = book(before)
    cut = replace(before.allocations[0], spans=((T, T + 30),))
    kept.stand(replace(before, end=T + 30, allocations=(cut,)), RESOURCES)
    kept.take("n-0", T, T + 60, (1000, 0, 0, 0), None, T + 60)
    assert measured(kept, "a") == (30, 30, 0)


@pytest.mark.parametrize(("rate", "in_use"), [(60, True), (40, False)])
def test_taking_up_is_judged_once(rate: int, in_use: bool) -> None:
    """Whether anything worked soon after the start is said in the first record after that time, and never again."""
    kept = book(standing("a", "gpu", {0: 1}))
    judgements = []
    for first in range(T, T + 3 * CHECK_IN_SECONDS, CHECK_IN_SECONDS // 2):
        last = first + CHECK_IN_SECONDS // 2
        kept.take("n-0", first, last, (rate if first < T + CHECK_IN_SECONDS else 1000, 0, 0, 0), None, last)
        record = kept.draft("a")
        assert record
        judgements.append(record.in_use)
        kept.settle("a", record)
    assert judgements == [None, in_use, None, None, None, None]


def test_a_start_that_nobody_watched_is_not_judged() -> None:
    """Work seen late says nothing about the beginning."""
    kept = book(standing("a", "gpu", {0: 1}))
    kept.take("n-0", T + HOUR, T + HOUR + 60, (1000, 0, 0, 0), None, T + HOUR + 60)
    record = kept.draft("a")
    assert record
    assert record.in_use is None


def test_what_ended_is_forgotten() -> None:
    """A reservation that is let go of leaves its bins to the next, and nothing to record."""
    kept = book(standing("a", "gpu", {0: 1}))
    kept.take("n-0", T, T + 60, (1000,) * 4, None, T + 60)
    kept.forget("a")
    assert "a" not in kept
    assert kept.draft("a") is None
    kept.stand(standing("b", "gpu", {0: 1}), RESOURCES)
    kept.take("n-0", T + 60, T + 120, (1000,) * 4, None, T + 120)
    assert measured(kept, "b") == (60, 60, 0)
