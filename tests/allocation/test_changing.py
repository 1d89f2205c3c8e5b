"""Changing a reservation: it keeps its name, its place where that is possible, and everything if the answer is no."""

from typing import Any

import pytest

from services.allocation.calendars.calendar import DAYS_BEHIND
from services.allocation.commands import CancelReservation, GrantQuota
from services.allocation.rejections import Reason
from services.allocation.reservations import Colocation, Reservation, State
from tests.allocation import fixture
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, change, grids_of, line

NOON = TUESDAY + 12 * HOUR


def spans(reservation: Reservation) -> list[tuple[int, int]]:
    """Every span of every allocation."""
    return [span for allocation in reservation.allocations for span in allocation.spans]


def running(scenario: Scenario, *lines: Any, hours: float = 4) -> Reservation:
    """A reservation of ALPHA that has begun just now."""
    made = scenario.books(book("ALPHA", *lines, start=NOON, hours=hours))
    return scenario.reaches(NOON).current(made)


def test_a_change_keeps_the_name_and_moves_on_the_version() -> None:
    """Extended, shortened and moved, it is one reservation with one history."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("cpu", 8), start=NOON, hours=2))
    longer = scenario.changes(made, end=NOON + 3 * HOUR)
    shorter = scenario.changes(longer, duration=HOUR)
    moved = scenario.changes(shorter, start=NOON + 5 * HOUR, duration=HOUR)
    assert [(each.id, each.version) for each in (longer, shorter, moved)] == [(made.id, 2), (made.id, 3), (made.id, 4)]
    assert (moved.start, moved.end, spans(moved)) == (
        NOON + 5 * HOUR,
        NOON + 6 * HOUR,
        [(NOON + 5 * HOUR, NOON + 6 * HOUR)],
    )
    assert moved.created_at == made.created_at


def test_a_refused_change_leaves_everything_as_it_was() -> None:
    """The old slot is never lost: the calendars, the quota and the reservation are the same after a no."""
    scenario = fixture.fresh()
    made = scenario.books(book("GAMMA", line("h100", 16), start=NOON, hours=2))
    scenario.books(book("ALPHA", line("h100", 32), start=NOON + 2 * HOUR, hours=1))
    before = grids_of(scenario.centre, NOW - DAYS_BEHIND * DAY)
    assert scenario.refuses(change(made, end=NOON + 3 * HOUR)) == [Reason.NO_CAPACITY]
    assert scenario.current(made) is made
    assert grids_of(scenario.centre, NOW - DAYS_BEHIND * DAY) == before


def test_its_own_units_and_quota_count_as_free() -> None:
    """A pool that is full of one reservation can still shift it by an hour, with a quota that is spent on it."""
    scenario = fixture.fresh().given(GrantQuota(quota=fixture.quota("BETA", "h100", 3, 64, at_once=32)))
    made = scenario.books(book("BETA", line("h100", 32), start=NOON, hours=2))
    moved = scenario.changes(made, start=NOON + HOUR, end=NOON + 3 * HOUR)
    assert spans(moved) == [(NOON + HOUR, NOON + 3 * HOUR)]
    (period,) = scenario.centre.meters["BETA", "h100"].periods
    assert period.booked == 64 * HOUR


def test_it_stays_where_it_stands() -> None:
    """An extension keeps the very units, though a better fit has come up meanwhile."""
    scenario = fixture.fresh()
    first = scenario.books(book("ALPHA", line("cpu", 60), start=NOON, hours=2))
    made = scenario.books(book("ALPHA", line("cpu", 60), start=NOON, hours=2))
    scenario.cancels(first)
    scenario.books(book("ALPHA", line("cpu", 50), start=NOON, hours=2))
    assert scenario.changes(made, end=NOON + 4 * HOUR).allocations[0].bins == made.allocations[0].bins


def test_a_share_shrinks_in_its_place_and_grows_where_there_is_room() -> None:
    """Fewer units are some of the same ones; more are found wherever they fit."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("a100", 16_000), start=NOON, hours=2))
    fewer = scenario.changes(made, lines=(line("a100", 8_000),))
    assert set(fewer.allocations[0].bins) < set(made.allocations[0].bins)
    more = scenario.changes(fewer, lines=(line("a100", 24_000),))
    assert (more.allocations[0].units, len(more.allocations[0].bins)) == (24_000, 24)


