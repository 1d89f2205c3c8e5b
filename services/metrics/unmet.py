"""Unmet demand: what was asked for and refused within the last day, folded from the stream of refusals. Pure.

A demand counts once, however often the same company asks for the same units at the same time; it leaves a day after it
was last refused. So the figures follow from what the stream holds, and a restart shows the same ones again.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.allocation.rejections import Reason
from services.eventlog.refusals import Refusals, Refused

WINDOW_SECONDS = 86_400
DEMANDS_MAX = 20_000
"""Distinct demands remembered; beyond it the oldest leave early, and are counted."""
LABELS_MAX = 300
"""Combinations of pool, reason and programme with figures of their own: the largest ones."""
OTHER = "_other"
REASONS = frozenset(reason.value for reason in Reason)

Key = tuple[str, str, str]


class Missing(NamedTuple):
    """Distinct demands, and the unit-seconds that they asked for."""

    demands: int
    unit_seconds: int

    def __add__(self, other: object) -> "Missing":
        assert isinstance(other, Missing)
        return Missing(self.demands + other.demands, self.unit_seconds + other.unit_seconds)


class Unmet:
    """The refusals of the last day, each distinct demand once."""

    def __init__(self) -> None:
        self.now = 0
        self.forgotten = 0
        """Demands that left early because there were too many, and those that the scheduler could not tell."""
        self._demands: OrderedDict[tuple[str, str], Refused] = OrderedDict()
        self._sums: dict[Key, Missing] = {}  # by pool, reason and company

    def apply(self, message: Refusals) -> None:
        """Take one message in."""
        self.forgotten += message.untold
        for refused in message.refused:
            self._take(refused)
        self.let_time_pass(self.now)

    def let_time_pass(self, now: int) -> None:
        """Let go of what was last refused a day before a time in seconds, or does not fit."""
        self.now = max(self.now, now)
        while self._demands:
            key, oldest = next(iter(self._demands.items()))
            if oldest.time > self.now - WINDOW_SECONDS:
                if len(self._demands) <= DEMANDS_MAX:
                    return
                self.forgotten += 1
            del self._demands[key]
            self._count(oldest, -1)

    def figures(self, pools: Iterable[str], programmes: Mapping[str, str]) -> dict[Key, Missing]:
        """What is missing by pool, reason and programme, of these pools; the least of it under `_other`."""
        known = set(pools)
        sums: dict[Key, Missing] = {}
        for (pool, reason, company), missing in self._sums.items():
            if pool in known:
                key = (pool, reason, programmes.get(company, OTHER))
                sums[key] = sums.get(key, Missing(0, 0)) + missing
        return _largest(sums)

    def _take(self, refused: Refused) -> None:
        self.now = max(self.now, refused.time)
        key = (refused.company, refused.demand)
        before = self._demands.pop(key, None)
        if before is not None:
            self._count(before, -1)
        self._demands[key] = refused
        self._count(refused, 1)

    def _count(self, refused: Refused, sign: int) -> None:
        for line in refused.lines:
            key = (line.resource, line.reason if line.reason in REASONS else OTHER, refused.company)
            changed = self._sums.get(key, Missing(0, 0)) + Missing(sign, sign * line.units * line.seconds)
            if changed.demands:
                self._sums[key] = changed
            else:
                del self._sums[key]


def _largest(sums: dict[Key, Missing]) -> dict[Key, Missing]:
    if len(sums) <= LABELS_MAX:
        return sums
    ranked = sorted(sums.items(), key=lambda item: -item[1].unit_seconds)
    shown = dict(ranked[:LABELS_MAX])
    for (pool, _, _), missing in ranked[LABELS_MAX:]:
        shown[pool, OTHER, OTHER] = shown.get((pool, OTHER, OTHER), Missing(0, 0)) + missing
    return shown
