"""Changing a series of what was approved: each occurrence waits for its own answer, and keeps its place until then."""

import pytest

from services.allocation import image
from services.allocation.booking.rehearsal import Rehearsal
from services.allocation.commands import BookSeries, RegisterResource
from services.allocation.events import ChangeEnded, ChangeRequested, SeriesChanged
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation
from services.allocation.series import Policy, Series
from services.allocation.values.approval import Rule
from tests.allocation import fixture
from tests.allocation.approving import KIM, PARK, approves, bench, denies
from tests.allocation.scenario import DAY, HOUR, Scenario, book, grids_of, line
from tests.allocation.test_series import ELEVEN, booked, daily
from tests.allocation.test_series_changing import NOON, asking, changed, effects

AT_NOON = [NOON + day * DAY for day in range(3)]
NAMES = ("s1-0", "s1-1", "s1-2")


def approved(policy: Policy = Policy.FAIL, *, hours: int = 1) -> Scenario:
    """An hour at eleven on three days, each of which a manager agreed to."""
    managed = (bench(name, Rule.MANAGER) for name in ("MANAGED", "OTHER"))
    scenario = fixture.fresh().given(*(RegisterResource(resource=each) for each in managed))
    wish: BookSeries = daily(3, resource="MANAGED", policy=policy, hours=hours)
    booked(scenario, wish)
    for name in NAMES:
        scenario.grants(approves(stands(scenario, name), KIM))
    return scenario


def stands(scenario: Scenario, name: str) -> Reservation:
    """A reservation as it is now."""
    return scenario.centre.reservations[name]


def hours_of(scenario: Scenario) -> list[tuple[int, int | None]]:
    """How many hours after eleven each occurrence starts, and would if somebody agreed."""
    kept = [stands(scenario, name) for name in NAMES]
    return [
        (
            (each.start - ELEVEN - day * DAY) // HOUR,
            (each.asked.start - ELEVEN - day * DAY) // HOUR if each.asked is not None else None,
        )
        for day, each in enumerate(kept)
    ]


def rows_of(scenario: Scenario) -> tuple[list[str], ...]:
    """The order of all reservations, of a company's, and of those that wait in two pools."""
    centre = scenario.centre
    pools = (list(centre.pools[name].waiting) for name in ("MANAGED", "OTHER"))
    return list(centre.reservations), list(centre.lists.of["ALPHA"]), *pools


def at_noon(scenario: Scenario, **wish: object) -> Series:
    """All of it an hour later."""
    return changed(scenario, AT_NOON, first="2026-03-03T12:00", **wish)


def test_each_occurrence_waits_and_is_judged_for_itself() -> None:
    """One is agreed to and moves, one is denied and one forgotten: both stay, and nobody had lost anything."""
    scenario = approved()
    assert effects(at_noon(scenario)) == ["asked"] * 3
    assert hours_of(scenario) == [(0, 1)] * 3
    assert scenario.refuses(book("GAMMA", line("MANAGED"), start=NOON, hours=1)) == [Reason.NO_CAPACITY]
    scenario.grants(approves(stands(scenario, "s1-0"), PARK))
    scenario.grants(denies(stands(scenario, "s1-1"), PARK, "No."))
    assert hours_of(scenario) == [(1, None), (0, None), (0, 1)]
    forgotten = stands(scenario, "s1-2").asked
    assert forgotten is not None
    scenario.reaches(forgotten.expires_at)
    assert hours_of(scenario)[2] == (0, None)


def test_what_was_denied_stays_like_what_was_changed_alone() -> None:
    """The series asks for it no more, unless it overwrites what is different from the others."""
    scenario = approved()
    at_noon(scenario)
    scenario.grants(denies(stands(scenario, "s1-1"), PARK, "No."))
    later = [each + HOUR for each in AT_NOON]
    changed(scenario, later, first="2026-03-03T13:00")
    assert hours_of(scenario) == [(0, 2), (0, None), (0, 2)]
    changed(scenario, later, first="2026-03-03T13:00", overwrites=True)
    assert hours_of(scenario) == [(0, 2)] * 3


def test_this_and_the_following_ask_and_what_comes_before_stays() -> None:
    """A later length is asked of the last two alone."""
    scenario = approved()
    after = changed(scenario, duration=2 * HOUR, since=ELEVEN + DAY)
    assert effects(after) == ["", "asked", "asked"]
    assert [stands(scenario, name).asked is not None for name in NAMES] == [False, True, True]


def test_another_note_leaves_waiting_and_the_old_time_takes_back() -> None:
    """What waits is what the series shall be: a note is no new question, and asking for what there is ends it."""
    scenario = approved()
    at_noon(scenario)
    assert effects(changed(scenario, note="together")) == ["changed"] * 3
    assert {(stands(scenario, name).note, stands(scenario, name).asked is not None) for name in NAMES} == {
        ("together", True)
    }
    assert effects(at_noon(scenario)) == ["kept"] * 3
    told = scenario.decided(asking(scenario, [each - HOUR for each in AT_NOON], first="2026-03-03T11:00"))
    assert sum(isinstance(event, ChangeEnded) for event in told) == 3
    scenario.tell(told)
    assert hours_of(scenario) == [(0, None)] * 3


def test_what_the_rule_has_no_more_waits_for_the_day_that_it_has_anew() -> None:
    """From tomorrow on: two days are as they were, and the first occurrence is asked to be the last one."""
    scenario = approved()
    days = [ELEVEN + day * DAY for day in (1, 2, 3)]
    after = changed(scenario, days, first="2026-03-04T11:00", recurrence=("RRULE:FREQ=DAILY",))
    assert effects(after) == ["kept", "kept", "asked"]
    moved = stands(scenario, "s1-0")
    assert (moved.start, moved.asked and moved.asked.start) == (ELEVEN, ELEVEN + 3 * DAY)


@pytest.mark.parametrize("policy", [Policy.FAIL, Policy.SKIP])
def test_places_are_not_exchanged_before_somebody_agrees(policy: Policy) -> None:
    """P1: of overlapping times each keeps its own, so nothing is asked that only another's yes would make room for."""
    scenario = approved(policy, hours=24)
    wish = asking(scenario, [each + 11 * HOUR for each in AT_NOON], first="2026-03-03T23:00")
    if policy is Policy.FAIL:
        assert Reason.NEEDS_APPROVAL in scenario.refuses(wish)
        assert hours_of(scenario) == [(0, None)] * 3
    else:
        scenario.grants(wish)
        assert hours_of(scenario) == [(0, None), (0, None), (0, 12)]
    calendar = scenario.centre.pools["MANAGED"].calendar
    assert calendar.used.max() <= calendar.bin_capacity


def test_what_is_only_looked_at_leaves_no_trace() -> None:
    """Of another resource, whose rows the reservations would join: everything stands in the order in which it stood."""
    scenario = approved()
    scenario.books(book("GAMMA", line("MANAGED"), start=NOON, hours=1))
    before, rows = image.digest(scenario.centre), rows_of(scenario)
    told = scenario.decided(asking(scenario, lines=(line("OTHER"),)))
    assert [type(event) for event in told] == [*[ChangeRequested] * 3, SeriesChanged]
    with Rehearsal(scenario.centre) as rehearsal:
        rehearsal.play(told[:-1])
    assert (image.digest(scenario.centre), rows_of(scenario)) == (before, rows)
    scenario.tell(told)
    for after in (scenario.replayed(), scenario.restored()):
        assert image.digest(after) == image.digest(scenario.centre)
        assert grids_of(after, 0) == grids_of(scenario.centre, 0)
