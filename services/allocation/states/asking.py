"""What a reservation is after the events of a change of it that somebody must agree to. Pure.

It stands as it is until that is granted (`reservation_changed`). Whatever else happens to what it holds is the end of
the change, for it was asked of what the reservation was.
"""

from msgspec.structs import replace

from services.allocation import events
from services.allocation.reservations import AskedChange, Reservation, State
from services.allocation.states.moves import IllegalMove

KEEPING = frozenset(
    {
        events.ChangeRequested,
        events.VoteCast,
        events.ReservationChanged,
        events.ReservationActivated,
        events.ReservationCheckedIn,
        events.ReservationWarned,
    }
)
"""The events that leave a change waiting, or say themselves what becomes of it."""


def asked(before: Reservation, event: events.ChangeRequested, state: State, at: int, position: int) -> Reservation:
    """Another interval, or other units, are asked for, and held beside what it has."""
    change = AskedChange(
        start=event.start,
        end=event.end,
        lines=event.lines,
        allocations=event.allocations,
        beside=event.beside,
        expires_at=event.expires_at,
        asked_at=at,
        approval=event.approval,
        note=event.note,
        excused=event.excused,
        overburn=event.overburn,
    )
    return replace(before, version=before.version + 1, position=position, asked=change)


def ended(before: Reservation, event: events.ChangeEnded, state: State, at: int, position: int) -> Reservation:
    """It stays as it is, and what was held beside it is free."""
    if before.asked is None:
        raise IllegalMove(f"no change of reservation {before.id} waits: it cannot be {event.outcome}")
    return replace(before, version=before.version + 1, position=position, asked=None)


def voted(before: Reservation, event: events.VoteCast, state: State, at: int, position: int) -> Reservation:
    """One more has said what they think of a booking, or of a change of it."""
    version = before.version + 1
    if before.asked is not None:
        change = replace(before.asked, approval=before.asked.approval.with_vote(event.vote))
        return replace(before, version=version, position=position, asked=change)
    if before.state is not State.PENDING or before.approval is None:
        raise IllegalMove(f"nothing of reservation {before.id} waits for a vote")
    return replace(before, version=version, position=position, approval=before.approval.with_vote(event.vote))


def over(reservation: Reservation) -> Reservation:
    """The reservation without the change that waited."""
    return replace(reservation, asked=None)
