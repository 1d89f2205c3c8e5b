"""What the ledger must remember to read the next event: who is registered, and what each live reservation holds. Pure.

Events after the first name only the reservation, so the rest comes from here. The fold is strict: an event that does
not fit what came before raises `Misfit`, and the reader stops (P9). It is rebuilt from the tables at the start.
"""

from collections import defaultdict
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.allocation import events
from services.allocation.events import Event
from services.allocation.resources import Allocation, Resource, State
from services.ledger.merkle import Frontier


class Misfit(Exception):
    """An event contradicts the events before it. The message says how."""


class Claim(Struct, frozen=True, kw_only=True):
    """A reservation as the books need it. Times are seconds UTC; `number` is that of the event that named the bins."""

    reservation: str
    company: str
    state: State
    start: int
    end: int
    allocations: tuple[Allocation, ...]
    number: int


class Place(Struct, frozen=True):
    """Where a resource stands in the row of all bins of the centre, in order of registration."""

    first: int
    bins: int
    bin_capacity: int


class Books:
    """Registrations and live claims at one position of the log.

    The tree grows when a batch is posted, so its frontier is that of the last posted one.
    """

    def __init__(self) -> None:
        self.companies: set[str] = set()
        self.places: dict[str, Place] = {}
        self.claims: dict[str, Claim] = {}
        self.tree = Frontier()

    def take(self, event: Event, number: int) -> Claim | None:
        """Fold the event of this number. Gives the claim that it makes, else the claim that it concerns as it was."""
        match event:
            case events.ResourceRegistered(resource=resource):
                self._place(resource)
            case events.CompanyRegistered(company=company):
                self._admit(company.id)
            case events.QuotaGranted(quota=quota):
                self._demand_company(quota.company)
            case events.ReservationConfirmed():
                return self._confirm(event, number)
            case events.AllocationsMoved(reservation_id=reservation, allocations=allocations):
                return self._move(reservation, allocations, number)
            case events.ReservationActivated(reservation_id=reservation):
                claim = self._claim(reservation)
                self.claims[reservation] = replace(claim, state=State.ACTIVE)
                return claim
            case (
                events.ReservationCompleted(reservation_id=reservation)
                | events.ReservationCancelled(reservation_id=reservation)
                | events.ReservationReleased(reservation_id=reservation)
            ):
                claim = self._claim(reservation)
                del self.claims[reservation]
                return claim
            case _:
                assert_never(event)
        return None

    def _place(self, resource: Resource) -> None:
        if resource.id in self.places:
            raise Misfit(f"resource {resource.id} is registered twice")
        first = sum(place.bins for place in self.places.values())  # Resources are few, and registered once.
        bins = len(resource.nodes) * resource.bins_per_node
        self.places[resource.id] = Place(first, bins, resource.bin_capacity)

    def _admit(self, company: str) -> None:
        if company in self.companies:
            raise Misfit(f"company {company} is registered twice")
        self.companies.add(company)

    def _demand_company(self, company: str) -> None:
        if company not in self.companies:
            raise Misfit(f"company {company} is not registered")

    def _confirm(self, event: events.ReservationConfirmed, number: int) -> Claim:
        self._demand_company(event.company)
        if event.reservation_id in self.claims:
            raise Misfit(f"reservation {event.reservation_id} is confirmed twice")
        self._demand_sound(event.allocations)
        claim = Claim(
            reservation=event.reservation_id,
            company=event.company,
            state=State.CONFIRMED,
            start=event.start,
            end=event.end,
            allocations=event.allocations,
            number=number,
        )
        self.claims[claim.reservation] = claim
        return claim

    def _move(self, reservation: str, allocations: tuple[Allocation, ...], number: int) -> Claim:
        claim = self._claim(reservation)
        self._demand_sound(allocations)
        if _worth(allocations) != _worth(claim.allocations):
            raise Misfit(f"moving reservation {reservation} changes what it holds, not only where")
        self.claims[reservation] = replace(claim, allocations=allocations, number=number)
        return claim

    def _claim(self, reservation: str) -> Claim:
        claim = self.claims.get(reservation)
        if claim is None:
            raise Misfit(f"reservation {reservation} is not live")
        return claim

    def _demand_sound(self, allocations: tuple[Allocation, ...]) -> None:
        for allocation in allocations:
            place = self.places.get(allocation.resource)
            if place is None:
                raise Misfit(f"resource {allocation.resource} is not registered")
            if not len(allocation.amounts) == len(allocation.bins) > 0 or sum(allocation.amounts) != allocation.units:
                raise Misfit(f"{allocation.units} units of {allocation.resource} are not what its bins give")
            if not 0 <= min(allocation.bins) <= max(allocation.bins) < place.bins:
                raise Misfit(f"{allocation.resource} has {place.bins} bins, not all those of {allocation.bins}")


def _worth(allocations: tuple[Allocation, ...]) -> dict[str, int]:
    """Unit-seconds held of each resource."""
    worth: dict[str, int] = defaultdict(int)
    for allocation in allocations:
        worth[allocation.resource] += allocation.unit_seconds
    return worth
