"""Who came, who did not, what follows, and who may run a piece of equipment by themselves."""

from msgspec.structs import replace

from services.allocation import events, image
from services.allocation.commands import (
    CancelReservation,
    CheckIn,
    ForgiveStrike,
    GrantQualification,
    PublishTerms,
    RegisterResource,
    ReleaseReservation,
    RevokeQualification,
    Tick,
)
from services.allocation.decide import decide
from services.allocation.rejections import Reason
from services.allocation.reservations import Condition, Reservation, State
from services.allocation.values.conduct import Cause
from services.allocation.values.terms import FIRST, StrikeRule, Terms
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, line

START = TUESDAY + 11 * HOUR
GRACE = 15 * 60
SEOUL_RULES = (
    StrikeRule(strikes=2, window_days=90, suspension_days=30),
    StrikeRule(strikes=3, window_days=365, suspension_days=180),
)


def trained() -> Scenario:
    """ALPHA may run L01, and two strikes suspend."""
    return fixture.fresh().given(
        PublishTerms(terms=Terms(effective=NOW, strike_rules=SEOUL_RULES)),
        GrantQualification(qualification=fixture.qualification("ALPHA")),
    )


def booked(scenario: Scenario, start: int = START, hours: int = 4) -> Reservation:
    """A reservation of L01 by ALPHA."""
    return scenario.books(book("ALPHA", line("L01"), start=start, hours=hours))


def checked_in(scenario: Scenario, reservation: Reservation) -> Reservation:
    """Somebody comes."""
    after = scenario.grants(CheckIn(reservation_id=reservation.id, company="ALPHA"))
    assert isinstance(after, Reservation)
    return after


def test_nobody_comes_and_the_rest_is_given_back() -> None:
    """When the grace is over it is a no-show by event, the slots ahead are free again, and it is a strike."""
    scenario = trained()
    reservation = booked(scenario)
    scenario.reaches(START).reaches(START + GRACE - 1)
    assert scenario.current(reservation).state is State.ACTIVE
    scenario.reaches(START + GRACE)
    missed = scenario.current(reservation)
    assert (missed.state, missed.end) == (State.NO_SHOW, START + HOUR)
    conduct = scenario.centre.records.conduct("ALPHA")
    assert [(strike.reservation_id, strike.cause) for strike in conduct.strikes] == [(reservation.id, Cause.NO_SHOW)]
    assert conduct.reliability == 0
    scenario.books(book("ALPHA", line("L01", 3), start=START + HOUR, hours=3))


def test_nobody_checks_in_to_compute() -> None:
    """Compute has a grace in the catalogue too, and no door to come in by: it is never a no-show by that."""
    pool = replace(fixture.CPU, id="graced", no_show_grace_minutes=60)
    scenario = trained().given(RegisterResource(resource=pool))
    reservation = scenario.books(book("ALPHA", line("graced"), start=START, hours=4))
    scenario.reaches(START).reaches(START + 2 * HOUR)
    assert scenario.current(reservation).state is State.ACTIVE


def test_whoever_checks_in_keeps_it_to_the_end() -> None:
    """A check-in, from a little before the start on, keeps the reservation and the record clean."""
    scenario = trained()
    reservation = booked(scenario)
    scenario.reaches(START - 15 * 60)
    assert checked_in(scenario, reservation).checked_in_at == START - 15 * 60
    scenario.reaches(START).reaches(START + 2 * HOUR)
    assert scenario.current(reservation).state is State.ACTIVE
    scenario.reaches(START + 4 * HOUR)
    assert scenario.current(reservation).state is State.COMPLETED
    assert scenario.centre.records.conduct("ALPHA").reliability == 1


def test_a_late_start_of_the_clock_costs_nobody_a_strike() -> None:
    """If no tick came for hours, the grace counts from the activation, and what is over by then completes."""
    scenario = trained()
    reservation = booked(scenario)
    scenario.reaches(START + 5 * HOUR)
    assert scenario.current(reservation).state is State.COMPLETED
    assert not scenario.centre.records.conduct("ALPHA").strikes


