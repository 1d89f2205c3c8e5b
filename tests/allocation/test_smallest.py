"""What a refusal proposes: small, of every kind that helps, and granted if it is asked for as given."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.commands import ChangeReservation, CreateReservation
from services.allocation.decide import decide
from services.allocation.offering.smallest import TRIES_MAX, Smaller, Wish, smallest_changes
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Colocation, Line
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import MONDAY, TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, change, line
from tests.allocation.test_reasons import CASES, scattered

NOON = TUESDAY + 12 * HOUR


def proposed(scenario: Scenario, wish: Wish) -> list[Smaller]:
    """What the refusal of a wish proposes; each of it is granted, asked as given."""
    found = smallest_changes(scenario.centre, wish, scenario.refusal(wish), scenario.now)
    for each in found:
        asked: dict[str, Any] = {"lines": each.lines, "start": each.start, "end": each.end}
        if isinstance(wish, ChangeReservation):
            asked["duration"] = None
        decide(scenario.centre, replace(wish, **asked), scenario.now)
    return list(found)


def asked_of(wish: CreateReservation) -> tuple[tuple[Line, ...], int, int]:
    """What is wished, as a proposal says it."""
    return wish.lines, wish.start, wish.end


def words(found: list[Smaller]) -> list[str]:
    """What they say."""
    return [each.description for each in found]


@pytest.mark.parametrize("reason", CASES, ids=str)
def test_whatever_is_proposed_is_granted(reason: Reason) -> None:
    """P3: for every reason, each proposal is a yes if it is asked for at once, and differs from what was asked."""
    scenario = fixture.fresh()
    wish = CASES[reason](scenario)
    if isinstance(wish, CreateReservation | ChangeReservation):
        for each in proposed(scenario, wish):
            assert (each.lines, each.start, each.end) != (wish.lines, wish.start, wish.end)


def test_a_full_pool_proposes_less_of_everything() -> None:
    """Half of the pool is taken for two hours: what is free, the time before it, and an end before it begins."""
    scenario = fixture.fresh().given(book("ALPHA", line("h100", 16), start=NOON, hours=2))
    found = proposed(scenario, book("ALPHA", line("h100", 24), start=NOON - HOUR, hours=2))
    assert words(found) == [
        "Ask for 16 GPUs of h100 instead of 24.",
        "Start 1 hour earlier.",
        "End 1 hour earlier.",
    ]


def test_the_nearest_time_is_proposed_on_either_side() -> None:
    """Earlier or later, whichever is nearer."""
    full = fixture.fresh().given(book("ALPHA", line("h100", 32), start=NOON, hours=2))
    assert words(proposed(full, book("ALPHA", line("h100", 8), start=NOON + HOUR, hours=1))) == ["Start 1 hour later."]
    assert words(proposed(full, book("ALPHA", line("h100", 8), start=NOON, hours=1))) == ["Start 1 hour earlier."]


def test_a_shape_that_does_not_fit_is_proposed_looser() -> None:
    """Two nodes are free, though not in one rack."""
    scenario = fixture.fresh()
    found = proposed(scenario, scattered(scenario))
    assert words(found)[0] == "Let the units of h100 stand anywhere."
    assert all(each.colocation is Colocation.ANYWHERE for each in found[0].lines)


def test_too_long_is_proposed_shorter() -> None:
    """The longest that the terms allow, from the same start."""
    (shorter,) = proposed(fixture.fresh(), book("ALPHA", line("cpu"), start=NOON, hours=8 * 24))
    assert (shorter.start, shorter.end) == (NOON, NOON + 7 * 24 * HOUR)


def test_what_no_change_helps_proposes_nothing() -> None:
    """A certificate that is missing stays missing, and the centre is not searched for it."""
    scenario = fixture.fresh()
    assert proposed(scenario, CASES[Reason.NOT_ENTITLED](scenario)) == []  # type: ignore[arg-type]  # A booking.


def test_a_refused_change_proposes_as_well() -> None:
    """An extension that somebody stands in the way of is proposed as far as it goes."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=1))
    scenario.books(book("ALPHA", line("h100", 24), start=NOON + 3 * HOUR, hours=1))
    found = proposed(scenario, change(made, end=NOON + 5 * HOUR))
    assert "Ask for 8 GPUs of h100 instead of 16." in words(found)
    assert "End 2 hours earlier." in words(found)


def test_a_search_for_small_changes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large a pool or long a wish, the decision is asked a limited number of times."""
    asked = 0

    def refuse(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise Rejected(refusal.violations)

    scenario = fixture.fresh().given(
        *(book("ALPHA", line("a100", 24_000), start=NOON + n * HOUR, hours=1) for n in range(9))
    )
    wish = book("ALPHA", line("a100", 40_000), start=NOON, hours=9)
    refusal = scenario.refusal(wish)
    monkeypatch.setattr("services.allocation.offering.smallest.create_reservation", refuse)
    assert smallest_changes(scenario.centre, wish, refusal, scenario.now) == ()
    assert 0 < asked <= 4 * TRIES_MAX


@given(
    st.lists(
        st.tuples(st.sampled_from(["cpu", "h100", "a100", "T1", "C24"]), st.integers(0, 60), st.integers(1, 12)),
        max_size=20,
    ),
    st.sampled_from([("cpu", 200), ("h100", 32), ("a100", 40_000), ("T2", 1), ("C24", 2), ("M01", 1)]),
    st.integers(0, 60),
    st.integers(1, 30),
)
@examples(60)
def test_asked_as_given_it_is_granted(
    booked: list[tuple[str, int, int]], wanted: tuple[str, int], start: int, hours: int
) -> None:
    """In any centre, every proposal to any refused wish is granted."""
    sizes = {"cpu": 100, "h100": 16, "a100": 20_000}
    scenario = fixture.fresh()
    for name, at, length in booked:
        try:
            scenario.books(book("ALPHA", line(name, sizes.get(name, 1)), start=MONDAY + (9 + at) * HOUR, hours=length))
        except Rejected:
            continue
    wish = book("ALPHA", line(*wanted), start=MONDAY + (9 + start) * HOUR, hours=hours)
    try:
        decide(scenario.centre, wish, scenario.now)
    except Rejected:
        assert all((each.lines, each.start, each.end) != asked_of(wish) for each in proposed(scenario, wish))
