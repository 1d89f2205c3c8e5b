"""What is registered makes sense, so that nothing later has to doubt it."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import RegisterCompany, RegisterResource
from services.allocation.rejections import Reason
from services.allocation.resources import Closure, Companion, Kind, Node, OpeningHours
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR

DAY_AND_A_HALF = OpeningHours(weekdays=(0,), opens=60, closes=60 + 36 * 60)
LAB = replace(fixture.CLOCK_ROUND, id="LAB", hours=fixture.OFFICE)

SENSELESS = {
    "no-node": {"nodes": ()},
    "same-node-twice": {"nodes": (Node(id="a"), Node(id="a"))},
    "no-bin": {"bins_per_node": 0},
    "no-capacity": {"bin_capacity": 0},
    "huge-capacity": {"bin_capacity": 20_000},
    "too-many-bins": {"bins_per_node": 20_001},
    "no-least": {"units_min": 0},
    "no-step": {"units_step": 0},
    "unknown-data-zone": {"data_zone": "secret"},
    "unknown-zone": {"time_zone": "Asia/Gwangju"},
    "empty-zone": {"time_zone": ""},
    "path-as-zone": {"time_zone": "../../etc/passwd"},
    "no-slot": {"slot_minutes": 0},
    "short-slot": {"slot_minutes": 4},
    "uneven-slot": {"slot_minutes": 7 * 60},
    "never-open": {"hours": OpeningHours(weekdays=(), opens=540, closes=600)},
    "eighth-day": {"hours": OpeningHours(weekdays=(7,), opens=540, closes=600)},
    "reversed-hours": {"hours": OpeningHours(weekdays=(0,), opens=600, closes=540)},
    "negative-opening": {"hours": OpeningHours(weekdays=(0,), opens=-60, closes=540)},
    "opens-tomorrow": {"hours": OpeningHours(weekdays=(0,), opens=1440, closes=1500)},
    "too-long-a-day": {"hours": DAY_AND_A_HALF},
    "break-outside": {"hours": replace(fixture.OFFICE, break_starts=60, break_ends=120)},
    "break-reversed": {"hours": replace(fixture.OFFICE, break_starts=14 * 60, break_ends=13 * 60)},
    "date-that-is-none": {"closed_days": ("2026-02-30",)},
    "date-in-another-form": {"closed_days": ("20260301",)},
    "week-as-date": {"closed_days": ("2026-W10-1",)},
    "empty-closure": {"closures": (Closure(start=NOW, end=NOW),)},
    "negative-slots": {"slots_max": -1},
    "negative-notice": {"notice_hours": -1},
    "endless-horizon": {"horizon_days": 1000},
    "negative-changeover": {"changeover_minutes": -15},
    "missing-companion": {"companions": (Companion(resource="nothing", units=1),)},
    "itself-as-companion": {"companions": (Companion(resource="LAB", units=1),)},
    "too-much-of-a-companion": {"companions": (Companion(resource="OP", units=5),)},
    "companion-off-the-step": {"companions": (Companion(resource="a100", units=130),)},
}


@pytest.mark.parametrize("change", SENSELESS.values(), ids=SENSELESS)
def test_a_senseless_resource_is_refused(change: dict[str, object]) -> None:
    """Each contradiction is refused alone, and the resource without it is registered."""
    scenario = fixture.fresh()
    assert set(scenario.refuses(RegisterResource(resource=replace(LAB, **change)))) == {Reason.INVALID_RESOURCE}
    scenario.grants(RegisterResource(resource=LAB))


def test_compute_is_always_open() -> None:
    """A compute pool has no opening hours, and slots that divide an hour; only equipment brings companions."""
    scenario = fixture.fresh()
    pool = replace(fixture.CPU, id="new")
    for change in (
        {"hours": fixture.OFFICE},
        {"closed_days": ("2026-03-01",)},
        {"slot_minutes": 45},
        {"companions": (Companion(resource="OP", units=1),)},
    ):
        wish = RegisterResource(resource=replace(pool, **change))
        assert set(scenario.refuses(wish)) == {Reason.INVALID_RESOURCE}
    scenario.grants(RegisterResource(resource=pool))


def test_every_contradiction_is_told_at_once() -> None:
    """A resource with several mistakes hears of all of them."""
    broken = replace(LAB, nodes=(), units_min=0, time_zone="Nowhere", slot_minutes=0)
    assert len(fixture.fresh().refuses(RegisterResource(resource=broken))) == 4


def test_names_are_taken_once() -> None:
    """A second resource or company of the same name is refused, equal or not."""
    scenario = fixture.fresh()
    for resource in (fixture.CPU, replace(fixture.CPU, kind=Kind.EQUIPMENT)):
        assert scenario.refuses(RegisterResource(resource=resource)) == [Reason.ALREADY_EXISTS]
    assert scenario.refuses(RegisterCompany(company=fixture.company("ALPHA", certified=False))) == [
        Reason.ALREADY_EXISTS
    ]


@pytest.mark.parametrize(
    "terms",
    [
        {"agreement_end": NOW, "agreement_start": NOW},
        {"horizon_days": -1},
        {"horizon_days": 181},
        {"reservation_days_max": 0},
        {"reservation_days_max": 181},
        {"notice_hours": -1},
        {"notice_hours": 24 * 181},
    ],
    ids=str,
)
def test_a_company_with_senseless_terms_is_refused(terms: dict[str, int]) -> None:
    """An agreement ends after it starts, and no term is negative or longer than the calendar."""
    wish = RegisterCompany(company=fixture.company("NEW", **terms))
    assert set(fixture.fresh().refuses(wish)) == {Reason.INVALID_RESOURCE}


def test_a_resource_registered_late_takes_part_at_once() -> None:
    """What is registered after months of life has a calendar as long as everybody's."""
    scenario = fixture.fresh().reaches(NOW + 100 * 24 * HOUR)
    scenario.grants(RegisterResource(resource=LAB))
    late, early = scenario.centre.pools["LAB"].calendar, scenario.centre.pools["cpu"].calendar
    assert (late.base, late.end) == (early.base, early.end)
