"""Compute on which no process ever ran: a no-show, given back by event and charged, and never for want of reports."""

import pytest
from msgspec.structs import replace

from services.allocation import events
from services.allocation.commands import CheckIn, PublishTerms, RecordUse
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation, State
from services.allocation.values.terms import NoProcessRule, Terms
from services.allocation.values.use import MeasuredUse, Record
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR, Scenario, book, line

RULE = NoProcessRule(minutes=60)
START = NOW + HOUR


def centre_with(rule: NoProcessRule | None = RULE, effective: int = NOW) -> Scenario:
    """The small centre under a rule of no-shows."""
    return fixture.fresh().given(PublishTerms(terms=Terms(effective=effective, no_process=rule)))


def running(centre: Scenario, name: str = "h100", units: int = 8) -> Reservation:
    """Compute that runs for ten hours."""
    booked = centre.books(book("ALPHA", line(name, units), start=START, hours=10))
    return centre.reaches(START).current(booked)


def told(centre: Scenario, reservation: Reservation, unused: int = HOUR) -> tuple[events.Event, ...]:
    """An hour passes, of which nodes say that for so many seconds nothing ran. Gives what follows from it."""
    centre.reaches(START + HOUR)
    use = MeasuredUse(resource=reservation.allocations[0].resource, measured=8 * HOUR, busy=0, idle=8 * HOUR)
    record = Record(since=START, until=START + HOUR, resources=(use,), in_use=False, unused_seconds=unused)
    made = centre.decided(RecordUse(reservation_id=reservation.id, record=record))
    centre.tell(made)
    return made[1:]


def test_what_no_process_runs_on_is_a_no_show() -> None:
    """The rest is free at once, for others, and the event says why; nobody is struck or warned."""
    centre = centre_with()
    reservation = running(centre)
    (missed,) = told(centre, reservation)
    assert isinstance(missed, events.ReservationMissed)
    assert missed.released_at == START + HOUR
    after = centre.current(reservation)
    assert (after.state, after.end) == (State.NO_SHOW, START + HOUR)
    assert "no process ran on it for 60 minutes" in after.reason
    assert not centre.centre.records.conduct("ALPHA").strikes
    centre.given(book("GAMMA", line("h100", 8), start=START + 2 * HOUR, hours=1))


@pytest.mark.parametrize("unused", [0, HOUR - 1])
def test_less_than_the_grace_is_nothing(unused: int) -> None:
    """Something ran, nobody knows, or the time is not over."""
    centre = centre_with()
    assert not told(centre, running(centre), unused)


@pytest.mark.parametrize("spared", ["ALPHA", "academy"])
def test_the_terms_spare_companies_and_programmes(spared: str) -> None:
    """By their ids."""
    centre = Scenario.of(
        fixture.H100, replace(fixture.ALPHA, programme="academy"), *fixture.QUOTAS[:10], now=NOW
    ).given(PublishTerms(terms=Terms(effective=NOW, no_process=replace(RULE, exempt=(spared,)))))
    assert not told(centre, running(centre))


@pytest.mark.parametrize(("rule", "effective"), [(None, NOW), (RULE, START + 2 * HOUR)])
def test_without_a_rule_or_before_its_day_nothing_is_given_back(rule: NoProcessRule | None, effective: int) -> None:
    """As before there were terms."""
    centre = centre_with(rule, effective)
    assert not told(centre, running(centre))


def test_equipment_is_checked_in_to() -> None:
    """What the GPUs of a simulator do says nothing about the simulator."""
    centre = centre_with()
    reservation = running(centre, "M03", 1)
    centre.given(CheckIn(reservation_id=reservation.id, company="ALPHA"))
    assert not told(centre, reservation)


@pytest.mark.parametrize("minutes", [0, -1, 10**9])
def test_a_rule_that_makes_no_sense_is_refused(minutes: int) -> None:
    """When it is published."""
    wish = PublishTerms(terms=Terms(effective=NOW, no_process=NoProcessRule(minutes=minutes)))
    assert fixture.fresh().refuses(wish) == [Reason.INVALID_TERMS]
