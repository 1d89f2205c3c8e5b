"""The calendar slides forward through weeks and months and forgets nothing that is still to come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.calendars.calendar import DAYS_AHEAD, DAYS_BEHIND, SLIDE_DAYS, Calendar, base_for
from services.allocation.commands import RegisterResource
from services.allocation.rejections import Reason
from services.allocation.reservations import Allocation
from services.allocation.resources import Closure
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, drawn, grids_of, line

NOON = TUESDAY + 12 * HOUR


def test_the_range_reaches_a_month_back_and_half_a_year_ahead() -> None:
    """At any second of a week the calendar covers what may be asked about."""
    for now in range(NOW, NOW + 8 * DAY, 7 * HOUR):
        calendar = Calendar(bins=1, bin_capacity=1, cell_seconds=3600, base=base_for(now))
        assert calendar.base <= now - DAYS_BEHIND * DAY
        assert calendar.end >= now + DAYS_AHEAD * DAY
        assert calendar.base % DAY == 0


@pytest.mark.parametrize("days", [1, 6, 7, 8, 30, 45, 100])
def test_sliding_keeps_every_hold(days: int) -> None:
    """Weeks and months later the grids still show what is booked ahead, and nothing else."""
    patient = fixture.company("PATIENT", horizon_days=180, certified=True)
    scenario = fixture.fresh()
    scenario.given(*(RegisterResource(resource=replace(fixture.CPU, id=f"cpu{n}")) for n in range(2)))
    scenario = Scenario.of(*fixture.RESOURCES, patient, *fixture.COMPANIES, *fixture.QUOTAS, now=NOW)
    starts = [NOON + number * 9 * DAY for number in range(18)]
    scenario.given(*(book("PATIENT", line("cpu", 100), line("OP", 1), start=start, hours=3) for start in starts[:1]))
    scenario.given(*(book("PATIENT", line("cpu", 100), start=start, hours=30) for start in starts[1:]))
    scenario.reaches(NOW + days * DAY)
    scenario.given(book("PATIENT", line("a100", 125), start=scenario.now // HOUR * HOUR + 2 * HOUR, hours=1))
    pool = scenario.centre.pools["cpu"]
    spans = [
        (span, dict(zip(allocation.bins, allocation.amounts, strict=True)))
        for reservation in scenario.centre.reservations.values()
        for allocation in reservation.allocations
        for span in allocation.spans
        if allocation.resource == "cpu"
    ]
    seen = (scenario.now - DAYS_BEHIND * DAY - pool.calendar.base) // pool.calendar.cell_seconds
    assert np.array_equal(pool.calendar.used[seen:], drawn(pool, spans)[seen:])
    assert grids_of(scenario.restored(), scenario.now - DAYS_BEHIND * DAY) == grids_of(
        scenario.centre, scenario.now - DAYS_BEHIND * DAY
    )
    for start in starts:
        if start > scenario.now:
            assert Reason.NO_CAPACITY in scenario.refuses(book("PATIENT", line("cpu", 200), start=start, hours=1))


def test_a_timetable_slides_along() -> None:
    """Half a year on, the equipment still opens in the morning."""
    scenario = fixture.fresh()
    scenario.reaches(at("2026-07-01 08:00")).given(book("ALPHA", line("cpu"), start=at("2026-07-01 12:00"), hours=1))
    scenario.books(book("ALPHA", line("T1"), start=at("2026-07-03 09:00"), hours=9))
    assert scenario.refuses(book("ALPHA", line("T1"), start=at("2026-07-04 09:00"), hours=9))


CLOSURE = Closure(start=at("2026-09-20 09:00"), end=at("2026-09-20 18:00"), reason="inspection")


def test_a_closure_beyond_the_range_comes_into_it() -> None:
    """Maintenance announced for the far future takes its nodes out when the calendar reaches it."""
    scenario = Scenario.of(
        replace(fixture.CPU, closures=(CLOSURE,)), fixture.company("ALPHA", horizon_days=180), now=NOW
    )
    scenario.reaches(at("2026-08-01 00:00")).given(book("ALPHA", line("cpu"), start=at("2026-08-01 12:00"), hours=1))
    assert scenario.refuses(book("ALPHA", line("cpu"), start=CLOSURE.start, hours=1)) == [Reason.MAINTENANCE]
    scenario.books(book("ALPHA", line("cpu"), start=CLOSURE.end, hours=1))
    assert grids_of(scenario.restored(), scenario.now) == grids_of(scenario.centre, scenario.now)


def test_a_closure_is_seen_after_weeks_of_silence() -> None:
    """Maintenance holds even where nothing has happened for so long that the calendar has not moved."""
    closure = Closure(start=at("2026-09-25 09:00"), end=at("2026-09-25 18:00"))
    scenario = Scenario.of(
        replace(fixture.CPU, closures=(closure,)), fixture.company("ALPHA", horizon_days=180), now=NOW
    )
    scenario.now = at("2026-04-10 00:00")
    reasons = scenario.refuses(book("ALPHA", line("cpu"), start=closure.start, hours=1))
    assert set(reasons) <= {Reason.MAINTENANCE, Reason.BEYOND_HORIZON}


def test_opening_hours_hold_after_weeks_of_silence() -> None:
    """What lies beyond the drawn timetable is called too far, never off the grid."""
    scenario = Scenario.of(
        fixture.CLOCK_ROUND,
        fixture.company("ALPHA"),
        fixture.quota("ALPHA", "equipment", 9, 1000),
        now=NOW,
    )
    scenario.now = at("2026-04-10 00:00")
    reasons = scenario.refuses(book("ALPHA", line("C24"), start=at("2026-09-28 09:00"), hours=1))
    assert reasons == [Reason.BEYOND_HORIZON]


@pytest.mark.parametrize("capacity", [8, 16_000])
def test_closures_that_overlap_close_once(capacity: int) -> None:
    """A node that three notices take out is out, once: nobody may book it, and the calendar counts it once."""
    closures = tuple(
        Closure(start=NOON - n * HOUR, end=NOON + 2 * HOUR, zone=zone) for n, zone in enumerate(["", "Z-A", ""])
    )
    pool = replace(fixture.H100, bin_capacity=capacity, quota_required=False, closures=closures)
    scenario = Scenario.of(pool, fixture.ALPHA, now=NOW)
    assert scenario.refuses(book("ALPHA", line("h100", 8), start=NOON, hours=1)) == [Reason.MAINTENANCE]
    closed = scenario.centre.pools["h100"]
    assert closed.most_gone((NOON, NOON + HOUR)) == pool.capacity
    assert int(closed.closed.idle.total.max()) == pool.capacity


def test_closures_within_one_hour_close_it_once() -> None:
    """Two stretches of maintenance in one hour take the hour out, not twice the nodes."""
    closures = (Closure(start=NOON, end=NOON + 900), Closure(start=NOON + 1800, end=NOON + 2700))
    scenario = Scenario.of(replace(fixture.CPU, closures=closures), fixture.ALPHA, now=NOW)
    assert int(scenario.centre.pools["cpu"].closed.idle.total.max()) == fixture.CPU.capacity


def test_maintenance_is_blamed_only_where_it_is_to_blame() -> None:
    """When others hold the nodes at another time than the closure, the reason is capacity."""
    pool = replace(
        fixture.CPU,
        closures=(Closure(start=NOON, end=NOON + HOUR, zone="Z-A"),),
        nodes=fixture.nodes("cpu", ("", "", "Z-A"), ("", "", "Z-B")),
    )
    scenario = Scenario.of(pool, fixture.ALPHA, now=NOW)
    scenario.given(book("ALPHA", line("cpu", 224), start=NOON + 2 * HOUR, hours=1))
    assert scenario.refuses(book("ALPHA", line("cpu", 112), start=NOON, hours=3)) == [Reason.NO_CAPACITY]


def test_a_companion_on_a_coarser_grid_is_never_double_counted() -> None:
    """A short break inside one hour of the GPUs' calendar leaves that hour held once."""
    hours = replace(fixture.OFFICE, break_starts=13 * 60 + 15, break_ends=13 * 60 + 30)
    desk = replace(
        fixture.M01, id="DESK", hours=hours, slot_minutes=15, slots_max=100, companions=fixture.M01.companions[1:2]
    )
    scenario = fixture.fresh().given(RegisterResource(resource=desk))
    scenario.given(book("ALPHA", line("DESK"), start=at("2026-03-04 12:00"), end=at("2026-03-04 14:00")))
    assert int(scenario.centre.pools["a100"].calendar.used.max()) == 1000
    assert grids_of(scenario.restored(), NOW) == grids_of(scenario.centre, NOW)


