"""Rate cards and the closing of months: never retroactive, in order, and not before a month is over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.commands import ClosePeriod, PublishTariff
from services.allocation.money.costing import cost_by, price_by
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Line
from services.allocation.values.months import ClosedMonth, month_at
from services.allocation.values.tariff import Basis, Discount, Peak, Price, Tariff, tariff_for
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import NOW, TARIFF
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line


def test_a_tariff_without_a_date_is_valid_at_once() -> None:
    """Published without saying from when, a rate card applies from its publication on."""
    scenario = fixture.fresh()
    made = scenario.grants(PublishTariff(tariff=TARIFF))
    assert made == replace(TARIFF, valid_from=NOW)
    assert scenario.centre.cards.published == {"krw-2026": made}
    assert scenario.replayed().cards.published == scenario.centre.cards.published


def test_a_tariff_is_never_retroactive() -> None:
    """A rate card may be valid from now or from later on, and not from the past on."""
    scenario = fixture.fresh()
    assert scenario.refuses(PublishTariff(tariff=replace(TARIFF, valid_from=NOW - 1))) == [Reason.INVALID_TARIFF]
    scenario.grants(PublishTariff(tariff=replace(TARIFF, valid_from=NOW + DAY)))


def test_a_tariff_keeps_its_name() -> None:
    """What is published under a name stays as it was."""
    scenario = fixture.fresh().given(PublishTariff(tariff=TARIFF))
    dearer = replace(TARIFF, prices=(Price(resource="h100", krw=9000),))
    assert scenario.refuses(PublishTariff(tariff=dearer)) == [Reason.ALREADY_EXISTS]


@pytest.mark.parametrize(
    "change",
    [
        {"prices": ()},
        {"prices": (Price(resource="h100", krw=-1),)},
        {"prices": (Price(resource="h100", krw=10**12),)},
        {"prices": (Price(resource="nothing", krw=1),)},
        {"prices": (Price(resource="h100", krw=1), Price(resource="h100", krw=2, basis=Basis.SLOT))},
        {"discounts": (Discount(attribute="stage", value="sme", percent=101),)},
        {"discounts": (Discount(attribute="", value="sme", percent=1),)},
        {"share_step": -1},
        {"no_show_percent": 101},
        {"late_return_percent": 101},
        {"displacement_percent": -1},
    ],
)
def test_a_tariff_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    """Prices of what is not there, of nobody's, or beyond all bounds are named, and nothing is published."""
    assert set(fixture.fresh().refuses(PublishTariff(tariff=replace(TARIFF, **change)))) == {Reason.INVALID_TARIFF}


def test_the_largest_discount_counts_alone() -> None:
    """Discounts do not add up; a company that fits none pays all."""
    alpha = replace(fixture.ALPHA, programme="academy", attributes={"region": "gwangju", "stage": "sme"})
    assert TARIFF.discount_percent(alpha) == 80
    assert TARIFF.discount_percent(replace(alpha, programme="")) == 50
    assert TARIFF.discount_percent(replace(alpha, programme="", attributes={})) == 0


def test_the_newest_valid_tariff_prices_a_start() -> None:
    """What starts before a newer card is valid has the older price, and what starts before both has none."""
    spring, autumn = (Tariff(id=str(month), valid_from=month, prices=()) for month in (3, 9))
    assert [tariff_for([spring, autumn], start) for start in (2, 3, 8, 9)] == [None, spring, spring, autumn]


def test_a_month_is_closed_once_it_is_over() -> None:
    """Not a second before midnight in the centre's zone, and then once, together with all months before it."""
    scenario = fixture.fresh()
    march = ClosePeriod(month="2026-03")
    scenario.now = at("2026-04-01 00:00") - 1
    assert scenario.refuses(march) == [Reason.PERIOD_RUNNING]
    scenario.now += 1
    made = scenario.grants(march)
    assert made == ClosedMonth(month="2026-03", start=at("2026-03-01 00:00"), end=at("2026-04-01 00:00"))
    assert scenario.refuses(march) == [Reason.ALREADY_EXISTS]
    assert scenario.refuses(ClosePeriod(month="2026-02")) == [Reason.ALREADY_EXISTS]
    assert scenario.replayed().closed == made


@pytest.mark.parametrize("month", ["", "2026-3", "2026-13", "2026-00", "march", "1969-12", "2026-03-01"])
def test_what_is_no_month_is_not_closed(month: str) -> None:
    """A month has a year and a number from 01 to 12."""
    assert fixture.fresh().refuses(ClosePeriod(month=month)) == [Reason.INVALID_INTERVAL]


def test_a_month_begins_at_midnight_in_the_centres_zone() -> None:
    """The last evening of February in London is the first morning of March in Seoul."""
    zone = fixture.fresh().centre.zone
    assert [month_at(at("2026-03-01 00:00") + step, zone) for step in (-1, 0)] == ["2026-02", "2026-03"]


@given(
    st.sampled_from([line("h100", 8), line("a100", 1_250), line("M01"), line("cpu", 3)]),
    st.integers(0, 30 * 24),
    st.integers(1, 60),
    st.sampled_from(["", "academy"]),
)
@examples(60)
def test_a_price_is_the_sum_of_its_months_and_names_the_discount(
    asked: Line, start: int, hours: int, programme: str
) -> None:
    """What an answer tells at once is what the books count month by month; without the discount it would be more."""
    night = Peak(weekdays=(0, 2, 5), starts=22 * 60, ends=30 * 60, percent=70)
    card = replace(TARIFF, prices=(*TARIFF.prices, Price(resource="a100", krw=1_217)), peaks=(night,))
    undiscounted = replace(card, id="full", discounts=())
    alpha = replace(fixture.ALPHA, programme=programme)
    quotas = [each for each in fixture.QUOTAS if each.company == "ALPHA"]
    scenario = Scenario.of(*fixture.RESOURCES, alpha, *quotas, now=NOW).given(
        PublishTariff(tariff=card), PublishTariff(tariff=undiscounted)
    )
    try:
        made = scenario.books(book("ALPHA", asked, start=NOW + start * HOUR, hours=hours))
    except Rejected:
        return
    centre = scenario.centre
    by_months, price = cost_by(centre, made, card), price_by(centre, made, card)
    assert (price.krw, price.by_resource) == (by_months.krw, by_months.by_resource)
    assert price.krw + price.discount == price_by(centre, made, undiscounted).krw
