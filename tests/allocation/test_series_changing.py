"""Changing a series: all that is still to come or this and the following, and never the loss of what there was."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.allocation import image
from services.allocation.commands import BookSeries, CancelSeries, ChangeSeries
from services.allocation.rejections import Reason
from services.allocation.reservations import State
from services.allocation.series import OCCURRENCES_MAX, Effect, Policy, Series
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, book, grids_of, line
from tests.allocation.test_series import ELEVEN, booked, daily

NOON, ONE = ELEVEN + HOUR, ELEVEN + 2 * HOUR


def asking(scenario: Scenario, starts: list[int] | None = None, **wish: Any) -> ChangeSeries:
    """A change of the series s1; ids for what must be booked are `n0`, `n1` and so on."""
    if starts is not None:
        wish["starts"] = tuple(starts)
    names = tuple(f"n{scenario.centre.position}-{number}" for number in range(OCCURRENCES_MAX))
    return ChangeSeries(series_id="s1", company="ALPHA", reservation_ids=names, tzdata="2026b", **wish)


def changed(scenario: Scenario, starts: list[int] | None = None, **wish: Any) -> Series:
    """The change is granted."""
    made = scenario.grants(asking(scenario, starts, **wish))
    assert isinstance(made, Series)
    return made


def stands(scenario: Scenario, name: str) -> tuple[int, int, int, str]:
    """Where a reservation stands: day, hour after eleven, units, and its note."""
    kept = scenario.centre.reservations[name]
    day, rest = divmod(kept.start - ELEVEN, DAY)
    return day, rest // HOUR, kept.lines[0].units, kept.note


def effects(series: Series) -> list[str]:
    """What the change made of each occurrence, in order of time; what was given back comes last."""
    return [each.effect.value for each in (*series.occurrences, *series.given_back)]


def of_cores(days: int = 3, policy: Policy = Policy.FAIL) -> Scenario:
    """A core for an hour at eleven, on some days."""
    scenario = fixture.fresh()
    booked(scenario, daily(days, resource="cpu", policy=policy))
    return scenario


def test_all_that_is_still_to_come_changes_and_keeps_its_names() -> None:
    """Another local time, length, demand and note, with the very reservations that there were."""
    scenario = of_cores()
    lines = (line("cpu", 3),)
    after = changed(
        scenario, [NOON + day * DAY for day in range(3)], first="2026-03-03T12:00", duration=2 * HOUR, lines=lines,
        note="later",
    )  # fmt: skip
    assert [stands(scenario, f"s1-{day}") for day in range(3)] == [(day, 1, 3, "later") for day in range(3)]
    assert (after.first, after.duration, after.lines, after.note, after.etag) == (
        *("2026-03-03T12:00", 2 * HOUR, lines),
        *("later", '"2"'),
    )
    assert effects(after) == ["changed"] * 3


def test_this_and_the_following_leave_what_comes_before() -> None:
    """What begins before the time that is named stays, and says what the series asked of it then."""
    scenario = of_cores()
    after = changed(scenario, since=ELEVEN + DAY, lines=(line("cpu", 2),), note="more")
    assert [stands(scenario, f"s1-{day}")[2:] for day in range(3)] == [(1, ""), (2, "more"), (2, "more")]
    assert effects(after) == ["", "changed", "changed"]
    assert (after.occurrences[0].lines, after.occurrences[0].note) == ((line("cpu", 1),), "")
    again = changed(scenario, lines=(line("cpu", 4),))
    assert effects(again) == ["changed"] * 3, "what was left behind is no exception"
    assert [stands(scenario, f"s1-{day}")[2] for day in range(3)] == [4, 4, 4]


def test_what_has_begun_or_passed_stays() -> None:
    """The day that runs and the days before are history, whatever is asked of the series."""
    scenario = of_cores().reaches(ELEVEN).reaches(ELEVEN + HOUR).reaches(ELEVEN + DAY)
    after = changed(scenario, [NOON + day * DAY for day in range(3)], first="2026-03-03T12:00")
    assert [stands(scenario, f"s1-{day}")[1] for day in range(3)] == [0, 0, 1]
    assert effects(after) == ["", "", "changed"]
    assert scenario.current(scenario.centre.reservations["s1-1"]).state is State.ACTIVE


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_occurrences_make_room_for_one_another(hours: int) -> None:
    """A whole seat around the clock can be moved as a whole, though each stands where its neighbour will."""
    scenario = fixture.fresh()
    wish = daily(4, resource="h100", units=32, hours=24)
    booked(scenario, replace(wish, series=replace(wish.series, policy=Policy.FAIL)))
    before = [scenario.centre.reservations[f"s1-{day}"] for day in range(4)]
    starts = [each.start + hours * HOUR for each in before]
    changed(scenario, starts, first="2026-03-03T12:00")
    assert sorted(scenario.current(each).start for each in before) == starts


def test_what_is_refused_is_asked_again_after_the_others() -> None:
    """One day moves into the hours that the other lets go, though it is asked first."""
    scenario = fixture.fresh()
    booked(scenario, daily(2, resource="h100", units=32, hours=12))
    evening = ELEVEN + DAY + 6 * HOUR
    changed(scenario, [ELEVEN + DAY, evening], recurrence=("x",), duration=6 * HOUR)
    kept = [scenario.centre.reservations[f"s1-{day}"] for day in range(2)]
    assert [(each.start, each.end) for each in kept] == [(evening, evening + 6 * HOUR), (ELEVEN + DAY, evening)]


def test_to_fail_changes_nothing_and_tells_every_conflict() -> None:
    """P3: one neighbour in the way refuses the whole, with the local time of the conflict."""
    scenario = fixture.fresh().given(book("ALPHA", line("T2"), start=ONE + DAY, hours=1))
    booked(scenario, daily(3))
    grids = grids_of(scenario.centre, NOW)
    refusal = scenario.refusal(asking(scenario, [ONE + day * DAY for day in range(3)], first="2026-03-03T13:00"))
    assert {each.description[:19] for each in refusal.violations} == {"On 2026-03-04 13:00"}
    assert grids_of(scenario.centre, NOW) == grids
    assert list(scenario.restored().reservations) == list(scenario.centre.reservations)


def test_to_skip_leaves_what_is_refused_as_it_was() -> None:
    """The old occurrence is never lost when the new one is refused; the others change."""
    scenario = fixture.fresh().given(book("ALPHA", line("T2"), start=ONE + DAY, hours=1))
    booked(scenario, daily(3))
    starts = [ONE + day * DAY for day in range(3)]
    after = changed(scenario, starts, first="2026-03-03T13:00", policy=Policy.SKIP)
    assert [stands(scenario, f"s1-{day}")[1] for day in range(3)] == [2, 0, 2]
    assert effects(after) == ["changed", "left", "changed"]
    assert after.occurrences[1].reasons == ("EXCLUSIVE_GROUP_BUSY",)


def test_to_shift_changes_to_later_on_the_same_day() -> None:
    """What cannot be had at the new time is had as soon after it as can be."""
    scenario = fixture.fresh().given(book("ALPHA", line("T1"), start=NOON + HOUR + DAY, hours=1))
    booked(scenario, daily(3))
    starts = [NOON + HOUR + day * DAY for day in range(3)]
    after = changed(scenario, starts, first="2026-03-03T13:00", policy=Policy.SHIFT)
    assert [stands(scenario, f"s1-{day}")[1] for day in range(3)] == [2, 3, 2]
    assert after.occurrences[1].shifted_from == starts[1]


def test_a_longer_rule_books_more_and_a_shorter_one_gives_back() -> None:
    """Days that the rule has anew are booked, days that it has no more are given back, and the others stay."""
    scenario = of_cores()
    longer = changed(scenario, [ELEVEN + day * DAY for day in range(5)], recurrence=("RRULE:FREQ=DAILY;COUNT=5",))
    assert effects(longer) == ["kept"] * 3 + ["booked"] * 2
    assert scenario.centre.series.of[longer.occurrences[4].reservation_id] == "s1"
    shorter = changed(scenario, [ELEVEN + day * DAY for day in range(2)], recurrence=("RRULE:FREQ=DAILY;COUNT=2",))
    assert effects(shorter) == ["kept"] * 2 + ["given_back"] * 3
    assert scenario.centre.reservations["s1-2"].state is State.CANCELLED
    assert scenario.replayed().series.of == scenario.restored().series.of == scenario.centre.series.of


def test_another_weekday_moves_the_reservations() -> None:
    """Days that the rule has no more move, in order, to those that it has anew; what has passed makes no new one."""
    scenario = of_cores().reaches(ELEVEN).reaches(ELEVEN + HOUR)
    starts = [ELEVEN + day * DAY for day in (0, 7, 8)]
    after = changed(scenario, starts, recurrence=("RRULE:FREQ=DAILY;COUNT=3",))
    assert [stands(scenario, f"s1-{day}")[0] for day in range(3)] == [0, 7, 8]
    assert effects(after) == ["", "changed", "changed"]


def test_what_was_changed_alone_stays_so_field_by_field() -> None:
    """One that was moved keeps its time and gets the new lines; one that is overwritten follows the series."""
    scenario = of_cores()
    alone = scenario.centre.reservations["s1-1"]
    scenario.changes(alone, start=alone.start + 3 * HOUR, duration=2 * HOUR)
    scenario.changes(scenario.centre.reservations["s1-2"], note="mine")
    starts = [NOON + day * DAY for day in range(3)]
    after = changed(scenario, starts, first="2026-03-03T12:00", lines=(line("cpu", 2),), note="ours", duration=3 * HOUR)
    assert [stands(scenario, f"s1-{day}") for day in range(3)] == [
        (0, 1, 2, "ours"),
        (1, 3, 2, "ours"),
        (2, 1, 2, "mine"),
    ]
    assert scenario.current(alone).end - scenario.current(alone).start == 2 * HOUR
    assert after.occurrences[1].start == starts[1], "the series says what it asks for, and so it stays an exception"
    over = changed(scenario, starts, first="2026-03-03T12:00", note="ours", overwrites=True)
    assert [stands(scenario, f"s1-{day}")[1:] for day in range(3)] == [(1, 2, "ours")] * 3
    assert effects(over) == ["kept", "changed", "changed"]


def test_what_was_skipped_is_asked_for_again_and_what_was_given_back_is_not() -> None:
    """A change is another chance for what could not be had; a day that the company gave back stays free."""
    scenario = fixture.fresh().given(book("ALPHA", line("T2"), start=ELEVEN, hours=1))
    booked(scenario, daily(3, policy=Policy.SKIP))
    scenario.cancels(scenario.centre.reservations["s1-2"])
    starts = [ONE + day * DAY for day in range(3)]
    after = changed(scenario, starts, first="2026-03-03T13:00")
    assert effects(after) == ["booked", "changed", ""]
    assert [scenario.centre.reservations[each.reservation_id].start for each in after.occurrences[:2]] == starts[:2]


def test_after_the_rest_was_given_back_nothing_is_booked_there() -> None:
    """A series that ends by its company's will does not grow again."""
    scenario = of_cores()
    scenario.grants(CancelSeries(series_id="s1", company="ALPHA", since=ELEVEN + DAY))
    starts = [ELEVEN + day * DAY for day in range(6)]
    assert effects(changed(scenario, starts, recurrence=("RRULE:FREQ=DAILY;COUNT=6",))) == ["kept", "", ""]
    scenario.reaches(ELEVEN).reaches(ELEVEN + HOUR)
    assert scenario.refuses(asking(scenario, starts, recurrence=())) == [Reason.WRONG_STATE]
    assert scenario.refuses(asking(scenario, note="x")) == [Reason.WRONG_STATE]


