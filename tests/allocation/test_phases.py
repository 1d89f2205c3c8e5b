"""Lines with a time of their own within a demand, and companions for the first and the last slot only."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import RegisterResource
from services.allocation.rejections import Reason
from services.allocation.reservations import Line, Reservation
from services.allocation.resources import Companion
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, book, change, line

TEN = TUESDAY + 10 * HOUR


def later(name: str, units: int = 1, after: float = 0, before: float = 0) -> Line:
    """A line that begins later than its demand, or ends earlier."""
    return Line(resource=name, units=units, starts_after=int(after * HOUR), ends_before=int(before * HOUR))


def spans_of(reservation: Reservation, resource: str) -> list[tuple[float, float]]:
    """When a resource is held, in hours after ten."""
    [allocation] = [each for each in reservation.allocations if each.resource == resource]
    return [((start - TEN) / HOUR, (end - TEN) / HOUR) for start, end in allocation.spans]


def test_the_rig_comes_first_and_the_accelerators_later() -> None:
    """Each line is held for its own time, together or not at all; in between its units are others'."""
    scenario = fixture.fresh()
    booked = scenario.books(book("ALPHA", line("T1"), later("h100", 32, after=1, before=2), start=TEN, hours=4))
    assert spans_of(booked, "T1") == [(0, 4)]
    assert spans_of(booked, "h100") == [(1, 2)]
    scenario.books(book("ALPHA", line("h100", 32), start=TEN, hours=1))
    wish = book("ALPHA", line("T2"), later("h100", 8, after=1), start=TEN, hours=2)
    assert scenario.refuses(wish) == [Reason.EXCLUSIVE_GROUP_BUSY, Reason.NO_CAPACITY]
    scenario.books(book("ALPHA", line("h100", 32), start=TEN + 2 * HOUR, hours=2))


def test_a_search_finds_offers_for_lines_of_different_times() -> None:
    """The earliest offer is the one in which every line is free for its own time."""
    scenario = fixture.fresh().given(book("ALPHA", line("h100", 32), start=TEN, hours=2))
    found = scenario.offers("ALPHA", line("C24"), later("h100", 8, after=1), hours=2, earliest=TEN, count=1)
    assert found.intervals == ((TEN + HOUR, TEN + 3 * HOUR),)


def test_a_line_off_its_own_grid_is_refused() -> None:
    """An hour's slots do not begin at half past, whenever the demand does."""
    wish = book("ALPHA", line("C24"), later("h100", 8, after=0.5), start=TEN, hours=2)
    assert fixture.fresh().refuses(wish) == [Reason.OFF_GRID]


def test_a_line_is_not_changed_to_off_its_own_grid() -> None:
    """Another distance from the demand is another start, and asked about like one; what stood so already may stay."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("C24"), later("h100", 8, after=1), start=TEN, hours=3))
    half_past = (line("C24"), later("h100", 8, after=0.5))
    assert scenario.refuses(change(made, lines=half_past)) == [Reason.OFF_GRID]
    assert spans_of(scenario.changes(made, lines=(line("C24"), later("h100", 8))), "h100") == [(0, 3)]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([line("cpu"), later("h100", 8, after=1, before=1)], Reason.INVALID_INTERVAL),
        ([later("cpu", after=1), later("h100", 8, after=1)], Reason.INVALID_LINES),
        ([later("cpu", before=1), later("h100", 8, before=1)], Reason.INVALID_LINES),
        ([line("cpu"), later("h100", 8, after=-1)], Reason.INVALID_LINES),
    ],
)
def test_times_that_make_no_sense_are_refused(lines: list[Line], reason: Reason) -> None:
    """Nothing left of a line, no line at the start or the end, and a line before its demand."""
    assert fixture.fresh().refuses(book("ALPHA", *lines, start=TEN, hours=2)) == [reason]


def test_staff_who_start_and_end_a_run_are_free_in_between() -> None:
    """A companion for the edges is held in the first and the last slot; of two slots or one that is all of it."""
    rig = replace(fixture.CLOCK_ROUND, id="rig", companions=(Companion(resource="OP", units=2, edges=True),))
    scenario = fixture.fresh().given(RegisterResource(resource=rig))
    for hours, held in ((1, [(0, 1)]), (2, [(0, 2)]), (5, [(0, 1), (4, 5)])):
        booked = scenario.books(book("ALPHA", line("rig"), start=TEN, hours=hours))
        assert spans_of(booked, "OP") == held
        scenario.cancels(booked)
    scenario.books(book("ALPHA", line("rig"), start=TEN, hours=5))
    scenario.books(book("ALPHA", line("OP", 2), start=TEN + HOUR, hours=3))


def test_who_is_needed_for_a_slot_is_not_asked_beyond_what_is_wanted() -> None:
    """Half a slot until the shift ends is off the grid, and that alone: nobody stays longer for it."""
    rig = replace(fixture.CLOCK_ROUND, id="rig", companions=(Companion(resource="OP", units=1, edges=True),))
    scenario = fixture.fresh().given(RegisterResource(resource=rig))
    half_an_hour = book("ALPHA", line("rig"), start=TUESDAY + 35 * HOUR // 2, hours=0.5)
    assert scenario.refuses(half_an_hour) == [Reason.OFF_GRID]
