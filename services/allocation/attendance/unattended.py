"""Compute that nobody stands at: its nodes report whether it is used, and rules of the terms may give it back."""

from services.allocation.centre import Centre
from services.allocation.reservations import Reservation, State
from services.allocation.resources import Kind


def concerns(centre: Centre, reservation: Reservation, exempt: tuple[str, ...]) -> bool:
    """Whether a rule may give a reservation back: it runs, on compute alone, and neither company nor programme is
    exempt.
    """
    company = centre.companies[reservation.company]
    return (
        reservation.state is State.ACTIVE
        and all(centre.pools[each.resource].resource.kind is Kind.COMPUTE for each in reservation.allocations)
        and not {company.id, company.programme} & set(exempt)
    )
