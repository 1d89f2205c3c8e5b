"""Publishing a rate card, if it makes sense and reaches into no past."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

from msgspec.structs import replace

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.measures import DAY_MINUTES, PERCENT
from services.allocation.rejections import Reason, check_sound, refuse
from services.allocation.values.tariff import WEEKDAYS, Peak, Tariff

TARIFFS_MAX = 1_000
PRICES_MAX = 2_000
DISCOUNTS_MAX = 100
PRICE_KRW_MAX = 1_000_000_000
SHARE_STEP_MAX = 1_000
PEAKS_MAX = 24
PEAK_PERCENT_MAX = 1_000


def publish_tariff(centre: Centre, command: commands.PublishTariff, now: int) -> Events:
    """Let a rate card apply from the time that it names on, or from now on if it names none."""
    tariff = replace(command.tariff, valid_from=command.tariff.valid_from or now)
    check_tariff(tariff, centre.cards.published, centre.pools.keys(), now)
    return (events.TariffPublished(tariff=tariff),)


def check_tariff(tariff: Tariff, published: Mapping[str, Tariff], resources: AbstractSet[str], now: int) -> None:
    """Raises `Rejected` for a tariff of a known name, one that reaches into the past, or one that makes no sense."""
    if tariff.id in published:
        raise refuse(Reason.ALREADY_EXISTS, f"The tariff {tariff.id} is published already.", tariff.id)
    faults = [*_reach_faults(tariff, len(published), now), *_price_faults(tariff, resources), *_discount_faults(tariff)]
    faults += peak_faults(tariff.peaks, {price.resource for price in tariff.prices})
    check_sound(Reason.INVALID_TARIFF, tariff.id, faults)


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
    if any(not 0 <= percent <= PERCENT for percent in percents):
        yield "discounts, charges for what was not used, and what is returned or given lie between 0 and 100 per cent"
    if any(not each.attribute or not each.value for each in tariff.discounts):
        yield "a discount names an attribute of companies and its value"


def peak_faults(peaks: Sequence[Peak], priced: AbstractSet[str]) -> Iterator[str]:
    """What is wrong with the windows of a rate card that prices these resources, one sentence each."""
    if len(peaks) > PEAKS_MAX:
        yield f"it has at most {PEAKS_MAX} peak windows"
        return
    sound = [peak for peak in peaks if _is_sound(peak)]
    if len(sound) < len(peaks):
        yield (
            "a peak window has different weekdays, begins on one of them, ends later and within 24 hours, and counts "
            f"0 to {PEAK_PERCENT_MAX} per cent"
        )
    if unpriced := sorted({name for peak in peaks for name in peak.resources} - priced):
        yield f"{', '.join(unpriced[:3])} must have a price to have peak hours"
    if any(_meet(one, other) for one, other in combinations(sound, 2)):
        yield "two peak windows of one resource never overlap"


def _is_sound(peak: Peak) -> bool:
    days = set(peak.weekdays)
    return (
        0 < len(days) == len(peak.weekdays)
        and days <= set(range(WEEKDAYS))
        and 0 <= peak.starts < DAY_MINUTES
        and peak.starts < peak.ends <= peak.starts + DAY_MINUTES
        and 0 <= peak.percent <= PEAK_PERCENT_MAX
    )


def _meet(one: Peak, other: Peak) -> bool:
    shared = not one.resources or not other.resources or set(one.resources) & set(other.resources)
    return bool(shared) and any(
        weekday == other_weekday and starts < other_ends and other_starts < ends
        for weekday, starts, ends in one.days()
        for other_weekday, other_starts, other_ends in other.days()
    )
