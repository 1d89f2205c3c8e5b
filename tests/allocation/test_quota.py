"""What a company may hold: unit-hours of a period, units at once, and what is counted on which meter."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import GrantQuota, RegisterResource
from services.allocation.companies import Quota
from services.allocation.rejections import Reason
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line

NOON = TUESDAY + 12 * HOUR
END_OF_MARCH = at("2026-04-01 00:00")


def test_the_last_unit_second_can_be_spent() -> None:
    """A quota of 104 GPU-hours pays for exactly 104."""
    scenario = fixture.fresh().given(GrantQuota(quota=fixture.quota("BETA", "h100", 3, 104)))
    scenario.given(
        book("BETA", line("h100", 16), start=NOON, hours=6), book("BETA", line("h100", 8), start=NOON + DAY, hours=1)
    )
    (period,) = scenario.centre.meters["BETA", "h100"].periods
    assert period.booked == period.quota.unit_seconds
    assert scenario.refuses(book("BETA", line("h100", 8), start=NOON + DAY, hours=1)) == [Reason.QUOTA_EXCEEDED]


def test_a_booking_over_midnight_of_the_month_draws_on_both() -> None:
    """Each month pays for its own hours, to the second."""
    scenario = fixture.fresh().given(book("GAMMA", line("h100", 16), start=END_OF_MARCH - 2 * HOUR, hours=5))
    march, april = scenario.centre.meters["GAMMA", "h100"].periods
    assert (march.booked, april.booked) == (32 * HOUR, 48 * HOUR)


def test_one_month_alone_may_refuse() -> None:
    """The new month's quota does not help the old one out."""
    scenario = fixture.fresh().given(book("GAMMA", line("h100", 16), start=NOON, hours=6))
    wish = book("GAMMA", line("h100", 16), start=END_OF_MARCH - 2 * HOUR, hours=5)
    refusal = scenario.refusal(wish)
    assert [each.reason for each in refusal.violations] == [Reason.QUOTA_EXCEEDED]
    assert (refusal.violations[0].limit, refusal.violations[0].asked) == (100 * HOUR, 128 * HOUR)


def test_hours_without_any_quota_are_refused() -> None:
    """A booking that reaches into a period without quota is not half covered."""
    may = at("2026-05-01 00:00")
    assert fixture.fresh().refuses(book("GAMMA", line("h100", 8), start=may - HOUR, hours=2)) == [Reason.NO_QUOTA]


def test_equipment_counts_its_slots_only() -> None:
    """Nights and breaks of a booking over days cost nothing."""
    scenario = fixture.fresh().given(
        book("GAMMA", line("T1"), start=at("2026-03-06 09:00"), end=at("2026-03-09 18:00"))
    )
    assert scenario.centre.meters["GAMMA", "equipment"].periods[0].booked == 18 * HOUR


def test_equipment_of_one_demand_counts_together() -> None:
    """All equipment is on one meter: two seats for an hour are two hours, and two at once."""
    scenario = fixture.fresh().given(book("GAMMA", line("T1"), line("C24"), start=NOON, hours=2))
    assert scenario.centre.meters["GAMMA", "equipment"].periods[0].booked == 4 * HOUR
    assert scenario.refuses(book("GAMMA", line("C24"), start=NOON + HOUR, hours=1)) == [Reason.CONCURRENCY_EXCEEDED]
    scenario.books(book("GAMMA", line("C24", 2), start=NOON + 2 * HOUR, hours=1))


def test_the_limit_at_once_counts_every_booking_of_the_moment() -> None:
    """Two bookings that overlap in one hour count together in that hour, and only there."""
    scenario = fixture.fresh().given(
        book("GAMMA", line("h100", 8), start=NOON, hours=2), book("GAMMA", line("h100", 8), start=NOON + HOUR, hours=2)
    )
    assert scenario.refuses(book("GAMMA", line("h100", 8), start=NOON + HOUR, hours=1)) == [Reason.CONCURRENCY_EXCEEDED]
    scenario.given(
        book("GAMMA", line("h100", 8), start=NOON, hours=1),
        book("GAMMA", line("h100", 8), start=NOON + 2 * HOUR, hours=1),
    )


