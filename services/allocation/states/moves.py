"""Which event may follow which state of a reservation, and what the state is after it."""

from collections.abc import Mapping

from services.allocation import events
from services.allocation.reservations import State

MOVES: Mapping[type, Mapping[State | None, State]] = {
    events.ReservationConfirmed: {
        None: State.CONFIRMED,
        State.HELD: State.CONFIRMED,
        State.PENDING: State.CONFIRMED,
    },
    events.ReservationHeld: {None: State.HELD},
    events.ReservationExpired: {State.HELD: State.EXPIRED},
    events.ReservationChanged: {
        State.HELD: State.HELD,
        State.PENDING: State.PENDING,
        State.CONFIRMED: State.CONFIRMED,
        State.ACTIVE: State.ACTIVE,
    },
    events.ReservationRequested: {
        None: State.PENDING,
        State.HELD: State.PENDING,
        State.PENDING: State.PENDING,
        State.CONFIRMED: State.PENDING,
    },
    events.ChangeRequested: {State.CONFIRMED: State.CONFIRMED, State.ACTIVE: State.ACTIVE},
    events.ChangeEnded: {State.CONFIRMED: State.CONFIRMED, State.ACTIVE: State.ACTIVE},
    events.VoteCast: {
        State.PENDING: State.PENDING,
        State.CONFIRMED: State.CONFIRMED,
        State.ACTIVE: State.ACTIVE,
    },
    events.ReservationDenied: {State.PENDING: State.DENIED},
    events.AllocationsMoved: {
        State.HELD: State.HELD,
        State.PENDING: State.PENDING,
        State.CONFIRMED: State.CONFIRMED,
        State.ACTIVE: State.ACTIVE,
    },
    events.ReservationActivated: {State.CONFIRMED: State.ACTIVE},
    events.ReservationCompleted: {State.ACTIVE: State.COMPLETED},
    events.ReservationCancelled: {
        State.HELD: State.CANCELLED,
        State.PENDING: State.CANCELLED,
        State.CONFIRMED: State.CANCELLED,
    },
    events.ReservationReleased: {State.ACTIVE: State.COMPLETED},
    events.ReservationCheckedIn: {State.CONFIRMED: State.CONFIRMED, State.ACTIVE: State.ACTIVE},
    events.ReservationMissed: {State.ACTIVE: State.NO_SHOW},
    events.ReservationWarned: {State.ACTIVE: State.ACTIVE},
    events.ReservationCurtailed: {State.ACTIVE: State.ACTIVE},
    events.ReservationDisplaced: {
        State.HELD: State.DISPLACED,
        State.PENDING: State.DISPLACED,
        State.CONFIRMED: State.DISPLACED,
        State.ACTIVE: State.DISPLACED,
    },
    events.TransferOffered: {State.CONFIRMED: State.CONFIRMED},
    events.TransferEnded: {State.CONFIRMED: State.CONFIRMED},
    events.TransferAccepted: {State.CONFIRMED: State.CONFIRMED},
    events.ReservationTransferred: {State.CONFIRMED: State.CONFIRMED},
}
"""Every legal move: what a state becomes by an event. None is a reservation that is not live, or not there yet."""


def divides(event: object) -> bool:
    """Whether an event, with the other one of its decision, only makes two reservations of one."""
    match event:
        case events.ReservationChanged(parted=parted):
            return bool(parted)
        case events.ReservationConfirmed(origin=origin):
            return origin is not None
        case _:
            return False


class IllegalMove(Exception):
    """An event that cannot follow the events before it. The message says which reservation, state and event."""
