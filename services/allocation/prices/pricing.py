"""What is booked costs: unit-seconds by month, and KRW under the rate card that it was booked with. Pure.

The scheduler quotes and the ledger books by these same functions. The price of a part of a booking is the price of all
up to its end less the price of all up to its start, so that parts always add up to the whole, to the won.
"""

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from services.allocation.companies import Company
from services.allocation.measures import HOUR_MINUTES, HOUR_SECONDS, MILLI, MINUTE_SECONDS, PERCENT
from services.allocation.prices.peaks import PeakHours, peak_hours
from services.allocation.prices.periods import Periods
from services.allocation.reservations import Allocation
from services.allocation.resources import Interval, Kind, Resource, Unit
from services.allocation.values.tariff import Basis, Tariff

HOURS_DIGITS_MAX = 4


class Rate(Struct, frozen=True, gc=False, kw_only=True):
    """What a company pays for a resource: `numerator / denominator` KRW for a unit and a whole minute, or a slot.

    `late_seconds` before the start a cancellation begins to cost `late_percent` of the price.
    """

    numerator: int = 0
    denominator: int = 1
    slot_seconds: int = 0  # 0: by the minute
    share_step: int = 1
    late_seconds: int = 0
    late_percent: int = 0
    no_show_percent: int = 0
    late_return_percent: int = 0
    displacement_percent: int = 0
    peaks: PeakHours | None = None  # when it counts for more, or less

    def price(self, units: int, spans: tuple[Interval, ...], until: int) -> int:
        """The KRW for units over the part of the spans that lies before a moment: whole minutes, or begun slots."""
        charged = -(-units // self.share_step) * self.share_step
        if self.peaks is not None:
            weight = self._weight(self.peaks, [(start, min(end, until)) for start, end in spans if start < until])
            return charged * weight * self.numerator // (self.denominator * PERCENT)
        if self.slot_seconds:
            count = sum([-((start - min(end, until)) // self.slot_seconds) for start, end in spans if start < until])
        else:
            count = sum([min(end, until) - start for start, end in spans if start < until]) // MINUTE_SECONDS
        return charged * count * self.numerator // self.denominator

    def prices(self, units: int, starts: NDArray[np.int64], seconds: int) -> NDArray[np.int64]:
        """For every start, the KRW for units over so many seconds without a gap. For prices by the minute."""
        if self.peaks is None:
            return np.full(len(starts), self.price(units, ((0, seconds),), seconds), dtype=np.int64)
        weights = self.peaks.percents(starts, seconds)
        if odd := seconds % MINUTE_SECONDS:
            weights -= self.peaks.percents(starts + (seconds - odd), odd)  # A minute that is not whole.
        # Few weights differ, and their products may be larger than an array takes.
        charged = -(-units // self.share_step) * self.share_step
        different, places = np.unique(weights // MINUTE_SECONDS, return_inverse=True)
        krw = [charged * each * self.numerator // (self.denominator * PERCENT) for each in different.tolist()]
        return np.array(krw, dtype=np.int64)[places]

    def _weight(self, peaks: PeakHours, spans: list[Interval]) -> int:
        """Whole minutes, or begun slots, each times what it counts for in per cent; a slot as it does at its start."""
        if len(spans) == 1 and not self.slot_seconds and (spans[0][1] - spans[0][0]) % MINUTE_SECONDS == 0:
            return peaks.percent_seconds(*spans[0]) // MINUTE_SECONDS  # As most bookings are.
        if slot := self.slot_seconds:
            return sum([peaks.percent_at(begun) for start, end in spans for begun in range(start, end, slot)])
        weight = sum([peaks.percent_seconds(start, end) for start, end in spans])
        if odd := sum([end - start for start, end in spans]) % MINUTE_SECONDS:
            weight -= peaks.percent_seconds(spans[-1][1] - odd, spans[-1][1])  # A minute that is not whole.
        return weight // MINUTE_SECONDS

    def late_fee(self, krw: int, notice_seconds: int) -> int:
        """What of a price in KRW is due for a cancellation that long before the start, rounded down."""
        return self.late_share(krw) if notice_seconds < self.late_seconds else 0

    def late_share(self, krw: int) -> int:
        """What of a price in KRW is due for what is given back late, rounded down."""
        return krw * self.late_percent // PERCENT

    def returnable(self, fee_krw: int) -> int:
        """What of a late fee is returned once somebody has booked all that was given back, rounded down."""
        return fee_krw * self.late_return_percent // PERCENT

    def compensation(self, krw: int) -> int:
        """What is given for a price in KRW that the centre could not earn, rounded down."""
        return krw * self.displacement_percent // PERCENT


FREE = Rate()


class Amount(Struct, frozen=True, gc=False):
    """What a reservation holds of a resource in a month."""

    resource: str
    month: int
    unit_seconds: int
    krw: int


def rate_of(
    card: Tariff | None, company: Company, resource: Resource, zone: str, discount_percent: int | None = None
) -> Rate:
    """What a company pays for a resource under a rate card, whose windows are in the time of a zone; 0 without one.

    The discount is the company's by the card, unless another one is said.
    """
    price = card.price_of(resource.id) if card else None
    if card is None or price is None:
        return FREE
    compute = resource.kind is Kind.COMPUTE
    milli = resource.unit is Unit.MILLI_GPU
    by_slot = price.basis is Basis.SLOT
    windows = card.peaks_of(resource.id)
    percent = card.discount_percent(company) if discount_percent is None else discount_percent
    return Rate(
        numerator=price.krw * (PERCENT - percent),
        denominator=PERCENT * (1 if by_slot else HOUR_MINUTES) * (MILLI if milli else 1),
        slot_seconds=resource.slot_seconds if by_slot else 0,
        share_step=max(1, card.share_step) if milli else 1,
        late_seconds=HOUR_SECONDS * free_hours(company, resource),
        late_percent=card.compute_late_percent if compute else card.equipment_late_percent,
        no_show_percent=card.no_show_percent,
        late_return_percent=card.late_return_percent,
        displacement_percent=card.displacement_percent,
        peaks=peak_hours(windows, zone) if windows else None,
    )


def free_hours(company: Company, resource: Resource) -> int:
    """How many hours before its start a booking may be cancelled for nothing: compute by the company's terms."""
    if resource.kind is not Kind.COMPUTE:
        return resource.free_cancel_hours
    hours = company.attributes.get("free_cancel_hours", "")
    return int(hours) if hours.isdecimal() and len(hours) <= HOURS_DIGITS_MAX else 0


def amounts(holding: tuple[Allocation, ...], rate: Callable[[str], Rate], periods: Periods) -> tuple[Amount, ...]:
    """What some allocations hold, by resource and month. `rate` gives the rate of a resource."""
    found: list[Amount] = []
    for allocation in holding if len(holding) == 1 else joined_up(holding):
        found += _portions(allocation, rate(allocation.resource), periods)
    return tuple(found) if len(found) < 2 else _merged(found)


def joined_up(allocations: tuple[Allocation, ...]) -> list[Allocation]:
    """Allocations as they are priced: what was moved while it ran goes on where it stood before, and is one."""
    joined: list[Allocation] = []
    for allocation in allocations:
        last = joined[-1] if joined else allocation
        alike = all(getattr(last, name) == getattr(allocation, name) for name in ("resource", "units", "companion_of"))
        if alike and last.spans and allocation.spans and last.spans[-1][1] == allocation.spans[0][0]:
            bridge = (last.spans[-1][0], allocation.spans[0][1])
            joined[-1] = replace(last, spans=(*last.spans[:-1], bridge, *allocation.spans[1:]))
        else:
            joined.append(allocation)
    return joined


def _portions(allocation: Allocation, rate: Rate, periods: Periods) -> list[Amount]:
    """One allocation, by month. What comes along with equipment is in the equipment's fee."""
    spans, units = allocation.spans, allocation.units
    if not spans:
        return []
    if allocation.companion_of:
        rate = FREE
    month, end = periods.at(spans[0][0])
    last = spans[-1][1]
    if last <= end:
        krw = rate.price(units, spans, last) if rate.numerator else 0
        return [Amount(allocation.resource, month, allocation.unit_seconds, krw)]
    found, seconds_before, krw_before = [], 0, 0
    while seconds_before < allocation.unit_seconds:
        seconds = units * sum([min(b, end) - a for a, b in spans if a < end])
        krw = rate.price(units, spans, end) if rate.numerator else 0
        if seconds > seconds_before:
            found.append(Amount(allocation.resource, month, seconds - seconds_before, krw - krw_before))
        seconds_before, krw_before = seconds, krw
        month, end = periods.at(end)
    return found


def _merged(found: list[Amount]) -> tuple[Amount, ...]:
    """Several lines of one resource in one month are one amount."""
    if len({(each.resource, each.month) for each in found}) == len(found):
        return tuple(found)
    sums: dict[tuple[str, int], Amount] = {}
    for each in found:
        key = (each.resource, each.month)
        known = sums.get(key)
        sums[key] = (
            Amount(*key, known.unit_seconds + each.unit_seconds, known.krw + each.krw) if known is not None else each
        )
    return tuple(sums.values())