def test_a_change_is_decided_on_what_is_known() -> None:
    """Another's series, an old etag, a rule without times or with too many of them are refused by name."""
    scenario = of_cores()
    assert scenario.refuses(replace(asking(scenario, note="x"), company="BETA")) == [Reason.SERIES_NOT_FOUND]
    assert scenario.refuses(asking(scenario, note="x", etag='"7"')) == [Reason.STALE_ETAG]
    for count in (0, OCCURRENCES_MAX + 1):
        starts = [ELEVEN + day * DAY for day in range(count)]
        assert scenario.refuses(asking(scenario, starts, recurrence=("x",))) == [Reason.INVALID_SERIES]
    assert scenario.refuses(asking(scenario, [ELEVEN - 9 * DAY], recurrence=("x",))) == [Reason.INVALID_SERIES]
    early = scenario.reaches(ELEVEN).reaches(ELEVEN + HOUR)
    many = [NOON + day * DAY for day in range(1, OCCURRENCES_MAX + 1)]
    assert Reason.INVALID_SERIES in early.refuses(asking(scenario, many, recurrence=("x",)))


def test_a_decision_about_a_series_leaves_no_trace() -> None:
    """What is given back, moved to other resources and booked while it is decided stands as before in every order."""
    scenario = of_cores().given(book("ALPHA", line("cpu"), start=ELEVEN, hours=1))
    before = image.digest(scenario.centre), {name: [*pool.waiting] for name, pool in scenario.centre.pools.items()}
    grids = grids_of(scenario.centre, NOW)
    wish = asking(scenario, [ELEVEN + DAY], recurrence=("x",), lines=(line("h100", 8),))
    told = scenario.decided(wish)
    assert [event.__struct_config__.tag for event in told] == [
        *("reservation_cancelled", "reservation_cancelled"),
        *("reservation_changed", "series_changed"),
    ]
    after = image.digest(scenario.centre), {name: [*pool.waiting] for name, pool in scenario.centre.pools.items()}
    assert after == before
    assert grids_of(scenario.centre, NOW) == grids
    scenario.grants(wish)
    for again in (scenario.restored(), scenario.replayed()):
        assert image.digest(again) == image.digest(scenario.centre)
        assert again.series.of == scenario.centre.series.of


def test_what_occurrences_gain_counts_against_one_another() -> None:
    """A quota that lasts for one longer day of three refuses the other two, which stay as they were."""
    scenario = fixture.fresh()
    wish = daily(3, units=16, resource="h100", hours=1)
    booked(scenario, BookSeries(series=replace(wish.series, company="GAMMA"), reservation_ids=wish.reservation_ids))
    longer = replace(asking(scenario, duration=3 * HOUR, policy=Policy.SKIP), company="GAMMA")
    made = scenario.grants(longer)
    assert isinstance(made, Series)
    assert [each.effect for each in made.occurrences].count(Effect.LEFT) == 2
