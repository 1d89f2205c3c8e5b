"""Letting time pass: what it makes of every reservation that is due, then the work that is done page by page."""

from collections.abc import Callable, Mapping

from services.allocation import events
from services.allocation.attendance import idle_release, strikes
from services.allocation.booking import approving, asking, transferring
from services.allocation.centre import Centre
from services.allocation.disruption import misuse
from services.allocation.disruption.clearing import clear
from services.allocation.disruption.funding_decisions import displace_more
from services.allocation.events import Event, Events
from services.allocation.limits import reclaiming
from services.allocation.money import overdue
from services.allocation.reservations import State
from services.allocation.values.conduct import Conduct

TICK_RESERVATIONS_MAX = 500
"""A tick moves at most so many reservations, so that it fits one page and nobody waits long behind it."""


def tick(centre: Centre, now: int) -> Events:
    """What time makes of every reservation that is due; then the way of outages is cleared, as far as a page goes."""
    due = centre.agenda.due(now, TICK_RESERVATIONS_MAX)
    stranded = centre.outages.stranded
    # What an outage cut short while nobody ticked has not been used to its end.
    late = [each for each in due if each.id in stranded and each.state is State.ACTIVE] if stranded else []
    if late or not due:
        in_the_way = late or [centre.reservations[each] for each in stranded]
        made = misuse.revoke(centre, now) if centre.consequences.revoked else ()
        made = made or clear(centre, in_the_way, now) or displace_more(centre, now)
        return made or overdue.reach(centre, now) or reclaiming.review(centre, now)
    turned: list[Event] = []
    conducts: dict[str, Conduct] = {}
    for reservation in due:
        if strikes.missed(centre, reservation, now):
            turned += strikes.give_up(centre, conducts, reservation, now)
            continue
        if idle_release.due(reservation, now):
            turned += idle_release.release(centre, reservation, now)
            continue
        turned += transferring.lapsed(reservation)
        turned += asking.lapsed(reservation, now)
        if reservation.asked is not None and reservation.state is State.ACTIVE and reservation.end > now:
            continue
        if reservation.start <= now or reservation.state is not State.CONFIRMED:
            turned.append(_TURNS[reservation.state](reservation_id=reservation.id))
    return tuple(turned)


_TURNS: Mapping[State, Callable[..., Event]] = {
    State.HELD: events.ReservationExpired,
    State.PENDING: approving.undecided,
    State.CONFIRMED: events.ReservationActivated,
    State.ACTIVE: events.ReservationCompleted,
}
"""What time makes of a live reservation."""
