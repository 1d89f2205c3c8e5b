"""Overrides: an operator may break a rule of policy, never what is there or not; the log says which one, and why."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from services.allocation.commands import CreateReservation
from services.allocation.rejections import OVERRIDABLE, Reason
from services.allocation.reservations import Override, State
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, at, book, line
from tests.allocation.test_reasons import CASES

REASONS = Path(__file__).parents[2] / "docs" / "api.md"
BECAUSE = "the minister comes"


@pytest.mark.parametrize("reason", list(CASES))
def test_every_refusal_says_whether_an_operator_may_override_it_and_is_right(reason: Reason) -> None:
    """Over the closed list: what may be overridden is granted with an override, and all else is still refused."""
    scenario = fixture.fresh()
    wish = CASES[reason](scenario)
    if not isinstance(wish, CreateReservation) or wish.override or wish.hold_seconds:
        assert reason not in OVERRIDABLE
        return
    [told] = {violation.overridable for violation in scenario.refusal(wish).violations}
    if told:
        # On a closed day the operators are off as well.
        booked = scenario.books(replace(wish, override=Override(reasons=tuple(OVERRIDABLE), because=BECAUSE)))
        assert booked.override is not None
        assert reason.value in booked.override.reasons
    else:
        insisting = replace(wish, override=Override(reasons=(reason.value,), because=BECAUSE))
        assert scenario.refuses(insisting)[0] in (Reason.INVALID_OVERRIDE, Reason.COMPANY_NOT_FOUND)
    assert told is (reason in OVERRIDABLE)


def test_only_what_was_broken_is_recorded() -> None:
    """An operator who overrides more than is needed, or nothing that is needed, leaves no other trace."""
    scenario = fixture.fresh()
    every = tuple(sorted(OVERRIDABLE))
    plain = scenario.books(book("ALPHA", line("cpu"), start=TUESDAY, hours=1, override=every, because=BECAUSE))
    assert plain.override is None
    soon = scenario.books(book("ALPHA", line("M01"), start=NOW + HOUR, hours=4, override=every, because=BECAUSE))
    assert soon.override == Override(reasons=("NOTICE_TOO_SHORT",), because=BECAUSE)


def test_other_rules_still_refuse() -> None:
    """An override opens what it names; the rest of the refusal stands, and says so."""
    scenario = fixture.fresh().given(book("ALPHA", line("M01"), start=TUESDAY + 9 * HOUR, hours=4))
    wish = book("GAMMA", line("M01"), start=TUESDAY + 9 * HOUR, hours=4, override=("BEYOND_HORIZON",), because=BECAUSE)
    assert Reason.NO_CAPACITY in scenario.refuses(wish)


def test_the_end_of_the_calendar_is_not_overridden() -> None:
    """Beyond the calendar there is nothing to book, whoever asks; the refusal says that nobody may override it."""
    scenario = fixture.fresh()
    wish = book("ALPHA", line("cpu"), start=NOW + 400 * DAY, hours=1, override=("BEYOND_HORIZON",), because=BECAUSE)
    [violation] = scenario.refusal(wish).violations
    assert (violation.reason, violation.overridable) == (Reason.BEYOND_HORIZON, False)


def test_what_is_opened_on_a_closed_day_is_held_throughout_with_all_it_needs() -> None:
    """The simulator, its server, GPUs and operators are held for the whole interval, so that nobody else gets them."""
    scenario = fixture.fresh()
    start = at("2026-03-05 09:00")
    wish = book(
        "ALPHA", line("M01"), start=start, hours=4, override=("CLOSED_DAY", "OUTSIDE_OPENING_HOURS"), because=BECAUSE
    )
    booked = scenario.books(wish)
    assert {each.resource for each in booked.allocations} == {"M01", "M03", "a100", "OP"}
    assert {each.spans for each in booked.allocations} == {((start, start + 4 * HOUR),)}
    assert Reason.NO_CAPACITY in scenario.refuses(replace(wish, reservation_id="again"))
    assert scenario.reaches(start + 5 * HOUR).current(booked).state in (State.COMPLETED, State.NO_SHOW)


def test_an_override_survives_a_restart() -> None:
    """It is read from the log and from a snapshot alike."""
    scenario = fixture.fresh()
    booked = scenario.books(
        book("ALPHA", line("M01"), start=NOW + HOUR, hours=4, override=("NOTICE_TOO_SHORT",), because=BECAUSE)
    )
    for centre in (scenario.replayed(), scenario.restored()):
        assert centre.reservations[booked.id].override == booked.override


@pytest.mark.parametrize(
    ("override", "because", "hold"),
    [
        ((), BECAUSE, 0),
        (("NOTICE_TOO_SHORT",), " ", 0),
        (("NO_PLACEMENT",), BECAUSE, 0),
        (("NOTICE_TOO_SHORT",), BECAUSE, 60),
    ],
    ids=["of nothing", "without a reason", "of what is not there", "of a hold"],
)
def test_an_override_that_makes_no_sense_is_refused(override: tuple[str, ...], because: str, hold: int) -> None:
    """It names rules of policy, says why, and books at once."""
    wish = book("ALPHA", line("cpu"), start=TUESDAY, hours=1, override=override, because=because, hold=hold)
    assert fixture.fresh().refuses(wish) == [Reason.INVALID_OVERRIDE]


def test_the_documents_list_what_may_be_overridden() -> None:
    """The documented list is the list."""
    [told] = [text for text in REASONS.read_text().split("\n\n") if text.startswith("An operator may override ")]
    assert {reason for reason in Reason if f"`{reason}`" in told} == OVERRIDABLE
