"""What giving back costs, by rule: until when it is free for each resource, what share of its price is due, and KRW.

The sums are those that the ledger would book for it now, by the same functions and the same rate card.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.attendance.strikes import late_cancel, late_change
from services.allocation.centre import Centre
from services.allocation.measures import HOUR_SECONDS
from services.allocation.money.costing import cost_by, cost_of, rates
from services.allocation.prices import fees
from services.allocation.prices.pricing import Amount, free_hours
from services.allocation.reservations import Reservation
from services.allocation.resources import Kind
from services.allocation.values.tariff import Tariff


class ResourceQuote(Struct, frozen=True, kw_only=True):
    """For one resource: free until a time in seconds; the share of its price that is due now, and both in KRW.

    `return_percent` of what is due is returned as far as somebody books again what was given back.
    """

    resource: str
    free_until: int
    percent: int
    return_percent: int = 0
    price: int = 0
    due: int = 0


class Quote(Struct, frozen=True, kw_only=True):
    """What giving back now would bring: a fee for each resource asked for, and whether it is a strike."""

    fees: tuple[ResourceQuote, ...]
    strike: bool

    @property
    def due(self) -> int:
        """KRW to pay."""
        return sum(fee.due for fee in self.fees)

    @property
    def refund(self) -> int:
        """KRW that need not be paid any more."""
        return sum(fee.price - fee.due for fee in self.fees)


def cancellation_quote(centre: Centre, reservation: Reservation, now: int, *, excused: bool) -> Quote:
    """The quote for a reservation that has not begun. What an operator excuses costs nothing, and is no strike."""
    cost = cost_of(centre, reservation)
    quoted = _fees(centre, reservation, cost.amounts, cost.card, now, excused=excused)
    return Quote(fees=quoted, strike=not excused and late_cancel(centre, reservation, now))


def change_quote(centre: Centre, before: Reservation, after: Reservation, now: int, *, excused: bool) -> Quote:
    """The quote for what a change gives back late; nothing where it gives nothing back, or for free."""
    cost = cost_of(centre, before)
    then = cost_by(centre, after, cost.card)
    given_back = fees.changed_away(cost, then, rates(centre, before.company, cost.card), centre.periods)
    lost = [amount for amount in given_back if amount.unit_seconds or amount.krw]
    quoted = _fees(centre, before, lost, cost.card, now, excused=excused)
    strike = not excused and late_change(centre, before, after.allocations, now)
    return Quote(fees=tuple(fee for fee in quoted if fee.percent), strike=strike)


def release_quote(centre: Centre, before: Reservation, after: Reservation, now: int, *, excused: bool) -> Quote:
    """The quote for what a release of an active reservation gives back; what was used is paid and not in it."""
    cost = cost_of(centre, before)
    given_back = fees.released(cost, cost_by(centre, after, cost.card))
    quoted = _fees(centre, before, given_back, cost.card, now, excused=excused)
    strike = not excused and late_change(centre, before, after.allocations, now)
    return Quote(fees=quoted, strike=strike)


def _fees(
    centre: Centre, reservation: Reservation, lost: Iterable[Amount], card: Tariff | None, now: int, *, excused: bool
) -> tuple[ResourceQuote, ...]:
    """What giving amounts of a reservation back costs, for each resource that was asked for."""
    rate = rates(centre, reservation.company, card)
    quoted: dict[str, ResourceQuote] = {}
    asked = {allocation.resource for allocation in reservation.allocations if not allocation.companion_of}
    given_back = [amount for amount in lost if amount.resource in asked]
    dues = fees.for_giving_back(reservation, given_back, now, rate)
    for amount, fee in zip(given_back, dues, strict=True):
        known = quoted.get(amount.resource) or _rule(centre, reservation, amount.resource, card, now, excused=excused)
        due = 0 if excused else fee.krw
        quoted[amount.resource] = replace(known, price=known.price + amount.krw, due=known.due + due)
    return tuple(quoted.values())


def _rule(
    centre: Centre, reservation: Reservation, name: str, card: Tariff | None, now: int, *, excused: bool
) -> ResourceQuote:
    """What share of the price of a resource is due."""
    resource = centre.pools[name].resource
    free_seconds = free_hours(centre.companies[reservation.company], resource) * HOUR_SECONDS
    late = max(0, reservation.late_from - now) < free_seconds and reservation.binding and not excused
    percent = returned = 0
    if card is not None and late:
        percent = card.compute_late_percent if resource.kind is Kind.COMPUTE else card.equipment_late_percent
        returned = card.late_return_percent if percent else 0
    free_until = reservation.late_from - free_seconds
    return ResourceQuote(resource=resource.id, free_until=free_until, percent=percent, return_percent=returned)
