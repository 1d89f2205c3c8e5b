"""Offers: when a demand would be granted. A wide net (`net`), and then the real rules for every candidate.

An offer is only what the rules would grant if it were asked for now.
"""

from msgspec import Struct
from msgspec.structs import replace

from services.allocation import rules
from services.allocation.attendance.terms import PERCENT
from services.allocation.booking.demand import Want
from services.allocation.booking.holding import hold_violations
from services.allocation.centre import Centre
from services.allocation.commands import CreateReservation
from services.allocation.companies import Company
from services.allocation.decide import create_reservation, wants_of
from services.allocation.limits.overburn import allowance
from services.allocation.offering.net import bounds, candidates
from services.allocation.rejections import Reason, Rejected, Violation
from services.allocation.reservations import Line, Reservation
from services.allocation.resources import Interval

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

NEVER_HELPED_BY_TIME = frozenset(
    {
        Reason.NOT_ENTITLED,
        Reason.OUT_OF_SERVICE,
        Reason.COMPANION_MISSING,
        Reason.SUSPENDED,
        Reason.TOO_MANY_HOLDS,
    }
)
"""What is refused for these now is refused for every start."""
NEVER = 1 << 60


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
    company = centre.companies.get(wish.company)
    window = wish.earliest, wish.latest
    for start in candidates(centre, company, wants, window, wish.duration, now) if company else ():
        if start < skip_until or hopeless(wants, start, wish.duration):
            continue
        refusal = _refusal(centre, wish, start, now)
        if refusal is None:
            intervals.append((start, start + wish.duration))
        else:
            for violation in refusal.violations:
                obstacles.setdefault((violation.reason, violation.subject), violation)
            skip_until = worth_asking_from(centre, wish, wants, refusal, start, now)
        tries += 1
        if len(intervals) == wish.count or tries == wish.tries or skip_until == NEVER:
            break
    if intervals:
        return Found(intervals=tuple(intervals))
    if not obstacles:
        refusal = _refusal(centre, wish, first_sensible(company, wants, wish, now), now)
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


def first_sensible(company: Company | None, wants: tuple[Want, ...], wish: Search, now: int) -> int:
    """The first full hour that notice and agreement leave, if they leave any: what else is wrong is seen there."""
    if company is None:
        return wish.earliest
    first, last = bounds(company, wants, (wish.earliest, wish.latest), wish.duration, now)
    return -(-(first if first <= last else wish.earliest) // rules.HOUR_SECONDS) * rules.HOUR_SECONDS


def hopeless(wants: tuple[Want, ...], start: int, duration: int) -> bool:
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


def worth_asking_from(
    centre: Centre, wish: Search, wants: tuple[Want, ...], refusal: Rejected, start: int, now: int
) -> int:
    """Where to go on after a refusal: at `NEVER` if what was refused is so at any time."""
    until = start
    for violation in refusal.violations:
        match violation.reason:
            case reason if reason in NEVER_HELPED_BY_TIME:
                return NEVER
            case Reason.NOT_QUALIFIED:
                held = centre.records.conduct(wish.company).qualifications
                later = [each.start for each in held if each.resource == violation.subject and each.start > start]
                until = max(until, min(later, default=NEVER))
            case Reason.QUOTA_EXCEEDED:
                until = max(until, _affordable_from(centre, wish, wants, violation.subject, start, now))
    return until


def _affordable_from(centre: Centre, wish: Search, wants: tuple[Want, ...], meter: str, start: int, now: int) -> int:
    """When little enough is left of the period of a spent quota that the rest of the wish fits into the next."""
    until = start
    paid = [want for want in wants if want.meter == meter]
    units = sum(want.line.units for want in paid)
    # So long is held from the start on without a gap, whatever the start.
    unbroken = min(
        want.line.lasts(wish.duration) if want.pool.timetable is None else want.resource.slot_seconds for want in paid
    )
    percent = allowance(centre, meter, now)
    for period in centre.meters[(wish.company, meter)].periods:
        left = max(0, period.quota.unit_seconds * percent // PERCENT - period.booked)
        if period.quota.start <= start < period.quota.end and left < units * unbroken:
            until = max(until, period.quota.end - left // units)
    return until
