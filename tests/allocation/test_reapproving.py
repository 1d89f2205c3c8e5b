"""Changing what waits for approval: less of it keeps its votes, anything else is asked for anew."""

from typing import Any

import pytest

from services.allocation.events import ReservationChanged, ReservationConfirmed, ReservationRequested
from services.allocation.rejections import Reason
from services.allocation.reservations import Line, Reservation, State
from tests.allocation.approving import CHOI, KIM, LEE, NOON, PARK, approves, asked, fresh
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR, Scenario, book, change, line


def half_decided() -> tuple[Scenario, Reservation]:
    """Two hours that two of three have agreed to, five hours ago."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    for voter in (KIM, LEE):
        scenario.grants(approves(pending, voter))
    scenario.reaches(NOW + 5 * HOUR)
    return scenario, scenario.current(pending)


@pytest.mark.parametrize("wish", [{"end": NOON + HOUR}, {"start": NOON + HOUR}, {"note": "other words"}])
def test_what_only_becomes_less_keeps_its_votes(wish: dict[str, Any]) -> None:
    """Less time and other words are no new question; one more vote decides it."""
    scenario, pending = half_decided()
    less = scenario.changes(pending, **wish)
    assert (less.state, less.approval, less.expires_at) == (State.PENDING, pending.approval, pending.expires_at)
    scenario.grants(approves(less, PARK))
    assert scenario.current(less).state is State.CONFIRMED


@pytest.mark.parametrize(
    "wish",
    [
        {"end": NOON + 3 * HOUR},
        {"start": NOON + HOUR, "end": NOON + 3 * HOUR},
        {"lines": (line("JUDGED"), line("MANAGED"))},
        {"lines": (line("MANAGED"),)},
    ],
)
def test_what_is_another_thing_is_asked_for_anew(wish: dict[str, Any]) -> None:
    """The votes so far are void, which the log says, and the time to decide begins again."""
    scenario, pending = half_decided()
    told = scenario.decided(change(pending, **wish))
    assert [type(event) for event in told] == [ReservationChanged, ReservationRequested]
    assert isinstance(told[1], ReservationRequested)
    assert told[1].void_votes == 2
    anew = scenario.changes(pending, **wish)
    assert anew.state is State.PENDING
    assert anew.approval is not None
    assert anew.approval.votes == ()
    hours = 20 if "JUDGED" in {each.resource for each in anew.lines} else 10
    assert anew.expires_at == min(anew.start, scenario.now + hours * HOUR)
    for voter in (KIM, LEE, CHOI)[: anew.approval.quorum]:
        scenario.grants(approves(anew, voter))
    assert scenario.current(anew).state is State.CONFIRMED


def test_a_line_that_begins_earlier_is_another_thing() -> None:
    """More of the time of a demand is more, though the demand is as long as it was."""
    scenario = fresh()
    late = (line("cpu"), Line(resource="JUDGED", units=1, starts_after=HOUR))
    pending = scenario.books(book("ALPHA", *late, start=NOON, hours=3))
    scenario.grants(approves(pending, KIM))
    anew = scenario.changes(scenario.current(pending), lines=(line("cpu"), line("JUDGED")))
    assert anew.approval is not None
    assert anew.approval.votes == ()


def test_what_nobody_need_approve_any_more_is_confirmed() -> None:
    """Whoever lets go of what is judged waits for nobody, and was approved by nobody."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED", "cpu")
    told = scenario.decided(change(pending, lines=(line("cpu"),)))
    assert [type(event) for event in told] == [ReservationChanged, ReservationConfirmed]
    scenario.grants(approves(pending, KIM))
    after = scenario.changes(pending, lines=(line("cpu"),))
    assert (after.state, after.approval) == (State.CONFIRMED, None)


def test_a_refused_change_loses_neither_place_nor_votes() -> None:
    """What cannot be had, or could not be approved in time, leaves the booking and its votes as they were."""
    scenario, pending = half_decided()
    scenario.given(book("GAMMA", line("JUDGED"), start=NOON + 2 * HOUR, hours=1))
    assert scenario.refuses(change(pending, end=NOON + 3 * HOUR)) == [Reason.NO_CAPACITY]
    assert Reason.START_IN_PAST in scenario.refuses(change(pending, start=scenario.now, end=NOON))
    assert scenario.current(pending) == pending
    scenario.now = pending.expires_at
    assert scenario.refuses(change(pending, note="late")) == [Reason.WRONG_STATE]
    assert scenario.reaches(scenario.now).current(pending).state is State.DENIED