def test_half_hours_that_follow_each_other_are_not_at_once() -> None:
    """With a limit of one at a time, two bookings of half an hour fit one hour."""
    desk = replace(fixture.CLOCK_ROUND, id="DESK", slot_minutes=30)
    scenario = fixture.fresh().given(
        RegisterResource(resource=desk), GrantQuota(quota=fixture.quota("BETA", "equipment", 3, 10, at_once=1))
    )
    scenario.given(*(book("BETA", line("DESK"), start=NOON + half * 1800, hours=0.5) for half in range(3)))
    assert scenario.centre.meters["BETA", "equipment"].periods[0].booked == 1.5 * HOUR
    beside = book("BETA", line("T1"), start=NOON + HOUR, hours=1)
    assert scenario.refuses(beside) == [Reason.CONCURRENCY_EXCEEDED]


def test_the_limit_of_each_month_is_its_own() -> None:
    """A month that allows more at once does not lend to one that allows less."""
    scenario = fixture.fresh().given(
        GrantQuota(quota=fixture.quota("BETA", "h100", 3, 1000, at_once=8)),
        GrantQuota(quota=fixture.quota("BETA", "h100", 4, 1000, at_once=32)),
    )
    assert scenario.refuses(book("BETA", line("h100", 16), start=END_OF_MARCH - HOUR, hours=2)) == [
        Reason.CONCURRENCY_EXCEEDED
    ]
    scenario.books(book("BETA", line("h100", 32), start=END_OF_MARCH, hours=2))


def test_a_limit_granted_later_holds_from_then_on() -> None:
    """Bookings made before a limit at once was known to the meter do not upset it, whatever becomes of them."""
    scenario = fixture.fresh().given(GrantQuota(quota=fixture.quota("BETA", "h100", 3, 1000)))
    early = scenario.books(book("BETA", line("h100", 8), start=NOON, hours=2))
    scenario.given(GrantQuota(quota=fixture.quota("BETA", "h100", 4, 1000, at_once=8)))
    scenario.cancels(early)
    scenario.given(book("BETA", line("h100", 8), start=END_OF_MARCH, hours=1))
    assert scenario.refuses(book("BETA", line("h100", 8), start=END_OF_MARCH, hours=1)) == [Reason.CONCURRENCY_EXCEEDED]


def test_quotas_of_two_companies_are_apart() -> None:
    """What one company holds never counts for another."""
    scenario = fixture.fresh().given(book("ALPHA", line("h100", 16), start=NOON, hours=6))
    assert scenario.centre.meters["GAMMA", "h100"].periods[0].booked == 0
    scenario.books(book("GAMMA", line("h100", 16), start=NOON, hours=6))


@pytest.mark.parametrize(
    "change",
    [
        {"meter": "M01"},
        {"meter": "nothing"},
        {"end": at("2026-05-01 00:00")},
        {"start": at("2026-05-01 00:30")},
        {"unit_seconds": -1},
        {"unit_seconds": 2**60},
        {"concurrent_units_max": -1},
        {"end": at("2037-05-01 00:00")},
    ],
    ids=["equipment", "missing", "empty", "half-hour", "negative", "absurd", "negative-at-once", "for-ever"],
)
def test_a_senseless_quota_is_refused(change: dict[str, object]) -> None:
    """A quota is for a meter that exists, for whole hours of a sensible period, and not negative."""
    sound = Quota(
        company="BETA", meter="h100", start=at("2026-05-01 00:00"), end=at("2026-06-01 00:00"), unit_seconds=1
    )
    scenario = fixture.fresh()
    assert set(scenario.refuses(GrantQuota(quota=replace(sound, **change)))) == {Reason.INVALID_QUOTA}
    scenario.grants(GrantQuota(quota=sound))


def test_quotas_of_one_meter_never_overlap() -> None:
    """A second grant for part of a period is refused, and the next period may begin where the last ended."""
    scenario = fixture.fresh()
    april = fixture.quota("GAMMA", "h100", 4, 10)
    assert scenario.refuses(GrantQuota(quota=replace(april, start=april.end - HOUR, end=april.end + HOUR))) == [
        Reason.ALREADY_EXISTS
    ]
    scenario.grants(GrantQuota(quota=fixture.quota("GAMMA", "h100", 5, 10)))


