"""What a change of a series would come to in money: its occurrences by their rate cards, and what it gives back."""

from collections.abc import Collection

from services.allocation.centre import Centre
from services.allocation.events import AllocationsMoved, ChangeRequested, Event, ReservationEvent
from services.allocation.life import follow
from services.allocation.money.costing import price_by, price_of
from services.allocation.money.quoting import Quote, cancellation_quote, change_quote
from services.allocation.reservations import Reservation
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def add_price(reply: api.Series, centre: Centre, decided: Collection[Event], now: int, *, excused: bool) -> None:
    """Tell in the preview of a series what its decided change would come to, at a time in seconds."""
    stands: dict[str, Reservation] = {}
    for event in decided:
        if isinstance(event, ReservationEvent) and not isinstance(event, AllocationsMoved):
            name = event.reservation_id
            stands[name] = follow(stands.get(name) or centre.reservations.get(name), event, now, 0)
    for event in decided:
        if isinstance(event, ChangeRequested):  # What it would come to, once it is agreed to.
            stands[event.reservation_id] = stands[event.reservation_id].as_asked
    changes = [_cost_change(centre, centre.reservations.get(name), after) for name, after in stands.items()]
    known = [change for change in changes if change is not None]
    if known:
        reply.cost_change_krw = sum(known)
    quotes = [
        _quote(centre, centre.reservations[name], after, now, excused=excused)
        for name, after in stands.items()
        if name in centre.reservations
    ]
    told = [quote for quote in quotes if quote.fees or quote.strike]
    if told:
        total = reply.cancellation_quote
        total.due_krw = sum(quote.due for quote in told)
        total.refund_krw = sum(quote.refund for quote in told)
        total.strike = any(quote.strike for quote in told)


def _cost_change(centre: Centre, before: Reservation | None, after: Reservation) -> int | None:
    """KRW more, or less, for one reservation; None where there is no rate card for it. One that is new costs all."""
    had = price_of(centre, before if before is not None else after)
    if had is None:
        return None
    if before is None:
        return had.krw
    return price_by(centre, after, had.card).krw - had.krw


def _quote(centre: Centre, before: Reservation, after: Reservation, now: int, *, excused: bool) -> Quote:
    """What giving back the whole of a reservation, or a part, would bring."""
    if after.state.given_back:
        return cancellation_quote(centre, before, now, excused=excused)
    return change_quote(centre, before, after, now, excused=excused)
