"""The calendar: how much of every bin is held in every cell of time, as one dense grid.

Rows are cells of time and columns are bins, so that a window is one contiguous block: a fixed-window question costs
microseconds, whatever the number of reservations. The grid covers a sliding range, `DAYS_BEHIND` days of past and
`DAYS_AHEAD` days of future; what lies outside is neither kept nor bookable.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from services.allocation.calendars.busy import BINS_MAX, Busy, Cells
from services.allocation.calendars.drawing import Edges, edges_of, fill, lengths, numbers
from services.allocation.measures import DAY_SECONDS
from services.allocation.reservations import Allocation
from services.allocation.resources import Interval

DAYS_BEHIND = 31
DAYS_AHEAD = 190
SLIDE_DAYS = 7
"""The grid moves forward in steps of so many days, so that it seldom moves."""

RANGE_SECONDS = (DAYS_BEHIND + DAYS_AHEAD + SLIDE_DAYS) * DAY_SECONDS

SHORT, FEW = 32, 8
"""So few figures are compared one by one, and so few changed through a view of the memory, sooner than by an array
operation."""


def base_for(now: int) -> int:
    """The first second of the range that a calendar covers at a time: a UTC midnight."""
    step = SLIDE_DAYS * DAY_SECONDS
    return max(0, (now // step) * step - DAYS_BEHIND * DAY_SECONDS)


class Timeline:
    """One figure for every cell of time: units held, or who holds. Indices of cells count from `base`."""

    def __init__(self, *, cell_seconds: int, base: int) -> None:
        self.cell_seconds = cell_seconds
        self.base = base
        self.cells = RANGE_SECONDS // cell_seconds
        self.total: NDArray[np.int64] = np.zeros(self.cells, dtype=np.int64)
        self._figures = self.total.data

    @property
    def end(self) -> int:
        """The first second after the range."""
        return self.base + self.cells * self.cell_seconds

    def window(self, interval: Interval) -> Cells:
        """The cells that an interval touches, cut to the range."""
        start, end = interval
        first = (start - self.base) // self.cell_seconds
        last = -((self.base - end) // self.cell_seconds)
        if 0 <= first <= last <= self.cells:
            return first, last
        first = min(max(0, first), self.cells)
        return first, max(first, min(self.cells, last))

    def windows(self, spans: tuple[Interval, ...]) -> Iterable[Cells]:
        """The cells that spans touch, in order of time, each of them once."""
        return (self.window(spans[0]),) if len(spans) == 1 else self._distinct_windows(spans)

    def _distinct_windows(self, spans: tuple[Interval, ...]) -> Iterator[Cells]:
        reached = 0
        for span in spans:
            first, last = self.window(span)
            if last > reached:
                yield max(first, reached), last
                reached = last

    def add(self, amount: int, spans: tuple[Interval, ...]) -> None:
        """Add an amount to every cell that the spans touch."""
        for first, last in self.windows(spans):
            self._add(amount, first, last)

    def _add(self, amount: int, first: int, last: int) -> None:
        if last - first > FEW:
            self.total[first:last] += amount
            return
        for cell in range(first, last):
            self._figures[cell] += amount

    def add_all(self, amounts: list[int], spans: list[tuple[Interval, ...]]) -> None:
        """As `add` for each of many amounts and their spans."""
        edges = self.edges_of(spans)
        more = np.array(amounts, dtype=np.int64)[edges.owners]
        fill(self.total[:, np.newaxis], edges.firsts, edges.lasts, more, np.zeros_like(more))

    def edges_of(self, spans: list[tuple[Interval, ...]]) -> Edges:
        """As `windows` for each of many."""
        return edges_of(spans, base=self.base, cell_seconds=self.cell_seconds, cells=self.cells)

    def most(self, interval: Interval) -> int:
        """The largest figure within an interval."""
        first, last = self.window(interval)
        if last - first <= SHORT:
            return max(self._figures[first:last], default=0)
        return int(self.total[first:last].max())

    def slide(self, base: int) -> None:
        """Move the range forward to a new base; new cells are empty."""
        gone = min(self.cells, (base - self.base) // self.cell_seconds)
        for grid in self._grids():
            grid[: self.cells - gone] = grid[gone:].copy()
            grid[self.cells - gone :] = 0
        self.base = base

    def _grids(self) -> tuple[NDArray[np.signedinteger], ...]:
        return (self.total,)


class Calendar(Timeline):
    """A grid of cells by bins. Amounts are in units; `total` is the sum over the bins."""

    def __init__(self, *, bins: int, bin_capacity: int, cell_seconds: int, base: int, bins_per_node: int = 1) -> None:
        super().__init__(cell_seconds=cell_seconds, base=base)
        self.bins = bins
        self.bin_capacity = bin_capacity
        self.used: NDArray[np.signedinteger] = np.zeros((self.cells, bins), dtype=_kind(bin_capacity))
        self._amounts = self.used.reshape(-1).data
        self._busy = (
            Busy(self.used, bins_per_node=bins_per_node, bin_capacity=bin_capacity)
            if bins_per_node <= BINS_MAX
            else None
        )

    def peak(self, spans: tuple[Interval, ...]) -> NDArray[np.signedinteger]:
        """The most that is held of every bin at any time of the spans."""
        peaks = [self._peak(*self.window(span)) for span in spans]
        return peaks[0] if len(peaks) == 1 else np.maximum.reduce(peaks)

    def _peak(self, first: int, last: int) -> NDArray[np.signedinteger]:
        if last - first == 1:
            row: NDArray[np.signedinteger] = self.used[first]
            return row
        if first == last:
            return np.zeros(self.bins, dtype=self.used.dtype)
        peak: NDArray[np.signedinteger] = np.maximum.reduce(self.used[first:last], 0)
        return peak

    def nodes_held(self, spans: tuple[Interval, ...]) -> bytes | None:
        """As `Busy.nodes` at any time of the spans; None where that cannot tell."""
        return self._busy.nodes(self.windows(spans)) if self._busy is not None else None

    def hold(self, allocation: Allocation, sign: int = 1) -> None:
        """Add an allocation to the grid, or with `sign` -1 take it out."""
        units = sign * allocation.units
        for window in self.windows(allocation.spans):
            self._draw(allocation, sign, *window)
            self._add(units, *window)
            if self._busy is not None:
                self._tell(self._busy, window, allocation, sign)

    def _draw(self, allocation: Allocation, sign: int, first: int, last: int) -> None:
        bins, amounts = allocation.bins, allocation.amounts
        if (last - first) * len(bins) <= SHORT:
            for place, amount in zip(bins, amounts, strict=True):
                for cell in range(first * self.bins + place, last * self.bins, self.bins):
                    self._amounts[cell] += sign * amount
            return
        lowest, highest = min(bins), max(bins)
        # Neighbours that give alike are a slice, which costs a third of a list.
        if highest - lowest == len(bins) - 1 and min(amounts) == max(amounts):
            self.used[first:last, lowest : highest + 1] += sign * amounts[0]
        else:
            self.used[first:last, list(bins)] += np.multiply(sign, amounts, dtype=self.used.dtype)

    def _tell(self, busy: Busy, window: Cells, allocation: Allocation, sign: int) -> None:
        if sign > 0:
            busy.hold(window, allocation.bins)
        elif min(allocation.amounts) == self.bin_capacity:
            busy.release(window, allocation.bins)
        else:
            busy.doubt(window)

    def hold_all(self, allocations: list[Allocation]) -> None:
        """As `hold` for each of many allocations."""
        edges = self.edges_of([allocation.spans for allocation in allocations])
        bins = numbers(allocation.bins for allocation in allocations)
        amounts = numbers(allocation.amounts for allocation in allocations)
        counts = lengths([allocation.bins for allocation in allocations])
        # Every edge has all the bins of its allocation, which stand one after another from `begins` on.
        begins, each = (np.cumsum(counts) - counts)[edges.owners], counts[edges.owners]
        places = np.repeat(begins - np.cumsum(each) + each, each) + np.arange(each.sum())
        fill(self.used, np.repeat(edges.firsts, each), np.repeat(edges.lasts, each), amounts[places], bins[places])
        self.total[:] = self.used.sum(axis=1, dtype=np.int64)
        self._doubt()

    def slide(self, base: int) -> None:
        """Move the range forward to a new base; new cells are empty."""
        super().slide(base)
        self._doubt()

    def _doubt(self) -> None:
        if self._busy is not None:
            self._busy.doubt((0, self.cells))

    def _grids(self) -> tuple[NDArray[np.signedinteger], ...]:
        return (self.total, self.used)


def _kind(bin_capacity: int) -> type[np.signedinteger]:
    """The narrowest integers that hold twice what a bin does: while many move, one may stand over another."""
    narrow = (kind for kind in (np.int8, np.int16) if bin_capacity < np.iinfo(kind).max // 2)
    return next(narrow, np.int32)
