"""The rate card, in whole KRW: what a unit costs, who pays less, and what a late cancellation or a no-show costs.

A tariff is published as an event and applies to what is booked after that and starts from `valid_from` on, so no price
ever changes behind anybody's back, and a rebuild of the books finds the same prices again.
"""

from collections.abc import Iterator, Mapping, Reversible
from collections.abc import Set as AbstractSet
from enum import StrEnum

from msgspec import Struct

from services.allocation.companies import Company
from services.allocation.prices.peaks import ALL_PERCENT, Peak, peak_faults
from services.allocation.rejections import Reason, Rejected, Violation, refuse

TARIFFS_MAX = 1_000
PRICES_MAX = 2_000
DISCOUNTS_MAX = 100
PRICE_KRW_MAX = 1_000_000_000
SHARE_STEP_MAX = 1_000


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


def check_tariff(tariff: Tariff, published: Mapping[str, Tariff], resources: AbstractSet[str], now: int) -> None:
    """Raises `Rejected` for a tariff of a known name, one that reaches into the past, or one that makes no sense."""
    if tariff.id in published:
        raise refuse(Reason.ALREADY_EXISTS, f"The tariff {tariff.id} is published already.", tariff.id)
    faults = [*_reach_faults(tariff, len(published), now), *_price_faults(tariff, resources), *_discount_faults(tariff)]
    faults += peak_faults(tariff.peaks, {price.resource for price in tariff.prices})
    if faults:
        raise Rejected(
            Violation(reason=Reason.INVALID_TARIFF, description=f"{tariff.id}: {fault}.", subject=tariff.id)
            for fault in faults
        )


def _reach_faults(tariff: Tariff, published: int, now: int) -> Iterator[str]:
    if published >= TARIFFS_MAX:
        yield f"at most {TARIFFS_MAX} tariffs are published"
    if tariff.valid_from < now:
        yield "a tariff is never retroactive; it must be valid from now on, or later"


def _price_faults(tariff: Tariff, resources: AbstractSet[str]) -> Iterator[str]:
    if not 0 < len(tariff.prices) <= PRICES_MAX:
        yield f"it needs a price, and has at most {PRICES_MAX}"
    if len({price.resource for price in tariff.prices}) != len(tariff.prices):
        yield "a resource has one price"
    if unknown := sorted({price.resource for price in tariff.prices} - resources):
        yield f"{', '.join(unknown[:3])} must be registered before it is priced"
    if any(not 0 <= price.krw <= PRICE_KRW_MAX for price in tariff.prices):
        yield f"a price lies between 0 and {PRICE_KRW_MAX:,} KRW"
    if not 0 <= tariff.share_step <= SHARE_STEP_MAX:
        yield f"shares are charged in steps of at most {SHARE_STEP_MAX} thousandths"


def _discount_faults(tariff: Tariff) -> Iterator[str]:
    if len(tariff.discounts) > DISCOUNTS_MAX:
        yield f"it has at most {DISCOUNTS_MAX} discounts"
    percents = [each.percent for each in tariff.discounts]
    percents += [tariff.compute_late_percent, tariff.equipment_late_percent, tariff.no_show_percent]
    percents += [tariff.late_return_percent, tariff.displacement_percent]
    if any(not 0 <= percent <= ALL_PERCENT for percent in percents):
        yield "discounts, charges for what was not used, and what is returned or given lie between 0 and 100 per cent"
    if any(not each.attribute or not each.value for each in tariff.discounts):
        yield "a discount names an attribute of companies and its value"
