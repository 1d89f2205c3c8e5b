"""Fragmentation: how much of what is free the demand of the last days could not use, as it lies. Pure.

The measure of "Beware of Fragmentation" (Weng et al., USENIX ATC 2023), node by node: for a shape that does not fit on
a node, all that is free there is a fragment, and for one that does, what is free in the bins with too little left for
it. The typical shapes, those that make up 95 % of the demand, weigh by how often they were asked for. Shapes are what
one node is asked for; a gang over four nodes is the same shape four times. It measures, and places nothing.

Demand is what was granted, so a shape that is always refused does not count here: unmet demand tells that.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from services.allocation.calendars.placement import parts_of
from services.allocation.reservations import Line, Reservation
from services.allocation.resources import Resource

DAY_SECONDS = 86_400
DAYS = 7
"""Today and so many days less one before it, by UTC."""
TYPICAL_SHARE = 0.95

Asked = Counter[tuple[int, int]]
"""How often so many units were asked for, so many on each node; 0 for as they fit."""
NOTHING_ASKED: Asked = Counter()
ShapeOf = tuple[int, int]
"""Bins on one node, and units in each of them."""
Weights = Mapping[ShapeOf, float]
"""Typical shapes, and the share of the demand that each of them is."""


class Mix:
    """What was asked for on each resource within the last days, day by day."""

    def __init__(self) -> None:
        self._days: dict[int, defaultdict[str, Asked]] = {}

    def add(self, reservation: Reservation, now: int) -> None:
        """Count a new reservation at a time in seconds: its lines, and what came along with them."""
        day = self._days.get(now // DAY_SECONDS)
        if day is None:
            day = self._days[now // DAY_SECONDS] = defaultdict(Counter)
            for gone in [each for each in self._days if each <= now // DAY_SECONDS - DAYS]:
                del self._days[gone]
        for line in reservation.lines:
            day[line.resource][line.units, line.units_per_node] += 1
        for allocation in reservation.allocations:
            if allocation.companion_of:
                day[allocation.resource][allocation.units, 0] += 1

    def recent(self, now: int) -> dict[str, Asked]:
        """What was asked for within the days before a time in seconds, by resource. The caller's own."""
        found: dict[str, Asked] = {}
        for day, resources in self._days.items():
            if day > now // DAY_SECONDS - DAYS:
                for name, asked in resources.items():
                    found.setdefault(name, Counter()).update(asked)
        return found


def typical(resource: Resource, asked: Asked) -> Weights:
    """The most frequent shapes, the larger first among equals, that make up 95 % of what nodes were asked for."""
    shapes: Counter[ShapeOf] = Counter()
    for (units, units_per_node), times in asked.items():
        for part in parts_of(resource, Line(resource=resource.id, units=units, units_per_node=units_per_node)):
            shapes[part.bins, part.amount] += times * part.nodes
    wanted = TYPICAL_SHARE * shapes.total()
    chosen: dict[ShapeOf, int] = {}
    for shape, times in sorted(shapes.items(), key=lambda item: (item[1], item[0]), reverse=True):
        if sum(chosen.values()) >= wanted:
            break
        chosen[shape] = times
    covered = sum(chosen.values())
    return {shape: times / covered for shape, times in chosen.items()}


def fragmented(free: NDArray[np.signedinteger], weights: Weights) -> float | None:
    """The share of the free units that the typical shapes cannot use, 0 to 1; None if nothing is free or asked for.

    `free` has a row a node and a column a bin of it.
    """
    idle = int(free.sum())
    if not idle or not weights:
        return None
    lost = 0.0
    for (bins, amount), weight in weights.items():
        fits = (free >= amount).sum(axis=1) >= bins
        unusable = np.where(fits[:, None], np.where(free < amount, free, 0), free)
        lost += weight * int(unusable.sum())
    return min(1.0, lost / idle)  # The weights add up to one as well as floats do.
