"""Compute on which nothing runs: warned, then given back by event; what nobody reported is unknown, and never idle."""

import pytest
from msgspec.structs import replace

from services.allocation import events
from services.allocation.commands import CheckIn, PublishTerms, RecordUse
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation, State
from services.allocation.values.terms import IdleRule, Terms
from services.allocation.values.use import MeasuredUse, Record
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, book, line

RULE = IdleRule(below_percent=20, window_hours=24, warn_hours=6)
START = NOW + HOUR


def centre_with(rule: IdleRule | None = RULE, effective: int = NOW) -> Scenario:
    """The small centre under a rule of idleness."""
    return fixture.fresh().given(PublishTerms(terms=Terms(effective=effective, idle=rule)))


def running(centre: Scenario, hours: float = 100) -> Reservation:
    """Eight GPUs that run."""
    booked = centre.books(book("ALPHA", line("h100", 8), start=START, hours=hours))
    return centre.reaches(START).current(booked)


def record(centre: Scenario, reservation: Reservation, *, busy: float = 0, known: float = 1) -> events.Event | None:
    """An hour passes of which nodes report so much, so much of it of work. Gives what follows from it."""
    since = centre.now
    centre.reaches(since + HOUR)
    held = 8 * HOUR
    use = MeasuredUse(resource="h100", measured=int(held * known), busy=int(held * busy), idle=0)
    told = Record(since=since, until=since + HOUR, resources=(use,), in_use=None)
    made = centre.decided(RecordUse(reservation_id=reservation.id, record=told))
    centre.tell(made)
    return made[1] if len(made) > 1 else None


def hours(centre: Scenario, reservation: Reservation, count: int, *, busy: float = 0, known: float = 1) -> None:
    """Some hours, all alike, from which nothing follows."""
    for _ in range(count):
        assert record(centre, reservation, busy=busy, known=known) is None


def test_what_stands_idle_is_warned_and_then_given_back() -> None:
    """After the window a warning with the hour, after that the release, with the figures and the rule in its reason."""
    centre = centre_with()
    reservation = running(centre)
    hours(centre, reservation, 23, busy=0.05)
    warned = record(centre, reservation, busy=0.05)
    assert warned == events.ReservationWarned(
        reservation_id=reservation.id, release_at=START + 30 * HOUR, used_percent=5
    )
    assert centre.current(reservation).release_at == START + 30 * HOUR
    hours(centre, reservation, 5)
    centre.reaches(START + 30 * HOUR)
    after = centre.current(reservation)
    assert (after.state, after.end) == (State.COMPLETED, START + 30 * HOUR)
    assert "4 % of it was used over 24 hours, less than 20 %" in after.reason
    centre.given(book("GAMMA", line("h100", 8), start=START + 31 * HOUR, hours=1))


def test_what_works_is_left_alone() -> None:
    """A fifth of the time at work is enough."""
    centre = centre_with()
    reservation = running(centre)
    hours(centre, reservation, 40, busy=0.2)
    assert centre.current(reservation).release_at == 0


@pytest.mark.parametrize("known", [0.0, 0.5, 0.79])
def test_what_nobody_reported_is_never_idle(known: float) -> None:
    """Where a fifth or more of the window is unknown, nothing follows, however idle the rest was."""
    centre = centre_with()
    reservation = running(centre)
    hours(centre, reservation, 40, known=known)
    assert centre.reaches(START + 60 * HOUR).current(reservation).state is State.ACTIVE


def test_a_gap_in_the_reports_is_unknown() -> None:
    """Six hours without a record count as work until they have left the window."""
    centre = centre_with()
    reservation = running(centre)
    hours(centre, reservation, 10)
    centre.reaches(centre.now + 6 * HOUR)
    hours(centre, reservation, 19)
    assert record(centre, reservation) is not None


def test_reports_that_stop_after_the_warning_save_the_reservation() -> None:
    """Nothing is given back on the word of old reports; the warning is over."""
    centre = centre_with()
    reservation = running(centre)
    hours(centre, reservation, 23)
    assert record(centre, reservation) is not None
    after = centre.reaches(START + 40 * HOUR).current(reservation)
    assert (after.state, after.release_at) == (State.ACTIVE, 0)


