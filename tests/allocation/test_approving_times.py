"""Approval for another time: what was desired and what is confirmed are two facts."""

from msgspec.structs import replace

from services.allocation.commands import ApproveReservation, RegisterResource
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation, State
from tests.allocation import fixture
from tests.allocation.approving import KIM, LEE, MANAGED, NOON, PARK, approves, asked, denies, fresh
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR, book, grids_of, line


def at_another_time(reservation: Reservation, voter: str, start: int, end: int) -> ApproveReservation:
    """A vote for it, at another time than was asked for."""
    return replace(approves(reservation, voter), time=(start, end))


def test_what_is_approved_for_another_time_keeps_both() -> None:
    """What was desired and what is confirmed are two facts; the units of the desired time are free at once."""
    scenario = fresh()
    pending = asked(scenario, "MANAGED")
    done = scenario.grants(at_another_time(pending, KIM, NOON + 3 * HOUR, NOON + 6 * HOUR))
    assert isinstance(done, Reservation)
    assert (done.state, done.start, done.end) == (State.CONFIRMED, NOON + 3 * HOUR, NOON + 6 * HOUR)
    assert done.desired == (NOON, NOON + 2 * HOUR)
    assert done.allocations[0].spans == ((NOON + 3 * HOUR, NOON + 6 * HOUR),)
    assert scenario.centre.meters["ALPHA", "equipment"].periods[0].booked == 3 * HOUR
    scenario.books(book("ALPHA", line("MANAGED"), start=NOON, hours=2))
    assert scenario.reaches(NOON + 3 * HOUR).current(done).state is State.ACTIVE
    for after in (scenario.replayed(), scenario.restored()):
        assert grids_of(after, NOW) == grids_of(scenario.centre, NOW)
        assert after.reservations[done.id].desired == (NOON, NOON + 2 * HOUR)


def test_another_time_is_held_against_the_rules_anew() -> None:
    """P3: every rule that says no is named, nothing is counted, and it waits on at the time that it holds."""
    scenario = fresh()
    pending = asked(scenario, "MANAGED")
    scenario.books(book("GAMMA", line("MANAGED"), start=NOON + 4 * HOUR, hours=1))
    for start, end, reasons in (
        (NOON + 3 * HOUR, NOON + 5 * HOUR, [Reason.NO_CAPACITY]),
        (NOON + 1800, NOON + 3 * HOUR, [Reason.OFF_GRID]),
        (NOON + 2 * HOUR, NOON + 2 * HOUR, [Reason.INVALID_INTERVAL]),
        (NOW - HOUR, NOON, [Reason.START_IN_PAST]),
        (NOON + 400 * 24 * HOUR, NOON + 401 * 24 * HOUR, [Reason.BEYOND_HORIZON]),
    ):
        assert scenario.refuses(at_another_time(pending, KIM, start, end)) == reasons
    assert scenario.current(pending) == pending
    overlapping = scenario.grants(at_another_time(pending, KIM, NOON + HOUR, NOON + 3 * HOUR))
    assert isinstance(overlapping, Reservation), "what it holds itself is free to it"


def test_a_committee_agrees_to_one_time() -> None:
    """The first yes says to what time, later ones agree to that, and a refused time leaves it pending and decidable."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    other = (NOON + 3 * HOUR, NOON + 5 * HOUR)
    first = scenario.grants(at_another_time(pending, KIM, *other))
    assert isinstance(first, Reservation)
    assert (first.state, first.start, first.approval and first.approval.votes[0].time) == (State.PENDING, NOON, other)
    different = at_another_time(pending, LEE, NOON + 4 * HOUR, NOON + 6 * HOUR)
    assert scenario.refuses(different) == [Reason.WRONG_STATE]
    assert scenario.refuses(at_another_time(pending, LEE, NOON, NOON + 2 * HOUR)) == [Reason.WRONG_STATE]
    scenario.grants(approves(pending, LEE))
    scenario.books(book("GAMMA", line("MANAGED"), start=NOON, hours=1))
    done = scenario.grants(at_another_time(pending, PARK, *other))
    assert isinstance(done, Reservation)
    assert ((done.start, done.end), done.desired) == (other, (NOON, NOON + 2 * HOUR))


def test_a_time_that_was_taken_meanwhile_is_refused_by_the_last_vote() -> None:
    """Until it is confirmed only the desired time is held; whoever would decide is told, and may still deny it."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    other = (NOON + 3 * HOUR, NOON + 5 * HOUR)
    for voter in (KIM, LEE):
        scenario.grants(at_another_time(pending, voter, *other))
    taken = asked(fresh(), "JUDGED")
    rival = book("GAMMA", *taken.lines, start=other[0], hours=2)
    assert scenario.books(rival).state is State.PENDING
    assert scenario.refuses(approves(pending, PARK)) == [Reason.NO_CAPACITY]
    scenario.grants(denies(pending, PARK, "the time is gone"))


def test_the_notice_was_given_when_it_was_asked_for() -> None:
    """It is for the centre, which chooses the other time; what an operator overrode stays overridden."""
    scenario = fixture.fresh().given(RegisterResource(resource=replace(MANAGED, notice_hours=24)))
    pending = scenario.books(book("ALPHA", line("MANAGED"), start=NOON, hours=2))
    done = scenario.grants(at_another_time(pending, KIM, NOW + HOUR, NOW + 2 * HOUR))
    assert isinstance(done, Reservation)
    assert done.state is State.CONFIRMED
