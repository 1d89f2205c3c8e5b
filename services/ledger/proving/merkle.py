"""The hash tree of RFC 9162 over leaves in log order: one root says which leaves there are, and in what order. Pure.

The tree grows at its right edge alone, so the frontier is all that must be remembered to go on, and a complete subtree
never changes once it is there. A proof is a list of hashes of ranges; which ranges, follows from sizes alone.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

EMPTY_ROOT = sha256().digest()


class Subtree(Struct, frozen=True):
    """A complete subtree: the leaves from `index << level` on, `1 << level` of them."""

    level: int
    index: int


class Range(NamedTuple):
    """Leaves from `start` up to `end`, numbered from 0, that the tree hashes as one."""

    start: int
    end: int


def hash_leaf(content: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + content).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours together."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: the complete subtrees that it consists of, by level, the largest leftmost."""

    def __init__(self, size: int = 0, peaks: dict[int, bytes] | None = None) -> None:
        self.size = size
        self.peaks = peaks or {}

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Add leaf hashes at the right; give level, index and hash of each subtree above them that is complete now."""
        complete: list[tuple[int, int, bytes]] = []
        level, first, row = 0, self.size, list(leaves)
        self.size += len(row)
        while row:
            if first % 2:
                row.insert(0, self.peaks.pop(level))
            if len(row) % 2:
                self.peaks[level] = row.pop()
            row = [hash_node(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
            level, first = level + 1, first // 2
            complete += [(level, index, node) for index, node in enumerate(row, first)]
        return complete

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        return fold(peak for _, peak in sorted(self.peaks.items(), reverse=True))


def fold(subtrees: Iterator[bytes]) -> bytes:
    """The hash of adjoining complete subtrees, the largest first."""
    hashes = list(subtrees)
    if not hashes:
        return EMPTY_ROOT
    root = hashes.pop()
    while hashes:
        root = hash_node(hashes.pop(), root)
    return root


def subtrees(leaves: Range) -> Iterator[Subtree]:
    """The complete subtrees that a range consists of, the largest first."""
    start, end = leaves
    while start < end:
        level = (end - start).bit_length() - 1
        yield Subtree(level, start >> level)
        start += 1 << level


def inclusion(index: int, size: int) -> list[Range]:
    """What proves the leaf at `index` in a tree of `size` leaves: the neighbours on its way up (RFC 9162, 2.1.3.1)."""
    assert 0 <= index < size
    path: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(start, middle))
            start = middle
    return path[::-1]


def consistency(first: int, second: int) -> list[Range]:
    """What proves that a tree of `second` leaves begins with the tree of `first` leaves (RFC 9162, 2.1.4.1)."""
    assert 0 < first <= second
    path: list[Range] = []
    start, end = 0, second
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(start, middle))
            start = middle
    # The smaller tree itself needs no proving to those who hold its root.
    return [*([Range(start, end)] if start else []), *path[::-1]]


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1
