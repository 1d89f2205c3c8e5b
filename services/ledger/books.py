"""What the ledger must remember to read the next event: who is registered, and what each live reservation holds. Pure.

Events after the first name only the reservation, so the rest comes from here. The fold is strict: an event that does
not fit what came before raises `Misfit`, and the reader stops (P9). It is rebuilt from the tables at the start.
"""

from msgspec import Struct

from services.allocation import events
from services.allocation.events import Event, ReservationEvent
from services.allocation.life import IllegalMove, flows, follow
from services.allocation.resources import Allocation, Reservation, Resource
from services.ledger.merkle import Frontier


class Misfit(Exception):
    """An event contradicts the events before it. The message says how."""


class Claim(Struct, frozen=True):
    """A reservation as the books need it. `number` is that of the event that named the bins."""

    reservation: Reservation
    number: int


class Step(Struct, frozen=True):
    """A claim before an event, None if it begins with it, and after it."""

    before: Claim | None
    after: Claim


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

    def take(self, event: Event, number: int, at: int, position: int) -> Step | None:
        """Fold the event of this number, at a time in seconds. Gives the step of the reservation that it concerns."""
        match event:
            case events.ResourceRegistered(resource=resource):
                self._place(resource)
            case events.CompanyRegistered(company=company):
                self._admit(company.id)
            case events.QuotaGranted(quota=quota):
                self._demand_company(quota.company)
            case events.TariffPublished() | events.PeriodClosed():
                pass  # Nothing is posted in money yet.
            case events.UseMeasured(company=company):
                self._demand_company(company)
            case _:
                return self._follow(event, number, at, position)
        return None

    def _follow(self, event: ReservationEvent, number: int, at: int, position: int) -> Step:
        before = self.claims.get(event.reservation_id)
        try:
            after = follow(before.reservation if before else None, event, at, position)
        except IllegalMove as illegal:
            raise Misfit(str(illegal)) from None
        if before is not None and after.allocations is before.reservation.allocations:
            number = before.number
        else:
            self._demand_company(after.company)
            self._demand_sound(after.allocations)
        if before is not None and isinstance(event, events.AllocationsMoved):
            _demand_same_worth(before.reservation, after)
        claim = Claim(after, number)
        if after.state.live:
            self.claims[after.id] = claim
        else:
            self.claims.pop(after.id, None)
        return Step(before, claim)

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

    def _demand_sound(self, allocations: tuple[Allocation, ...]) -> None:
        for allocation in allocations:
            place = self.places.get(allocation.resource)
            if place is None:
                raise Misfit(f"resource {allocation.resource} is not registered")
            if not len(allocation.amounts) == len(allocation.bins) > 0 or sum(allocation.amounts) != allocation.units:
                raise Misfit(f"{allocation.units} units of {allocation.resource} are not what its bins give")
            if not 0 <= min(allocation.bins) <= max(allocation.bins) < place.bins:
                raise Misfit(f"{allocation.resource} has {place.bins} bins, not all those of {allocation.bins}")


def _demand_same_worth(before: Reservation, after: Reservation) -> None:
    if flows(before, after):
        raise Misfit(f"moving reservation {after.id} changes what it holds, not only where")
