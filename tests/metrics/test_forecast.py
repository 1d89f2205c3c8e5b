"""The past by the hour, and the forecast of it: exact, and honest about how good it is beside none at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.reservations import Allocation
from services.metrics import history
from services.metrics.forecast import Model, forecast
from services.metrics.history import HOUR_SECONDS, HOURS_KEPT, WEEK_HOURS, Held, History

NOW = 500_000 * HOUR_SECONDS + 1_800
FIRST = NOW // HOUR_SECONDS - HOURS_KEPT


def held(units: int, *spans: tuple[int, int], resource: str = "gpu") -> Allocation:
    """Units of a resource for some spans."""
    return Allocation(resource=resource, units=units, spans=spans, bins=(0,), amounts=(units,))


def slowly(allocations: list[Allocation], until: int) -> list[int]:
    """Unit-seconds of each whole hour, one span and one hour at a time."""
    hours = [(FIRST + hour) * HOUR_SECONDS for hour in range(HOURS_KEPT)]
    return [
        sum(
            each.units * max(0, min(end, until, hour + HOUR_SECONDS) - max(start, hour))
            for each in allocations
            for start, end in each.spans
        )
        for hour in hours
    ]


SPANS = st.tuples(st.integers(-40_000, 40_000), st.integers(1, 30_000)).map(
    lambda span: (NOW + span[0] * 7, NOW + (span[0] + span[1]) * 7)
)


@given(st.lists(st.builds(held, st.integers(1, 9), SPANS), max_size=6), st.integers(1, 3))
def test_the_past_is_exact_to_the_unit_second(ended: list[Allocation], pending_max: int) -> None:
    """Whatever ended and whenever it is added up, each hour holds what it held; what lies ahead holds nothing yet."""
    kept = History()
    before, history.PENDING_MAX = history.PENDING_MAX, pending_max
    try:
        for allocation in ended:
            kept.add([held(allocation.units, *[(a, min(b, NOW)) for a, b in allocation.spans if a < NOW])], NOW)
    finally:
        history.PENDING_MAX = before
    past = kept.past({"gpu": []}, NOW)["gpu"]
    assert (past * HOUR_SECONDS).round().astype(int).tolist() == slowly(ended, NOW)


def test_what_goes_on_counts_up_to_now() -> None:
    """A live reservation has held its units since its start, and is in no sum twice when it ends."""
    kept = History()
    running = held(4, (NOW - 10 * HOUR_SECONDS, NOW + 90 * HOUR_SECONDS))
    assert kept.past({"gpu": [running]}, NOW)["gpu"][-9:].tolist() == [4] * 9
    later = NOW + 5 * HOUR_SECONDS
    kept.add([held(4, (NOW - 10 * HOUR_SECONDS, later))], later)
    assert kept.past({"gpu": []}, later)["gpu"][-14:].tolist() == [4] * 14


def test_old_hours_are_forgotten() -> None:
    """The memory has a limit: what lies further back than the weeks kept is gone, what is left keeps its hour."""
    kept = History()
    kept.add([held(1, (NOW - 2 * WEEK_HOURS * HOUR_SECONDS, NOW))], NOW)
    assert kept.past({"gpu": []}, NOW)["gpu"].sum() > 2 * WEEK_HOURS - 1
    much_later = NOW + (HOURS_KEPT - WEEK_HOURS) * HOUR_SECONDS
    assert kept.past({"gpu": []}, much_later)["gpu"].sum() == pytest.approx(WEEK_HOURS + 0.5)
    assert kept.past({"gpu": []}, much_later + HOURS_KEPT * HOUR_SECONDS)["gpu"].sum() == 0


def weekly(noise: float, seed: int = 1) -> Held:
    """Work from nine to six on five days of the week, more or less."""
    hour = np.arange(HOURS_KEPT)
    busy = (hour % 24 >= 9) & (hour % 24 < 18) & (hour // 24 % 7 < 5)
    drawn: Held = np.where(busy, 80.0, 10.0) * (1 + noise * np.random.default_rng(seed).standard_normal(HOURS_KEPT))
    return drawn.clip(0)


def test_a_strict_week_is_forecast_without_error() -> None:
    """Where every week is the same, the forecast is right, and its mean is that of the week."""
    drawn = forecast(weekly(noise=0), HOURS_KEPT)
    assert drawn
    assert drawn.error[Model.HOUR_OF_WEEK] == 0
    assert drawn.error[Model.YESTERDAY] > 0
    assert drawn.units["7d", "0.5"] == pytest.approx(weekly(noise=0)[:WEEK_HOURS].mean())
    assert drawn.units["24h", "0.5"] == pytest.approx(weekly(noise=0)[:24].mean())


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_week_is_forecast_better_than_by_the_last_one(seed: int) -> None:
    """Several weeks know more than one: the error is below that of both forecasts that need no model."""
    drawn = forecast(weekly(noise=0.3, seed=seed), HOURS_KEPT)
    assert drawn
    assert drawn.error[Model.HOUR_OF_WEEK] < 0.9 * drawn.error[Model.LAST_WEEK]
    assert drawn.error[Model.HOUR_OF_WEEK] < drawn.error[Model.YESTERDAY]


def test_after_a_change_the_figures_say_that_the_model_is_the_worse_one() -> None:
    """A pool that doubled two weeks ago is like last week, not like the weeks before; nothing hides that."""
    grown = weekly(noise=0)
    grown[-2 * WEEK_HOURS :] *= 2
    drawn = forecast(grown, HOURS_KEPT)
    assert drawn
    assert drawn.error[Model.LAST_WEEK] == 0
    assert drawn.error[Model.HOUR_OF_WEEK] == pytest.approx(0.5)


def test_an_hour_is_forecast_from_the_weeks_before_it_alone() -> None:
    """The week that is measured on is not learnt from: change it, and only the errors change with it."""
    before, after = weekly(noise=0), weekly(noise=0)
    after[-WEEK_HOURS:] = 0.5 * before[-WEEK_HOURS:]
    drawn = forecast(after, HOURS_KEPT)
    assert drawn
    assert drawn.error[Model.HOUR_OF_WEEK] == pytest.approx(1.0)


def test_quantiles_cover_what_they_say() -> None:
    """The upper forecast lies above the middle one, and what came lay below it about nine times in ten."""
    drawn = forecast(weekly(noise=0.3), HOURS_KEPT)
    assert drawn
    assert drawn.units["7d", "0.9"] > drawn.units["7d", "0.5"]
    flat = forecast(np.full(HOURS_KEPT, 5.0), HOURS_KEPT)
    assert flat
    assert flat.pinball == {"0.5": 0, "0.9": 0}


def test_being_too_low_costs_more_the_higher_the_quantile() -> None:
    """The pinball loss of a week that came out ten units higher is ten times its quantile."""
    higher = np.full(HOURS_KEPT, 5.0)
    higher[-WEEK_HOURS:] += 10
    drawn = forecast(higher, HOURS_KEPT)
    assert drawn
    assert drawn.pinball == {"0.5": pytest.approx(5), "0.9": pytest.approx(9)}


@pytest.mark.parametrize("known", [0, 2 * WEEK_HOURS - 1])
def test_without_two_weeks_there_is_no_forecast(known: int) -> None:
    """A new centre is told nothing rather than something."""
    assert forecast(weekly(noise=0), known) is None


def test_only_known_weeks_are_learnt_from() -> None:
    """Hours before the centre's first are not zeros."""
    young = weekly(noise=0)
    young[: -2 * WEEK_HOURS] = 0
    drawn = forecast(young, 2 * WEEK_HOURS)
    assert drawn
    assert drawn.error[Model.HOUR_OF_WEEK] == 0


def test_an_empty_pool_has_no_error() -> None:
    """Where nothing was held there is nothing to be off by; it is expected to stay empty."""
    drawn = forecast(np.zeros(HOURS_KEPT), HOURS_KEPT)
    assert drawn
    assert drawn.error == {}
    assert drawn.units["24h", "0.9"] == 0
