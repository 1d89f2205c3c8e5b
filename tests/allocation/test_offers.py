"""What is offered instead of a no, and what a search finds: always what would be granted, the earliest first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.commands import CreateReservation, GrantQualification, GrantQuota
from services.allocation.decide import decide
from services.allocation.offering.offers import ALTERNATIVES_MAX
from services.allocation.rejections import Reason, Rejected
from services.allocation.values.conduct import Qualification
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import MONDAY, NEXT_MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line
from tests.allocation.test_reasons import CASES

NOON = TUESDAY + 12 * HOUR


@pytest.mark.parametrize("reason", CASES, ids=str)
def test_every_alternative_would_be_granted(reason: Reason) -> None:
    """P3: whatever the reason of the no, each of its alternatives is a yes if asked for at once."""
    scenario = fixture.fresh()
    wish = CASES[reason](scenario)
    if isinstance(wish, CreateReservation):
        assert len(scenario.alternatives(wish)) <= ALTERNATIVES_MAX


@pytest.mark.parametrize(
    "reason",
    [
        *(Reason.NO_CAPACITY, Reason.NO_PLACEMENT, Reason.OFF_GRID, Reason.NOTICE_TOO_SHORT, Reason.START_IN_PAST),
        *(Reason.CLOSED_DAY, Reason.MAINTENANCE, Reason.EXCLUSIVE_GROUP_BUSY, Reason.CHANGEOVER_TOO_SHORT),
        *(Reason.BEYOND_HORIZON, Reason.OUTSIDE_OPENING_HOURS),
    ],
    ids=str,
)
def test_where_another_time_helps_one_is_named(reason: Reason) -> None:
    """A no that another time would turn into a yes comes with three such times."""
    scenario = fixture.fresh()
    wish = CASES[reason](scenario)
    if reason is Reason.OUTSIDE_OPENING_HOURS:
        wish = book("ALPHA", line("T1"), start=TUESDAY + 17 * HOUR + 30 * 60, hours=1)
    if reason is Reason.OFF_GRID:
        wish = book("ALPHA", line("cpu"), start=NOON + 60, hours=1)
    assert len(scenario.alternatives(wish)) == ALTERNATIVES_MAX  # type: ignore[arg-type]  # These are all bookings.


def test_where_no_time_helps_none_is_named() -> None:
    """A missing certificate stays missing whenever one asks."""
    scenario = fixture.fresh()
    assert scenario.alternatives(CASES[Reason.NOT_ENTITLED](scenario)) == ()  # type: ignore[arg-type]  # A booking.


def test_a_demand_longer_than_the_calendar_is_a_plain_no() -> None:
    """No time helps a booking of two hundred days, and asking so is answered, not an accident."""
    wish = book("ALPHA", line("cpu"), start=NOON, hours=200 * 24)
    scenario = fixture.fresh()
    assert scenario.refuses(wish) == [Reason.BEYOND_HORIZON]
    assert scenario.alternatives(wish) == ()


def test_the_first_offer_is_the_earliest() -> None:
    """A search finds the first hole that is long enough."""
    scenario = fixture.fresh().given(
        book("ALPHA", line("h100", 32), start=MONDAY + 8 * HOUR, hours=4),
        book("ALPHA", line("h100", 32), start=MONDAY + 14 * HOUR, hours=4),
    )
    found = scenario.offers("ALPHA", line("h100", 8), hours=3)
    assert found.intervals[0] == (MONDAY + 18 * HOUR, MONDAY + 21 * HOUR)
    assert scenario.offers("ALPHA", line("h100", 8), hours=2).intervals[0][0] == MONDAY + 12 * HOUR


def test_the_mixed_demand_of_the_simulator_is_found() -> None:
    """Rig, server, GPUs and operators are offered for the first time at which all are free."""
    scenario = fixture.fresh().given(book("BETA", line("OP", 3), start=at("2026-03-04 09:00"), hours=9))
    found = scenario.offers("ALPHA", line("M01"), hours=4)
    assert found.intervals[0][0] == TUESDAY + 9 * HOUR
    earliest = at("2026-03-04 00:00")
    assert scenario.offers("ALPHA", line("M01"), hours=4, earliest=earliest).intervals[0][0] == at("2026-03-06 09:00")


def test_no_offer_says_what_stands_in_the_way() -> None:
    """An empty search comes with the rules that refused."""
    found = fixture.fresh().offers("BETA", line("h100", 8), hours=1)
    assert (found.intervals, [each.reason for each in found.violations]) == ((), [Reason.NO_QUOTA])


def test_no_offer_says_what_stands_in_the_way_once_notice_is_given() -> None:
    """Where nothing is free for as long as one looks ahead, that is said, and not that now is too early."""
    days = [TUESDAY + day * DAY for day in (1, 3)]
    scenario = fixture.fresh().given(*(book("BETA", line("OP", 4), start=day + 9 * HOUR, hours=9) for day in days))
    scenario.reaches(TUESDAY + 9 * HOUR)
    found = scenario.offers("ALPHA", line("M01"), hours=4, latest=days[-1])
    assert found.intervals == ()
    assert {each.reason for each in found.violations} == {Reason.NO_CAPACITY}


def test_a_search_waits_for_a_training_that_is_granted() -> None:
    """Nobody trained is a no for every start before the training begins, and no reason to stop looking after it."""
    later = Qualification(company="ALPHA", resource="L01", start=NOW + 20 * DAY, end=NOW + 30 * DAY)
    scenario = fixture.fresh().given(GrantQualification(qualification=later))
    (first, *_) = scenario.offers("ALPHA", line("L01"), hours=1).intervals
    assert first[0] == -(-later.start // HOUR) * HOUR
    assert scenario.offers("ALPHA", line("L01"), hours=1, earliest=later.end).intervals == ()


def test_a_search_respects_its_bounds() -> None:
    """Nothing is offered before the earliest start or after the latest end."""
    scenario = fixture.fresh()
    found = scenario.offers("ALPHA", line("cpu"), hours=2, earliest=NOON + 60, latest=NOON + 4 * HOUR, count=9)
    assert found.intervals == ((NOON + HOUR, NOON + 3 * HOUR), (NOON + 2 * HOUR, NOON + 4 * HOUR))


def test_a_spent_month_does_not_hide_the_next() -> None:
    """When this month's quota is used up, the first offer lies in the next."""
    scenario = fixture.fresh().given(book("GAMMA", line("h100", 16), start=NOON, hours=6))
    (first, *_) = scenario.offers("GAMMA", line("h100", 16), hours=4).intervals
    assert first[0] >= at("2026-03-31 21:00")


