"""Peak and off-peak: windows of local time in which a price counts for more, or for less, than itself. Pure.

A moment lies in a window when the clock on the wall says so. So an hour that the clock shows twice is charged twice by
the window that it stands in, and an hour that it skips is in none.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from services.allocation.measures import DAY_SECONDS, MINUTE_SECONDS, PERCENT
from services.allocation.resources import Interval
from services.allocation.values.tariff import WEEKDAYS, Peak

WEEKDAY_OF_1970 = 3
"""1 January 1970 was a Thursday."""
CHUNK_SECONDS = 64 * DAY_SECONDS
"""Windows are drawn for so long at once, as they are asked for; until the year 2100 that is a few hundred times."""
HOURS_KEPT_MAX = 1_000
"""Sets of windows that are kept drawn: rate cards are few, and most of their resources share one set."""


@lru_cache(maxsize=HOURS_KEPT_MAX)
def peak_hours(peaks: tuple[Peak, ...], zone: str) -> "PeakHours":
    """The windows in a zone, drawn once for everybody who asks."""
    return PeakHours(peaks, ZoneInfo(zone))


class Drawn(Struct, frozen=True, gc=False):
    """Windows in order of time. `extras` is what each adds to 100 per cent, `before` what all before it add up to."""

    starts: list[int]
    ends: list[int]
    extras: list[int]
    before: list[int]

    def extra_until(self, moment: int) -> int:
        """Per cent times seconds that the windows add up to a moment."""
        place = bisect_right(self.starts, moment) - 1
        if place < 0:
            return 0
        return self.before[place] + self.extras[place] * (min(moment, self.ends[place]) - self.starts[place])

    def extras_until(self, moments: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same for many moments."""
        if not self.starts:
            return np.zeros(len(moments), dtype=np.int64)
        starts, ends, extras, before = map(np.array, (self.starts, self.ends, self.extras, self.before))
        places = np.searchsorted(starts, moments, side="right") - 1
        found = before[places] + extras[places] * (np.minimum(moments, ends[places]) - starts[places])
        extra: NDArray[np.int64] = np.where(places < 0, 0, found)
        return extra


class PeakHours:
    """Windows that do not overlap, in the time of one zone."""

    def __init__(self, peaks: Sequence[Peak], zone: ZoneInfo) -> None:
        self._zone = zone
        self._drawn: dict[int, Drawn] = {}
        windows = [(*day, peak.percent - PERCENT) for peak in peaks for day in peak.days()]
        self._of_weekday = [
            sorted((starts, ends, extra) for day, starts, ends, extra in windows if day == weekday)
            for weekday in range(WEEKDAYS)
        ]

    def percent_at(self, moment: int) -> int:
        """What a price counts for at a moment, in per cent of itself."""
        drawn = self._chunk(moment // CHUNK_SECONDS)
        place = bisect_right(drawn.starts, moment) - 1
        return PERCENT + (drawn.extras[place] if place >= 0 and moment < drawn.ends[place] else 0)

    def percent_seconds(self, start: int, end: int) -> int:
        """Seconds of an interval, each times what a price counts for then, in per cent."""
        first, last = start // CHUNK_SECONDS, end // CHUNK_SECONDS
        drawn = self._chunk(last)
        if first == last:
            return (end - start) * PERCENT + drawn.extra_until(end) - drawn.extra_until(start)
        extra = drawn.extra_until(end) - self._chunk(first).extra_until(start)
        extra += sum([self._chunk(each).extra_until((each + 1) * CHUNK_SECONDS) for each in range(first, last)])
        return (end - start) * PERCENT + extra

    def percents(self, starts: NDArray[np.int64], seconds: int) -> NDArray[np.int64]:
        """For every start, what `percent_seconds` says of so many seconds from there on."""
        if not len(starts):
            return starts.copy()
        moments = np.concatenate((starts, starts + seconds))
        chunks = range(int(moments.min()) // CHUNK_SECONDS, int(moments.max()) // CHUNK_SECONDS + 1)
        extra, total = np.zeros(len(moments), dtype=np.int64), 0
        for number in chunks:
            drawn, inside = self._chunk(number), moments // CHUNK_SECONDS == number
            extra[inside] = total + drawn.extras_until(moments[inside])
            total += drawn.extra_until((number + 1) * CHUNK_SECONDS)
        percents: NDArray[np.int64] = seconds * PERCENT + extra[len(starts) :] - extra[: len(starts)]
        return percents

    def _chunk(self, number: int) -> Drawn:
        drawn = self._drawn.get(number)
        if drawn is None:
            drawn = self._drawn[number] = self._draw(number * CHUNK_SECONDS, (number + 1) * CHUNK_SECONDS)
        return drawn

    def _draw(self, start: int, end: int) -> Drawn:
        drawn, total = Drawn([], [], [], []), 0
        for first, last, offset in _runs(start, end, self._zone):
            for day in range((first + offset) // DAY_SECONDS, (last + offset - 1) // DAY_SECONDS + 1):
                midnight = day * DAY_SECONDS - offset
                for opens, closes, extra in self._of_weekday[(day + WEEKDAY_OF_1970) % WEEKDAYS]:
                    begins = max(first, midnight + opens * MINUTE_SECONDS)
                    ends = min(last, midnight + closes * MINUTE_SECONDS)
                    if begins < ends:
                        for column, value in zip(
                            (drawn.starts, drawn.ends, drawn.extras, drawn.before),
                            (begins, ends, extra, total),
                            strict=True,
                        ):
                            column.append(value)
                        total += extra * (ends - begins)
        return drawn


def _runs(start: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """An interval of whole days, cut wherever the zone's clock is put forward or back: with its offset, in seconds."""
    since, offset = start, _offset(start, zone)
    for tomorrow in range(start + DAY_SECONDS, end + 1, DAY_SECONDS):
        if (then := _offset(tomorrow, zone)) != offset:
            change = _change((tomorrow - DAY_SECONDS, tomorrow), offset, zone)
            yield since, change, offset
            since, offset = change, then
    if since < end:
        yield since, end, offset


def _change(within: Interval, offset: int, zone: ZoneInfo) -> int:
    """The first second of a day that no longer has an offset."""
    before, after = within
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(middle, zone) == offset else (before, middle)
    return after


def _offset(moment: int, zone: ZoneInfo) -> int:
    return int((datetime.fromtimestamp(moment, zone).utcoffset() or timedelta()).total_seconds())
