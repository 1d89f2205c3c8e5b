"""What is due though it was not used: for what was given back too late, and for what nobody came to use. Pure.

A change gives back what the reservation held and holds no more, hour for hour and unit for unit. So moving a booking
away costs what cancelling it would, though it be as long elsewhere: the time is as lost to others, and what could be
moved to next month for nothing, and cancelled there for nothing, would never cost anything. What stays costs nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from services.allocation import events
from services.allocation.events import ReservationEvent
from services.allocation.measures import PERCENT
from services.allocation.prices import unit_time
from services.allocation.prices.periods import Periods
from services.allocation.prices.pricing import Amount, Rate, amounts
from services.allocation.reservations import Reservation

RateOf = Callable[[str], Rate]


class Priced(Protocol):
    """A reservation, and what it holds by its rate card."""

    @property
    def reservation(self) -> Reservation:
        """As it stands."""
        ...

    @property
    def amounts(self) -> tuple[Amount, ...]:
        """By resource and month."""
        ...


class Fee(Struct, frozen=True, gc=False):
    """What is due in KRW for what a reservation gave back of a resource in a month."""

    resource: str
    month: int
    krw: int


CHARGING = frozenset(
    {events.ReservationMissed, events.ReservationCancelled, events.ReservationChanged, events.ReservationReleased}
)
"""The events that may make something due."""


def fees(
    event: ReservationEvent, before: Priced, after: Priced, at: int, rate: RateOf, periods: Periods
) -> tuple[Fee, ...]:
    """What an event at a time in seconds makes due, by resource and month. `rate` is that of the booking's tariff."""
    dues: Iterator[Fee]
    match event:
        case events.ReservationMissed():
            given = _given_back(before.amounts, after.amounts)
            dues = (Fee(each.resource, each.month, _for_not_coming(rate, each)) for each in given)
        case events.ReservationCancelled(excused=False):
            dues = for_giving_back(before.reservation, before.amounts, at, rate)
        case events.ReservationReleased(late=True):
            dues = for_giving_back(before.reservation, released(before, after), at, rate)
        case events.ReservationChanged(excused=False, parted="") if event.late or at < before.reservation.start:
            given = changed_away(before, after, rate, periods)
            dues = for_giving_back(before.reservation, given, event.asked_at or at, rate)
        case _:
            return ()
    return tuple(fee for fee in dues if fee.krw)


def for_giving_back(reservation: Reservation, given_back: Iterable[Amount], at: int, rate: RateOf) -> Iterator[Fee]:
    """What is due for giving amounts of a reservation back at a time in seconds; what is not confirmed is free.

    What has begun is given back as if just before its start: where cancelling was free up to then, so is this.
    """
    booked = reservation.binding
    for each in given_back:
        due = rate(each.resource).late_fee(each.krw, max(0, reservation.late_from - at)) if booked else 0
        yield Fee(each.resource, each.month, due)


def released(before: Priced, after: Priced) -> Iterator[Amount]:
    """What a release gives back, at its price: what of it would have been paid beyond what was used."""
    return _given_back(before.amounts, after.amounts)


def changed_away(before: Priced, after: Priced, rate: RateOf, periods: Periods) -> Iterator[Amount]:
    """What a change gives back, at its price: all that is held no more at the same time as before."""
    return _given_back(before.amounts, _kept(before.reservation, after.reservation, rate, periods))


def _for_not_coming(rate: RateOf, given_back: Amount) -> int:
    return given_back.krw * rate(given_back.resource).no_show_percent // PERCENT


def _given_back(held: tuple[Amount, ...], kept: tuple[Amount, ...]) -> Iterator[Amount]:
    """What is held no more, at its price."""
    left = {(each.resource, each.month): each for each in kept}
    for each in held:
        stays = left.get((each.resource, each.month)) or Amount(each.resource, each.month, 0, 0)
        # What begins and ends within the slots that it had pays begun slots still; it never pays more than it did.
        krw = max(0, each.krw - stays.krw)
        yield Amount(each.resource, each.month, each.unit_seconds - stays.unit_seconds, krw)


def _kept(before: Reservation, after: Reservation, rate: RateOf, periods: Periods) -> tuple[Amount, ...]:
    """What a reservation holds at the same time as before, at its price."""
    had, has = unit_time.held(before.holding), unit_time.held(after.holding)
    kept = (
        allocation
        for resource, stretches in had.items()
        for allocation in unit_time.as_allocations(resource, unit_time.common(stretches, has.get(resource, ())))
    )
    return amounts(tuple(kept), rate, periods)
