"""Another time than was asked for: who approves a booking may confirm it at a time that suits the centre better.

What was desired and what is confirmed are two facts, and the reservation keeps both. The rules are asked anew for the
other time, all but the notice: that was given when the booking was asked for, and it is for the centre, which chooses.
"""

from services.allocation import rules
from services.allocation.centre import Centre
from services.allocation.limits.overburn import overburnt
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.reservations import Overburn, Reservation
from services.allocation.resources import Interval
from services.allocation.units.demand import complete
from services.allocation.units.placed import Placing
from services.allocation.units.placing import place_all
from services.allocation.units.present import Present


def retime(centre: Centre, reservation: Reservation, time: Interval, now: int) -> tuple[Placing, tuple[Overburn, ...]]:
    """Where a pending reservation would stand at another time, and what of it beyond its quota.

    Raises `Rejected` with every rule that says no.

    While it is decided what it holds counts as free to it; a refusal leaves it where it was.
    """
    start, end = time
    limit = rules.reach(centre, now)
    if not 0 <= start < end:
        raise refuse(Reason.INVALID_INTERVAL, "The end must lie after the start.", reservation.id)
    if end > limit:
        raise refuse(Reason.BEYOND_HORIZON, "The calendar does not reach as far as that.", limit=limit)
    if start <= now:
        raise refuse(Reason.START_IN_PAST, "It must begin later than now. Choose a later start.", reservation.id)
    wants = complete(centre, reservation.lines, start, end)
    company = centre.companies[reservation.company]
    noted: list[Violation] = []
    with centre.holdings.without(reservation):
        found = rules.violations(centre, company, wants, start, end, now, noted)
        broken = [each for each in found if not _answered(reservation, each)]
        placing = place_all(centre, wants, now, Present(reservation, bound=False))
        overburn = overburnt(centre, company.id, wants) if noted else ()
    broken += placing.violations
    if broken:
        raise Rejected(broken)
    return placing, overburn


def _answered(reservation: Reservation, violation: Violation) -> bool:
    """Whether a rule was answered when it was asked for: by the notice, or by an operator who overrode it."""
    overridden = reservation.override is not None and violation.reason in reservation.override.reasons
    return violation.reason is Reason.NOTICE_TOO_SHORT or (overridden and not violation.fixed)
