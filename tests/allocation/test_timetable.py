"""When a resource is open: local time drawn onto UTC, through clock changes, closed days, breaks and nights."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.calendars.calendar import base_for
from services.allocation.calendars.pool import Pool
from services.allocation.calendars.timetable import ROUND_THE_CLOCK, cell_minutes
from services.allocation.measures import DAY_SECONDS
from services.allocation.rejections import Reason
from services.allocation.resources import OpeningHours, Resource
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def lab(zone: str, hours: OpeningHours | None, slot: int = 60, **rules: object) -> Resource:
    """One seat somewhere else."""
    return replace(fixture.CLOCK_ROUND, id="LAB", time_zone=zone, hours=hours, slot_minutes=slot, **rules)


def opened(resource: Resource, company_end: str = "2027-01-01 00:00", now: int = NOW) -> Scenario:
    """A centre with this resource, its companions' worth of quota, and a patient company."""
    terms = fixture.company("ALPHA", agreement_end=at(company_end))
    periods = [fixture.quota("ALPHA", "equipment", month, 10_000) for month in range(1, 12)]
    return Scenario.of(resource, terms, *periods, now=now)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        *((BERLIN, "2026-03-28", 24), (BERLIN, "2026-03-29", 23), (BERLIN, "2026-10-25", 25)),
        *((NEW_YORK, "2026-03-08", 23), (NEW_YORK, "2026-11-01", 25), (fixture.SEOUL, "2026-03-29", 24)),
    ],
)
def test_a_day_has_as_many_slots_as_it_has_hours(zone: str, day: str, hours: int) -> None:
    """On the day of a clock change a round-the-clock resource has 23 or 25 slots of an hour, and no more."""
    start, end = at(f"{day} 00:00", zone), at(f"{date.fromisoformat(day) + timedelta(days=1)} 00:00", zone)
    pool = Pool(lab(zone, None), base_for(start))
    assert (end - start) // HOUR == hours
    assert sum(pool.on_grid(moment, end)[0] for moment in range(start, end, HOUR)) == hours
    assert pool.open_spans(start, end) == ((start, end),)


def test_office_hours_move_with_the_clock() -> None:
    """Nine o'clock in Berlin is eight o'clock UTC in winter and seven in summer."""
    scenario = opened(lab(BERLIN, replace(fixture.SHIFT, weekdays=EVERY_DAY)))
    for day in ("2026-03-28", "2026-03-29", "2026-03-30"):
        start = at(f"{day} 09:00", BERLIN)
        early = book("ALPHA", line("LAB"), start=start - HOUR, hours=1)
        assert set(scenario.refuses(early)) == {Reason.OUTSIDE_OPENING_HOURS}
        scenario.books(book("ALPHA", line("LAB"), start=start, hours=9))
    assert at("2026-03-29 09:00", BERLIN) - at("2026-03-28 09:00", BERLIN) == 23 * HOUR