def test_lines_can_be_added_removed_and_shaped() -> None:
    """A change of the lines brings companions along, and lets them go."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("cpu", 8), start=at("2026-03-10 09:00"), hours=4))
    rig = scenario.changes(made, lines=(line("M01"), line("cpu", 4)))
    assert {each.resource for each in rig.allocations} == {"M01", "M03", "a100", "OP", "cpu"}
    gang = scenario.changes(rig, lines=(line("a100", 16_000, each=8_000, near=Colocation.RACK),))
    assert {each.resource for each in gang.allocations} == {"a100"}
    assert scenario.centre.pools["M01"].calendar.total.sum() == 0


def test_another_note_is_another_note_and_nothing_else() -> None:
    """Words change whatever the rules say of the time, and no unit moves."""
    scenario = fixture.fresh()
    active = running(scenario, line("cpu"))
    noted = scenario.changes(active, note="run 7")
    assert (noted.note, noted.version, noted.state) == ("run 7", active.version + 1, State.ACTIVE)
    assert noted.allocations is active.allocations


@pytest.mark.parametrize(
    ("wish", "reasons"),
    [
        ({"end": TUESDAY + 13 * HOUR}, []),
        ({"start": TUESDAY + 14 * HOUR}, []),
        ({"start": TUESDAY + 33 * HOUR, "duration": 4 * HOUR}, []),
        ({"end": TUESDAY + 37 * HOUR}, [Reason.NOTICE_TOO_SHORT]),
        ({"lines": (line("M01"), line("M05"))}, []),
        ({"end": at("2026-03-05 13:00")}, [Reason.CLOSED_DAY]),
        ({"end": at("2026-03-06 18:00")}, [Reason.DURATION_OUT_OF_RANGE, Reason.NOTICE_TOO_SHORT]),
        ({"start": TUESDAY + 10 * HOUR}, [Reason.OFF_GRID]),
        ({"start": TUESDAY - HOUR}, [Reason.OUTSIDE_OPENING_HOURS, Reason.START_IN_PAST]),
    ],
)
def test_only_what_is_new_must_obey(wish: dict[str, Any], reasons: list[Reason]) -> None:
    """A simulator booked for 9 to 18, nine hours before its start: its notice of a day holds for added time alone."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("M01"), start=TUESDAY + 9 * HOUR, hours=9))
    scenario.now = TUESDAY
    if not reasons:
        scenario.changes(made, **wish)
        return
    assert set(scenario.refuses(change(made, **wish))) >= set(reasons)


def test_a_line_within_the_horizon_is_not_pushed_beyond_it() -> None:
    """Nobody books at the edge of the horizon and moves on from there."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("cpu"), start=NOW + 59 * DAY, hours=8))
    assert scenario.refuses(change(made, start=made.start + 2 * DAY, end=made.end + 2 * DAY)) == [Reason.BEYOND_HORIZON]


def test_what_has_begun_is_extended_on_its_own_units() -> None:
    """Whoever waits for the same units makes way, as long as there are enough."""
    scenario = fixture.fresh()
    active = running(scenario, line("h100", 8))
    (mine,) = active.allocations[0].bins
    scenario.books(book("ALPHA", line("h100", 24), start=NOON, hours=4))
    waiting = [scenario.books(book("ALPHA", line("h100", 8), start=NOON + 4 * HOUR, hours=2)) for _ in range(3)]
    longer = scenario.changes(active, end=NOON + 6 * HOUR)
    assert [allocation.bins for allocation in longer.allocations] == [(mine,)]
    assert longer.allocations[0].spans == ((NOON, NOON + 6 * HOUR),)
    assert all(mine not in scenario.current(each).allocations[0].bins for each in waiting)


def test_what_has_begun_is_not_extended_over_what_cannot_make_way() -> None:
    """Where later bookings need the units, the extension is refused, and they keep theirs."""
    scenario = fixture.fresh()
    active = running(scenario, line("h100", 8))
    scenario.books(book("ALPHA", line("h100", 32), start=NOON + 4 * HOUR, hours=2))
    assert scenario.refuses(change(active, end=NOON + 5 * HOUR)) == [Reason.NO_CAPACITY]


@pytest.mark.parametrize(
    ("wish", "reasons"),
    [
        ({"start": NOON + HOUR}, [Reason.WRONG_STATE]),
        ({"lines": (line("cpu", 9),)}, [Reason.WRONG_STATE]),
        ({"lines": (line("cpu", 8), line("C24"))}, [Reason.WRONG_STATE]),
        ({"end": NOON + HOUR}, [Reason.END_IN_PAST]),
        ({"start": NOON - HOUR, "end": NOON + HOUR}, [Reason.WRONG_STATE, Reason.END_IN_PAST]),
        ({"end": NOON + HOUR // 2}, [Reason.END_IN_PAST]),
    ],
)
def test_what_has_begun_keeps_its_start_and_gets_no_more(wish: dict[str, Any], reasons: list[Reason]) -> None:
    """Its start has happened and its units are bound: every such wish is refused, with every reason."""
    scenario = fixture.fresh()
    active = running(scenario, line("cpu", 8))
    scenario.now = NOON + 90 * 60
    assert scenario.refuses(change(active, **wish)) == reasons
    # Whether a tick has come by or not.
    late = fixture.fresh()
    made = late.books(book("ALPHA", line("cpu", 8), start=NOON, hours=4))
    late.now = NOON + 90 * 60
    assert late.refuses(change(made, **wish)) == reasons


def test_what_has_begun_gives_units_back_from_now_on() -> None:
    """What was used stays used: eight cores for two hours, and two from there on; and the books can tell."""
    scenario = fixture.fresh()
    active = running(scenario, line("cpu", 8))
    scenario.now = NOON + 90 * 60
    fewer = scenario.changes(active, lines=(line("cpu", 2),))
    assert [(each.units, each.spans) for each in fewer.allocations] == [
        (8, ((NOON, NOON + 2 * HOUR),)),
        (2, ((NOON + 2 * HOUR, NOON + 4 * HOUR),)),
    ]
    longer = scenario.changes(fewer, end=NOON + 5 * HOUR)
    assert [each.units * each.seconds for each in longer.allocations] == [16 * HOUR, 6 * HOUR]
    scenario.reaches(NOON + 5 * HOUR)
    assert scenario.current(active).state is State.COMPLETED


def test_what_has_begun_can_end_at_the_next_cell() -> None:
    """Shortened to the hour that runs, it completes by itself at its end."""
    scenario = fixture.fresh()
    active = running(scenario, line("cpu", 8))
    scenario.now = NOON + 10 * 60
    scenario.changes(active, end=NOON + HOUR)
    assert scenario.reaches(NOON + HOUR - 1).current(active).state is State.ACTIVE
    assert scenario.reaches(NOON + HOUR).current(active).state is State.COMPLETED


def test_what_has_begun_is_extended_in_its_last_hours_and_not_for_ever() -> None:
    """The terms of the centre say from when and by how much; both are told."""
    scenario = fixture.fresh()
    active = running(scenario, line("cpu"), hours=72)
    assert scenario.refuses(change(active, end=active.end + HOUR)) == [Reason.TOO_EARLY]
    assert set(scenario.refuses(change(active, end=active.end + 8 * DAY))) == {
        Reason.TOO_EARLY,
        Reason.DURATION_OUT_OF_RANGE,
    }
    scenario.reaches(active.end - 47 * HOUR)
    scenario.changes(active, end=active.end + HOUR)


def test_what_has_ended_stays_as_it_is() -> None:
    """A completed or cancelled reservation is not changed, nor one that ends just now."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    scenario.cancels(made)
    assert scenario.refuses(change(made, note="x")) == [Reason.WRONG_STATE]
    active = running(scenario, line("cpu"), hours=1)
    scenario.now = NOON + HOUR
    assert scenario.refuses(change(active, note="x")) == [Reason.WRONG_STATE]


