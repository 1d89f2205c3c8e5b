"""Approval: a booking that a manager or a committee must agree to waits for them, and holds its units meanwhile.

The rules stand with each resource: who, how many, and by when. A booking of several resources follows the strictest.
What nobody decides by the deadline, or by its start, is denied by the tick.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from services.allocation import events
from services.allocation.booking.retiming import retime
from services.allocation.centre import Centre
from services.allocation.commands import ApproveReservation, DenyReservation
from services.allocation.companies import Company
from services.allocation.events import Events
from services.allocation.finding import find, wrong_state
from services.allocation.limits.tracks import Leave, asks_leave, leave_of
from services.allocation.measures import HOUR_SECONDS
from services.allocation.rejections import Reason, Violation, refuse
from services.allocation.reservations import Allocation, Reservation, State
from services.allocation.resources import Interval, Resource
from services.allocation.units.demand import Want
from services.allocation.values.approval import Approval, Rule, Vote, voter_of

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


def approve(centre: Centre, command: ApproveReservation, now: int) -> Events:
    """Count a vote for a booking; with enough of them it is confirmed."""
    reservation, approval = _open(centre, command, now)
    if approval.reference_required and not (command.reference or approval.reference):
        raise refuse(
            Reason.REFERENCE_REQUIRED,
            "Human subjects or restricted data are involved. Approve it with the number of the review that allows it.",
            reservation.id,
        )
    time, desired = _time(command, reservation, approval), (reservation.start, reservation.end)
    other = retime(centre, reservation, time, now) if time != desired else None
    vote = _vote(command, now, approves=True, reference=command.reference, time=time if other else None)
    cast = events.VoteCast(reservation_id=reservation.id, vote=vote)
    if not approval.with_vote(vote).granted:
        return (cast,)
    if other is None:
        return cast, confirmed(reservation)
    (start, end), (placing, overburn) = time, other
    after = replace(reservation, start=start, end=end, allocations=placing.allocations, overburn=overburn)
    return cast, *placing.moves, replace(confirmed(after), desired=desired)


def _time(command: ApproveReservation, reservation: Reservation, approval: Approval) -> Interval:
    """The time that a vote agrees to. Those who agree agree to one time: the first of them says which."""
    desired, first = (reservation.start, reservation.end), approval.first_yes
    agreed = desired if first is None else first.time or desired
    if first is not None and command.time not in (None, agreed):
        raise refuse(
            Reason.WRONG_STATE,
            "Others have agreed to another time. Agree to that one, or deny it so that it can be asked for anew.",
            reservation.id,
        )
    return command.time or agreed


def deny(centre: Centre, command: DenyReservation, now: int) -> Events:
    """Count a vote against a booking; once too few are left who could agree, it is denied."""
    reservation, approval = _open(centre, command, now)
    vote = _vote(command, now, approves=False)
    cast = events.VoteCast(reservation_id=reservation.id, vote=vote)
    if not approval.with_vote(vote).hopeless:
        return (cast,)
    return cast, events.ReservationDenied(reservation_id=reservation.id, reason=command.comment)


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


def _open(centre: Centre, command: ApproveReservation | DenyReservation, now: int) -> tuple[Reservation, Approval]:
    """The booking that somebody votes on, as long as it is open and they have not voted."""
    reservation = find(centre, command)
    approval = reservation.approval
    if reservation.state is not State.PENDING or approval is None:
        raise wrong_state(reservation, "approved or denied while it is pending", "It is decided, or need not be.")
    if reservation.expires_at <= now:
        # Time has come, though no tick has said so yet.
        raise refuse(Reason.WRONG_STATE, "The deadline for a decision is just over.", reservation.id)
    if approval.has_voted(voter_of(reservation.id, command.voter)):
        raise refuse(
            Reason.ALREADY_VOTED,
            f"{command.voter} has voted on this booking, and everybody votes once. Others must decide.",
            reservation.id,
        )
    return reservation, approval


def _vote(
    command: ApproveReservation | DenyReservation,
    now: int,
    *,
    approves: bool,
    reference: str = "",
    time: Interval | None = None,
) -> Vote:
    voter = voter_of(command.reservation_id, command.voter)
    return Vote(voter=voter, approves=approves, at=now, comment=command.comment, reference=reference, time=time)