def test_a_time_that_does_not_exist_moves_forward() -> None:
    """Opening at 02:30 on the night that skips that hour means opening at 03:30, an hour of sleep later."""
    pool = Pool(lab(BERLIN, OpeningHours(weekdays=EVERY_DAY, opens=150, closes=390), slot=30), base_for(NOW))
    opens = at("2026-03-29 03:30", BERLIN)
    assert pool.on_grid(opens, opens + HOUR) == (True, True)
    assert not pool.is_open(((opens - HOUR // 2, opens),))
    assert pool.is_open(((opens, at("2026-03-29 06:30", BERLIN)),))


def test_a_zone_of_half_hours_has_cells_of_half_hours() -> None:
    """Where summer time is half an hour, or the offset is not whole, the calendar is fine enough."""
    pool = Pool(lab(LORD_HOWE, fixture.SHIFT), base_for(NOW))
    assert pool.calendar.cell_seconds == 1800
    start = at("2026-03-02 09:00", LORD_HOWE)
    assert pool.on_grid(start, start + HOUR) == (True, True)
    assert cell_minutes(lab("Asia/Kathmandu", fixture.SHIFT)) == 15


def test_a_break_divides_the_day() -> None:
    """Slots begin again after the break; one that would run into it does not exist."""
    scenario = fixture.fresh()
    for start, hours in ((13, 4), (11, 4), (10, 3)):
        wish = book("ALPHA", line("M01"), start=at("2026-03-04 00:00") + start * HOUR, hours=hours)
        assert scenario.refuses(wish)
    whole_day = scenario.books(book("ALPHA", line("M01"), start=at("2026-03-04 09:00"), hours=9))
    assert whole_day.allocations[0].seconds == 8 * HOUR


def test_a_night_belongs_to_its_evening() -> None:
    """A night slot begins on an open evening and ends on the next day, even if that day is closed."""
    scenario = fixture.fresh()
    night = book("ALPHA", line("N01"), start=TUESDAY + 20 * HOUR, hours=12)
    assert scenario.books(night).allocations[0].spans == ((night.start, night.end),)
    assert Reason.CLOSED_DAY in scenario.refuses(book("ALPHA", line("N01"), start=TUESDAY + 44 * HOUR, hours=4))
    scenario.books(book("ALPHA", line("N01"), start=at("2026-03-05 20:00"), hours=8))


def test_a_slot_of_part_of_a_night_is_a_slot() -> None:
    """Slots of four hours follow each other through midnight."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("N01"), start=TUESDAY + DAY, hours=4))
    assert scenario.refuses(book("ALPHA", line("N01"), start=TUESDAY + DAY + 5 * HOUR, hours=2)) == [
        Reason.OFF_GRID,
        Reason.OFF_GRID,
    ]


def test_a_closed_day_is_the_local_one() -> None:
    """A closed day begins at midnight in the resource's own zone, not in UTC or ours."""
    scenario = opened(lab(NEW_YORK, None, closed_days=("2026-03-10",)))
    first, last = at("2026-03-10 00:00", NEW_YORK), at("2026-03-11 00:00", NEW_YORK)
    scenario.given(
        book("ALPHA", line("LAB"), start=first - HOUR, hours=1), book("ALPHA", line("LAB"), start=last, hours=1)
    )
    for start in (first, last - HOUR):
        assert set(scenario.refuses(book("ALPHA", line("LAB"), start=start, hours=1))) == {Reason.CLOSED_DAY}


def test_a_weekend_may_lie_inside_a_booking() -> None:
    """From Friday to Monday only the open slots are held, and only they count towards the longest booking."""
    reservation = fixture.fresh().books(
        book("ALPHA", line("M01"), start=at("2026-03-06 09:00"), end=at("2026-03-09 18:00"))
    )
    assert [each.seconds for each in reservation.allocations] == [16 * HOUR] * 4


def test_who_keeps_the_same_hours_shares_a_drawing_on_which_nobody_writes() -> None:
    """A centre with many labs draws the timetable of the house once, and no lab changes that of another."""
    house = OpeningHours(weekdays=(0, 1, 2, 3, 4), opens=540, closes=1080)
    first, second = (Pool(replace(lab(BERLIN, house), id=name), base_for(NOW)) for name in ("LAB-1", "LAB-2"))
    other = Pool(replace(lab(BERLIN, house), closed_days=("2026-03-04",)), base_for(NOW))
    assert first.timetable is second.timetable
    assert first.timetable is not None
    assert other.timetable is not None
    assert other.timetable.open.sum() < first.timetable.open.sum()
    with pytest.raises(ValueError, match="read-only"):
        first.timetable.open[0] = True


def test_more_slots_than_allowed_are_refused() -> None:
    """Five half-days are one more than the simulator is given for at a time."""
    wish = book("ALPHA", line("M01"), start=at("2026-03-06 09:00"), end=at("2026-03-10 13:00"))
    assert fixture.fresh().refuses(wish) == [Reason.DURATION_OUT_OF_RANGE]


weekly = st.builds(
    lambda weekdays, opens, length, pause: OpeningHours(
        weekdays=tuple(sorted(weekdays)),
        opens=opens * 30,
        closes=(opens + length) * 30,
        break_starts=(opens + length // 2) * 30 if pause and length > 3 else 0,
        break_ends=(opens + length // 2 + 1) * 30 if pause and length > 3 else 0,
    ),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 47),
    st.integers(1, 48),
    st.booleans(),
)


def naive_slots(resource: Resource, first: date, days: int) -> Iterator[tuple[int, int]]:
    """Every slot, by walking through local days with the wall clock in hand."""
    zone, hours = ZoneInfo(resource.time_zone), resource.hours or ROUND_THE_CLOCK
    for day in (first + timedelta(days=number) for number in range(days)):
        if day.weekday() not in hours.weekdays or day.isoformat() in resource.closed_days:
            continue
        midnight = datetime(day.year, day.month, day.day)
        edges = [hours.opens, hours.break_starts, hours.break_ends, hours.closes]
        parts = [edges[:2], edges[2:]] if hours.break_starts != hours.break_ends else [[hours.opens, hours.closes]]
        for opens, closes in parts:
            start, end = (
                int((midnight + timedelta(minutes=edge)).replace(tzinfo=zone).timestamp()) for edge in (opens, closes)
            )
            while start + resource.slot_seconds <= end:
                yield start, start + resource.slot_seconds
                start += resource.slot_seconds


@given(
    weekly,
    st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, fixture.SEOUL, "UTC", "America/St_Johns"]),
    st.sampled_from([15, 30, 60, 120, 240, 480]),
    st.sampled_from([NOW, at("2026-10-20 00:00", "UTC")]),
)
@examples(25)
def test_the_drawing_is_the_walk_through_the_days(hours: OpeningHours, zone: str, slot: int, now: int) -> None:
    """The cells of a calendar say the same as a walk through the local days, around a clock change."""
    resource = lab(zone, hours, slot, closed_days=("2026-03-28", "2026-10-24"))
    pool = Pool(resource, base_for(now))
    first, days = datetime.fromtimestamp(now, UTC).date(), 40
    slots = list(naive_slots(resource, first - timedelta(days=3), days))
    starts, ends = {start for start, _ in slots}, {end for _, end in slots}
    for moment in range(now // DAY_SECONDS * DAY_SECONDS, now + 30 * DAY, 900):
        inside = any(start <= moment < end for start, end in slots)
        assert pool.on_grid(moment, moment) == (moment in starts, moment in ends)
        assert pool.is_open(((moment, moment + 1),)) == inside
