"""Peak and off-peak: windows of local time in which a price counts for more, or for less, than itself. Pure.

A moment lies in a window when the clock on the wall says so. So an hour that the clock shows twice is charged twice by
the window that it stands in, and an hour that it skips is in none.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import combinations
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from services.allocation.resources import Interval

PEAKS_MAX = 24
PEAK_PERCENT_MAX = 1_000
ALL_PERCENT = 100
WEEKDAYS = 7
MINUTE_SECONDS = 60
DAY_MINUTES = 24 * 60
DAY_SECONDS = 24 * 3600
WEEKDAY_OF_1970 = 3
"""1 January 1970 was a Thursday."""
CHUNK_SECONDS = 64 * DAY_SECONDS
"""Windows are drawn for so long at once, as they are asked for; until the year 2100 that is a few hundred times."""
HOURS_KEPT_MAX = 1_000
"""Sets of windows that are kept drawn: rate cards are few, and most of their resources share one set."""


class Peak(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """From `starts` to `ends`, in minutes after local midnight, a price counts as `percent` of itself.

    `weekdays` counts Monday as 0; `ends` past 1,440 runs into the next day. No `resources` means all that have a price.
    """

    weekdays: tuple[int, ...]
    starts: int
    ends: int
    percent: int
    resources: tuple[str, ...] = ()

    def concerns(self, resource: str) -> bool:
        """Whether the price of a resource changes in it."""
        return not self.resources or resource in self.resources

    def days(self) -> Iterator[tuple[int, int, int]]:
        """Each weekday that it touches, with the first minute of that day and the one after the last."""
        for weekday in self.weekdays:
            yield weekday, self.starts, min(self.ends, DAY_MINUTES)
            if self.ends > DAY_MINUTES:
                yield (weekday + 1) % WEEKDAYS, 0, self.ends - DAY_MINUTES


def peak_faults(peaks: Sequence[Peak], priced: AbstractSet[str]) -> Iterator[str]:
    """What is wrong with the windows of a rate card that prices these resources, one sentence each."""
    if len(peaks) > PEAKS_MAX:
        yield f"it has at most {PEAKS_MAX} peak windows"
        return
    sound = [peak for peak in peaks if _is_sound(peak)]
    if len(sound) < len(peaks):
        yield (
            "a peak window has different weekdays, begins on one of them, ends later and within 24 hours, and counts "
            f"0 to {PEAK_PERCENT_MAX} per cent"
        )
    if unpriced := sorted({name for peak in peaks for name in peak.resources} - priced):
        yield f"{', '.join(unpriced[:3])} must have a price to have peak hours"
    if any(_meet(one, other) for one, other in combinations(sound, 2)):
        yield "two peak windows of one resource never overlap"


def _is_sound(peak: Peak) -> bool:
    days = set(peak.weekdays)
    return (
        0 < len(days) == len(peak.weekdays)
        and days <= set(range(WEEKDAYS))
        and 0 <= peak.starts < DAY_MINUTES
        and peak.starts < peak.ends <= peak.starts + DAY_MINUTES
        and 0 <= peak.percent <= PEAK_PERCENT_MAX
    )


def _meet(one: Peak, other: Peak) -> bool:
    shared = not one.resources or not other.resources or set(one.resources) & set(other.resources)
    return bool(shared) and any(
        weekday == other_weekday and starts < other_ends and other_starts < ends
        for weekday, starts, ends in one.days()
        for other_weekday, other_starts, other_ends in other.days()
    )


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
        windows = [(*day, peak.percent - ALL_PERCENT) for peak in peaks for day in peak.days()]
        self._of_weekday = [
            sorted((starts, ends, extra) for day, starts, ends, extra in windows if day == weekday)
            for weekday in range(WEEKDAYS)
        ]

    def percent_at(self, moment: int) -> int:
        """What a price counts for at a moment, in per cent of itself."""
        drawn = self._chunk(moment // CHUNK_SECONDS)
        place = bisect_right(drawn.starts, moment) - 1
        return ALL_PERCENT + (drawn.extras[place] if place >= 0 and moment < drawn.ends[place] else 0)

    def percent_seconds(self, start: int, end: int) -> int:
        """Seconds of an interval, each times what a price counts for then, in per cent."""
        first, last = start // CHUNK_SECONDS, end // CHUNK_SECONDS
        drawn = self._chunk(last)
        if first == last:
            return (end - start) * ALL_PERCENT + drawn.extra_until(end) - drawn.extra_until(start)
        extra = drawn.extra_until(end) - self._chunk(first).extra_until(start)
        extra += sum([self._chunk(each).extra_until((each + 1) * CHUNK_SECONDS) for each in range(first, last)])
        return (end - start) * ALL_PERCENT + extra

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
        percents: NDArray[np.int64] = seconds * ALL_PERCENT + extra[len(starts) :] - extra[: len(starts)]
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
