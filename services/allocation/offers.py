"""Offers: when a demand would be granted. A wide net of array operations, and then the real rules for every candidate.

The net may let through what the rules refuse, never the other way round; an offer is only what the rules would grant
if it were asked for now.
"""

from collections.abc import Iterator
from math import gcd

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from services.allocation import rules
from services.allocation.calendar import Timeline
from services.allocation.centre import Centre
from services.allocation.commands import CreateReservation
from services.allocation.decide import create_reservation, wants_of
from services.allocation.demand import Want
from services.allocation.holding import hold_violations
from services.allocation.pool import Pool
from services.allocation.rejections import Reason, Rejected, Violation
from services.allocation.resources import Company, Interval, Line, Reservation

TRIES_MAX = 200
"""Candidates put to the rules in one search."""
ALTERNATIVES_MAX = 3
ALTERNATIVES_TRIES_MAX = 24
ALTERNATIVES_DAYS = 28
"""How far after the wanted start alternatives are looked for."""

ANOTHER_TIME_HELPS = frozenset(
    {
        Reason.OFF_GRID,
        Reason.START_IN_PAST,
        Reason.NOTICE_TOO_SHORT,
        Reason.BEYOND_HORIZON,
        Reason.OUTSIDE_AGREEMENT,
        Reason.NO_QUOTA,
        Reason.OUTSIDE_OPENING_HOURS,
        Reason.CLOSED_DAY,
        Reason.MAINTENANCE,
        Reason.QUOTA_EXCEEDED,
        Reason.CONCURRENCY_EXCEEDED,
        Reason.EXCLUSIVE_GROUP_BUSY,
        Reason.CHANGEOVER_TOO_SHORT,
        Reason.NOT_FUNDED,
        Reason.NO_CAPACITY,
        Reason.NO_PLACEMENT,
    }
)


class Search(Struct, frozen=True, kw_only=True):
    """What is looked for: the lines, how long, and between which times (seconds)."""

    company: str
    lines: tuple[Line, ...]
    duration: int
    earliest: int
    latest: int
    count: int
    hold_seconds: int = 0  # The first offer is to be held for so long.
    tries: int = TRIES_MAX


class Found(Struct, frozen=True, kw_only=True):
    """Intervals that would be granted; when there is none, what stood in the way of the first candidates."""

    intervals: tuple[Interval, ...]
    violations: tuple[Violation, ...] = ()


