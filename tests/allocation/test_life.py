"""The life of a reservation: confirmed, active, completed; or cancelled before, or released early."""

import pytest
from msgspec.structs import replace

from services.allocation.calendars.calendar import DAYS_BEHIND
from services.allocation.centre import KEPT_SECONDS
from services.allocation.commands import CancelReservation, RegisterResource, ReleaseReservation, Tick
from services.allocation.decide import decide
from services.allocation.rejections import Reason
from services.allocation.reservations import State
from services.allocation.resources import Companion
from services.allocation.tables import answers
from services.allocation.tables.answer import Answer
from services.allocation.ticking import TICK_RESERVATIONS_MAX
from tests.allocation import fixture
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, grids_of, line

NOON = TUESDAY + 12 * HOUR


def test_time_activates_and_completes() -> None:
    """At its start a reservation becomes active, and at its end completed; nothing else is needed."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=2))
    for time, state in ((NOON - 1, State.CONFIRMED), (NOON, State.ACTIVE), (NOON + 2 * HOUR, State.COMPLETED)):
        assert scenario.reaches(time).current(reservation).state is state


def test_a_late_tick_tells_the_whole_story() -> None:
    """After a long pause a reservation is activated and then completed, never skipped."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=2))
    told = len(scenario.history)
    scenario.reaches(NOON + DAY)
    names = [type(event).__name__ for _, _, events in scenario.history[told:] for event in events]
    assert names == ["ReservationActivated", "ReservationCompleted"]
    assert scenario.current(reservation).version == 3


def test_a_tick_changes_nothing_by_being_asked() -> None:
    """Deciding a tick twice gives the same events twice, until they are applied; then none."""
    scenario = fixture.fresh().given(book("ALPHA", line("cpu"), start=NOON, hours=2))
    first, second = (decide(scenario.centre, Tick(), NOON) for _ in range(2))
    assert first == second != ()
    scenario.reaches(NOON)
    assert decide(scenario.centre, Tick(), NOON) == ()


def test_a_tick_is_bounded() -> None:
    """However many reservations begin at once, one tick moves a limited number, and the next ones the rest."""
    many = TICK_RESERVATIONS_MAX + 10
    pool = replace(fixture.CPU, nodes=fixture.nodes("cpu", *[("", "", "")] * 8))
    scenario = Scenario.of(pool, fixture.ALPHA, now=NOW)
    scenario.given(*(book("ALPHA", line("cpu"), start=NOON, hours=1) for _ in range(many)))
    assert len(decide(scenario.centre, Tick(), NOON)) == TICK_RESERVATIONS_MAX
    scenario.reaches(NOON)
    assert {each.state for each in scenario.centre.reservations.values()} == {State.ACTIVE}


def test_a_cancelled_reservation_frees_its_units_and_its_quota() -> None:
    """What was given back before the start is free for others, and nothing was used."""
    scenario = fixture.fresh()
    before = grids_of(scenario.centre, 0)
    reservation = scenario.books(book("GAMMA", line("h100", 16), start=NOON, hours=6))
    scenario.cancels(reservation)
    assert grids_of(scenario.centre, 0) == before
    scenario.books(book("GAMMA", line("h100", 16), start=NOON, hours=6))


def test_what_has_begun_cannot_be_cancelled() -> None:
    """From its first second on a reservation can only be released, even if no tick has come by yet."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=2))
    scenario.now = NOON
    wish = CancelReservation(reservation_id=reservation.id, company="ALPHA")
    assert scenario.refuses(wish) == [Reason.WRONG_STATE]


def test_only_the_active_can_be_released() -> None:
    """A reservation that has not begun is cancelled, not released; one that ended is neither."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    release = ReleaseReservation(reservation_id=reservation.id, company="ALPHA")
    assert scenario.refuses(release) == [Reason.WRONG_STATE]
    scenario.reaches(NOON + HOUR)
    assert scenario.refuses(release) == [Reason.WRONG_STATE]


def test_early_release_gives_the_rest_back_to_the_cell() -> None:
    """The hour that has begun counts as used; from the next one on units and quota are free."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("GAMMA", line("h100", 16), start=NOON, hours=6))
    scenario.reaches(NOON + 90 * 60)
    released = scenario.releases(scenario.current(reservation))
    assert (released.state, released.end) == (State.COMPLETED, NOON + 2 * HOUR)
    assert released.allocations[0].unit_seconds == 16 * 2 * HOUR
    calendar = scenario.centre.pools["h100"].calendar
    assert calendar.most((NOON + HOUR, NOON + 2 * HOUR)) == 16
    assert calendar.most((NOON + 2 * HOUR, NOON + 6 * HOUR)) == 0
    (period, *_) = scenario.centre.meters["GAMMA", "h100"].periods
    assert period.booked == 16 * 2 * HOUR


def test_a_release_at_the_first_second_gives_all_of_it_back() -> None:
    """Whoever releases just as it begins has used nothing."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("GAMMA", line("h100", 16), start=NOON, hours=6))
    released = scenario.reaches(NOON).releases(scenario.current(reservation))
    assert released.allocations[0].unit_seconds == 0
    assert int(scenario.centre.pools["h100"].calendar.total.max()) == 0


