"""What the ledger must remember to read the next event: who is registered, and what each live reservation holds. Pure.

Events after the first name only the reservation, so the rest comes from here. The fold is strict: an event that does
not fit what came before raises `Misfit`, and the reader stops (P9). It is rebuilt from the tables at the start.
"""

from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from services.allocation import events
from services.allocation.companies import Company, Quota
from services.allocation.events import Event, ReservationEvent
from services.allocation.life import follow
from services.allocation.prices.fees import CHARGING, Fee, fees
from services.allocation.prices.flows import flows
from services.allocation.prices.periods import Periods, number_of
from services.allocation.prices.pricing import Amount, amounts
from services.allocation.reservations import Allocation, Reservation
from services.allocation.resources import Resource
from services.allocation.states.moves import IllegalMove, divides
from services.ledger.claims import Claim, LateFee, Step
from services.ledger.prices import Prices
from services.ledger.proving.merkle import Frontier
from services.ledger.rebooking import Rebooking


class Misfit(Exception):
    """An event contradicts the events before it. The message says how."""


class Place(Struct, frozen=True):
    """Where a resource stands in the row of all bins of the centre, in order of registration."""

    first: int
    bins: int
    bin_capacity: int


class Books:
    """Registrations, live claims and the tree's right edge at one position of the log."""

    def __init__(self) -> None:
        self.prices = Prices()
        self.periods = Periods()
        self.closed_before = 0
        """The last month that was closed before the latest closing."""
        self.places: dict[str, Place] = {}
        self.claims: dict[str, Claim] = {}
        self.rebooking = Rebooking(self.prices.rate)
        self.tree = Frontier()

    def take(self, event: Event, number: int, at: int, position: int) -> Step | None:
        """Fold the event of this number, at a time in seconds. Gives the step of the reservation that it concerns."""
        if isinstance(event, events.OfReservation):
            return self._follow(event, number, at, position)
        match event:
            case events.ResourceRegistered(resource=resource):
                self._place(resource)
            case events.CompanyRegistered(company=company):
                self._admit(company)
            case events.QuotaGranted(quota=quota):
                self._demand_company(quota.company)
            case events.CorrectionPosted(correction=correction):
                self._demand_company(correction.company)
            case events.UseMeasured():
                self._measure(event)
            case events.TariffPublished(tariff=tariff):
                self.prices.published.append((number, tariff))
            case events.PeriodClosed(period=period):
                self._close(number_of(period.month))
            case _:
                pass  # The others change nothing that the books remember.
        return None

    def _follow(self, event: ReservationEvent, number: int, at: int, position: int) -> Step:
        before = self.claims.get(event.reservation_id)
        try:
            after = follow(before.reservation if before else None, event, at, position)
        except IllegalMove as illegal:
            raise Misfit(str(illegal)) from None
        claim = self._claim(before, after, number)
        if before is not None and isinstance(event, events.AllocationsMoved):
            _demand_same_worth(before.reservation, after, self.periods)
        if after.state.live:
            self.claims[after.id] = claim
        else:
            self.claims.pop(after.id, None)
        fees = self._fees(event, before, claim, at) if type(event) in CHARGING else ()
        late = self._late_fees(event, before, claim, fees, number, at) if fees or self.rebooking.waiting else ()
        return Step(before, claim, fees, late)

    def _fees(self, event: ReservationEvent, before: Claim | None, after: Claim, at: int) -> tuple[Fee, ...]:
        assert before is not None, "what is given back was held"
        rate = partial(self.prices.rate, before.tariff, before.reservation.company)
        return fees(event, before, after, at, rate, self.periods)

    def _late_fees(
        self, event: ReservationEvent, before: Claim | None, after: Claim, fees: tuple[Fee, ...], number: int, at: int
    ) -> tuple[LateFee, ...]:
        """The fees that may be returned and that an event changes or adds."""
        if divides(event):
            return ()  # What only changed its name is booked again by nobody.
        returned = tuple(self.rebooking.booked(before, after, at))
        if not fees or before is None:
            return returned
        added = tuple(self.rebooking.given_back(event, before, after, fees, number, self.periods))
        for fee in added:
            self.rebooking.add(fee)
        return returned + added

    def _claim(self, before: Claim | None, after: Reservation, number: int) -> Claim:
        if before is None:
            tariff = self._tariff(after, number)
        else:
            tariff = before.tariff
            if after.company != before.reservation.company:
                self._demand_company(after.company)
            was = before.reservation
            if after.allocations is was.allocations and after.beside is was.beside:
                same = after.holding is after.allocations is was.holding
                held = before.amounts if same else self._amounts(after, after.holding, tariff)
                return Claim(after, before.number, tariff, held, before.idle, before.asked)
        self._demand_company(after.company)
        self._demand_sound(after.allocations + after.beside)
        idle = before.idle if before is not None else ()
        asked = self._amounts(after, after.beside, tariff) if after.asked is not None else ()
        return Claim(after, number, tariff, self._amounts(after, after.holding, tariff), idle, asked)

    def _tariff(self, made: Reservation, number: int) -> int:
        """The place of the card that a reservation is priced by which the event of this number made."""
        if made.origin is None:
            return self.prices.tariff_at(number, made.start)
        place = self.prices.place_of(made.origin.card)
        if place is None:
            raise Misfit(f"reservation {made.id} is priced by {made.origin.card}, which nobody published")
        return place

    def _amounts(self, reservation: Reservation, held: tuple[Allocation, ...], tariff: int) -> tuple[Amount, ...]:
        """What is held for a reservation, under the tariff at a place."""
        return amounts(held, partial(self.prices.rate, tariff, reservation.company), self.periods)

    def _measure(self, event: events.UseMeasured) -> None:
        """Remember what a live reservation left idle, until it ends and that is posted."""
        self._demand_company(event.company)
        claim = self.claims.get(event.reservation_id)
        if claim is not None:
            idle = dict(claim.idle)
            for use in event.resources:
                idle[use.resource] = idle.get(use.resource, 0) + use.idle
            self.claims[event.reservation_id] = replace(claim, idle=tuple(idle.items()))

    def worth(self, quota: Quota) -> int:
        """What a quota of a pool costs, in KRW, by the newest rate card off its peaks; equipment on one meter: 0."""
        if quota.meter not in self.prices.resources or not self.prices.published:
            return 0
        rate = self.prices.rate(len(self.prices.published) - 1, quota.company, quota.meter)
        return 0 if rate.slot_seconds else quota.unit_seconds // 60 * rate.numerator // rate.denominator

    def _close(self, month: int) -> None:
        if month <= self.periods.closed:
            raise Misfit(f"the books are closed up to {self.periods.closed}, and now up to {month}")
        self.closed_before, self.periods.closed = self.periods.closed, month

    def _place(self, resource: Resource) -> None:
        if resource.id in self.places:
            raise Misfit(f"resource {resource.id} is registered twice")
        if not self.places:
            self.periods = Periods(resource.time_zone, self.periods.closed)
        self.prices.resources[resource.id] = resource
        first = sum(place.bins for place in self.places.values())  # Resources are few, and registered once.
        bins = len(resource.nodes) * resource.bins_per_node
        self.places[resource.id] = Place(first, bins, resource.bin_capacity)

    def _admit(self, company: Company) -> None:
        if company.id in self.prices.companies:
            raise Misfit(f"company {company.id} is registered twice")
        self.prices.companies[company.id] = company

    def _demand_company(self, company: str) -> None:
        if company not in self.prices.companies:
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


def _demand_same_worth(before: Reservation, after: Reservation, periods: Periods) -> None:
    if flows(before, after, periods):
        raise Misfit(f"moving reservation {after.id} changes what it holds, not only where")