def test_a_change_can_name_the_version_that_it_is_about() -> None:
    """Two people who extend at once do not extend twice."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    scenario.changes(made, end=NOON + 2 * HOUR, etag=made.etag)
    assert scenario.refuses(change(made, end=NOON + 3 * HOUR, etag=made.etag)) == [Reason.STALE_ETAG]


def test_every_broken_rule_of_a_change_is_told_at_once() -> None:
    """P3: a move to a bad time with a bad line hears of all of it."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    wish = change(made, start=MONDAY, duration=8 * DAY, lines=(line("cpu", 500), line("X01")))
    assert set(scenario.refuses(wish)) == {
        *(Reason.START_IN_PAST, Reason.DURATION_OUT_OF_RANGE, Reason.OUT_OF_SERVICE, Reason.NO_CAPACITY),
    }


def test_a_changed_reservation_comes_back_from_a_restart_as_it_was() -> None:
    """The log, the snapshot and the living centre agree after changes of every kind, in every order of waiting."""
    scenario = fixture.fresh()
    first, second, third = (scenario.books(book("ALPHA", line("cpu", 9), start=NOON, hours=4)) for _ in range(3))
    scenario.changes(first, lines=(line("a100", 8_000), line("cpu", 2)))
    scenario.changes(second, start=NOON + HOUR)
    scenario.reaches(NOON)
    scenario.changes(third, lines=(line("cpu", 1),), end=NOON + 5 * HOUR)
    for other in (scenario.replayed(), scenario.restored()):
        assert grids_of(other, NOW - DAYS_BEHIND * DAY) == grids_of(scenario.centre, NOW - DAYS_BEHIND * DAY)
        assert list(other.reservations.values()) == list(scenario.centre.reservations.values())
        assert [list(pool.waiting) for pool in other.pools.values()] == [
            list(pool.waiting) for pool in scenario.centre.pools.values()
        ]


def test_a_changed_reservation_can_be_cancelled() -> None:
    """What a change added is given back like the rest."""
    scenario = fixture.fresh()
    before = grids_of(scenario.centre, 0)
    made = scenario.books(book("GAMMA", line("h100", 16), start=NOON, hours=2))
    scenario.changes(made, end=NOON + 6 * HOUR)
    scenario.grants(CancelReservation(reservation_id=made.id, company="GAMMA"))
    assert grids_of(scenario.centre, 0) == before


def test_who_lets_the_operator_go_must_be_trained() -> None:
    """A machine that needs training is not kept alone by those who booked it with somebody to run it."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("L01"), line("OP"), start=TUESDAY + 10 * HOUR, hours=2))
    assert scenario.refuses(change(made, lines=(line("L01"),))) == [Reason.NOT_QUALIFIED]
    scenario.changes(made, duration=HOUR)