def test_a_quota_needs_its_company() -> None:
    """Nobody grants quota to a company that is not there."""
    assert fixture.fresh().refuses(GrantQuota(quota=fixture.quota("NOBODY", "h100", 3, 1))) == [
        Reason.COMPANY_NOT_FOUND
    ]


def test_a_pool_that_needs_no_quota_counts_on_none() -> None:
    """A free pool is open to a company without any quota."""
    reservation = fixture.fresh().books(book("BETA", line("cpu", 10), start=NOON, hours=1))
    assert reservation.allocations[0].meter == ""


def test_a_pool_called_like_the_equipment_meter_is_refused() -> None:
    """A compute pool may not share its name, and so its quota, with the meter of all equipment."""
    pool = replace(fixture.H100, id="equipment")
    assert fixture.fresh().refuses(RegisterResource(resource=pool)) == [Reason.INVALID_RESOURCE]


def test_quota_survives_the_forgetting_of_what_was_used() -> None:
    """Hours used stay used after the reservation itself is no longer kept."""
    scenario = Scenario.of(
        fixture.H100,
        fixture.company("ALPHA"),
        replace(fixture.quota("ALPHA", "h100", 3, 100), end=at("2026-09-01 00:00")),
        now=NOW,
    )
    scenario.given(book("ALPHA", line("h100", 32), start=NOON, hours=3)).reaches(NOON + 3 * HOUR)
    scenario.reaches(NOON + 40 * DAY).given(GrantQuota(quota=fixture.quota("ALPHA", "h100", 9, 1)))
    assert not scenario.centre.reservations
    for centre in (scenario.centre, scenario.restored(), scenario.replayed()):
        assert centre.meters["ALPHA", "h100"].periods[0].booked == 96 * HOUR
    assert scenario.refuses(book("ALPHA", line("h100", 8), start=NOON + 41 * DAY, hours=1)) == [Reason.QUOTA_EXCEEDED]


def test_units_at_once_are_counted_moment_by_moment() -> None:
    """Two lines with different hours count together only while both are held."""
    scenario = fixture.fresh().given(book("GAMMA", line("C24"), start=TUESDAY + 13 * HOUR, hours=1))
    rig = replace(fixture.M01, id="RIG", companions=(), notice_hours=0)
    scenario.given(RegisterResource(resource=rig))
    scenario.books(book("GAMMA", line("RIG"), line("C24"), start=TUESDAY + 9 * HOUR, hours=9))
    # At ten the rig and a seat are held, at one two seats: a third at once is too many at either hour.
    for hour in (10, 13):
        third = book("GAMMA", line("T1"), start=TUESDAY + hour * HOUR, hours=1)
        assert scenario.refuses(third) == [Reason.CONCURRENCY_EXCEEDED]


def test_a_demand_that_touches_no_hour_of_a_period_is_not_held_to_it() -> None:
    """A weekend between two slots may be another period: its limit at once is not asked."""
    weekend = replace(
        fixture.quota("BETA", "equipment", 3, 1), start=at("2026-03-07 00:00"), end=at("2026-03-09 00:00")
    )
    weeks = [
        replace(weekend, start=at("2026-03-02 00:00"), end=weekend.start, unit_seconds=100 * HOUR),
        replace(weekend, start=weekend.end, end=at("2026-03-14 00:00"), unit_seconds=100 * HOUR),
        replace(weekend, concurrent_units_max=1),
    ]
    scenario = fixture.fresh().given(*(GrantQuota(quota=each) for each in weeks))
    scenario.given(book("BETA", line("C24"), start=at("2026-03-07 12:00"), hours=1))
    over = scenario.books(book("BETA", line("T1"), start=at("2026-03-06 17:00"), end=at("2026-03-09 10:00")))
    assert all(end <= weekend.start or weekend.end <= start for start, end in over.allocations[0].spans)
    inside = book("BETA", line("C24"), start=at("2026-03-07 12:00"), hours=1)
    assert Reason.CONCURRENCY_EXCEEDED in scenario.refuses(inside)