def test_an_offer_may_straddle_two_months() -> None:
    """A little of the old month's quota and the rest from the new: the earliest offer uses both."""
    scenario = fixture.fresh().given(book("GAMMA", line("h100", 16), start=NOON, hours=4))
    (first, *_) = scenario.offers("GAMMA", line("h100", 16), hours=4, count=1).intervals
    assert first == (at("2026-03-31 22:00"), at("2026-04-01 02:00"))


def test_what_is_held_at_night_does_not_hide_a_day() -> None:
    """The limit at once counts while the equipment is held, not while it sleeps."""
    scenario = fixture.fresh().given(GrantQuota(quota=fixture.quota("BETA", "equipment", 3, 100, at_once=1)))
    scenario.given(book("BETA", line("C24"), start=TUESDAY + 20 * HOUR, hours=2))
    wish = book("BETA", line("T1"), start=TUESDAY + 9 * HOUR, end=TUESDAY + 42 * HOUR)
    decide(scenario.centre, wish, scenario.now)
    found = scenario.offers("BETA", line("T1"), hours=33, earliest=wish.start, count=1)
    assert found.intervals == ((wish.start, wish.end),)


resources = st.sampled_from(["cpu", "h100", "T1", "T2", "C24", "M01", "N01", "M03", "a100", "OP"])
UNITS = {"cpu": 112, "h100": 16, "a100": 16_000, "OP": 2}


def wish_line(name: str) -> object:
    """A line of a usual size."""
    return line(name, UNITS.get(name, 1))


@given(
    st.lists(st.tuples(resources, st.integers(0, 80), st.integers(1, 30)), max_size=25),
    st.lists(resources, min_size=1, max_size=2, unique=True),
    st.sampled_from([1, 4, 8, 24, 33]),
)
@examples(40)
def test_a_search_misses_nothing(booked: list[tuple[str, int, int]], wanted: list[str], hours: int) -> None:
    """The first offer is the first time that the rules would grant, found by asking them hour by hour."""
    scenario = fixture.fresh()
    for name, start, length in booked:
        wish = book("ALPHA", wish_line(name), start=MONDAY + (9 + start) * HOUR, hours=length)  # type: ignore[arg-type]
        try:
            scenario.books(wish)
        except Rejected:
            continue
    lines = [wish_line(name) for name in wanted]
    found = scenario.offers("ALPHA", *lines, hours=hours, latest=NEXT_MONDAY, count=1)  # type: ignore[arg-type]
    assert list(found.intervals) == by_asking(scenario, lines, hours)


def by_asking(scenario: Scenario, lines: list[object], hours: int) -> list[tuple[int, int]]:
    """The first interval of the week that is granted, by trying every half hour."""
    for start in range(NOW, NEXT_MONDAY - hours * HOUR + 1, HOUR // 2):
        wish = book("ALPHA", *lines, start=start, hours=hours)  # type: ignore[arg-type]  # They are lines.
        try:
            decide(scenario.centre, wish, scenario.now)
        except Rejected:
            continue
        return [(start, start + hours * HOUR)]
    return []


def test_offers_do_not_depend_on_days_gone_by() -> None:
    """Weeks of silence later a search still finds what the rules would grant."""
    scenario = fixture.fresh()
    scenario.now = NOW + 20 * DAY
    assert scenario.offers("ALPHA", line("cpu"), hours=1).intervals[0][0] == scenario.now
