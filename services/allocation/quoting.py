"""What giving back costs, by rule: until when it is free for each resource, and what share of its price is due now.

The ledger charges that share of the price that stands in its books; see `services/allocation/pricing.py`.
"""

from msgspec import Struct

from services.allocation import unit_time
from services.allocation.centre import Centre
from services.allocation.discipline import late_cancel, late_change
from services.allocation.pricing import HOUR_SECONDS, free_hours
from services.allocation.resources import Kind, Reservation, State
from services.allocation.tariff import tariff_for


class Fee(Struct, frozen=True, kw_only=True):
    """For one resource: free until a time in seconds; the share of its price that is due now.

    `return_percent` of that is returned as far as somebody books again what was given back.
    """

    resource: str
    free_until: int
    percent: int
    return_percent: int = 0


class Quote(Struct, frozen=True, kw_only=True):
    """What giving back now would bring: a fee for each resource asked for, and whether it is a strike."""

    fees: tuple[Fee, ...]
    strike: bool


def cancellation_quote(centre: Centre, reservation: Reservation, now: int, *, excused: bool) -> Quote:
    """The quote for a reservation that has not begun. What an operator excuses costs nothing, and is no strike."""
    names = (allocation.resource for allocation in reservation.allocations if not allocation.companion_of)
    fees = tuple(_fee(centre, reservation, name, now, excused=excused) for name in names)
    return Quote(fees=fees, strike=not excused and late_cancel(centre, reservation, now))


def change_quote(centre: Centre, before: Reservation, after: Reservation, now: int, *, excused: bool) -> Quote:
    """The quote for what a change gives back late; nothing where it gives nothing back, or for free."""
    had, has = unit_time.held(before.allocations), unit_time.held(after.allocations)
    given_back = (name for name in had if before.start > now and unit_time.less(had[name], has.get(name, ())))
    fees = tuple(_fee(centre, before, name, now, excused=excused) for name in given_back)
    strike = not excused and late_change(centre, before, after.allocations, now)
    return Quote(fees=tuple(fee for fee in fees if fee.percent), strike=strike)


def _fee(centre: Centre, reservation: Reservation, name: str, now: int, *, excused: bool) -> Fee:
    """What giving a resource back costs, by the newest rate card that is valid at the reservation's start."""
    resource = centre.pools[name].resource
    free_until = reservation.start - free_hours(centre.companies[reservation.company], resource) * HOUR_SECONDS
    late = now > free_until and reservation.state is State.CONFIRMED and not excused
    tariff = tariff_for([*centre.tariffs.values()], reservation.start)
    compute = resource.kind is Kind.COMPUTE
    percent = (tariff.compute_late_percent if compute else tariff.equipment_late_percent) if tariff else 0
    if not (late and percent and tariff):
        return Fee(resource=resource.id, free_until=free_until, percent=0)
    returned = tariff.late_return_percent
    return Fee(resource=resource.id, free_until=free_until, percent=percent, return_percent=returned)
