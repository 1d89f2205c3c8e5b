"""The life of a reservation: one function that everybody who reads the log follows reservations by. Pure.

The scheduler follows them to decide, the ledger to account, the metrics to count. An event of a reservation needs three
things: its struct in `events`, a row in `states/moves.py`, and a function in `states/becoming.py`. What it moves in the
books follows from before and after (`prices/flows.py`).
"""

from services.allocation.events import ReservationEvent
from services.allocation.reservations import Reservation, State
from services.allocation.states.asking import KEEPING, over
from services.allocation.states.becoming import AFTER
from services.allocation.states.moves import MOVES, IllegalMove


def follow(before: Reservation | None, event: ReservationEvent, at: int, position: int) -> Reservation:
    """The reservation after an event, at a time in seconds, on the page at `position`. Raises `IllegalMove`."""
    kind = type(event)
    state = MOVES[kind].get(before.state if before is not None else None)
    if state is None:
        was = f"is {before.state}" if before is not None else "is not live"
        raise IllegalMove(f"reservation {event.reservation_id} {was}: {kind.__struct_config__.tag} cannot follow")
    after = AFTER[kind](before, event, state, at, position)
    if after.asked is not None and kind not in KEEPING:
        return over(after)
    return after


def next_change(reservation: Reservation, grace: int = 0) -> int:
    """When time alone will change a live reservation, in seconds. It is missed without a check-in within the grace."""
    due = _due(reservation, grace)
    return due if reservation.asked is None else min(due, reservation.asked.expires_at)


def _due(reservation: Reservation, grace: int) -> int:
    state = reservation.state
    if state is State.CONFIRMED:
        transfer = reservation.transfer
        return transfer.expires_at if transfer is not None and reservation.offered_to else reservation.start
    if state is not State.ACTIVE:
        return reservation.expires_at
    if grace and not reservation.checked_in_at:
        return min(reservation.end, reservation.activated_at + grace)
    return min(reservation.end, reservation.release_at) if reservation.release_at else reservation.end
