"""What lies ahead of one resource: how much is booked, what is free and in which pieces, and when a shape fits next.

Pure. The live allocations are drawn onto a grid of cells by bins, from the cell that contains now. It speaks of room
alone: notice, quota, companions and exclusive groups come on top for whoever books.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.allocation.calendars.placement import parts_of
from services.allocation.calendars.places import Part
from services.allocation.calendars.timetable import cell_minutes, keeps_hours, open_cells, timetable_of
from services.allocation.reservations import Allocation, Line
from services.allocation.resources import Interval, Kind, Resource
from services.allocation.values.outage import Outage
from services.metrics.fragmentation import NOTHING_ASKED, Asked, fragmented, typical

HOUR_SECONDS = 3_600
DAY_SECONDS = 24 * HOUR_SECONDS
HORIZONS = {"1h": HOUR_SECONDS, "24h": DAY_SECONDS, "7d": 7 * DAY_SECONDS, "30d": 30 * DAY_SECONDS}
AHEAD_SECONDS = max(HORIZONS.values())
"""How far the outlook reaches. What fits only later has no next fit."""


class Shape(StrEnum):
    """Reference demands: the least that can be booked, one node, and all of it.

    On a compute pool each is for a day; on anything else for one slot.
    """

    SMALL = "small"
    MEDIUM = "medium"
    WHOLE = "whole"


class Change(StrEnum):
    """What happens to units at the edge of a reservation."""

    STARTING = "starting"
    ENDING = "ending"


class Outlook(NamedTuple):
    """The next thirty days of one resource. A horizon in which nothing can be booked has no share."""

    committed: dict[str, float]  # by horizon: booked of bookable unit-seconds
    next_fit: dict[Shape, int]  # earliest start, in seconds
    largest_block: int | None  # units free now that stand together; compute pools only
    due: dict[Change, int]  # units that reservations take or leave within the next hour
    fragmented: float | None = None  # free units that the typical demand cannot use, of those free; compute pools only


def look_ahead(
    resource: Resource,
    allocations: Collection[Allocation],
    now: int,
    outages: Iterable[Outage] = (),
    asked: Asked = NOTHING_ASKED,
) -> Outlook:
    """The outlook of a resource with these live allocations, outages and recent demand, at a time in seconds."""
    if not resource.in_service:
        return Outlook({}, {}, 0 if resource.kind is Kind.COMPUTE else None, _due(allocations, now))
    grid = Grid(resource, allocations, now, outages)
    return Outlook(
        {name: share for name, seconds in HORIZONS.items() if (share := grid.committed(seconds)) is not None},
        {shape: start for shape in Shape if (start := _next_fit(grid, shape)) is not None},
        _largest_block(grid) if resource.kind is Kind.COMPUTE else None,
        _due(allocations, now),
        fragmented(grid.free_now(), typical(resource, asked)) if resource.kind is Kind.COMPUTE else None,
    )


class Grid:
    """What is held and what can be held of every bin, in every cell from now on."""

    def __init__(
        self, resource: Resource, allocations: Iterable[Allocation], now: int, outages: Iterable[Outage] = ()
    ) -> None:
        self.resource = resource
        self.now = now
        self.cell_seconds = cell_minutes(resource) * 60
        self.base = now - now % self.cell_seconds
        self.cells = AHEAD_SECONDS // self.cell_seconds
        self._bins = len(resource.nodes) * resource.bins_per_node
        self._draw_hours()
        self.closed = self._draw_closures(outages)
        self.held = self._draw_holds(allocations)
        self.free = np.where(self.closed, 0, resource.bin_capacity - self.held)

    def committed(self, seconds: int) -> float | None:
        """The share of the bookable unit-seconds that is booked within a time from now; None if none is bookable."""
        cells = seconds // self.cell_seconds
        units_open = (~self.closed[:cells]).sum(axis=1) * self.resource.bin_capacity * self.open[:cells]
        bookable = int(units_open.sum())
        return int(self.held[:cells].sum()) / bookable if bookable else None

    def free_now(self) -> NDArray[np.int32]:
        """Units free in the cell that contains now: a row a node, a column a bin of it."""
        free: NDArray[np.int32] = self.free[0].reshape(len(self.resource.nodes), -1)
        return free

    def _draw_hours(self) -> None:
        moments = self.base + np.arange(self.cells + 1) * self.cell_seconds
        if keeps_hours(self.resource):
            drawn = open_cells(timetable_of(self.resource), self.base, self.cells, self.cell_seconds)
            self.open, self.starts = drawn.open[:-1], drawn.starts
        else:
            self.open, self.starts = np.ones(self.cells, dtype=np.bool_), moments % self.resource.slot_seconds == 0
        self.starts = self.starts & (moments >= self.now)

    def _draw_closures(self, outages: Iterable[Outage]) -> NDArray[np.bool_]:
        closed = np.zeros((self.cells, self._bins), dtype=np.bool_)
        for closure in self.resource.closures:
            within = [closure.zone in ("", node.zone) for node in self.resource.nodes]
            first, last = self._window((closure.start, closure.end))
            closed[first:last] |= np.repeat(within, self.resource.bins_per_node)
        for number, node in enumerate(self.resource.nodes):
            bins = slice(number * self.resource.bins_per_node, (number + 1) * self.resource.bins_per_node)
            closed[: self._window((0, node.valid_from))[1], bins] |= bool(node.valid_from)
            if node.valid_until:
                closed[self._window((node.valid_until, node.valid_until))[0] :, bins] = True
        for outage in outages:
            out = {node for taken in outage.taken if taken.resource == self.resource.id for node in taken.nodes}
            first, last = self._window(outage.interval)
            closed[first:last] |= np.repeat(
                [number in out for number in range(len(self.resource.nodes))], self.resource.bins_per_node
            )
        return closed

    def _draw_holds(self, allocations: Iterable[Allocation]) -> NDArray[np.int32]:
        # Only the edges of every span are written; the sum over time fills what lies between.
        edges = np.zeros((self.cells + 1, self._bins), dtype=np.int32)
        for allocation in allocations:
            bins = list(allocation.bins)
            for span in allocation.spans:
                first, last = self._window(span)
                if first < last:
                    edges[first, bins] += allocation.amounts
                    edges[last, bins] -= allocation.amounts
        held: NDArray[np.int32] = edges.cumsum(axis=0, dtype=np.int32)[:-1]
        return held

    def _window(self, interval: Interval) -> tuple[int, int]:
        """The cells that an interval touches, cut to the grid."""
        start, end = interval
        first = min(self.cells, max(0, (start - self.base) // self.cell_seconds))
        return first, max(first, min(self.cells, -((self.base - end) // self.cell_seconds)))


def _next_fit(grid: Grid, shape: Shape) -> int | None:
    resource = grid.resource
    slot = resource.slot_seconds
    seconds = -(-DAY_SECONDS // slot) * slot if resource.kind is Kind.COMPUTE else slot
    length = seconds // grid.cell_seconds
    candidates = grid.cells - length + 1
    if candidates <= 0:
        return None
    fits = grid.starts[:candidates].copy()
    nodes_so_far = 0
    for part in _parts(resource, shape):
        # A node with room for the first part has room for the smaller second one, so counting them is exact.
        nodes_so_far += part.nodes
        fits &= _nodes_with_room(grid, part, length) >= nodes_so_far
    return grid.base + int(fits.argmax()) * grid.cell_seconds if fits.any() else None


def _parts(resource: Resource, shape: Shape) -> tuple[Part, ...]:
    sizes = {Shape.SMALL: resource.units_min, Shape.MEDIUM: resource.units_per_node, Shape.WHOLE: resource.capacity}
    return parts_of(resource, Line(resource=resource.id, units=sizes[shape]))


def _nodes_with_room(grid: Grid, part: Part, length: int) -> NDArray[np.int64]:
    """For every first cell, how many nodes have room for a part throughout so many cells."""
    short = np.zeros((grid.cells + 1, grid.free.shape[1]), dtype=np.int32)
    np.cumsum(grid.free < part.amount, axis=0, out=short[1:])
    clear = short[length:] == short[:-length]
    bins = clear.reshape(len(clear), len(grid.resource.nodes), grid.resource.bins_per_node).sum(axis=2)
    nodes: NDArray[np.int64] = (bins >= part.bins).sum(axis=1)
    return nodes


def _largest_block(grid: Grid) -> int:
    """The most units free in the first cell within one fabric group, rack or node, whichever the nodes name first."""
    by_node = grid.free_now().sum(axis=1)
    blocks: dict[str, int] = {}
    for node, units in zip(grid.resource.nodes, by_node, strict=True):
        group = node.fabric_group or node.rack or node.id
        blocks[group] = blocks.get(group, 0) + int(units)
    return max(blocks.values(), default=0)


def _due(allocations: Iterable[Allocation], now: int) -> dict[Change, int]:
    """A break between two spans is neither a start nor an end."""
    due = dict.fromkeys(Change, 0)
    for allocation in allocations:
        if now < allocation.spans[0][0] <= now + HOUR_SECONDS:
            due[Change.STARTING] += allocation.units
        if now < allocation.spans[-1][1] <= now + HOUR_SECONDS:
            due[Change.ENDING] += allocation.units
    return due
