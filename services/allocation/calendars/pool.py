"""A pool: a resource, its calendar and its timetable, ready to be asked."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.allocation.calendars.batch_work import BatchWork
from services.allocation.calendars.calendar import Calendar
from services.allocation.calendars.closed import Closed
from services.allocation.calendars.closing import Closing
from services.allocation.calendars.placement import Layout, parts_of
from services.allocation.calendars.places import Part, Place
from services.allocation.calendars.timetable import OpenCells, cell_minutes, keeps_hours, open_cells, timetable_of
from services.allocation.measures import HOUR_SECONDS
from services.allocation.reservations import Allocation, Colocation
from services.allocation.resources import Interval, Kind, Resource
from services.allocation.values.funding import Funding
from services.allocation.values.outage import OPEN_END, Outage

PARTS_KEPT_MAX = 1_000
"""So many lines are cut into parts once only: most demands are alike."""
TOLD_MAX = 3
"""A refusal names at most so many closings."""


class Pool:
    """One resource with its units over time."""

    def __init__(self, resource: Resource, base: int) -> None:
        self.resource = resource
        self.bin_names = tuple(map(resource.bin_name, range(len(resource.nodes) * resource.bins_per_node)))
        self.layout = Layout(resource)
        self.parts = lru_cache(PARTS_KEPT_MAX)(partial(parts_of, resource))
        self.zone = ZoneInfo(resource.time_zone)
        self._slot_seconds = resource.slot_seconds
        self.grace_seconds = resource.no_show_grace_minutes * 60 if resource.kind is Kind.EQUIPMENT else 0
        self.calendar = Calendar(
            bins=len(self.bin_names),
            bin_capacity=resource.bin_capacity,
            cell_seconds=cell_minutes(resource) * 60,
            base=base,
            bins_per_node=resource.bins_per_node,
        )
        self.closed = Closed(self.calendar)
        self.work = BatchWork()
        self.waiting: dict[str, None] = {}  # Reservations that hold units here and have not started.
        self.timetable: OpenCells | None = None
        self.fundings: list[Funding] = []  # By start, each until the next.
        self.funded: NDArray[np.int64] | None = None  # Units that are funded in each cell, once any are set.
        self._draw()
        for key, closing in self._announced():
            self.closed.put(key, closing)

    def bins_of(self, nodes: Iterable[int]) -> tuple[int, ...]:
        """The bins of some nodes."""
        width = self.resource.bins_per_node
        return tuple(number * width + place for number in nodes for place in range(width))

    def _announced(self) -> Iterator[tuple[str, Closing]]:
        """What was registered with the resource: closures, and nodes that arrive late or retire."""
        nodes = self.resource.nodes
        for number, closure in enumerate(self.resource.closures):
            bins = self.bins_of(each for each, node in enumerate(nodes) if closure.zone in ("", node.zone))
            label = f"announced maintenance ({closure.reason})" if closure.reason else "announced maintenance"
            yield f"closure {number}", Closing(start=closure.start, end=closure.end, bins=bins, label=label)
        for moment in sorted({node.valid_from for node in nodes} - {0}):
            bins = self.bins_of(number for number, node in enumerate(nodes) if node.valid_from == moment)
            label = f"arrives at {self.moment(moment)}"
            yield f"arrival {moment}", Closing(start=0, end=moment, bins=bins, label=label, absent=True)
        for moment in sorted({node.valid_until for node in nodes} - {0}):
            bins = self.bins_of(number for number, node in enumerate(nodes) if node.valid_until == moment)
            label = f"retired at {self.moment(moment)}"
            yield f"retirement {moment}", Closing(start=moment, end=OPEN_END, bins=bins, label=label, absent=True)

    def close(self, outage: Outage, nodes: tuple[int, ...]) -> None:
        """Take nodes out for an outage, or, if it took them before, until when it now says."""
        start, end = outage.interval
        if start == end:
            self.reopen(outage.id)
            return
        self.closed.put(
            f"outage {outage.id}",
            Closing(
                start=start,
                end=end,
                bins=self.bins_of(nodes),
                label=f"outage {outage.id} ({outage.kind}{f': {outage.reason}' if outage.reason else ''})",
                lead_in=outage.lead_in_hours * HOUR_SECONDS,
            ),
        )

    def reopen(self, outage_id: str) -> None:
        """Forget an outage."""
        self.closed.drop(f"outage {outage_id}")

    def fund(self, funding: Funding) -> None:
        """Let a step of funding hold, in place of the one of the same start if there is one."""
        others = [each for each in self.fundings if each.start != funding.start]
        self.fundings = sorted([*others, funding], key=lambda each: each.start)
        self._draw_funding()

    def _draw_funding(self) -> None:
        """Draw the steps onto the cells; those that ended before the calendar begins are over."""
        nexts = [each.start for each in self.fundings[1:]]
        over = sum(1 for end in nexts if end <= self.calendar.base)
        self.fundings = self.fundings[over:]
        if not self.fundings:
            return
        self.funded = np.full(self.calendar.cells, self.resource.capacity, dtype=np.int64)
        for funding in self.fundings:
            self.funded[self.calendar.window((funding.start, OPEN_END))[0] :] = funding.units

    def funded_until(self, funding: Funding) -> int:
        """When the next step of funding begins."""
        return min((each.start for each in self.fundings if each.start > funding.start), default=OPEN_END)

    def funded_cells(self, funding: Funding, now: int) -> slice:
        """The cells of a step of funding that have not begun: what has begun counts as used."""
        start = -(-max(funding.start, now) // self.calendar.cell_seconds) * self.calendar.cell_seconds
        return slice(*self.calendar.window((start, self.funded_until(funding))))

    def unfunded(self, spans: tuple[Interval, ...], units: int) -> tuple[int, Funding] | None:
        """How few funded units are left at worst of the spans, and the step that says so, if `units` are more."""
        if self.funded is None:
            return None
        first = self.fundings[0].start  # Before the first step nobody spoke of money.
        windows = [self.calendar.window((max(start, first), end)) for start, end in spans if end > first]
        if not windows:
            return None
        left = min(int((self.funded[a:b] - self.calendar.total[a:b]).min(initial=units)) for a, b in windows)
        if left >= units:
            return None
        steps = [each for each in self.fundings if spans[0][0] < self.funded_until(each) and each.start < spans[-1][1]]
        return left, min(steps, key=lambda each: each.units)

    def _draw(self) -> None:
        if keeps_hours(self.resource):
            calendar = self.calendar
            timetable = timetable_of(self.resource)
            self.timetable = open_cells(timetable, calendar.base, calendar.cells, calendar.cell_seconds)

    def slide(self, base: int) -> None:
        """Move the calendar's range forward."""
        known_until = self.calendar.end
        self.calendar.slide(base)
        self.closed.slide(known_until)
        self._draw()
        self._draw_funding()

    def hold(self, allocation: Allocation, sign: int = 1) -> None:
        """Put an allocation into the calendar, or with `sign` -1 take it out."""
        self.calendar.hold(allocation, sign)
        if self.closed:
            self.closed.held(allocation.spans)

    def free_bins(self, spans: tuple[Interval, ...]) -> NDArray[np.signedinteger]:
        """What is free of every bin throughout the spans, for something that begins with them."""
        free: NDArray[np.signedinteger] = self.calendar.bin_capacity - self.calendar.peak(spans)
        if self.closed:
            self.closed.strike(free, spans)
        return free

    def place(self, spans: tuple[Interval, ...], parts: tuple[Part, ...], near: Colocation) -> Place | None:
        """Where parts fit best throughout the spans as everything stands; None if they fit nowhere."""
        if self.layout.is_whole(parts, near) and not (self.closed and self.closed.takes_any(spans)):
            nodes = self.calendar.nodes_held(spans)
            if nodes is not None:
                return self.layout.place_whole(nodes, parts[0])
        return self.layout.place(self.free_bins(spans), parts, near)

    def gone(self, cells: slice) -> NDArray[np.int64]:
        """Units that are held or out, in some cells."""
        total = self.calendar.total[cells]
        return total + self.closed.idle.total[cells] if self.closed else total

    def most_gone(self, span: Interval) -> int:
        """The most units that are held or out at any time of a span."""
        return int(self.gone(slice(*self.calendar.window(span))).max(initial=0))

    def free_and_closed(self, spans: tuple[Interval, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Units free, and units that closings take out, in every cell of the spans.

        Bins on which nothing may start when the spans begin count as closed, as far as they are free.
        """
        calendar, capacity = self.calendar, self.resource.bin_capacity
        draining = self.closed.draining(spans[0][0])
        frees, closures = [], []
        for window in map(calendar.window, spans):
            out = self.closed.drawn(*window)
            gone = self.closed.drawn(*window, absent=False)
            out[:, draining] = gone[:, draining] = True
            spare = np.maximum(capacity - calendar.used[slice(*window)], 0).astype(np.int64)
            frees.append(np.where(out, 0, spare).sum(axis=1))
            closures.append(np.where(gone, spare, 0).sum(axis=1))
        return np.concatenate(frees), np.concatenate(closures)

    def told(self, spans: tuple[Interval, ...]) -> str:
        """What takes units out at any time of the spans, and until when, for people."""
        closings = [each for each in self.closed.at(spans) if not each.absent]
        told = [self._told(closing, spans[0][0]) for closing in closings[:TOLD_MAX]]
        return "; ".join(told) + (f" and {more} more" if (more := len(closings) - TOLD_MAX) > 0 else "")

    def _told(self, closing: Closing, start: int) -> str:
        if closing.drains(start):
            return f"{closing.label} begins at {self.moment(closing.start)}, and nothing starts there shortly before"
        until = self.moment(closing.end) if closing.end < OPEN_END else "it is lifted"
        return f"{closing.label} until {until}"

    def moment(self, seconds: int) -> str:
        """A time for people, in the zone of the resource."""
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone(self.zone):%Y-%m-%d %H:%M %Z}"

    def on_grid(self, start: int, end: int) -> tuple[bool, bool]:
        """Whether a slot starts at `start`, and whether one ends at `end`."""
        calendar, slot = self.calendar, self._slot_seconds
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
