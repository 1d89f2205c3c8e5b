"""A change that somebody must agree to: it is asked for and keeps its place, and so does what stands.

What was approved is changed to more, or to another time, by asking anew. Until that is decided the reservation stands
as it was approved, and the new place is held beside it, so that nobody else can take it: a yes cannot fail for want of
room, and a no, or silence, leaves everything as it was. Both count on the quota meanwhile; only what stands is paid.
"""

from services.allocation import events
from services.allocation.attendance.strikes import late_change, late_strike
from services.allocation.booking.approving import UNDECIDED, approval_of, deadline
from services.allocation.booking.both_places import in_the_way
from services.allocation.booking.wish import Wish
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.reservations import Allocation, AskedChange, Overburn, Reservation
from services.allocation.units.beside import beside_of
from services.allocation.units.placed import Placing
from services.allocation.values.change import ChangeOutcome


def ask(
    centre: Centre,
    wish: Wish,
    allocations: tuple[Allocation, ...],
    placing: Placing,
    overburn: tuple[Overburn, ...],
    now: int,
) -> Events:
    """Ask for a change that no rule forbids. Raises `Rejected` where both places cannot be held at once."""
    before = wish.before
    approval = approval_of(centre, before.company, allocations)
    assert approval is not None, "somebody must agree to it"
    beside = beside_of(before.allocations, allocations)
    if broken := list(in_the_way(centre, before, beside, placing.moves, now)):
        raise Rejected(broken)
    latest = before.end if wish.begun else min(before.start, wish.start)
    return (
        *placing.moves,
        events.ChangeRequested(
            reservation_id=before.id,
            start=wish.start,
            end=wish.end,
            lines=wish.lines,
            allocations=allocations,
            beside=beside,
            expires_at=deadline(centre, before.company, allocations, latest, now),
            approval=approval,
            note=wish.note,
            excused=wish.excused,
            overburn=overburn,
            void_votes=len(before.asked.approval.votes) if before.asked is not None else 0,
        ),
    )


def demand_as_asked(asked: AskedChange, time: tuple[int, int] | None, before: Reservation) -> None:
    """Raises `Rejected` for agreeing to a change at another time than it asks for.

    Who only asks to book has nothing to lose by another time. Here what was approved would be lost for it, and only its
    company can say whether it is worth that.
    """
    if time not in (None, (asked.start, asked.end)):
        raise refuse(
            Reason.WRONG_STATE,
            f"What {before.company} has would be taken away for a time that it did not ask for. Agree to the change as "
            "it was asked for, or deny it with a comment that says which time would do: then it can ask for that one.",
            before.id,
        )


def granted(centre: Centre, reservation: Reservation, now: int) -> Events:
    """A change that enough have agreed to takes effect. What it gives back is as late as when it was asked for."""
    asked = reservation.asked
    assert asked is not None, "somebody has agreed to it"
    late = not asked.excused and late_change(centre, reservation, asked.allocations, asked.asked_at)
    return (
        *(late_strike(centre, reservation, now) if late else ()),
        events.ReservationChanged(
            reservation_id=reservation.id,
            start=asked.start,
            end=asked.end,
            lines=asked.lines,
            allocations=asked.allocations,
            note=asked.note,
            excused=asked.excused,
            overburn=asked.overburn,
            asked_at=asked.asked_at,
        ),
    )


def denied(reservation: Reservation, reason: str) -> events.ChangeEnded:
    """That too few will agree: it stays as it is."""
    return events.ChangeEnded(reservation_id=reservation.id, outcome=ChangeOutcome.DENIED, reason=reason)


def withdrawn(reservation: Reservation) -> Events:
    """That a company asks for what there is already, and so no more for what it asked for."""
    if reservation.asked is None:
        return ()
    return (events.ChangeEnded(reservation_id=reservation.id, outcome=ChangeOutcome.WITHDRAWN),)


def lapsed(reservation: Reservation, now: int) -> Events:
    """What becomes of a change that nobody decided in time. Nothing where there is none."""
    if reservation.asked is None or reservation.asked.expires_at > now:
        return ()
    return (events.ChangeEnded(reservation_id=reservation.id, outcome=ChangeOutcome.LAPSED, reason=UNDECIDED),)
