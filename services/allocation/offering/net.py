"""The net of a search: array operations over whole calendars that find the starts which may fit.

It may let through what the rules refuse, never the other way round.
"""

from math import gcd

import numpy as np
from numpy.typing import NDArray

from services.allocation import rules
from services.allocation.calendars.calendar import Timeline
from services.allocation.calendars.pool import Pool
from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.measures import DAY_SECONDS, HOUR_SECONDS
from services.allocation.resources import Interval
from services.allocation.units.want import Want


def moments(wants: tuple[Want, ...], first: int, last: int) -> NDArray[np.int64]:
    """Every moment from a first to a last one at which a cell of some calendar of the wants may begin."""
    step = gcd(*(want.pool.calendar.cell_seconds for want in wants))
    return np.arange(-(-first // step) * step, last + 1, step, dtype=np.int64)


def caught(
    centre: Centre, company: Company, wants: tuple[Want, ...], starts: NDArray[np.int64], duration: int
) -> NDArray[np.int64]:
    """Those of some starts that pass the net."""
    passing = np.ones(len(starts), dtype=np.bool_)
    for want in wants:
        passing &= _net(centre, company, want, starts, duration)
    return starts[passing]


def on_grid(wants: tuple[Want, ...], starts: NDArray[np.int64], duration: int) -> NDArray[np.int64]:
    """Those of some starts at which a slot of every line begins, and so many seconds later one of every line ends."""
    fits = np.ones(len(starts), dtype=np.bool_)
    for want in wants:
        if not want.companion_of:
            fits &= _on_grid(want.pool, starts + want.line.starts_after, want.line.lasts(duration))
    return starts[fits]


def bounds(company: Company, wants: tuple[Want, ...], window: Interval, duration: int, now: int) -> tuple[int, int]:
    """The earliest and latest start that notice, horizon, agreement and calendar leave."""
    first = max(window[0], now, company.agreement_start)
    last = min(window[1], company.agreement_end) - duration
    for want in wants:
        if want.companion_of:
            continue
        first = max(first, now + rules.notice_hours(want.resource, company) * HOUR_SECONDS)
        if horizon := rules.horizon_days(want.resource, company):
            last = min(last, now + horizon * DAY_SECONDS)
    ends = min(want.pool.calendar.end for want in wants)
    return first, min(last, ends - duration)


def _net(centre: Centre, company: Company, want: Want, starts: NDArray[np.int64], duration: int) -> NDArray[np.bool_]:
    """For every start, whether enough units are free, the timetable fits, and the limit at once leaves room."""
    pool, calendar = want.pool, want.pool.calendar
    if want.edges:
        return np.ones(len(starts), dtype=np.bool_)  # Which slots are the first and the last, the rules find out.
    starts, duration = starts + want.line.starts_after, want.line.lasts(duration)
    short = pool.gone(slice(None)) + want.line.units > pool.resource.capacity
    if pool.funded is not None:
        short |= calendar.total + want.line.units > pool.funded
    if want.companion_of:
        parent = centre.pools[want.companion_of]
        passing = _clear(pool, (short | _off_duty(pool)) & _open_in(parent, calendar), starts, duration)
    else:
        if pool.timetable is not None:
            short = short & pool.timetable.open[:-1]
        passing = _clear(pool, short, starts, duration) & _on_grid(pool, starts, duration)
    meter = centre.meters.get((company.id, want.meter)) if want.meter else None
    room = meter.room_at_once(want.line.units) if meter is not None else None
    if meter is not None and meter.at_once is not None and room is not None:
        full = ~room & _open_in(pool, meter.at_once)
        passing &= _none_set(full, starts, duration, meter.at_once.base, meter.at_once.cell_seconds)
    return passing


def _clear(pool: Pool, blocked: NDArray[np.bool_], starts: NDArray[np.int64], duration: int) -> NDArray[np.bool_]:
    return _none_set(blocked, starts, duration, pool.calendar.base, pool.calendar.cell_seconds)


def _none_set(
    blocked: NDArray[np.bool_], starts: NDArray[np.int64], duration: int, base: int, cell: int
) -> NDArray[np.bool_]:
    """For every start, whether no cell of its window is blocked: a difference of running counts."""
    counts = np.concatenate(([0], np.cumsum(blocked)))
    first = np.clip((starts - base) // cell, 0, len(blocked))
    last = np.clip(-((base - starts - duration) // cell), 0, len(blocked))
    clear: NDArray[np.bool_] = counts[last] == counts[first]
    return clear


def _on_grid(pool: Pool, starts: NDArray[np.int64], duration: int) -> NDArray[np.bool_]:
    """For every start, whether a slot starts there and one ends at its end."""
    calendar, timetable = pool.calendar, pool.timetable
    if timetable is None:
        slot = pool.resource.slot_seconds
        fits: NDArray[np.bool_] = (starts % slot == 0) & ((starts + duration) % slot == 0)
        return fits
    cell = calendar.cell_seconds
    first, last = (starts - calendar.base) // cell, (starts + duration - calendar.base) // cell
    whole = ((starts - calendar.base) % cell == 0) & ((starts + duration - calendar.base) % cell == 0)
    inside = np.clip(last, 0, calendar.cells) == last
    begins = timetable.starts[np.clip(first, 0, calendar.cells)]
    finishes = timetable.ends[np.clip(last, 0, calendar.cells)]
    lies: NDArray[np.bool_] = whole & inside & begins & finishes
    return lies


def _off_duty(pool: Pool) -> NDArray[np.bool_]:
    if pool.timetable is None:
        return np.zeros(pool.calendar.cells, dtype=np.bool_)
    return ~pool.timetable.open[:-1]


def _open_in(pool: Pool, timeline: Timeline) -> NDArray[np.bool_]:
    """For every cell of a timeline, whether a pool is open when the cell begins."""
    if pool.timetable is None:
        return np.ones(timeline.cells, dtype=np.bool_)
    moments = timeline.base + np.arange(timeline.cells, dtype=np.int64) * timeline.cell_seconds
    cells = (moments - pool.calendar.base) // pool.calendar.cell_seconds
    opened: NDArray[np.bool_] = pool.timetable.open[np.clip(cells, 0, pool.calendar.cells)]
    return opened
