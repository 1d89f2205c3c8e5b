"""Which bins are held at all: one number for each cell of time, with a byte for each node and a bit for each bin.

Most demands are for whole bins of one node, and short. For those the grid of the calendar need not be looked at: the
numbers of a few cells are joined, and the bytes of the nodes say how many bins each has left. The grid stays what is
true. A number that may not say the same is stale, and is read from the grid when it is needed next.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

BINS_MAX = 8
"""A node of more bins does not fit a byte."""
CELLS_MAX = 64
"""For a longer time the grid is as fast."""
STALE = -1

Cells = tuple[int, int]


class Busy:
    """The bins of a grid that are held at all, in each of its cells. A node has at most `BINS_MAX` bins."""

    def __init__(self, used: NDArray[np.signedinteger], *, bins_per_node: int, bin_capacity: int) -> None:
        self._used = used
        self._bins_per_node = bins_per_node
        self._bin_capacity = bin_capacity
        self._nodes = used.shape[1] // bins_per_node
        self._cells: list[int] = [0] * len(used)
        self._bits = [1 << node * BINS_MAX + place for node in range(self._nodes) for place in range(bins_per_node)]

    def hold(self, window: Cells, bins: tuple[int, ...]) -> None:
        """More is held of some bins, in some cells."""
        first, last = window
        if last - first > CELLS_MAX:
            self.doubt(window)
            return
        cells, more = self._cells, self._number(bins)
        for cell in range(first, last):
            held = cells[cell]
            # Where one stands over another, nobody could tell later what is left when one of them goes.
            cells[cell] = STALE if held == STALE or held & more else held | more

    def release(self, window: Cells, bins: tuple[int, ...]) -> None:
        """All of some bins is held no more, in some cells."""
        first, last = window
        if last - first > CELLS_MAX:
            self.doubt(window)
            return
        cells, less = self._cells, self._number(bins)
        for cell in range(first, last):
            if cells[cell] != STALE:
                cells[cell] &= ~less

    def doubt(self, window: Cells) -> None:
        """Anything may be held in some cells."""
        first, last = window
        self._cells[first:last] = [STALE] * (last - first)

    def nodes(self, windows: Iterable[Cells]) -> bytes | None:
        """For each node a byte with the bits of its bins that are held in any of some cells; None for too many."""
        busy = 0
        for first, last in windows:
            if last - first > CELLS_MAX:
                return None
            held = self._cells[first:last]
            for number in self._read(first, last) if STALE in held else held:
                busy |= number
        return busy.to_bytes(self._nodes, "little")

    def _number(self, bins: tuple[int, ...]) -> int:
        number = 0
        for each in bins:
            number |= self._bits[each]
        return number

    def _read(self, first: int, last: int) -> list[int]:
        """The numbers of some cells, from the grid. Those where one stands over another stay stale."""
        used = self._used[first:last]
        places = (used > 0).reshape(last - first, self._nodes, self._bins_per_node)
        rows = np.packbits(places, axis=2, bitorder="little").reshape(last - first, self._nodes)
        found = [int.from_bytes(row.tobytes(), "little") for row in rows]
        self._cells[first:last] = found
        for cell in np.flatnonzero((used > self._bin_capacity).any(axis=1)):
            self._cells[first + int(cell)] = STALE
        return found


def best_node(nodes: bytes, bins_per_node: int, bins: int) -> tuple[int, list[int]] | None:
    """The node with the fewest bins left that has enough, and the first of those bins; None if there is none."""
    left = nodes.translate(LEFT[bins_per_node])
    for enough in range(bins, bins_per_node + 1):
        node = left.find(enough)
        if node >= 0:
            return node, FREE[bins_per_node][nodes[node]][:bins]
    return None


def _free(held: int, bins_per_node: int) -> list[int]:
    return [place for place in range(bins_per_node) if not held >> place & 1]


FREE = [[_free(held, width) for held in range(256)] for width in range(BINS_MAX + 1)]
"""The places that are free on a node of so many bins, by the byte that says which are held."""
LEFT = [bytes([len(free) for free in places]) for places in FREE]
"""How many they are, to translate the bytes of all nodes at once."""
