"""Late fees that may still be returned: what was given back late, and what of it somebody books again. Pure.

Units of a resource are alike, so whoever books any of them at a time books what was given back first of that time. What
may be returned after that is the same share of the price of what nobody has booked yet, so parts add up, to the won.

Memory is bounded by the calendar: what is given back was held, and what is booked again is given back no more, so at no
moment do more units wait here than a resource has. What is past is forgotten.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from services.allocation.events import ReservationEvent, ReservationMissed
from services.allocation.prices import unit_time
from services.allocation.prices.fees import Fee
from services.allocation.prices.periods import Periods
from services.allocation.prices.pricing import Rate
from services.allocation.prices.unit_time import Stretches
from services.ledger.claims import Claim, LateFee

RateOf = Callable[[int, str, str], Rate]
"""The rate by the place of a tariff, a company and a resource."""


class Rebooking:
    """The fees that may still be returned, by resource; what was given back first is booked again first."""

    def __init__(self, rate: RateOf) -> None:
        self._rate = rate
        self.waiting: dict[str, list[LateFee]] = {}

    def add(self, fee: LateFee) -> None:
        """Take in a fee that may be returned, after those before it."""
        self.waiting.setdefault(fee.resource, []).append(fee)

    def restore(self, fees: Iterable[LateFee]) -> None:
        """Let just these wait, in the order in which they were charged: so they stood before a restart."""
        self.waiting.clear()
        for fee in fees:
            self.add(fee)

    def given_back(
        self, event: ReservationEvent, before: Claim, after: Claim, fees: tuple[Fee, ...], number: int, periods: Periods
    ) -> Iterator[LateFee]:
        """The fees of an event of this number, as far as they are returned when somebody books what it gave back."""
        if isinstance(event, ReservationMissed):
            return  # Who did not come gave nothing back in time for others to plan with it.
        had, has = unit_time.held(before.reservation.holding), unit_time.held(after.reservation.holding)
        company = before.reservation.company
        for fee in fees:
            krw = self._rate(before.tariff, company, fee.resource).returnable(fee.krw)
            given = unit_time.less(had[fee.resource], has.get(fee.resource, ()))
            unbooked = _within(fee.month, given, periods)
            if krw and unbooked:
                yield LateFee(
                    number=number,
                    company=company,
                    reservation=before.reservation.id,
                    resource=fee.resource,
                    month=fee.month,
                    tariff=before.tariff,
                    krw=krw,
                    unbooked=unbooked,
                    end=unbooked[-1][1],
                )

    def booked(self, before: Claim | None, after: Claim, at: int) -> Iterator[LateFee]:
        """The fees of which something is returned, since a reservation has booked what it had not, at a time."""
        if not after.reservation.binding:
            return  # What only is held, or waits for an approval, takes nothing from anybody yet.
        if not any(allocation.resource in self.waiting for allocation in after.reservation.allocations):
            return  # As nearly every time.
        was_booked = before is not None and before.reservation.binding
        if was_booked and before is not None and before.reservation.allocations is after.reservation.allocations:
            return
        # What is handed over to another company is held by nobody for a moment, but it was not given back.
        had = unit_time.held(before.reservation.allocations) if before is not None and was_booked else {}
        for resource, has in unit_time.held(after.reservation.allocations).items():
            if resource in self.waiting:
                yield from self._returned(resource, unit_time.less(has, had.get(resource, ())), at)

    def _returned(self, resource: str, gained: Stretches, at: int) -> Iterator[LateFee]:
        left: list[LateFee] = []
        for waiting in self.waiting.pop(resource):
            fee = waiting
            if fee.end <= at:
                continue
            if taken := unit_time.common(fee.unbooked, gained):
                gained = unit_time.less(gained, taken)
                fee = self._without(fee, taken)
                yield fee
            if fee.krw:
                left.append(replace(fee, returned=0))
        if left:
            self.waiting[resource] = left

    def _without(self, fee: LateFee, taken: Stretches) -> LateFee:
        """A fee when a part of what it is for was booked again."""
        unbooked = unit_time.less(fee.unbooked, taken)
        rate = self._rate(fee.tariff, fee.company, fee.resource)
        parts = unit_time.as_allocations(fee.resource, unbooked)
        price = sum(rate.price(part.units, part.spans, part.spans[-1][1]) for part in parts)
        # The parts of a slot are dearer than the slot; nobody pays for that.
        krw = min(fee.krw, rate.returnable(rate.late_share(price)))
        return replace(fee, krw=krw, unbooked=unbooked, returned=fee.krw - krw)


def _within(month: int, stretches: Stretches, periods: Periods) -> Stretches:
    """The part that lies in a month."""
    parts = []
    for begin, end, units in stretches:
        start = begin
        while start < end:
            number, until = periods.at(start)
            if number == month:
                parts.append((start, min(end, until), units))
            start = until
    return tuple(parts)
