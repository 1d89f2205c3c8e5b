"""Offers: when a demand would be granted. A wide net (`net`), and then the real rules for every candidate.

An offer is only what the rules would grant if it were asked for now.
"""

from msgspec import Struct

from services.allocation.booking.creating import create_reservation, wants_of
from services.allocation.booking.holding import hold_violations
from services.allocation.booking.participants import check_participants
from services.allocation.centre import Centre
from services.allocation.commands import CreateReservation
from services.allocation.finding import no_company
from services.allocation.measures import DAY_SECONDS
from services.allocation.offering.choice import Choice
from services.allocation.offering.seeking import TRIES_MAX, Seeker
from services.allocation.offering.steps import Steps, at_once
from services.allocation.offering.variants import Variant
from services.allocation.rejections import Reason, Rejected, Violation
from services.allocation.reservations import Line, Reservation
from services.allocation.resources import Interval
from services.allocation.values.people import Participants

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
    participants: Participants | None = None  # There is to be room for everybody of a class.
    tries: int = TRIES_MAX


class Found(Struct, frozen=True, kw_only=True):
    """Intervals that would be granted; when there is none, what stood in the way of the first candidates."""

    intervals: tuple[Interval, ...]
    violations: tuple[Violation, ...] = ()
    searched_until: int = 0  # Where not everything was looked at: the start before which it was.


def search(centre: Centre, wish: Search, now: int) -> Found:
    """The earliest intervals in which the demand would be granted. Raises `Rejected` for senseless lines."""
    return at_once(searching(centre, wish, now))


def searching(centre: Centre, wish: Search, now: int) -> Steps[Found]:
    """The same in steps."""
    earliest = max(wish.earliest, now + 1) if wish.hold_seconds else wish.earliest  # What has begun cannot wait.
    if wish.hold_seconds and (refused := tuple(hold_violations(centre, wish.company, earliest, now))):
        return Found(intervals=(), violations=refused)
    choice = Choice(
        company=wish.company,
        lines=wish.lines,
        fewest=tuple(line.units for line in wish.lines),
        shortest=wish.duration,
        longest=wish.duration,
        earliest=earliest,
        latest=wish.latest,
        count=wish.count,
        hold_seconds=wish.hold_seconds,
        participants=wish.participants,
    )
    if wish.participants is not None:
        check_participants(wish.participants)
    wants = wants_of(centre, choice.command(wish.lines, max(now, centre.base), wish.duration), now)
    company = centre.companies.get(wish.company)
    if company is None:
        return Found(intervals=(), violations=no_company(wish.company).violations)
    variant = Variant(lines=wish.lines, duration=wish.duration, wants=wants, short=0)
    seeker = Seeker(centre, company, choice, [variant], now, wish.tries)
    granted = yield from seeker.seek()
    return Found(
        intervals=tuple((each.start, each.start + wish.duration) for each in granted),
        violations=() if granted else seeker.obstacles(),
        searched_until=seeker.searched_until,
    )


def alternatives(centre: Centre, command: CreateReservation, refusal: Rejected, now: int) -> tuple[Interval, ...]:
    """Up to three later intervals in which a refused demand would be granted, if another time helps at all."""
    return at_once(seeking_alternatives(centre, command, refusal, now))


def seeking_alternatives(
    centre: Centre, command: CreateReservation, refusal: Rejected, now: int
) -> Steps[tuple[Interval, ...]]:
    """The same in steps."""
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
        latest=earliest + ALTERNATIVES_DAYS * DAY_SECONDS + duration,
        count=ALTERNATIVES_MAX,
        tries=ALTERNATIVES_TRIES_MAX,
    )
    try:
        found = yield from searching(centre, wish, now)
    except Rejected:
        return ()  # It is longer than the calendar.
    return found.intervals


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
