"""What stands in the way of a search: where it is worth to go on, and where it cannot be."""

from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.limits.overburn import allowance
from services.allocation.measures import HOUR_SECONDS, PERCENT
from services.allocation.offering.net import bounds
from services.allocation.rejections import Reason, Rejected
from services.allocation.resources import Interval
from services.allocation.units.want import Want

NEVER_HELPED_BY_TIME = frozenset(
    {
        Reason.NOT_ENTITLED,
        Reason.OUT_OF_SERVICE,
        Reason.COMPANION_MISSING,
        Reason.SUSPENDED,
        Reason.ARREARS,
        Reason.REVOKED,
        Reason.TOO_MANY_HOLDS,
    }
)
"""What is refused for these now is refused for every start."""
NEVER = 1 << 60


def first_sensible(company: Company, wants: tuple[Want, ...], window: Interval, duration: int, now: int) -> int:
    """The first full hour that notice and agreement leave, if they leave any: what else is wrong is seen there."""
    first, last = bounds(company, wants, window, duration, now)
    return -(-(first if first <= last else window[0]) // HOUR_SECONDS) * HOUR_SECONDS


def hopeless(wants: tuple[Want, ...], start: int, duration: int) -> bool:
    """Whether a pool has no place for a want then, and nothing waits that could make room."""
    return any(
        want.pool.timetable is None
        and not want.pool.waiting
        and not want.companion_of
        and want.pool.place((want.line.within(start, start + duration),), want.parts, want.line.colocation) is None
        for want in wants
    )


def worth_asking_from(
    centre: Centre, company: str, wants: tuple[Want, ...], duration: int, refusal: Rejected, start: int, now: int
) -> int:
    """Where to go on after a refusal: at `NEVER` if what was refused is so at any time."""
    until = start
    for violation in refusal.violations:
        match violation.reason:
            case reason if reason in NEVER_HELPED_BY_TIME:
                return NEVER
            case Reason.NOT_QUALIFIED:
                held = centre.records.conduct(company).qualifications
                later = [each.start for each in held if each.resource == violation.subject and each.start > start]
                until = max(until, min(later, default=NEVER))
            case Reason.QUOTA_EXCEEDED:
                until = max(until, _affordable_from(centre, company, wants, duration, violation.subject, start, now))
    return until


def _affordable_from(
    centre: Centre, company: str, wants: tuple[Want, ...], duration: int, meter: str, start: int, now: int
) -> int:
    """When little enough is left of the period of a spent quota that the rest of the wish fits into the next."""
    until = start
    paid = [want for want in wants if want.meter == meter]
    units = sum(want.line.units for want in paid)
    # So long is held from the start on without a gap, whatever the start.
    unbroken = min(
        want.line.lasts(duration) if want.pool.timetable is None else want.resource.slot_seconds for want in paid
    )
    percent = allowance(centre, meter, now)
    for period in centre.meters[(company, meter)].periods:
        left = max(0, period.quota.unit_seconds * percent // PERCENT - period.booked)
        if period.quota.start <= start < period.quota.end and left < units * unbroken:
            until = max(until, period.quota.end - left // units)
    return until
