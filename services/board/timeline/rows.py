"""The rows of the timeline: what is drawn of one resource, in lanes, and where more is held than there is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.board.frame.visit import Visit
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

BARS_MAX = 400
"""In one row; more than that nobody can tell apart."""

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Bar:
    """What a reservation holds of a resource, for one span of time."""

    item: api.Reservation
    allocation: api.Allocation
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Row:
    """One resource over the window."""

    resource: api.Resource
    calendar: api.Calendar | None
    bars: Sequence[Bar]
    window: Span
    hidden: int = 0
    overlaps: Sequence[Span] = field(default_factory=tuple)

    @classmethod
    def of(
        cls, visit: Visit, resource: api.Resource, calendar: api.Calendar | None, bars: Sequence[Bar], window: Span
    ) -> "Row":
        """A row with as many bars as can be told apart, the earliest first."""
        shown = sorted(bars, key=lambda bar: (bar.start, bar.item.name))
        twice = overlaps(resource.capacity_units, shown, calendar)
        return cls(resource, calendar, shown[:BARS_MAX], window, max(0, len(shown) - BARS_MAX), twice)

    @property
    def single(self) -> bool:
        """Whether only one reservation at a time can hold it."""
        return self.resource.capacity_units == 1


def overlaps(capacity: int, bars: Iterable[Bar], calendar: api.Calendar | None) -> list[Span]:
    """When more is held than there is. It must never happen, so it must never be hidden."""
    found = [
        (from_timestamp(part.start_time), from_timestamp(part.end_time))
        for part in (calendar.intervals if calendar else ())
        if part.reserved_units > calendar.capacity_units  # type: ignore[union-attr]  # there are intervals
    ]
    edges = sorted(
        edge for bar in bars for edge in ((bar.start, bar.allocation.units), (bar.end, -bar.allocation.units))
    )
    held, since = 0, None
    for moment, units in edges:
        held += units
        if held > capacity and since is None:
            since = moment
        elif held <= capacity and since is not None:
            found.append((since, moment))
            since = None
    return found


def lanes(bars: Iterable[Bar]) -> tuple[list[tuple[int, Bar]], int]:
    """Bars one under the other where they overlap, each in the first free lane; and how many lanes there are."""
    ends: list[datetime] = []
    placed = []
    for bar in bars:
        lane = next((number for number, end in enumerate(ends) if end <= bar.start), len(ends))
        if lane == len(ends):
            ends.append(bar.end)
        ends[lane] = bar.end
        placed.append((lane, bar))
    return placed, len(ends)


def at(moment: datetime, span: Span) -> float:
    """Where a moment stands, in per cent, cut to the window."""
    start, end = span
    return max(0.0, min(100.0, (moment - start) / (end - start) * 100))


def box(start: datetime, end: datetime, span: Span) -> dict[str, str]:
    """Where a stretch of time stands, as attributes of a rectangle."""
    left, right = at(start, span), at(end, span)
    return {"x": f"{left:.3f}%", "width": f"{max(right - left, 0.05):.3f}%"}
