"""How long before, how far ahead, how long, and within which agreement: the terms of resources and of companies."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import GrantQuota, RegisterCompany, RegisterResource
from services.allocation.rejections import Reason
from tests.allocation import fixture
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, at, book, line

NINE = 9 * HOUR


def test_equipment_keeps_its_own_notice() -> None:
    """The simulator is booked a day ahead, whatever the company's terms for compute say."""
    scenario = fixture.fresh()
    scenario.now = MONDAY + NINE + 60
    assert scenario.refuses(book("ALPHA", line("M01"), start=TUESDAY + NINE, hours=4)) == [Reason.NOTICE_TOO_SHORT]
    scenario.now = MONDAY + NINE
    scenario.books(book("ALPHA", line("M01"), start=TUESDAY + NINE, hours=4))


@pytest.mark.parametrize(("hours", "granted"), [(71, False), (72, True)])
def test_compute_keeps_the_companys_notice(hours: int, granted: bool) -> None:
    """A company that must book compute three days ahead is held to it, and its equipment is not."""
    slow = fixture.company("SLOW", notice_hours=72)
    scenario = fixture.fresh().given(RegisterCompany(company=slow))
    wish = book("SLOW", line("cpu"), start=NOW + hours * HOUR, hours=1)
    if granted:
        scenario.books(wish)
    else:
        assert scenario.refuses(wish) == [Reason.NOTICE_TOO_SHORT]


def test_a_few_seconds_of_delay_are_forgiven() -> None:
    """A request that was on its way when the slot began is not refused for the time that the network took."""
    scenario = fixture.fresh()
    scenario.now = TUESDAY + 5
    scenario.books(book("ALPHA", line("cpu"), start=TUESDAY, hours=1))
    scenario.now = TUESDAY + 6
    assert scenario.refuses(book("ALPHA", line("cpu"), start=TUESDAY, hours=1)) == [Reason.START_IN_PAST]


def test_equipment_keeps_its_own_horizon() -> None:
    """The simulator is booked ninety days ahead and no further, even by a company that sees less far for compute."""
    scenario = fixture.fresh()
    scenario.now = at("2026-03-03 09:00")
    scenario.books(book("ALPHA", line("M01"), start=at("2026-06-01 09:00"), hours=4))
    assert scenario.refuses(book("ALPHA", line("M01"), start=at("2026-06-01 14:00"), hours=4)) == [
        Reason.BEYOND_HORIZON
    ]


def test_compute_keeps_the_companys_horizon() -> None:
    """Sixty days ahead to the second, and no further."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("cpu"), start=NOW + 60 * DAY, hours=1))
    assert scenario.refuses(book("ALPHA", line("cpu"), start=NOW + 60 * DAY + HOUR, hours=1)) == [Reason.BEYOND_HORIZON]


def test_a_pool_may_set_terms_of_its_own() -> None:
    """A pool that names a notice or a horizon is booked by it; one that names none leaves it to the company."""
    strict = replace(fixture.CPU, id="strict", notice_hours=48, horizon_days=5)
    scenario = fixture.fresh().given(RegisterResource(resource=strict))
    assert scenario.refuses(book("ALPHA", line("strict"), start=NOW + DAY, hours=1)) == [Reason.NOTICE_TOO_SHORT]
    assert scenario.refuses(book("ALPHA", line("strict"), start=NOW + 6 * DAY, hours=1)) == [Reason.BEYOND_HORIZON]
    assert scenario.offers("ALPHA", line("strict"), hours=1).intervals[0][0] == NOW + 2 * DAY
    assert scenario.offers("ALPHA", line("strict"), hours=1, earliest=NOW + 6 * DAY).intervals == ()


def test_the_longest_reservation_of_compute_is_the_companys() -> None:
    """Seven days are granted and one hour more is not."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("cpu"), start=TUESDAY, hours=7 * 24))
    assert scenario.refuses(book("ALPHA", line("cpu"), start=TUESDAY, hours=7 * 24 + 1)) == [
        Reason.DURATION_OUT_OF_RANGE
    ]


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (23, 25), (-3, -1)])
def test_a_booking_lies_within_the_agreement(start: int, end: int) -> None:
    """Neither the first nor the last hour may lie outside."""
    day = fixture.company("DAY", agreement_start=TUESDAY, agreement_end=TUESDAY + DAY)
    scenario = fixture.fresh().given(RegisterCompany(company=day))
    wish = book("DAY", line("cpu"), start=TUESDAY + start * HOUR, end=TUESDAY + end * HOUR)
    assert scenario.refuses(wish) == [Reason.OUTSIDE_AGREEMENT]
    scenario.books(book("DAY", line("cpu"), start=TUESDAY, hours=24))


def test_companions_are_not_held_to_the_terms_of_compute() -> None:
    """The GPUs of the simulator need no notice of their own: the simulator has answered for them."""
    slow = fixture.company("SLOW", notice_hours=72, horizon_days=1)
    quota = fixture.quota("SLOW", "equipment", 3, 100)
    scenario = fixture.fresh().given(RegisterCompany(company=slow), GrantQuota(quota=quota))
    made = scenario.books(book("SLOW", line("M01"), start=at("2026-03-04 09:00"), hours=4))
    brought = next(each for each in made.allocations if each.resource == "a100")
    assert brought.companion_of == "M01"
    alone = book("SLOW", line("a100", brought.units), start=made.start, hours=4)
    assert Reason.NOTICE_TOO_SHORT in scenario.refuses(alone)


@pytest.mark.parametrize("resource", ["cpu", "M03", "OP"])
@pytest.mark.parametrize("shift", [1, 60, 1799])
def test_seconds_that_are_not_on_the_grid_are_refused(resource: str, shift: int) -> None:
    """A start off the grid is refused on every kind of resource, by the second."""
    start = TUESDAY + 10 * HOUR
    reasons = fixture.fresh().refuses(book("ALPHA", line(resource), start=start + shift, end=start + HOUR))
    assert reasons == [Reason.OFF_GRID]


def test_certificates_open_the_restricted_zone() -> None:
    """The same resource is granted to a certified company and refused to another."""
    fixture.fresh().books(book("ALPHA", line("R01"), start=TUESDAY, hours=1))
    assert Reason.NOT_ENTITLED in fixture.fresh().refuses(book("BETA", line("R01"), start=TUESDAY, hours=1))