changes = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 40), st.sets(st.integers(0, 3), min_size=1), st.integers(1, 5)),
    max_size=20,
)


@given(changes, st.integers(0, 40))
@examples(40)
def test_a_grid_is_the_sum_of_what_it_holds(held: list[tuple[int, int, set[int], int]], weeks: int) -> None:
    """Adding, taking out and sliding leave exactly what was added and not taken out."""
    calendar = Calendar(bins=4, bin_capacity=100, cell_seconds=3600, base=base_for(NOW))
    allocations = [
        Allocation(
            resource="",
            units=amount * len(bins),
            spans=((MONDAY + start * DAY, MONDAY + start * DAY + length * HOUR),),
            bins=tuple(bins),
            amounts=(amount,) * len(bins),
        )
        for start, length, bins, amount in held
    ]
    for allocation in allocations:
        calendar.hold(allocation)
    calendar.slide(calendar.base + weeks * SLIDE_DAYS * DAY)
    for allocation in allocations[::2]:
        calendar.hold(allocation, -1)
    expected = np.zeros_like(calendar.used)
    for allocation in allocations[1::2]:
        ((start, end),) = allocation.spans
        for cell in range(calendar.cells):
            moment = calendar.base + cell * 3600
            if start < moment + 3600 and moment < end and moment < calendar.end:
                expected[cell, list(allocation.bins)] += allocation.amounts[0]
    known = base_for(NOW) + (DAYS_BEHIND + DAYS_AHEAD + SLIDE_DAYS) * DAY
    cells = max(0, (known - calendar.base) // 3600)
    assert np.array_equal(calendar.used[:cells], expected[:cells])
    assert np.array_equal(calendar.total[:cells], expected[:cells].sum(axis=1))
