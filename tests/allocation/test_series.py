"""A series: every occurrence is decided on what those before it changed, and all of it is told as one."""

import pytest
from msgspec.structs import replace

from services.allocation import image
from services.allocation.commands import BookSeries, CancelSeries, GrantQualification, PublishTerms
from services.allocation.rejections import Reason
from services.allocation.reservations import State
from services.allocation.series import OCCURRENCES_MAX, Occurrence, Policy, Series
from services.allocation.values.terms import StrikeRule, Terms
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, line

ELEVEN = TUESDAY + 11 * HOUR


def daily(
    days: int, *, units: int = 1, policy: Policy = Policy.FAIL, resource: str = "T1", hours: int = 1
) -> BookSeries:
    """The same hours on so many days from Tuesday on."""
    times = tuple(Occurrence(start=ELEVEN + day * DAY, end=ELEVEN + day * DAY + hours * HOUR) for day in range(days))
    wish = Series(
        id="s1",
        company="ALPHA",
        first="2026-03-03T11:00",
        duration=hours * HOUR,
        time_zone="Asia/Seoul",
        tzdata="2026a",
        recurrence=("RRULE:FREQ=DAILY",),
        lines=(line(resource, units),),
        policy=policy,
        occurrences=times,
    )
    return BookSeries(series=wish, reservation_ids=tuple(f"s1-{day}" for day in range(days)))


def booked(scenario: Scenario, wish: BookSeries) -> Series:
    """The series is granted."""
    made = scenario.grants(wish)
    assert isinstance(made, Series)
    return made


def test_all_occurrences_are_booked_on_one_page() -> None:
    """Each is a reservation of its own, and the series names them all."""
    scenario = fixture.fresh()
    made = booked(scenario, daily(3))
    assert [each.reservation_id for each in made.occurrences] == ["s1-0", "s1-1", "s1-2"]
    kept = [scenario.centre.reservations[each.reservation_id] for each in made.occurrences]
    assert [(each.state, each.start) for each in kept] == [(State.CONFIRMED, ELEVEN + day * DAY) for day in range(3)]
    assert {scenario.centre.series.of[each.id] for each in kept} == {"s1"}


def test_to_fail_books_nothing_and_tells_every_conflict() -> None:
    """P3: each conflict is told with its own time, and the centre is as it was."""
    scenario = fixture.fresh().given(
        book("ALPHA", line("T1"), start=ELEVEN, hours=1), book("ALPHA", line("T2"), start=ELEVEN + 2 * DAY, hours=1)
    )
    refusal = scenario.refusal(daily(3))
    told = [(each.reason, each.description[:20]) for each in refusal.violations]
    assert told == [
        (Reason.EXCLUSIVE_GROUP_BUSY, "On 2026-03-03 11:00 "),
        (Reason.EXCLUSIVE_GROUP_BUSY, "On 2026-03-05 11:00 "),
        (Reason.NO_CAPACITY, "On 2026-03-03 11:00 "),
    ]


def test_to_skip_books_the_others() -> None:
    """What cannot be granted is left out, with its reasons."""
    scenario = fixture.fresh().given(book("ALPHA", line("T2"), start=ELEVEN + DAY, hours=1))
    made = booked(scenario, daily(3, policy=Policy.SKIP))
    assert [(each.reservation_id, each.reasons) for each in made.occurrences] == [
        ("s1-0", ()),
        ("", ("EXCLUSIVE_GROUP_BUSY",)),
        ("s1-2", ()),
    ]


def test_to_shift_books_later_on_the_same_day() -> None:
    """The next slot of that day that can be granted is taken; if there is none, it is skipped."""
    scenario = fixture.fresh().given(
        book("ALPHA", line("T1"), start=ELEVEN, hours=2), book("ALPHA", line("T1"), start=ELEVEN + DAY, hours=7)
    )
    made = booked(scenario, daily(3, policy=Policy.SHIFT))
    assert [(each.start - ELEVEN, each.shifted_from, bool(each.reservation_id)) for each in made.occurrences] == [
        (2 * HOUR, ELEVEN, True),
        (DAY, 0, False),
        (2 * DAY, 0, True),
    ]


