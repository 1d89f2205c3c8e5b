"""Voting: who may agree says yes or no to a booking that waits, or to a change that was asked of one that stands."""

from msgspec.structs import replace

from services.allocation import events
from services.allocation.booking import asking
from services.allocation.booking.approving import confirmed
from services.allocation.booking.retiming import retime
from services.allocation.centre import Centre
from services.allocation.commands import ApproveReservation, DenyReservation
from services.allocation.events import Events
from services.allocation.finding import find, wrong_state
from services.allocation.rejections import Reason, refuse
from services.allocation.reservations import Reservation
from services.allocation.resources import Interval
from services.allocation.values.approval import Approval, Vote, voter_of


def approve(centre: Centre, command: ApproveReservation, now: int) -> Events:
    """Count a vote for a booking; with enough of them it is confirmed."""
    reservation, approval = _open(centre, command, now)
    if approval.reference_required and not (command.reference or approval.reference):
        raise refuse(
            Reason.REFERENCE_REQUIRED,
            "Human subjects or restricted data are involved. Approve it with the number of the review that allows it.",
            reservation.id,
        )
    if reservation.asked is not None:
        asking.demand_as_asked(reservation.asked, command.time, reservation)
        vote = _vote(command, now, approves=True, reference=command.reference)
        cast = events.VoteCast(reservation_id=reservation.id, vote=vote)
        return (cast, *asking.granted(centre, reservation, now)) if approval.with_vote(vote).granted else (cast,)
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
    if reservation.asked is not None:
        return cast, asking.denied(reservation, command.comment)
    return cast, events.ReservationDenied(reservation_id=reservation.id, reason=command.comment)


def _open(centre: Centre, command: ApproveReservation | DenyReservation, now: int) -> tuple[Reservation, Approval]:
    """The booking that somebody votes on, as long as it is open and they have not voted."""
    reservation = find(centre, command)
    approval = reservation.to_approve
    if approval is None:
        raise wrong_state(
            reservation, "approved or denied while it, or a change of it, is pending", "It is decided, or need not be."
        )
    if reservation.ends_by <= now:
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