def search(centre: Centre, wish: Search, now: int) -> Found:
    """The earliest intervals in which the demand would be granted. Raises `Rejected` for senseless lines."""
    if wish.hold_seconds:
        wish = replace(wish, earliest=max(wish.earliest, now + 1))  # What has begun cannot wait to be confirmed.
        if refused := tuple(hold_violations(centre, wish.company, wish.earliest, now)):
            return Found(intervals=(), violations=refused)
    intervals: list[Interval] = []
    obstacles: dict[tuple[Reason, str], Violation] = {}
    skip_until = 0
    tries = 0
    wants = wants_of(centre, _command(wish, max(now, centre.base)), now)
    for start in _candidates(centre, wish, wants, now):
        if start < skip_until or _hopeless(wants, start, wish.duration):
            continue
        refusal = _refusal(centre, wish, start, now)
        if refusal is None:
            intervals.append((start, start + wish.duration))
        else:
            for violation in refusal.violations:
                obstacles.setdefault((violation.reason, violation.subject), violation)
            skip_until = _affordable_from(centre, wish, wants, refusal, start)
        tries += 1
        if len(intervals) == wish.count or tries == wish.tries:
            break
    if intervals:
        return Found(intervals=tuple(intervals))
    if not obstacles:
        refusal = _refusal(centre, wish, -(-wish.earliest // 3600) * 3600, now)
        obstacles = {(each.reason, each.subject): each for each in refusal.violations} if refusal else {}
    return Found(intervals=(), violations=tuple(obstacles.values()))


def alternatives(centre: Centre, command: CreateReservation, refusal: Rejected, now: int) -> tuple[Interval, ...]:
    """Up to three later intervals in which a refused demand would be granted, if another time helps at all."""
    if not all(violation.reason in ANOTHER_TIME_HELPS for violation in refusal.violations):
        return ()
    too_far = any(violation.reason is Reason.BEYOND_HORIZON for violation in refusal.violations)
    earliest = now if too_far else max(now, command.start)
    duration = command.end - command.start
    wish = Search(
        company=command.company,
        lines=command.lines,
        duration=duration,
        earliest=earliest,
        latest=earliest + ALTERNATIVES_DAYS * rules.DAY_SECONDS + duration,
        count=ALTERNATIVES_MAX,
        tries=ALTERNATIVES_TRIES_MAX,
    )
    try:
        return search(centre, wish, now).intervals
    except Rejected:
        return ()  # It is longer than the calendar.


def instead(centre: Centre, reservation: Reservation, lost: Interval, now: int) -> tuple[Interval, ...]:
    """When what a reservation lost would be granted if it were asked for now, in whole slots, the earliest first."""
    slot = max(centre.pools[line.resource].resource.slot_seconds for line in reservation.lines)
    length = -(-(lost[1] - lost[0]) // slot) * slot
    start = max(lost[0], centre.base)
    command = CreateReservation(
        reservation_id="", company=reservation.company, start=start, end=start + length, lines=reservation.lines
    )
    try:
        create_reservation(centre, command, now)
    except Rejected as refusal:
        return alternatives(centre, command, refusal, now)
    return ((start, start + length),)


def _hopeless(wants: tuple[Want, ...], start: int, duration: int) -> bool:
    """Whether a pool has no place for a want then, and nothing waits that could make room."""
    return any(
        want.pool.timetable is None
        and not want.pool.waiting
        and not want.companion_of
        and want.pool.layout.place(
            want.pool.free_bins((want.line.within(start, start + duration),)), want.parts, want.line.colocation
        )
        is None
        for want in wants
    )


def _refusal(centre: Centre, wish: Search, start: int, now: int) -> Rejected | None:
    try:
        create_reservation(centre, _command(wish, start), now)
    except Rejected as refusal:
        return refusal
    return None


def _command(wish: Search, start: int) -> CreateReservation:
    return CreateReservation(
        reservation_id="",
        company=wish.company,
        start=start,
        end=start + wish.duration,
        lines=wish.lines,
        hold_seconds=wish.hold_seconds,
    )


def _affordable_from(centre: Centre, wish: Search, wants: tuple[Want, ...], refusal: Rejected, start: int) -> int:
    """Where to go on after a refusal: a spent quota refuses until little enough of its period is left."""
    until = start
    for violation in refusal.violations:
        if violation.reason is Reason.QUOTA_EXCEEDED:
            paid = [want for want in wants if want.meter == violation.subject]
            units = sum(want.line.units for want in paid)
            # So long is held from the start on without a gap, whatever the start.
            unbroken = min(
                _length(want, wish) if want.pool.timetable is None else want.resource.slot_seconds for want in paid
            )
            for period in centre.meters[(wish.company, violation.subject)].periods:
                left = max(0, period.quota.unit_seconds - period.booked)
                if period.quota.start <= start < period.quota.end and left < units * unbroken:
                    until = max(until, period.quota.end - left // units)
    return until


def _candidates(centre: Centre, wish: Search, wants: tuple[Want, ...], now: int) -> Iterator[int]:
    """Starts that pass the net, the earliest first."""
    company = centre.companies.get(wish.company)
    if company is None:
        return
    first, last = _bounds(company, wants, wish, now)
    step = gcd(*(want.pool.calendar.cell_seconds for want in wants))
    first = -(-first // step) * step
    if last < first:
        return
    starts = np.arange(first, last + 1, step, dtype=np.int64)
    passing = np.ones(len(starts), dtype=np.bool_)
    for want in wants:
        passing &= _net(centre, want, starts, wish)
    yield from (int(start) for start in starts[passing])


def _bounds(company: Company, wants: tuple[Want, ...], wish: Search, now: int) -> tuple[int, int]:
    """The earliest and latest start that notice, horizon, agreement and calendar leave."""
    first = max(wish.earliest, now, company.agreement_start)
    last = min(wish.latest, company.agreement_end) - wish.duration
    for want in wants:
        if want.companion_of:
            continue
        first = max(first, now + rules.notice_hours(want.resource, company) * rules.HOUR_SECONDS)
        if horizon := rules.horizon_days(want.resource, company):
            last = min(last, now + horizon * rules.DAY_SECONDS)
    ends = min(want.pool.calendar.end for want in wants)
    return first, min(last, ends - wish.duration)


def _net(centre: Centre, want: Want, starts: NDArray[np.int64], wish: Search) -> NDArray[np.bool_]:
    """For every start, whether enough units are free, the timetable fits, and the limit at once leaves room."""
    pool, calendar = want.pool, want.pool.calendar
    if want.edges:
        return np.ones(len(starts), dtype=np.bool_)  # Which slots are the first and the last, the rules find out.
    starts, duration = starts + want.line.starts_after, _length(want, wish)
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
    meter = centre.meters.get((wish.company, want.meter)) if want.meter else None
    room = meter.room_at_once(want.line.units) if meter is not None else None
    if meter is not None and meter.at_once is not None and room is not None:
        full = ~room & _open_in(pool, meter.at_once)
        passing &= _none_set(full, starts, duration, meter.at_once.base, meter.at_once.cell_seconds)
    return passing


def _length(want: Want, wish: Search) -> int:
    """How long a line is held, in seconds."""
    return wish.duration - want.line.starts_after - want.line.ends_before


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