def test_a_release_in_the_last_cell_keeps_the_end() -> None:
    """There is nothing left to give back, and the end stays where it was."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=2))
    scenario.reaches(NOON + 2 * HOUR - 60)
    assert scenario.releases(scenario.current(reservation)).end == NOON + 2 * HOUR


def test_a_release_over_different_grids_takes_nothing_from_anyone() -> None:
    """P1: with slots of 40 and of 90 minutes on one booking, what is still held is not given to others."""
    cabins = [
        replace(fixture.CLOCK_ROUND, id=name, slot_minutes=slot, nodes=fixture.seats(name, 1))
        for name, slot in (("FORTY", 40), ("NINETY", 90))
    ]
    scenario = fixture.fresh().given(*(RegisterResource(resource=each) for each in cabins))
    reservation = scenario.books(book("ALPHA", line("FORTY"), line("NINETY"), start=TUESDAY, hours=6))
    scenario.reaches(TUESDAY + 5 * 60)
    released = scenario.releases(scenario.current(reservation))
    fresh = scenario.restored()
    assert grids_of(fresh, NOW) == grids_of(scenario.centre, NOW)
    for name in ("FORTY", "NINETY"):
        held = scenario.centre.pools[name].calendar.most((released.end - 60, released.end))
        assert held == 1, f"{name} is still held until {released.end}"


def test_a_released_companion_of_half_an_hour_stays_true_after_a_restart() -> None:
    """What a release leaves in coarser calendars and meters is what a restart finds there."""
    desk = replace(
        fixture.CLOCK_ROUND, id="DESK", slot_minutes=30, companions=(Companion(resource="a100", units=1000),)
    )
    scenario = fixture.fresh().given(RegisterResource(resource=desk))
    reservation = scenario.books(book("GAMMA", line("DESK"), start=NOON, hours=2))
    scenario.reaches(NOON + 20 * 60)
    scenario.releases(scenario.current(reservation))
    assert grids_of(scenario.restored(), NOW) == grids_of(scenario.centre, NOW)


def test_an_etag_protects_a_change() -> None:
    """A change that names an older version is refused; the current one, or none, goes through."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    active = scenario.reaches(NOON).current(reservation)
    stale = ReleaseReservation(reservation_id=reservation.id, company="ALPHA", etag=reservation.etag)
    assert scenario.refuses(stale) == [Reason.STALE_ETAG]
    assert scenario.releases(active, etag=active.etag).state is State.COMPLETED


def test_another_companys_reservation_is_a_missing_one() -> None:
    """P8: the refusal of a foreign reservation cannot be told from that of a missing one."""
    scenario = fixture.fresh()
    scenario.given(book("ALPHA", line("cpu"), start=NOON, hours=1, reservation_id="abc"))
    foreign = scenario.refusal(CancelReservation(reservation_id="abc", company="BETA")).violations
    missing = scenario.refusal(CancelReservation(reservation_id="xyz", company="BETA")).violations
    assert [replace(each, subject="", description="") for each in foreign] == [
        replace(each, subject="", description="") for each in missing
    ]
    assert foreign[0].description.replace("abc", "xyz") == missing[0].description


def test_an_ended_reservation_is_kept_for_a_month() -> None:
    """It stays readable for its time, and is forgotten then: here, not in the ledger."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    scenario.reaches(NOON + HOUR)
    scenario.reaches(NOON + HOUR + KEPT_SECONDS).given(
        book("ALPHA", line("cpu"), start=MONDAY + 40 * DAY, hours=1, reservation_id="one")
    )
    assert reservation.id in scenario.centre.reservations
    scenario.now += 2 * HOUR
    scenario.given(book("ALPHA", line("cpu"), start=MONDAY + 41 * DAY, hours=1, reservation_id="two"))
    assert list(scenario.centre.reservations) == list(scenario.centre.lists.of["ALPHA"]) == ["one", "two"]
    assert KEPT_SECONDS <= DAYS_BEHIND * DAY


@pytest.mark.parametrize(("age", "known"), [(24 * HOUR, True), (answers.KEPT_SECONDS, True), (26 * HOUR, False)])
def test_an_answer_is_remembered_for_a_day(age: int, known: bool) -> None:
    """P4: the yes to a request is kept for at least 24 hours, and not for ever."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    scenario.centre.answers.remember(
        "companies/ALPHA", "id", Answer(digest="d", position=1, time=scenario.now, subject=reservation)
    )
    scenario.now += age
    scenario.given(book("ALPHA", line("cpu"), start=NOON + 4 * DAY, hours=1))
    assert (("companies/ALPHA", "id") in scenario.centre.answers.by_request) is known


def test_units_of_a_cancelled_reservation_are_not_waited_for() -> None:
    """A cancelled reservation is no longer among those that re-packing may move."""
    scenario = fixture.fresh()
    reservation = scenario.books(book("ALPHA", line("M01"), start=at("2026-03-10 09:00"), hours=4))
    scenario.cancels(reservation)
    assert all(not pool.waiting for pool in scenario.centre.pools.values())
