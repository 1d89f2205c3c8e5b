"""What nothing ever ran on: by unbroken reports of every bin from the start on; whatever may have been at work, was."""

import pytest
from msgspec.structs import replace

from services.allocation.attendance.unused import GAP_SECONDS_MAX, processes_of_bins
from services.allocation.attendance.use import UseBook
from tests.allocation.test_use import CORES, GPUS, HOUR, RESOURCES, SHARED, T, book, standing

NONE = (0, 0, 0, 0)
MINUTE = 60


def minutes(kept: UseBook, since: int, count: int, node: str = "n-0", processes: tuple[int | None, ...] = NONE) -> None:
    """Some minutes of reports, all alike."""
    for start in range(since, since + count * MINUTE, MINUTE):
        kept.take(node, start, start + MINUTE, NONE, None, start + MINUTE, processes)


def test_what_no_process_runs_on_is_unused_for_as_long_as_reports_say_so() -> None:
    """From the start of the reservation to the last report."""
    kept = book(standing("a", "gpu", {0: 1}))
    minutes(kept, T, 61)
    record = kept.draft("a")
    assert record
    assert record.unused_seconds == 61 * MINUTE


@pytest.mark.parametrize(
    ("rates", "processes"), [(NONE, (1, 0, 0, 0)), ((60, 0, 0, 0), NONE), (NONE, (None, 0, 0, 0)), (NONE, ())]
)
def test_a_process_or_work_or_doubt_is_use(rates: tuple[int, ...], processes: tuple[int | None, ...]) -> None:
    """Once is enough, and for good; so is a driver that cannot tell, and an agent that counts no processes."""
    kept = book(standing("a", "gpu", {0: 1}))
    kept.take("n-0", T, T + MINUTE, rates, None, T + MINUTE, processes)
    minutes(kept, T + MINUTE, 90)
    assert kept.unused.seconds("a") == 0


def test_what_others_do_beside_it_is_not_its_use() -> None:
    """Other bins of the node; but nobody can tell whose process runs on a bin that is shared."""
    kept = book(standing("a", "gpu", {0: 1}), standing("b", "shared", {0: 250}), standing("c", "shared", {0: 750}))
    minutes(kept, T, 60, processes=(0, 5, 5, 5))
    minutes(kept, T, 60, node="s-0", processes=(1, 0, 0, 0))
    assert (kept.unused.seconds("a"), kept.unused.seconds("b"), kept.unused.seconds("c")) == (HOUR, 0, 0)


def test_every_bin_counts() -> None:
    """A gang on two nodes is unused for as long as the worse known of them."""
    kept = book(standing("a", "gpu", {0: 1, 4: 1}))
    minutes(kept, T, 60)
    assert kept.unused.seconds("a") == 0
    minutes(kept, T, 30, node="n-1")
    assert kept.unused.seconds("a") == 30 * MINUTE


def test_a_hole_in_the_reports_is_use() -> None:
    """A lost report is not; whatever may have been at work longer than that was."""
    small, large = book(standing("a", "gpu", {0: 1})), book(standing("a", "gpu", {0: 1}))
    for kept, hole in ((small, GAP_SECONDS_MAX), (large, GAP_SECONDS_MAX + 1)):
        minutes(kept, T, 10)
        minutes(kept, T + 10 * MINUTE + hole, 60)
    assert small.unused.seconds("a") == 70 * MINUTE + GAP_SECONDS_MAX
    assert large.unused.seconds("a") == 0


def test_a_beginning_that_nobody_saw_may_have_been_work() -> None:
    """A scheduler that starts while a reservation runs knows nothing of what came before."""
    kept = book(standing("a", "gpu", {0: 1}))
    minutes(kept, T + HOUR, 120)
    assert kept.unused.seconds("a") == 0


def test_whoever_stood_there_before_is_not_it() -> None:
    """A report that begins before the start tells of both, so it says nothing, but leaves no hole either."""
    kept = book(standing("a", "gpu", {0: 1}))
    kept.take("n-0", T - HOUR, T + 5 * MINUTE, (900, 0, 0, 0), None, T + 5 * MINUTE, (1, 0, 0, 0))
    minutes(kept, T + 5 * MINUTE, 55)
    assert kept.unused.seconds("a") == HOUR


def test_a_move_is_seen_from_its_beginning_or_not_at_all() -> None:
    """Extended it stays unused; on other units nobody has watched it from the start."""
    before = standing("a", "gpu", {0: 1})
    kept = book(before)
    minutes(kept, T, 30)
    kept.stand(standing("a", "gpu", {0: 1}, end=T + 9 * HOUR), RESOURCES)
    assert kept.unused.seconds("a") == 30 * MINUTE
    kept.stand(standing("a", "gpu", {4: 1}), RESOURCES)
    minutes(kept, T + 30 * MINUTE, 60, node="n-1")
    assert kept.unused.seconds("a") == 0


def test_processes_belong_to_bins_as_rates_do() -> None:
    """One a bin, or all of a whole node in one; of cores, and where the numbers do not match, nobody knows."""
    whole = replace(GPUS, bins_per_node=1, bin_capacity=4)
    assert processes_of_bins(SHARED, (1, 2, 0, None)) == (1, 2, 0, None)
    assert processes_of_bins(whole, (1, 2, 0, 0)) == (3,)
    assert processes_of_bins(whole, (0, None, 0, 0)) == (None,)
    assert processes_of_bins(GPUS, (0, 0)) == (None,) * 4
    assert processes_of_bins(CORES, (0,)) == (None,)
