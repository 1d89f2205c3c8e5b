"""When a resource is open: a weekly timetable in local time, drawn onto the cells of a UTC calendar.

Slots begin at the opening time, and again after the break, and follow each other; what remains before closing is lost.
A slot belongs to the local day on which it begins. Daylight saving is exact: a local time that does not exist moves
forward, as `zoneinfo` says.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import gcd
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from services.allocation.measures import DAY_MINUTES
from services.allocation.resources import Interval, Kind, OpeningHours, Resource

ROUND_THE_CLOCK = OpeningHours(weekdays=(0, 1, 2, 3, 4, 5, 6), opens=0, closes=DAY_MINUTES)
DRAWINGS_KEPT_MAX = 64
"""Many resources keep few timetables: each is drawn once, and again when the calendars move on."""


class Timetable(NamedTuple):
    """When something is open: all of a resource that its drawing depends on."""

    hours: OpeningHours
    time_zone: str
    closed_days: tuple[str, ...]
    slot_seconds: int


class OpenCells(NamedTuple):
    """A timetable on calendar cells: open during a cell; a slot starts, or ends, at a cell's first second.

    All who keep the timetable share the drawing, so nobody can write on it.
    """

    open: NDArray[np.bool_]
    starts: NDArray[np.bool_]
    ends: NDArray[np.bool_]


def keeps_hours(resource: Resource) -> bool:
    """Whether the resource has a timetable at all; compute pools run on a plain UTC grid."""
    return resource.kind is not Kind.COMPUTE


def cell_minutes(resource: Resource) -> int:
    """The calendar's resolution: the largest step on which every slot, opening, break and changeover lies."""
    step = gcd(resource.slot_minutes, 60)
    if keeps_hours(resource):
        hours = resource.hours or ROUND_THE_CLOCK
        zone = ZoneInfo(resource.time_zone)
        for month in (1, 7):
            offset = datetime(2026, month, 1, tzinfo=zone).utcoffset() or timedelta()
            step = gcd(step, int(offset.total_seconds()) // 60)
        step = gcd(step, hours.opens, hours.closes, hours.break_starts, hours.break_ends)
        step = gcd(step, resource.changeover_minutes)
    return step


def timetable_of(resource: Resource) -> Timetable:
    """The timetable of a resource."""
    hours = resource.hours or ROUND_THE_CLOCK
    return Timetable(hours, resource.time_zone, resource.closed_days, resource.slot_seconds)


def slot_windows(timetable: Timetable, first: date, last: date) -> Iterator[Interval]:
    """The stretches of whole slots that begin on the local days from `first` to `last`, in UTC seconds."""
    hours = timetable.hours
    zone = ZoneInfo(timetable.time_zone)
    closed = {date.fromisoformat(day) for day in timetable.closed_days}
    parts = [(hours.opens, hours.closes)]
    if hours.break_starts < hours.break_ends:
        parts = [(hours.opens, hours.break_starts), (hours.break_ends, hours.closes)]
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day.weekday() in hours.weekdays and day not in closed:
            for opens, closes in parts:
                start, end = local_seconds(day, opens, zone), local_seconds(day, closes, zone)
                slots = max(0, end - start) // timetable.slot_seconds
                if slots:
                    yield start, start + slots * timetable.slot_seconds


def local_seconds(day: date, minutes: int, zone: ZoneInfo) -> int:
    """UTC seconds of so many minutes after local midnight, read off the wall clock of the zone."""
    days, minute = divmod(minutes, DAY_MINUTES)
    wall = datetime.combine(day + timedelta(days=days), time(minute // 60, minute % 60), tzinfo=zone)
    return int(wall.timestamp())


@lru_cache(DRAWINGS_KEPT_MAX)
def open_cells(timetable: Timetable, base: int, cells: int, cell_seconds: int) -> OpenCells:
    """Draw the timetable onto `cells` cells from `base` on."""
    drawn = OpenCells(*(np.zeros(cells + 1, dtype=np.bool_) for _ in range(3)))
    zone = ZoneInfo(timetable.time_zone)
    first = datetime.fromtimestamp(base, UTC).astimezone(zone).date() - timedelta(days=2)
    last = datetime.fromtimestamp(base + cells * cell_seconds, UTC).astimezone(zone).date()
    step = timetable.slot_seconds // cell_seconds
    for start, end in slot_windows(timetable, first, last):
        a, b = (start - base) // cell_seconds, (end - base) // cell_seconds
        for cell in range(a, b, step):
            if 0 <= cell <= cells:
                drawn.starts[cell] = True
            if 0 <= cell + step <= cells:
                drawn.ends[cell + step] = True
        drawn.open[max(a, 0) : max(b, 0)] = True
    for cells_of in drawn:
        cells_of.flags.writeable = False
    return drawn
