"""What of a pool is out, and when: closures announced with it, nodes not there yet or any more, and outages.

All of them are closings, kept apart from what reservations hold: a bin may be out while a reservation still stands on
it, until that one is dealt with. What is out and held by nobody is `idle`: it makes the free units fewer.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from services.allocation.calendars.calendar import Calendar, Timeline
from services.allocation.calendars.closing import Closing
from services.allocation.resources import Interval

CELLS_AT_ONCE = 512
"""Idle units are counted in stretches of so many cells, so that a large pool needs little memory for it."""


class Closed:
    """The closings of one pool, drawn onto its calendar."""

    def __init__(self, calendar: Calendar) -> None:
        self.closings: dict[str, Closing] = {}
        self.idle = Timeline(cell_seconds=calendar.cell_seconds, base=calendar.base)
        self._calendar = calendar
        self._held = False  # Something may be held of what is out.

    def __bool__(self) -> bool:
        return bool(self.closings)

    def put(self, key: str, closing: Closing) -> None:
        """Let a closing apply, in place of the one of the same key if there is one."""
        before = self.closings.get(key)
        self.closings[key] = closing
        for each in (before, closing):
            if each is not None:
                self._recount((each.start, each.end))

    def drop(self, key: str) -> None:
        """Let a closing apply no more."""
        closing = self.closings.pop(key, None)
        if closing is not None:
            self._recount((closing.start, closing.end))

    def at(self, spans: tuple[Interval, ...]) -> list[Closing]:
        """The closings that take something away from these spans, the earliest first, and those that drain for one."""
        return sorted(
            (closing for closing in self.closings.values() if closing.bars(spans)),
            key=lambda closing: closing.start,
        )

    def labels(self, cell: int) -> list[str]:
        """What takes units out in a cell, the earliest first, for people."""
        found: dict[str, None] = {}
        for closing in sorted(self.closings.values(), key=lambda closing: closing.start):
            first, last = self._calendar.window((closing.start, closing.end))
            if first <= cell < last:
                found[closing.label] = None
        return list(found)

    def takes(self, bins: tuple[int, ...], spans: tuple[Interval, ...]) -> bool:
        """Whether any of some bins is out at any time of some spans."""
        return any(
            any(map(closing.overlaps, spans)) and not set(closing.bins).isdisjoint(bins)
            for closing in self.closings.values()
        )

    def takes_any(self, spans: tuple[Interval, ...]) -> bool:
        """Whether any bin is out at any time of the spans, or drains when they begin."""
        return any(closing.bars(spans) for closing in self.closings.values())

    def strike(self, free: NDArray[np.signedinteger], spans: tuple[Interval, ...]) -> None:
        """Leave nothing free of the bins that are out at any time of the spans, or drain when they begin."""
        for closing in self.closings.values():
            if closing.bars(spans):
                free[list(closing.bins)] = 0

    def draining(self, start: int) -> list[int]:
        """The bins on which nothing may start at this time, although they are not out yet."""
        return sorted({each for closing in self.closings.values() if closing.drains(start) for each in closing.bins})

    def held(self, spans: tuple[Interval, ...]) -> None:
        """Note that something was taken into the calendar for these spans, or out of it."""
        if self._held:
            for span in spans:
                self._recount(span)

    def recount(self) -> None:
        """Count all idle units anew."""
        if self.closings:
            self._recount((self._calendar.base, self._calendar.end))

    def slide(self, known_until: int) -> None:
        """Follow the calendar, whose cells from this time on are new."""
        self.idle.slide(self._calendar.base)
        if self.closings:
            self._recount((max(known_until, self._calendar.base), self._calendar.end))

    def drawn(self, first: int, last: int, *, absent: bool = True) -> NDArray[np.bool_]:
        """For cells `first` to `last`, whether each bin is out; without `absent`, only where it could be back."""
        out = np.zeros((last - first, self._calendar.bins), dtype=np.bool_)
        for closing in self.closings.values():
            if closing.start < closing.end and (absent or not closing.absent):
                since, until = self._calendar.window((closing.start, closing.end))
                out[max(0, since - first) : max(0, until - first), list(closing.bins)] = True
        return out

    def _recount(self, interval: Interval) -> None:
        for first, last in self._stretches(*self._calendar.window(interval)):
            out = self.drawn(first, last)
            spare = np.where(out, self._calendar.bin_capacity - self._calendar.used[first:last], 0)
            self.idle.total[first:last] = np.maximum(spare, 0).sum(axis=1, dtype=np.int64)
            self._held = self._held or bool((out & (self._calendar.used[first:last] > 0)).any())

    @staticmethod
    def _stretches(first: int, last: int) -> Iterator[Interval]:
        for begin in range(first, last, CELLS_AT_ONCE):
            yield begin, min(last, begin + CELLS_AT_ONCE)
