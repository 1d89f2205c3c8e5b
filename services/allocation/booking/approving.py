"""Approval: a booking that a manager or a committee must agree to waits for them, and holds its units meanwhile.

The rules stand with each resource: who, how many, and by when. A booking of several resources follows the strictest.
What nobody decides by the deadline, or by its start, is denied by the tick. `voting` counts what people say.
"""

from collections.abc import Iterable, Iterator

from services.allocation import events
from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.limits.tracks import asks_leave, leave_of
from services.allocation.measures import HOUR_SECONDS
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Allocation, Reservation
from services.allocation.resources import Resource
from services.allocation.units.want import Want
from services.allocation.values.approval import Approval, Rule
from services.allocation.values.leave import Leave

UNDECIDED = "It was not approved by its deadline."
NEEDED = (Rule.MANAGER, Rule.COMMITTEE)


def needing(centre: Centre, company: str, allocations: Iterable[Allocation]) -> list[Resource | Leave]:
    """What makes a company's booking need somebody's approval: resources that were asked for, and its size.

    What comes along needs none of its own.
    """
    found: list[Resource | Leave] = [
        resource
        for allocation in allocations
        if not allocation.companion_of and (resource := centre.pools[allocation.resource].resource).approval in NEEDED
    ]
    leave = leave_of(centre, centre.companies[company], allocations)
    return found if leave is None else [*found, leave]


def approval_of(centre: Centre, company: str, allocations: tuple[Allocation, ...]) -> Approval | None:
    """How a company's booking of these is approved: as the strictest rule says. None if nobody need agree."""
    needed = needing(centre, company, allocations)
    if not needed:
        return None
    strictest = max(needed, key=lambda each: (each.approval == Rule.COMMITTEE, each.approval_quorum))
    named = [centre.pools[each.resource].resource for each in allocations if not each.companion_of]
    return Approval(
        rule=Rule(strictest.approval),
        voters=strictest.approval_voters,
        quorum=strictest.approval_quorum,
        reference_required=any(each.human_subjects or each.data_zone == "restricted" for each in named),
    )


def deadline(centre: Centre, company: str, allocations: tuple[Allocation, ...], start: int, now: int) -> int:
    """Until when a booking must be approved, in seconds: as long as its rules give, and never after its start."""
    hours = [each.approval_hours for each in needing(centre, company, allocations)]
    return min(start, now + max(hours) * HOUR_SECONDS) if all(hours) else start


def requested(centre: Centre, reservation: Reservation, approval: Approval, now: int) -> events.ReservationRequested:
    """That a company asks for what it holds, and waits for approval."""
    return events.ReservationRequested(
        reservation_id=reservation.id,
        company=reservation.company,
        start=reservation.start,
        end=reservation.end,
        lines=reservation.lines,
        allocations=reservation.allocations,
        expires_at=deadline(centre, reservation.company, reservation.allocations, reservation.start, now),
        approval=approval,
        note=reservation.note,
        overburn=reservation.overburn,
        void_votes=len(reservation.approval.votes) if reservation.approval is not None else 0,
    )


def approval_violations(company: Company, wants: tuple[Want, ...], start: int, now: int) -> Iterator[Violation]:
    """What must be approved first cannot have begun."""
    if start <= now and (_ask(wants) or asks_leave(company, wants)):
        yield Violation(
            reason=Reason.START_IN_PAST,
            description="The booking must be approved before it begins. Choose a later start.",
        )


def _ask(wants: Iterable[Want]) -> bool:
    return any(want.resource.approval in NEEDED for want in wants if not want.companion_of)


def confirmed(reservation: Reservation) -> events.ReservationConfirmed:
    """That a company has booked what a reservation holds."""
    return events.ReservationConfirmed(
        reservation_id=reservation.id,
        company=reservation.company,
        start=reservation.start,
        end=reservation.end,
        lines=reservation.lines,
        allocations=reservation.allocations,
        note=reservation.note,
        override=reservation.override,
        overburn=reservation.overburn,
    )


def undecided(reservation_id: str) -> events.ReservationDenied:
    """That nobody decided in time."""
    return events.ReservationDenied(reservation_id=reservation_id, reason=UNDECIDED)
