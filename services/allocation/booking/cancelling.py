"""Cancelling: what has not begun is given back."""

from services.allocation import commands, events
from services.allocation.attendance import strikes
from services.allocation.booking import transferring
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import find, wrong_state
from services.allocation.rejections import Reason, refuse


def cancel_reservation(centre: Centre, command: commands.CancelReservation, now: int) -> Events:
    """Give a reservation back before it starts."""
    reservation = find(centre, command)
    if not reservation.state.waiting:
        raise wrong_state(reservation, "cancelled before it starts", "An active one can be released.")
    if reservation.start <= now:
        # Time has come, though no tick has said so yet.
        raise refuse(Reason.WRONG_STATE, "The reservation begins just now; it can be released.", reservation.id)
    late = not command.excused and strikes.late_cancel(centre, reservation, now)
    return (
        *(strikes.late_strike(centre, reservation, now) if late else ()),
        *transferring.withdrawn(reservation),
        events.ReservationCancelled(reservation_id=reservation.id, reason=command.reason, excused=command.excused),
    )