def test_two_no_shows_of_one_tick_suspend_once() -> None:
    """Strikes of one tick add up, and the suspension is an event with its end."""
    scenario = trained()
    first, second = booked(scenario), booked(scenario)
    scenario.reaches(START)
    scenario.now = START + GRACE
    told = decide(scenario.centre, Tick(), scenario.now)
    assert [type(event) for event in told] == [
        *(events.ReservationMissed, events.StrikeGiven),
        *(events.ReservationMissed, events.StrikeGiven, events.SuspensionSet),
    ]
    assert told[-1] == events.SuspensionSet(company="ALPHA", until=START + GRACE + 30 * DAY)
    scenario.reaches(scenario.now)
    assert {scenario.current(each).state for each in (first, second)} == {State.NO_SHOW}
    wish = book("ALPHA", line("T1"), start=START + 3 * HOUR, hours=1)
    assert scenario.refuses(wish) == [Reason.SUSPENDED]
    scenario.books(book("ALPHA", line("cpu"), start=START + 3 * HOUR, hours=1))


def test_a_suspension_ends_by_itself() -> None:
    """After its end everything can be booked again, without anybody doing anything."""
    scenario = trained()
    booked(scenario), booked(scenario)
    scenario.reaches(START).reaches(START + GRACE)
    later = book("ALPHA", line("T1"), start=START + 31 * DAY, hours=1)
    scenario.reaches(START + GRACE + 30 * DAY - 1)
    assert scenario.refuses(later) == [Reason.SUSPENDED]
    assert scenario.reaches(START + GRACE + 30 * DAY).books(later).state is State.CONFIRMED


def test_a_strike_can_be_forgiven_and_the_suspension_goes_with_it() -> None:
    """An operator takes a strike back, once; what the other strikes do not carry is lifted."""
    scenario = trained()
    first, _ = booked(scenario), booked(scenario)
    scenario.reaches(START).reaches(START + GRACE)
    forgive = ForgiveStrike(company="ALPHA", reservation_id=first.id, reason="the door was locked")
    scenario.grants(forgive)
    conduct = scenario.centre.records.conduct("ALPHA")
    assert (len(conduct.strikes), conduct.missed, conduct.suspended_until) == (1, 1, 0)
    assert scenario.refuses(forgive) == [Reason.NO_SUCH_RECORD]


def test_cancelling_late_is_a_strike_and_in_time_is_none() -> None:
    """Within the free time a cancellation costs nothing; after it, it is a strike unless an operator excuses it."""
    scenario = trained()
    early, late, excused = booked(scenario, START + DAY), booked(scenario), booked(scenario)
    scenario.cancels(early)
    assert not scenario.centre.records.conduct("ALPHA").strikes
    scenario.reaches(START - 23 * HOUR)
    scenario.grants(CancelReservation(reservation_id=excused.id, company="ALPHA", excused=True, reason="storm"))
    assert not scenario.centre.records.conduct("ALPHA").strikes
    assert scenario.cancels(late).state is State.CANCELLED
    assert [each.cause for each in scenario.centre.records.conduct("ALPHA").strikes] == [Cause.LATE_CANCEL]


def test_giving_a_part_back_late_is_a_strike_too() -> None:
    """To shorten equipment or move it away too late is what cancelling it would be, once for each reservation."""
    for wish, strikes in (
        ({"end": START + 2 * HOUR}, 1),
        ({"start": START + 2 * DAY, "duration": 4 * HOUR}, 1),
        ({"end": START + 6 * HOUR}, 0),
        ({"note": "with guests"}, 0),
        ({"end": START + 2 * HOUR, "excused": True}, 0),
    ):
        scenario = trained()
        reservation = booked(scenario)
        scenario.reaches(START - 23 * HOUR)
        after = scenario.changes(reservation, **wish)
        causes = [strike.cause for strike in scenario.centre.records.conduct("ALPHA").strikes]
        assert causes == [Cause.LATE_CANCEL] * strikes, wish
        if strikes:
            scenario.changes(after, end=after.end - HOUR)
            scenario.cancels(scenario.current(after))
            assert len(scenario.centre.records.conduct("ALPHA").strikes) == 1


