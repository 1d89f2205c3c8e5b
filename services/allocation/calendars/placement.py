"""Placement: which bins stand behind a line. Best fit, so that large holes stay large.

Units of one line are cut into parts, one a node: full nodes first, or a gang of equal parts. The fullest nodes that
still fit are taken, and where they must stand close (rack, fabric group), in the group that has the fewest of them.
Ties go to the lowest index, so that the same question always has the same answer.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from services.allocation.calendars.busy import best_node
from services.allocation.calendars.places import Part, Place
from services.allocation.reservations import Colocation, Line
from services.allocation.resources import Resource
from services.allocation.wording import counted, figure

NOT_FITTING = np.iinfo(np.int32).max
SUM_OF_BYTES = np.uint64(0x0101010101010101)
"""A word of eight bytes, multiplied by this, has their sum in its top byte."""
TOP_BYTE = 7 if sys.byteorder == "little" else 0


def parts_of(resource: Resource, line: Line) -> tuple[Part, ...]:
    """Cut a line into parts. Raises ValueError, with the reason, for a shape that this resource does not have."""
    whole, unit = resource.units_per_node, resource.unit
    if line.units_per_node:
        if line.units_per_node > whole:
            raise ValueError(
                f"a node of {resource.id} has {counted(whole, unit)}, not {figure(line.units_per_node, unit)}"
            )
        if line.units % line.units_per_node:
            raise ValueError(
                f"{figure(line.units, unit)} cannot be cut into equal parts of {figure(line.units_per_node, unit)}"
            )
        parts = [_part(resource, line.units // line.units_per_node, line.units_per_node)]
    else:
        full, rest = divmod(line.units, whole)
        parts = [_part(resource, full, whole)] if full else []
        if rest:
            parts.append(_part(resource, 1, rest))
    if line.colocation is Colocation.NODE and sum(part.nodes for part in parts) > 1:
        raise ValueError(f"{counted(line.units, unit)} do not stand on one node in this shape")
    return tuple(parts)


def _part(resource: Resource, nodes: int, units: int) -> Part:
    if resource.bins_per_node == 1:
        return Part(nodes, 1, units)
    if units < resource.bin_capacity:
        return Part(nodes, 1, units)
    size, unit = resource.bin_capacity, resource.unit
    bins, rest = divmod(units, size)
    if rest:
        raise ValueError(f"{counted(units, unit)} on one node: above {figure(size, unit)} ask for a multiple of it")
    return Part(nodes, bins, size)


class Layout:
    """How the bins of a resource stand together: node, rack and fabric group of each, as arrays."""

    def __init__(self, resource: Resource) -> None:
        self.bins_per_node = resource.bins_per_node
        self.bin_capacity = resource.bin_capacity
        self.nodes = len(resource.nodes)
        # A node's bins at most, all of them whole: reservations share these.
        self._amounts = [(resource.bin_capacity,) * bins for bins in range(resource.bins_per_node + 1)]
        self.group_of_node = {
            Colocation.RACK: _numbered([node.rack for node in resource.nodes]),
            Colocation.FABRIC_GROUP: _numbered([node.fabric_group for node in resource.nodes]),
        }

    def place(self, free: NDArray[np.signedinteger], parts: tuple[Part, ...], near: Colocation) -> Place | None:
        """Choose bins with enough free units, or None. `free` is per bin and is not changed."""
        groups = self.group_of_node.get(near)
        if groups is None:
            if len(parts) == 1 and parts[0].nodes == 1 and parts[0].bins == 1:
                return self._place_one(free, parts)
            return self._place_on(free, parts, None)
        fits = self._bins_with_room(free, parts[0].amount) >= parts[0].bins
        counts = np.bincount(groups, weights=fits)
        for group in np.argsort(counts, kind="stable"):
            if counts[group] >= parts[0].nodes:
                place = self._place_on(free, parts, groups == group)
                if place is not None:
                    return place
        return None

    def is_whole(self, parts: tuple[Part, ...], near: Colocation) -> bool:
        """Whether parts are whole bins of one node, anywhere, as most demands are."""
        if len(parts) > 1 or near in self.group_of_node:
            return False
        return parts[0].nodes == 1 and parts[0].amount == self.bin_capacity

    def place_whole(self, nodes: bytes, part: Part) -> Place | None:
        """As `place` for a part of whole bins of one node, by what is held of every node (see `Busy.nodes`)."""
        found = best_node(nodes, self.bins_per_node, part.bins)
        if found is None:
            return None
        node, places = found
        first = node * self.bins_per_node
        return Place(tuple([first + place for place in places]), self._amounts[part.bins])

    def _place_one(self, free: NDArray[np.signedinteger], parts: tuple[Part, ...]) -> Place | None:
        """One bin: the one that leaves the least over, or else a fresh one where the fewest are left."""
        amount = parts[0].amount
        if amount < self.bin_capacity:
            fitting = np.flatnonzero(free >= amount)
            if not len(fitting):
                return None
            tightest = int(fitting[free[fitting].argmin()])
            if free[tightest] < self.bin_capacity:
                return Place((tightest,), (amount,))
        return self._place_on(free, parts, None)

    def _place_on(
        self, free: NDArray[np.signedinteger], parts: tuple[Part, ...], allowed: NDArray[np.bool_] | None
    ) -> Place | None:
        """Place every part on nodes of its own, among the allowed ones."""
        left = free
        bins: list[int] = []
        amounts: list[int] = []
        for part in parts:
            nodes = self._fullest(self._bins_with_room(left, part.amount), part, allowed)
            if nodes is None:
                return None
            for node in nodes:
                bins += self._bins_of(node, left, part)
                amounts += [part.amount] * part.bins
            if len(parts) > 1:
                left = left.copy()
                left[self._all_bins(nodes)] = 0  # The next part stands on other nodes.
        return Place(tuple(bins), tuple(amounts))

    def _bins_with_room(self, free: NDArray[np.signedinteger], amount: int) -> NDArray[np.signedinteger]:
        """How many bins of every node have `amount` units free."""
        fits = free >= amount
        if self.bins_per_node == 1:
            return fits.view(np.int8)
        if self.bins_per_node == 8:
            return (fits.view(np.uint64) * SUM_OF_BYTES).view(np.int8)[TOP_BYTE::8]
        room: NDArray[np.int32] = fits.reshape(self.nodes, self.bins_per_node).sum(axis=1, dtype=np.int32)
        return room

    def _fullest(
        self, room: NDArray[np.signedinteger], part: Part, allowed: NDArray[np.bool_] | None
    ) -> list[int] | None:
        """The nodes with the least room, of those that fit; None if too few do."""
        if part.nodes == 1 and allowed is None and room.itemsize == 1:
            # Looking for a byte is ten times as fast as finding the least of an array.
            counts = room.tobytes()
            for bins in range(part.bins, self.bins_per_node + 1):
                node = counts.find(bins)
                if node >= 0:
                    return [node]
            return None
        fits = room >= part.bins
        if allowed is not None:
            fits &= allowed
        if np.count_nonzero(fits) < part.nodes:
            return None
        rooms = np.where(fits, room.astype(np.int32), NOT_FITTING)
        if part.nodes == 1:
            return [int(rooms.argmin())]
        chosen: list[int] = np.argsort(rooms, kind="stable")[: part.nodes].tolist()
        return chosen

    def _bins_of(self, node: int, free: NDArray[np.signedinteger], part: Part) -> list[int]:
        first = node * self.bins_per_node
        mine = enumerate(free[first : first + self.bins_per_node].tolist(), first)
        if part.amount == self.bin_capacity:
            return [bin_ for bin_, left in mine if left == part.amount][: part.bins]
        fullest = sorted([(left, bin_) for bin_, left in mine if left >= part.amount])
        return sorted([bin_ for _, bin_ in fullest[: part.bins]])

    def _all_bins(self, nodes: list[int]) -> list[int]:
        width = self.bins_per_node
        return [node * width + place for node in nodes for place in range(width)]


def _numbered(names: list[str]) -> NDArray[np.int64]:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)
