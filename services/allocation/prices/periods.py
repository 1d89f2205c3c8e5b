"""The months of the books, as numbers such as 202603: which one a moment lies in, and which are closed. Pure."""

from bisect import bisect_right
from zoneinfo import ZoneInfo

from services.allocation.values.months import ZONE_DEFAULT, bounds, month_at

MONTHS_KEPT_MAX = 1_000
"""Months whose beginnings are remembered; a calendar reaches months ahead, not decades."""


class Periods:
    """The calendar of the books in the centre's zone."""

    def __init__(self, zone: str = ZONE_DEFAULT, closed: int = 0) -> None:
        self.zone = ZoneInfo(zone)
        self.closed = closed
        """The last closed month; 0 while none is."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._months: list[int] = []
        self._start, self._end, self._month = 0, 0, 0

    def at(self, seconds: int) -> tuple[int, int]:
        """The month that a moment lies in, and the first second after it."""
        if not self._start <= seconds < self._end:
            self._find(seconds)
        return self._month, self._end

    def _find(self, seconds: int) -> None:
        place = bisect_right(self._starts, seconds) - 1
        if place < 0 or seconds >= self._ends[place]:
            month = month_at(seconds, self.zone)
            start, end = bounds(month, self.zone)
            place = bisect_right(self._starts, start)
            self._starts.insert(place, start)
            self._ends.insert(place, end)
            self._months.insert(place, number_of(month))
            assert len(self._starts) <= MONTHS_KEPT_MAX, "no calendar reaches so many months"
        self._start, self._end, self._month = self._starts[place], self._ends[place], self._months[place]

    def period_of(self, month: int, closed: int | None = None) -> int:
        """The month in whose books something about a month is posted: its own, or the first that is open."""
        closed = self.closed if closed is None else closed
        return month if month > closed else following(closed)


def number_of(month: str) -> int:
    """202603 for `2026-03`."""
    return int(month[:4]) * 100 + int(month[5:])


def name_of(period: int) -> str:
    """`2026-03` for 202603."""
    return f"{period // 100:04}-{period % 100:02}"


def following(period: int) -> int:
    """The month after one."""
    return period + 1 if period % 100 < 12 else period + 89