def test_giving_a_part_back_in_time_or_after_somebody_came_is_no_strike() -> None:
    """Up to the hour to which a cancellation is free, and once somebody has come to use it."""
    scenario = trained()
    early, begun = booked(scenario, START + DAY), booked(scenario)
    scenario.changes(early, end=early.end - HOUR)
    scenario.reaches(START)
    checked_in(scenario, begun)
    scenario.changes(scenario.current(begun), end=begun.end - HOUR)
    scenario.grants(ReleaseReservation(reservation_id=begun.id, company="ALPHA"))
    assert not scenario.centre.records.conduct("ALPHA").strikes


def test_letting_it_begin_and_giving_it_back_is_a_strike_where_nobody_came() -> None:
    """To release or to shorten what nobody came to is what cancelling it a minute before its start would have been."""
    for released, excused in ((True, False), (False, False), (True, True), (False, True)):
        scenario = trained()
        begun = booked(scenario)
        scenario.reaches(START + 60)
        if released:
            scenario.grants(ReleaseReservation(reservation_id=begun.id, company="ALPHA", excused=excused))
        else:
            scenario.changes(scenario.current(begun), end=begun.end - HOUR, excused=excused)
        causes = [strike.cause for strike in scenario.centre.records.conduct("ALPHA").strikes]
        assert causes == ([] if excused else [Cause.LATE_CANCEL])


def test_training_opens_a_piece_of_equipment_for_its_time() -> None:
    """Without a qualification for the whole interval it is refused; an operator along, or a training, opens it."""
    scenario = fixture.fresh()
    alone = book("ALPHA", line("L01"), start=START, hours=1)
    assert scenario.refuses(alone) == [Reason.NOT_QUALIFIED]
    scenario.books(book("ALPHA", line("L01"), line("OP"), start=START, hours=1))
    scenario.grants(GrantQualification(qualification=fixture.qualification("ALPHA", days=3)))
    scenario.books(alone)
    assert scenario.refuses(book("ALPHA", line("L01"), start=START + 2 * DAY, hours=1)) == [Reason.NOT_QUALIFIED]
    scenario.grants(RevokeQualification(company="ALPHA", resource="L01", reason="expired early"))
    assert scenario.refuses(book("ALPHA", line("L01"), start=START + HOUR, hours=1)) == [Reason.NOT_QUALIFIED]


def test_terms_hold_from_their_date_and_never_reach_back() -> None:
    """The terms of a moment are the last published that are in effect; terms for the past are refused."""
    scenario = fixture.fresh()
    assert scenario.centre.records.terms_at(NOW) == FIRST
    today, tomorrow = Terms(effective=NOW, extend_days_max=3), Terms(effective=NOW + DAY, extend_days_max=5)
    scenario.given(PublishTerms(terms=today), PublishTerms(terms=tomorrow))
    assert scenario.centre.records.terms_at(NOW + DAY - 1) == today
    assert scenario.centre.records.terms_at(NOW + DAY) == tomorrow
    assert scenario.refuses(PublishTerms(terms=today)) == [Reason.INVALID_TERMS]


def test_how_equipment_was_left_is_kept() -> None:
    """A check-out says in what condition the equipment was left, and what whoever comes next should know."""
    scenario = trained()
    reservation = booked(scenario)
    scenario.reaches(START)
    checked_in(scenario, reservation)
    left = ReleaseReservation(
        reservation_id=reservation.id, company="ALPHA", condition=Condition.WORN, hand_over="The left lamp flickers."
    )
    after = scenario.grants(left)
    assert isinstance(after, Reservation)
    assert (after.condition, after.hand_over) == (Condition.WORN, "The left lamp flickers.")


def test_a_snapshot_keeps_the_records() -> None:
    """Terms, strikes, suspensions and trainings come back out of a snapshot, and out of the log, alike."""
    scenario = trained()
    booked(scenario), booked(scenario)
    scenario.reaches(START).reaches(START + GRACE)
    for again in (scenario.restored(), scenario.replayed()):
        assert image.digest(again) == image.digest(scenario.centre)
        assert again.records.conduct("ALPHA") == scenario.centre.records.conduct("ALPHA")
        assert again.records.terms == scenario.centre.records.terms
