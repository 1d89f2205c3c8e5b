"""Releasing: what has begun is given back before its end. What was used is used; the rest is given back late.

So it costs the share of its price that cancelling it a minute before the start would: else one would let it begin, and
give it back then. It is no strike where somebody came, for they have used it.
"""

from services.allocation import commands, events
from services.allocation.attendance.strikes import cut, late_change, late_strike
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import find, wrong_state
from services.allocation.reservations import State, used_until


def release_reservation(centre: Centre, command: commands.ReleaseReservation, now: int) -> Events:
    """End an active reservation, give the rest back, and say how things were left."""
    reservation = find(centre, command)
    if reservation.state is not State.ACTIVE:
        raise wrong_state(reservation, "released while it is active", "A confirmed one can be cancelled.")
    released_at = cut(centre, reservation, now)
    kept = used_until(reservation.allocations, released_at)
    struck = not command.excused and late_change(centre, reservation, kept, now)
    return (
        *(late_strike(centre, reservation, now) if struck else ()),
        events.ReservationReleased(
            reservation_id=reservation.id,
            released_at=released_at,
            reason=command.reason,
            condition=command.condition,
            hand_over=command.hand_over,
            late=not command.excused,
        ),
    )
