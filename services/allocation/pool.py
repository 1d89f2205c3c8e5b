"""A pool: a resource, its calendar and its timetable, ready to be asked."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.allocation.calendar import Calendar, Timeline
from services.allocation.placement import Layout
from services.allocation.resources import Interval, Resource
from services.allocation.timetable import OpenCells, cell_minutes, keeps_hours, open_cells


class Pool:
    """One resource with its units over time."""

    def __init__(self, resource: Resource, base: int) -> None:
        self.resource = resource
        self.bin_names = tuple(map(resource.bin_name, range(len(resource.nodes) * resource.bins_per_node)))
        self.layout = Layout(resource)
        self.zone = ZoneInfo(resource.time_zone)
        self.calendar = Calendar(
            bins=len(self.bin_names),
            bin_capacity=resource.bin_capacity,
            cell_seconds=cell_minutes(resource) * 60,
            base=base,
        )
        # Units that announced closures take out of the calendar.
        self.closed = Timeline(cell_seconds=self.calendar.cell_seconds, base=base)
        self.waiting: dict[str, None] = {}  # Reservations that hold units here and have not started.
        self.timetable: OpenCells | None = None
        self._draw()
        self._close((base, self.calendar.end))

    def _bins_in(self, zone: str) -> list[int]:
        width = self.resource.bins_per_node
        return [
            number * width + place
            for number, node in enumerate(self.resource.nodes)
            if zone in ("", node.zone)
            for place in range(width)
        ]

    def _draw(self) -> None:
        if keeps_hours(self.resource):
            calendar = self.calendar
            self.timetable = open_cells(self.resource, calendar.base, calendar.cells, calendar.cell_seconds)

    def _close(self, fresh: Interval) -> None:
        """Take announced closures out of the cells that are new to the calendar, where nothing is held yet."""
        if not self.resource.closures:
            return
        calendar, capacity = self.calendar, self.resource.bin_capacity
        for closure in self.resource.closures:
            first, last = calendar.window((max(closure.start, fresh[0]), min(closure.end, fresh[1])))
            calendar.used[first:last, self._bins_in(closure.zone)] = capacity
        cells = slice(*calendar.window(fresh))
        self.closed.total[cells] = calendar.total[cells] = calendar.used[cells].sum(axis=1, dtype=np.int64)

    def slide(self, base: int) -> None:
        """Move the calendar's range forward."""
        known_until = self.calendar.end
        self.calendar.slide(base)
        self.closed.slide(base)
        self._draw()
        self._close((max(known_until, base), self.calendar.end))

    def free_and_closed(self, spans: tuple[Interval, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Units free, and units that closures take out, in every cell of the spans."""
        cells = [slice(*self.calendar.window(span)) for span in spans]
        held = np.concatenate([self.calendar.total[each] for each in cells])
        return self.resource.capacity - held, np.concatenate([self.closed.total[each] for each in cells])

    def on_grid(self, start: int, end: int) -> tuple[bool, bool]:
        """Whether a slot starts at `start`, and whether one ends at `end`."""
        calendar, slot = self.calendar, self.resource.slot_seconds
        if self.timetable is None:
            return start % slot == 0, end % slot == 0
        first, first_rest = divmod(start - calendar.base, calendar.cell_seconds)
        last, last_rest = divmod(end - calendar.base, calendar.cell_seconds)
        inside = 0 <= first <= calendar.cells and 0 <= last <= calendar.cells
        return (
            inside and not first_rest and bool(self.timetable.starts[first]),
            inside and not last_rest and bool(self.timetable.ends[last]),
        )

    def open_spans(self, start: int, end: int) -> tuple[Interval, ...]:
        """The stretches of `[start, end)` in which the resource is open, cut to its slots."""
        if self.timetable is None:
            return ((start, end),)
        calendar = self.calendar
        first, last = calendar.window((start, end))
        padded = np.zeros(last - first + 2, dtype=np.int8)
        padded[1:-1] = self.timetable.open[first:last]
        edges = np.flatnonzero(np.diff(padded))
        bounds = [calendar.base + (first + int(edge)) * calendar.cell_seconds for edge in edges]
        return tuple(
            (max(start, opens), min(end, closes)) for opens, closes in zip(bounds[::2], bounds[1::2], strict=True)
        )

    def is_open(self, spans: tuple[Interval, ...]) -> bool:
        """Whether the resource is open throughout the spans."""
        if self.timetable is None:
            return True
        return all(bool(self.timetable.open[slice(*self.calendar.window(span))].all()) for span in spans)

    def closed_day(self, time: int) -> str:
        """The ISO date at this time in the resource's zone, if it is one of the closed days; else empty."""
        day = datetime.fromtimestamp(time, UTC).astimezone(self.zone).date().isoformat()
        return day if day in self.resource.closed_days else ""
