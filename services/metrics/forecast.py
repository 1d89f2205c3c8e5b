"""A forecast of what will be held, and how wrong it has been: an hour of the week is like it was in the weeks before.

Nothing clever on purpose: a planner can check it by hand. Its error is measured on the last week as it came, each hour
forecast from the weeks before it alone, beside two forecasts that need no model: as a week ago, and as a day ago. Where
those do better, the figures say so. It speaks of what was booked; what was refused is not in it.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.metrics.history import HOURS_KEPT, WEEK_HOURS, Held

HORIZONS_HOURS = {"24h": 24, "7d": WEEK_HOURS}
QUANTILES = {"0.5": 0.5, "0.9": 0.9}
WEEKS_LEARNT = 8
"""How many weeks before an hour it is learnt from, as far as there are so many."""
WEEKS_MIN = 2
"""With less past than this there is no forecast: one week to learn from, and one to be measured on."""


class Model(StrEnum):
    """What a forecast of an hour goes by."""

    HOUR_OF_WEEK = "hour_of_week"
    LAST_WEEK = "last_week"
    YESTERDAY = "yesterday"


class Forecast(NamedTuple):
    """Units that will be held, and how far forecasts of the last week were off. No error where nothing was held."""

    units: dict[tuple[str, str], float]  # by horizon and quantile: the mean over all hours up to the horizon
    error: dict[Model, float]  # sum of what a forecast was off by, of the sum of what was held
    pinball: dict[str, float]  # by quantile, in units: the mean cost of being off, unevenly for too high and too low


def forecast(held: Held, hours_known: int) -> Forecast | None:
    """The forecast of one resource from its past up to now; None if less is known of it than `WEEKS_MIN` weeks."""
    known = min(hours_known, HOURS_KEPT)
    if known < WEEKS_MIN * WEEK_HOURS:
        return None
    ahead = _weeks_before(held, np.arange(WEEK_HOURS) + HOURS_KEPT, known)
    behind = _weeks_before(held, np.arange(WEEK_HOURS) + HOURS_KEPT - WEEK_HOURS, known)
    came = held[-WEEK_HOURS:]
    return Forecast(
        units={
            (horizon, name): float(_quantile(ahead, level)[:hours].mean())
            for horizon, hours in HORIZONS_HOURS.items()
            for name, level in QUANTILES.items()
        },
        error=_errors(held, came, _quantile(behind, QUANTILES["0.5"])),
        pinball={name: _pinball(came, _quantile(behind, level), level) for name, level in QUANTILES.items()},
    )


def _weeks_before(held: Held, hours: NDArray[np.intp], known: int) -> Held:
    """What was held at the same hour of each week before some hours, a row a week; NaN where that is not known."""
    rows = [hours - week * WEEK_HOURS for week in range(1, WEEKS_LEARNT + 1)]
    first = HOURS_KEPT - known
    return np.array([np.where(row >= first, held[np.clip(row, 0, HOURS_KEPT - 1)], np.nan) for row in rows])


def _quantile(weeks: Held, level: float) -> Held:
    quantile: Held = np.nanquantile(weeks, level, axis=0)
    return quantile


def _errors(held: Held, came: Held, median: Held) -> dict[Model, float]:
    whole = came.sum()
    if not whole:
        return {}
    forecasts = {
        Model.HOUR_OF_WEEK: median,
        Model.LAST_WEEK: held[-2 * WEEK_HOURS : -WEEK_HOURS],
        Model.YESTERDAY: held[-WEEK_HOURS - 24 : -24],
    }
    return {model: float(np.abs(came - said).sum() / whole) for model, said in forecasts.items()}


def _pinball(came: Held, said: Held, level: float) -> float:
    off = came - said
    return float(np.maximum(level * off, (level - 1) * off).mean())
