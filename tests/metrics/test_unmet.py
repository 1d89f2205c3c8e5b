"""Unmet demand: each distinct demand once, for a day, exactly; and bounded whatever is refused."""

from services.eventlog.refusals import Refusals, Refused, RefusedLine
from services.metrics import unmet
from services.metrics.unmet import OTHER, WINDOW_SECONDS, Missing, Unmet
from tests.metrics.synthetic import START

HOUR = 3_600
PROGRAMMES = {"ALPHA": "resident", "BETA": "academy"}


def refused(
    demand: str, *, time: int = START, company: str = "ALPHA", reason: str = "NO_CAPACITY", pool: str = "gpu"
) -> Refused:
    """Eight units for an hour, refused."""
    line = RefusedLine(resource=pool, units=8, seconds=HOUR, reason=reason)
    return Refused(time=time, company=company, demand=demand, lines=(line,))


def fold(*each: Refused, untold: int = 0) -> Unmet:
    """What one message with these refusals says."""
    folded = Unmet()
    folded.apply(Refusals(refused=each, untold=untold))
    return folded


def test_a_demand_that_is_tried_again_counts_once() -> None:
    """Retries are no demand: the same company's same wish counts once, another's and another wish count too."""
    folded = fold(refused("a"), refused("a", time=START + 5), refused("b"), refused("a", company="BETA"))
    assert folded.figures(["gpu"], PROGRAMMES) == {
        ("gpu", "NO_CAPACITY", "resident"): Missing(2, 2 * 8 * HOUR),
        ("gpu", "NO_CAPACITY", "academy"): Missing(1, 8 * HOUR),
    }


def test_a_demand_counts_under_what_refused_it_last() -> None:
    """A wish that first met a full pool and then a spent quota is missing for want of quota."""
    folded = fold(refused("a"), refused("a", time=START + 5, reason="QUOTA_EXCEEDED"))
    assert folded.figures(["gpu"], PROGRAMMES) == {("gpu", "QUOTA_EXCEEDED", "resident"): Missing(1, 8 * HOUR)}


def test_a_demand_leaves_a_day_after_it_was_last_refused() -> None:
    """The window goes by the last refusal, and at its very end the demand is gone and its sums with it."""
    folded = fold(refused("a"), refused("b", time=START + 10), refused("a", time=START + 20))
    folded.let_time_pass(START + 10 + WINDOW_SECONDS)
    assert folded.figures(["gpu"], PROGRAMMES) == {("gpu", "NO_CAPACITY", "resident"): Missing(1, 8 * HOUR)}
    folded.let_time_pass(START + 20 + WINDOW_SECONDS)
    assert folded.figures(["gpu"], PROGRAMMES) == {}


def test_every_line_of_a_demand_counts_for_its_own_pool() -> None:
    """A demand over two pools is missing on both, and on a pool that nobody knows it has no figure."""
    lines = (
        RefusedLine(resource="gpu", units=4, seconds=HOUR, reason="NO_CAPACITY"),
        RefusedLine(resource="rig", units=1, seconds=2 * HOUR, reason="CLOSED_DAY"),
        RefusedLine(resource="gone", units=1, seconds=HOUR, reason="NO_CAPACITY"),
    )
    folded = fold(Refused(time=START, company="ALPHA", demand="a", lines=lines))
    assert folded.figures(["gpu", "rig"], PROGRAMMES) == {
        ("gpu", "NO_CAPACITY", "resident"): Missing(1, 4 * HOUR),
        ("rig", "CLOSED_DAY", "resident"): Missing(1, 2 * HOUR),
    }


def test_a_reason_of_a_later_release_has_no_label_of_its_own() -> None:
    """Labels come from a closed set, whatever the stream says."""
    folded = fold(refused("a", reason="MOON_IN_CAPRICORN", company="NOBODY"))
    assert folded.figures(["gpu"], PROGRAMMES) == {("gpu", OTHER, OTHER): Missing(1, 8 * HOUR)}


def test_figures_are_bounded_and_their_sum_is_not_cut() -> None:
    """Beyond the bound the smallest are summed by pool under `_other`; no unit-second is lost."""
    pools = [f"pool-{number}" for number in range(unmet.LABELS_MAX + 50)]
    folded = fold(*(refused(pool, pool=pool) for pool in pools), refused("more", pool="pool-0", reason="NO_QUOTA"))
    figures = folded.figures(pools, PROGRAMMES)
    assert sum(missing.unit_seconds for missing in figures.values()) == (len(pools) + 1) * 8 * HOUR
    assert sum(1 for key in figures if key[1] != OTHER) == unmet.LABELS_MAX


def test_what_was_not_told_or_does_not_fit_is_counted() -> None:
    """Beyond so many demands the oldest leave early; they, and those the scheduler dropped, are known by number."""
    folded = fold(*(refused(str(number)) for number in range(unmet.DEMANDS_MAX + 3)), untold=7)
    assert folded.forgotten == 10
    assert folded.figures(["gpu"], PROGRAMMES)["gpu", "NO_CAPACITY", "resident"].demands == unmet.DEMANDS_MAX
