"""What cancelling would cost, by rule: until when it is free for each resource, and what share of its price is due now.

The ledger charges that share of the price that stands in its books; see `services/allocation/pricing.py`.
"""

from msgspec import Struct

from services.allocation.centre import Centre
from services.allocation.discipline import late_cancel
from services.allocation.pricing import HOUR_SECONDS, free_hours
from services.allocation.resources import Kind, Reservation, State
from services.allocation.tariff import tariff_for


class Fee(Struct, frozen=True, kw_only=True):
    """For one resource: free until a time in seconds; the share of its price that is due now."""

    resource: str
    free_until: int
    percent: int


class Quote(Struct, frozen=True, kw_only=True):
    """What cancelling now would bring: a fee for each resource asked for, and whether it is a strike."""

    fees: tuple[Fee, ...]
    strike: bool


def cancellation_quote(
    centre: Centre, reservation: Reservation, now: int, *, by_operator: bool, excused: bool
) -> Quote:
    """The quote for a reservation that has not begun, by the newest rate card that is valid at its start.

    What an operator cancels costs nothing, and what an operator excuses is no strike.
    """
    company = centre.companies[reservation.company]
    tariff = tariff_for([*centre.tariffs.values()], reservation.start)
    fees = []
    for allocation in reservation.allocations:
        if allocation.companion_of:
            continue  # It is in the fee of what brought it.
        resource = centre.pools[allocation.resource].resource
        free_until = reservation.start - free_hours(company, resource) * HOUR_SECONDS
        late = now > free_until and reservation.state is State.CONFIRMED and not by_operator
        compute = resource.kind is Kind.COMPUTE
        percent = (tariff.compute_late_percent if compute else tariff.equipment_late_percent) if tariff else 0
        fees.append(Fee(resource=resource.id, free_until=free_until, percent=percent if late else 0))
    return Quote(fees=tuple(fees), strike=not excused and late_cancel(centre, reservation, now))
