"""What a reservation costs, before it is booked and after: by the functions that the ledger books by, to the won. Pure.

It is the price of what stands in the calendars. What is due for giving something back is quoted apart (`quoting`).
"""

from collections.abc import Iterable

from msgspec import Struct

from services.allocation.centre import Centre
from services.allocation.events import Event, ReservationConfirmed, ReservationHeld, ReservationRequested
from services.allocation.life import follow
from services.allocation.prices.fees import RateOf
from services.allocation.prices.pricing import FREE, Amount, Rate, amounts, joined_up
from services.allocation.reservations import Reservation
from services.allocation.values.tariff import Tariff

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


class Price(Struct, frozen=True, gc=False, kw_only=True):
    """What a reservation costs in all, in KRW; what a discount takes off that is not in it; and what each part costs.

    `by_resource` has what is not free, with all that it brings along.
    """

    card: Tariff
    krw: int
    discount: int
    by_resource: dict[str, int]


def price_of(centre: Centre, reservation: Reservation) -> Price | None:
    """The price of a reservation that there is, or of one that is about to be made; None if everything is free."""
    card = centre.cards.of(reservation)
    return price_by(centre, reservation, card) if card is not None else None


def price_by(centre: Centre, reservation: Reservation, card: Tariff) -> Price:
    """The price of a reservation by a card: the sum of what `cost_by` tells month by month, in a fifth of the time."""
    company, zone, holding = centre.companies[reservation.company], centre.periods.zone.key, reservation.holding
    total = discount = 0
    found: dict[str, int] = {}
    for allocation in holding if len(holding) == 1 else joined_up(holding):
        spans = allocation.spans
        if not spans or allocation.companion_of:
            continue
        name = allocation.resource
        paid = centre.rates.of(card, company, centre.pools[name].resource, zone)
        krw = paid.rate.price(allocation.units, spans, spans[-1][1])
        if paid.undiscounted is not paid.rate:
            discount += paid.undiscounted.price(allocation.units, spans, spans[-1][1]) - krw
        if krw:
            total += krw
            found[name] = found.get(name, 0) + krw
    return Price(card=card, krw=total, discount=discount, by_resource=found)


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
    """The rate of each resource for a company."""

    whose, zone = centre.companies[company], centre.periods.zone.key

    def rate(resource: str) -> Rate:
        return FREE if card is None else centre.rates.of(card, whose, centre.pools[resource].resource, zone).rate

    return rate
