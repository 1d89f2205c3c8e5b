"""Drawing many holdings into a grid at once: by their edges, in arrays, at a fraction of what one by one costs."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.allocation.resources import Interval

WIDE = 64
"""A grid of so many columns is summed row by row; a narrower one is not worth a loop of Python."""

Numbers = NDArray[np.int64]


class Edges(NamedTuple):
    """The first cell of each span and the one after its last; `owners` tells whose span it is, by index."""

    owners: Numbers
    firsts: Numbers
    lasts: Numbers


def edges_of(spans: Sequence[tuple[Interval, ...]], *, base: int, cell_seconds: int, cells: int) -> Edges:
    """The cells that many owners' spans touch, cut to a range of cells; each cell of an owner counts once."""
    bounds = numbers(chain.from_iterable(spans)).reshape(-1, 2)
    owners = np.repeat(np.arange(len(spans)), lengths(spans))
    firsts = np.clip((bounds[:, 0] - base) // cell_seconds, 0, cells)
    lasts = np.clip(-((base - bounds[:, 1]) // cell_seconds), firsts, cells)
    if len(owners) > len(spans):
        # The spans of an owner are in order of time; two of them may touch the same cell.
        firsts[1:] = np.maximum(firsts[1:], np.where(owners[1:] == owners[:-1], lasts[:-1], 0))
    return Edges(owners, firsts, lasts)


def numbers(sequences: Iterable[tuple[int, ...]]) -> Numbers:
    """The numbers of many sequences, one after another."""
    return np.fromiter(chain.from_iterable(sequences), dtype=np.int64)


def lengths(sequences: Sequence[tuple[object, ...]]) -> Numbers:
    """How long each sequence is."""
    return np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))


def fill(grid: NDArray[np.signedinteger], firsts: Numbers, lasts: Numbers, amounts: Numbers, columns: Numbers) -> None:
    """Add every amount to a grid from its first cell up to its last: the running sums of the edges."""
    width = grid.shape[1]
    line, more = np.zeros((len(grid) + 1) * width, dtype=grid.dtype), amounts.astype(grid.dtype)
    # Edges that pile up may overflow on the way, but their sums wrap back: no cell holds more than its capacity.
    np.add.at(line, firsts * width + columns, more)
    np.subtract.at(line, lasts * width + columns, more)
    edges = line.reshape(-1, width)
    if width < WIDE:
        grid += np.cumsum(edges[:-1], axis=0, dtype=grid.dtype)
        return
    running = np.zeros(width, dtype=grid.dtype)
    # Row by row: numpy's own running sum along the first axis jumps through memory, and takes ten times as long.
    for row, change in zip(grid, edges, strict=False):
        running += change
        row += running