def test_work_after_the_warning_ends_it() -> None:
    """As soon as a record shows enough work over the window; and it may be warned again later."""
    centre = centre_with()
    reservation = running(centre)
    hours(centre, reservation, 23)
    assert record(centre, reservation) is not None
    hours(centre, reservation, 4, busy=1)
    assert record(centre, reservation, busy=1) == events.ReservationWarned(reservation_id=reservation.id, release_at=0)
    hours(centre, reservation, 19)
    again = record(centre, reservation)
    assert isinstance(again, events.ReservationWarned)
    assert again.release_at > 0


@pytest.mark.parametrize("spared", ["ALPHA", "academy"])
def test_an_operator_spares_companies_and_programmes(spared: str) -> None:
    """By the terms, from their date on; a warning from before is over then."""
    centre = Scenario.of(
        fixture.H100, replace(fixture.ALPHA, programme="academy"), *fixture.QUOTAS[:10], now=NOW
    ).given(PublishTerms(terms=Terms(effective=NOW, idle=RULE)))
    reservation = running(centre)
    hours(centre, reservation, 23)
    assert record(centre, reservation) is not None
    exempt = Terms(effective=centre.now, idle=replace(RULE, exempt=(spared,)))
    centre.given(PublishTerms(terms=exempt))
    assert centre.reaches(START + 50 * HOUR).current(reservation).state is State.ACTIVE
    assert centre.current(reservation).release_at == 0


def test_the_rule_holds_from_its_day_on() -> None:
    """What was reported before that day is not held against anybody: only as far as a fifth is it unknown by then."""
    centre = centre_with(effective=START + 10 * HOUR)
    reservation = running(centre)
    hours(centre, reservation, 28)
    assert record(centre, reservation) is not None


def test_without_a_rule_compute_may_stand_idle() -> None:
    """As before there were terms."""
    centre = centre_with(None)
    reservation = running(centre)
    hours(centre, reservation, 60)
    after = centre.current(reservation)
    assert (after.state, after.release_at) == (State.ACTIVE, 0)


def test_what_ends_by_itself_before_is_not_warned() -> None:
    """A warning that could not be carried out would frighten for nothing."""
    centre = centre_with()
    reservation = running(centre, hours=29)
    hours(centre, reservation, 28)
    assert centre.current(reservation).release_at == 0
    ended = centre.reaches(reservation.end).current(reservation)
    assert (ended.state, ended.end) == (State.COMPLETED, START + 29 * HOUR)


def test_equipment_is_not_given_back_for_what_its_gpus_do() -> None:
    """Whether a simulator is used, people say by checking in."""
    centre = centre_with()
    booked = centre.books(book("ALPHA", line("M03"), start=START, hours=100))
    centre.reaches(START).given(CheckIn(reservation_id=booked.id, company="ALPHA"))
    for hour in range(40):
        centre.reaches(START + (hour + 1) * HOUR)
        use = MeasuredUse(resource="a100", measured=1000 * HOUR, busy=0, idle=1000 * HOUR)
        told = Record(since=START + hour * HOUR, until=centre.now, resources=(use,), in_use=None)
        assert len(centre.tell(centre.decided(RecordUse(reservation_id=booked.id, record=told)))) == 1


def test_the_samples_survive_a_restart() -> None:
    """Out of a snapshot and out of the log alike: the next record leads to the same warning."""
    centre = centre_with()
    reservation = running(centre)
    hours(centre, reservation, 23)
    for again in (centre.restored(), centre.replayed()):
        copy = Scenario(centre.now)
        copy.centre, copy.history = again, [*centre.history]
        assert record(copy, reservation) is not None


@pytest.mark.parametrize(
    "odd",
    [{"below_percent": 0}, {"below_percent": 101}, {"window_hours": 0}, {"warn_hours": 0}, {"window_hours": 10**6}],
)
def test_a_rule_that_makes_no_sense_is_refused(odd: dict[str, int]) -> None:
    """When it is published."""
    wish = PublishTerms(terms=Terms(effective=NOW, idle=replace(RULE, **odd)))
    assert fixture.fresh().refuses(wish) == [Reason.INVALID_TERMS]


def test_idleness_is_a_day_old_at_most() -> None:
    """Samples that no window reaches are dropped, so a long reservation keeps few."""
    centre = centre_with()
    reservation = running(centre, hours=7 * 24 - 1)
    hours(centre, reservation, 60, busy=1)
    assert len(centre.centre.recent_use.of[reservation.id]) <= DAY // HOUR + 1
    centre.releases(centre.current(reservation))
    assert reservation.id not in centre.centre.recent_use.of
