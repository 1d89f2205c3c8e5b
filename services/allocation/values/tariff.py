"""The rate card, in whole KRW: what a unit costs, who pays less, and what a late cancellation or a no-show costs.

A tariff is published as an event and applies to what is booked after that and starts from `valid_from` on, so no price
ever changes behind anybody's back, and a rebuild of the books finds the same prices again.
"""

from collections.abc import Iterator, Reversible
from enum import StrEnum

from msgspec import Struct

from services.allocation.companies import Company
from services.allocation.measures import DAY_MINUTES

WEEKDAYS = 7


class Basis(StrEnum):
    """What a price is for."""

    HOUR = "hour"  # an hour of a whole GPU, NPU, core, seat or person; shares of a GPU pay their part
    SLOT = "slot"  # a slot of one unit, begun or whole


class Price(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What one resource costs. A resource without a price is free."""

    resource: str
    krw: int
    basis: Basis = Basis.HOUR


class Discount(Struct, frozen=True, gc=False, kw_only=True):
    """Companies of one kind pay less. `attribute` is one of a company's, or `programme` or `industry`."""

    attribute: str
    value: str
    percent: int


class Peak(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """From `starts` to `ends`, in minutes after local midnight, a price counts as `percent` of itself.

    `weekdays` counts Monday as 0; `ends` past 1,440 runs into the next day. No `resources` means all that have a price.
    """

    weekdays: tuple[int, ...]
    starts: int
    ends: int
    percent: int
    resources: tuple[str, ...] = ()

    def concerns(self, resource: str) -> bool:
        """Whether the price of a resource changes in it."""
        return not self.resources or resource in self.resources

    def days(self) -> Iterator[tuple[int, int, int]]:
        """Each weekday that it touches, with the first minute of that day and the one after the last."""
        for weekday in self.weekdays:
            yield weekday, self.starts, min(self.ends, DAY_MINUTES)
            if self.ends > DAY_MINUTES:
                yield (weekday + 1) % WEEKDAYS, 0, self.ends - DAY_MINUTES


class Tariff(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A rate card. Of several discounts the largest counts alone."""

    id: str
    valid_from: int
    prices: tuple[Price, ...]
    discounts: tuple[Discount, ...] = ()
    share_step: int = 0  # thousandths of a GPU are charged in whole steps of so many
    compute_late_percent: int = 0  # of the price, for a cancellation too close to the start
    equipment_late_percent: int = 0
    no_show_percent: int = 0
    peaks: tuple[Peak, ...] = ()  # when a price counts for more, or less, than itself
    late_return_percent: int = 0  # of a late fee, returned as far as somebody books again what was given back
    displacement_percent: int = 0  # of the price of what the centre takes back: given beyond not charging it

    def price_of(self, resource: str) -> Price | None:
        """What a resource costs; None if nothing."""
        return next((price for price in self.prices if price.resource == resource), None)

    def peaks_of(self, resource: str) -> tuple[Peak, ...]:
        """The windows in which the price of a resource is another one."""
        return tuple(peak for peak in self.peaks if peak.concerns(resource))

    def discount_percent(self, company: Company) -> int:
        """What a company need not pay: the largest discount that fits it."""
        kinds = {**company.attributes, "programme": company.programme, "industry": company.industry}
        return max((each.percent for each in self.discounts if kinds.get(each.attribute) == each.value), default=0)


def tariff_for(tariffs: Reversible[Tariff], start: int) -> Tariff | None:
    """The newest tariff among those published so far, in that order, that is valid at a start."""
    for tariff in reversed(tariffs):
        if tariff.valid_from <= start:
            return tariff
    return None
