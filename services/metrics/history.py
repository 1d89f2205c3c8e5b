"""What was held in each hour of the last weeks, by resource: the past that a forecast learns from. Pure.

Reservations that ended are added as they end; what live ones have held so far is drawn on top when it is asked for. A
reservation that was cancelled before its start held nothing.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from services.allocation.reservations import Allocation

HOUR_SECONDS = 3_600
WEEK_HOURS = 7 * 24
WEEKS_KEPT = 9
HOURS_KEPT = WEEKS_KEPT * WEEK_HOURS
HOURS_DRAWN = HOURS_KEPT + 2
"""And the hour that goes on, and the next: an early end is rounded up to its slot."""
PENDING_MAX = 4_096
"""Allocations that wait to be added together, which costs a fraction of adding each."""

_END_OF_TIME = 1 << 40

Held = NDArray[np.float64]
"""Units held in each hour, on average over the hour."""


class History:
    """Unit-seconds held in each hour, from `base` on, an hour since 1970. Time never runs backwards."""

    def __init__(self) -> None:
        self.base = 0
        self._pools: dict[str, NDArray[np.int64]] = {}
        self._pending: list[Allocation] = []

    def add(self, allocations: Iterable[Allocation], now: int) -> None:
        """Add what a reservation that ended at a time in seconds has held."""
        self._pending += allocations
        if len(self._pending) >= PENDING_MAX:
            self._settle(now)

    def past(self, live: Mapping[str, Iterable[Allocation]], now: int) -> dict[str, Held]:
        """Units held in each of the last `HOURS_KEPT` whole hours before a time in seconds, by resource."""
        self._settle(now)
        past: dict[str, Held] = {}
        for name, allocations in live.items():
            unit_seconds = self._pools.get(name, _nothing()).copy()
            _draw(unit_seconds, self.base, allocations, now)
            past[name] = unit_seconds[:HOURS_KEPT] / HOUR_SECONDS
        return past

    def _settle(self, now: int) -> None:
        self._slide(now // HOUR_SECONDS - HOURS_KEPT)
        by_pool: dict[str, list[Allocation]] = {}
        for allocation in self._pending:
            by_pool.setdefault(allocation.resource, []).append(allocation)
        for name, allocations in by_pool.items():
            _draw(self._pools.setdefault(name, _nothing()), self.base, allocations, _END_OF_TIME)
        self._pending = []

    def _slide(self, base: int) -> None:
        """Forget the hours before `base`."""
        hours, self.base = base - self.base, base
        for name, before in self._pools.items() if hours else ():
            self._pools[name] = _nothing()
            if hours < HOURS_DRAWN:
                self._pools[name][:-hours] = before[hours:]


def _nothing() -> NDArray[np.int64]:
    return np.zeros(HOURS_DRAWN, dtype=np.int64)


def _draw(unit_seconds: NDArray[np.int64], base: int, allocations: Iterable[Allocation], until: int) -> None:
    """Add what allocations hold before a time in seconds, hour by hour."""
    spans = [(start, end, each.units) for each in allocations for start, end in each.spans]
    if not spans:
        return
    drawn = np.array(spans, dtype=np.int64)
    first, last = base * HOUR_SECONDS, (base + HOURS_DRAWN) * HOUR_SECONDS
    starts, ends, units = drawn[:, 0].clip(first, last), drawn[:, 1].clip(first, min(until, last)), drawn[:, 2]
    some = starts < ends
    # Units that are held from a start on, for ever, less those that are held from an end on.
    _add_from(unit_seconds, starts[some] - first, units[some])
    _add_from(unit_seconds, ends[some] - first, -units[some])


def _add_from(unit_seconds: NDArray[np.int64], moments: NDArray[np.int64], units: NDArray[np.int64]) -> None:
    """Add so many units from each moment on, in seconds after the first hour."""
    hours = moments // HOUR_SECONDS
    whole = np.zeros(HOURS_DRAWN + 2, dtype=np.int64)
    np.add.at(whole, hours + 1, units * HOUR_SECONDS)
    unit_seconds += whole.cumsum()[:HOURS_DRAWN]
    within = hours < HOURS_DRAWN
    np.add.at(unit_seconds, hours[within], (units * ((hours + 1) * HOUR_SECONDS - moments))[within])