def test_occurrences_count_against_one_another() -> None:
    """A quota that lasts for two of three days refuses the third, however the series is asked for."""
    scenario = fixture.fresh()
    wish = daily(3, units=16, resource="h100", hours=3, policy=Policy.SKIP)
    mine = replace(wish, series=replace(wish.series, company="GAMMA"))
    made = booked(scenario, mine)
    assert [each.reasons for each in made.occurrences] == [(), (), ("QUOTA_EXCEEDED",)]


def test_a_series_of_which_nothing_can_be_granted_is_refused() -> None:
    """Skipping everything would be a yes that gives nothing."""
    scenario = fixture.fresh()
    assert set(scenario.refuses(daily(2, resource="X01", policy=Policy.SKIP))) == {Reason.OUT_OF_SERVICE}


@pytest.mark.parametrize("days", [0, OCCURRENCES_MAX + 1])
def test_a_series_has_a_bounded_length(days: int) -> None:
    """None, and more than a page takes, are refused."""
    assert fixture.fresh().refuses(daily(days)) == [Reason.INVALID_SERIES]


def test_what_is_still_to_come_is_given_back() -> None:
    """From a moment on everything is cancelled, what was before stays, and a second time there is nothing left."""
    scenario = fixture.fresh()
    booked(scenario, daily(3))
    after = scenario.grants(CancelSeries(series_id="s1", company="ALPHA", since=ELEVEN + DAY, reason="ill"))
    assert isinstance(after, Series)
    assert (after.cancelled_from, after.etag) == (ELEVEN + DAY, '"2"')
    states = [scenario.centre.reservations[f"s1-{day}"].state for day in range(3)]
    assert states == [State.CONFIRMED, State.CANCELLED, State.CANCELLED]
    assert scenario.refuses(CancelSeries(series_id="s1", company="ALPHA", since=ELEVEN + DAY)) == [Reason.WRONG_STATE]
    assert scenario.refuses(CancelSeries(series_id="s1", company="ALPHA", etag='"1"')) == [Reason.STALE_ETAG]
    assert scenario.refuses(CancelSeries(series_id="s1", company="BETA")) == [Reason.SERIES_NOT_FOUND]


def test_late_cancellations_of_one_series_add_up() -> None:
    """Two strikes by one cancellation suspend as two by two would, and the decision itself leaves no trace."""
    scenario = fixture.fresh().given(
        PublishTerms(
            terms=Terms(effective=NOW, strike_rules=(StrikeRule(strikes=2, window_days=9, suspension_days=9),))
        ),
        GrantQualification(qualification=fixture.qualification("ALPHA")),
    )
    wish = daily(1, resource="L01")
    [first] = wish.series.occurrences
    second = replace(first, start=ELEVEN + HOUR, end=ELEVEN + 2 * HOUR)
    twice = replace(wish.series, occurrences=(first, second))
    booked(scenario, BookSeries(series=twice, reservation_ids=("a", "b")))
    scenario.reaches(ELEVEN - 5 * HOUR)
    before = image.digest(scenario.centre)
    cancel = CancelSeries(series_id="s1", company="ALPHA")
    told = scenario.decided(cancel)
    assert image.digest(scenario.centre) == before
    assert [event.__struct_config__.tag for event in told] == [
        *("strike_given", "reservation_cancelled"),
        *("strike_given", "suspension_set", "reservation_cancelled", "series_cancelled"),
    ]
    scenario.grants(cancel)
    assert scenario.centre.records.conduct("ALPHA").suspended_until > NOW


def test_a_snapshot_keeps_the_series_and_time_forgets_them() -> None:
    """A series comes back out of a snapshot and out of the log, and is forgotten with its last reservation."""
    scenario = fixture.fresh()
    booked(scenario, daily(2))
    for again in (scenario.restored(), scenario.replayed()):
        assert image.digest(again) == image.digest(scenario.centre)
        assert again.series.of == scenario.centre.series.of
    scenario.reaches(ELEVEN).reaches(ELEVEN + HOUR).reaches(ELEVEN + DAY).reaches(ELEVEN + DAY + HOUR)
    scenario.now = ELEVEN + 40 * DAY
    scenario.books(book("ALPHA", line("cpu"), start=scenario.now + HOUR - scenario.now % HOUR, hours=1))
    assert not scenario.centre.series.by_id
    assert not scenario.centre.series.of
