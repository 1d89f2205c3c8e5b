"""What a reservation costs, before it is booked and after: by the functions that the ledger books by, to the won. Pure.

It is the price of what stands in the calendars. What is due for giving something back is quoted apart (`quoting`).
"""

from collections.abc import Iterable
from functools import cache

from msgspec import Struct

from services.allocation.centre import Centre
from services.allocation.events import Event, ReservationConfirmed, ReservationHeld, ReservationRequested
from services.allocation.life import follow
from services.allocation.money.fees import RateOf
from services.allocation.money.pricing import Amount, Rate, amounts, rate_of
from services.allocation.money.tariff import Tariff
from services.allocation.reservations import Reservation

Made = ReservationConfirmed | ReservationHeld | ReservationRequested


class Cost(Struct, frozen=True, gc=False, kw_only=True):
    """A reservation, its price by resource and month, and the card that says so; None if everything is free."""

    reservation: Reservation
    amounts: tuple[Amount, ...]
    card: Tariff | None

    @property
    def krw(self) -> int:
        """All of it."""
        return sum([amount.krw for amount in self.amounts])

    @property
    def by_resource(self) -> dict[str, int]:
        """KRW for each resource that has a price."""
        prices: dict[str, int] = {}
        for amount in self.amounts:
            if amount.krw:
                prices[amount.resource] = prices.get(amount.resource, 0) + amount.krw
        return prices


def cost_of(centre: Centre, reservation: Reservation) -> Cost:
    """What a reservation costs that there is, or what one costs that is about to be made."""
    return cost_by(centre, reservation, centre.cards.of(reservation))


def drafted(decided: Iterable[Event], now: int) -> Reservation:
    """The reservation that a decision at a time in seconds would make."""
    (made,) = (event for event in decided if isinstance(event, Made))
    return follow(None, made, now, 0)


def cost_by(centre: Centre, reservation: Reservation, card: Tariff | None) -> Cost:
    """What a reservation costs by a card."""
    rate = rates(centre, reservation.company, card)
    return Cost(reservation=reservation, amounts=amounts(reservation.holding, rate, centre.periods), card=card)


def rates(centre: Centre, company: str, card: Tariff | None) -> RateOf:
    """The rate of each resource for a company, worked out once."""

    @cache
    def rate(resource: str) -> Rate:
        return rate_of(card, centre.companies[company], centre.pools[resource].resource, centre.periods.zone.key)

    return rate
