"""Changing what was approved: the change waits for a new judgement, holds its place, and what stands is never lost."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.allocation import image
from services.allocation.booking.rehearsal import Rehearsal
from services.allocation.commands import (
    CancelReservation,
    CheckIn,
    OfferTransfer,
    RegisterResource,
    ReleaseReservation,
    Tick,
)
from services.allocation.events import ChangeEnded, ChangeRequested, ReservationActivated, ReservationChanged, VoteCast
from services.allocation.rejections import Reason
from services.allocation.reservations import Allocation, Reservation, State
from services.allocation.units.beside import beside_of
from services.allocation.values.approval import Rule
from services.allocation.values.change import ChangeOutcome
from services.allocation.values.outage import OutageKind, Scope
from tests.allocation import fixture
from tests.allocation.approving import bench
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, book, change, fund, grids_of, line, outage
from tests.allocation.test_approving import KIM, LEE, NOON, PARK, approves, asked, denies, fresh
from tests.allocation.test_transfers import accepting

LONGER = {"end": NOON + 3 * HOUR}
LATER = {"start": NOON + HOUR, "end": NOON + 3 * HOUR}
TOMORROW = {"start": NOON + DAY, "end": NOON + DAY + 2 * HOUR}
CHANGES = [LONGER, LATER, TOMORROW, {"lines": (line("MANAGED"), line("JUDGED"))}, {"lines": (line("JUDGED"),)}]


def standing(*resources: str) -> tuple[Scenario, Reservation]:
    """ALPHA has two hours of Tuesday that a manager agreed to."""
    scenario = fresh()
    pending = asked(scenario, *(resources or ("MANAGED",)))
    for voter in (KIM, LEE, PARK)[: 3 if "JUDGED" in resources else 1]:
        scenario.grants(approves(pending, voter))
    return scenario, scenario.current(pending)


def place(reservation: Reservation) -> tuple[Any, ...]:
    """What a reservation is, without what is asked of it."""
    return reservation.state, reservation.start, reservation.end, reservation.lines, reservation.allocations


@pytest.mark.parametrize("wish", CHANGES)
def test_it_stands_until_somebody_agrees_and_then_is_as_asked(wish: dict[str, Any]) -> None:
    """A yes makes the change true under the same name; up to then the reservation is what was approved."""
    scenario, booked = standing()
    told = scenario.decided(change(booked, **wish))
    assert [type(event) for event in told] == [ChangeRequested]
    waiting = scenario.changes(booked, **wish)
    assert place(waiting) == place(booked)
    assert waiting.asked is not None
    for voter in (KIM, LEE, PARK)[: waiting.asked.approval.quorum]:
        told = scenario.decided(approves(waiting, voter))
        scenario.grants(approves(waiting, voter))
    assert [type(event) for event in told] == [VoteCast, ReservationChanged]
    after = scenario.current(booked)
    assert after.asked is None
    assert place(after) == place(waiting.as_asked)
    assert (after.start, after.end) == (wish.get("start", NOON), wish.get("end", NOON + 2 * HOUR))
    fewer = scenario.centre.meters["ALPHA", "equipment"].periods[0].booked
    assert fewer == sum(each.unit_seconds for each in after.allocations)
    assert image.digest(scenario.replayed()) == image.digest(scenario.centre)


@pytest.mark.parametrize("wish", CHANGES)
def test_a_no_leaves_everything_as_it_was(wish: dict[str, Any]) -> None:
    """Denied or not decided in time, the old booking stands untouched, and the new place is free again."""
    for ends in ("denied", "lapsed"):
        scenario, booked = standing()
        before = grids_of(scenario.centre, 0)
        waiting = scenario.changes(booked, **wish)
        assert waiting.asked is not None
        assert waiting.asked.expires_at == min(scenario.now + 20 * HOUR if "lines" in wish else NOW + 10 * HOUR, NOON)
        if ends == "denied":
            quorum = waiting.asked.approval.voters - waiting.asked.approval.quorum + 1
            for voter in (KIM, LEE, PARK)[:quorum]:
                told = scenario.decided(denies(waiting, voter, "Not then."))
                scenario.grants(denies(waiting, voter, "Not then."))
            assert isinstance(told[-1], ChangeEnded)
            assert (told[-1].outcome, told[-1].reason) == (ChangeOutcome.DENIED, "Not then.")
        else:
            scenario.reaches(waiting.asked.expires_at)
        after = scenario.current(booked)
        assert (after.asked, place(after)) == (None, place(booked))
        assert grids_of(scenario.centre, 0) == before


def test_the_new_place_is_nobody_elses_and_the_old_one_neither() -> None:
    """P1, and a yes never fails for want of room: both are held, each unit of both once."""
    scenario, booked = standing()
    scenario.changes(booked, **LATER)
    for start in (NOON, NOON + HOUR, NOON + 2 * HOUR):
        assert scenario.refuses(book("GAMMA", line("MANAGED"), start=start, hours=1)) == [Reason.NO_CAPACITY]
    waiting = scenario.current(booked)
    assert [each.spans for each in waiting.beside] == [((NOON + 2 * HOUR, NOON + 3 * HOUR),)]
    assert scenario.centre.meters["ALPHA", "equipment"].periods[0].booked == 3 * HOUR
    scenario.grants(approves(waiting, KIM))
    scenario.books(book("GAMMA", line("MANAGED"), start=NOON, hours=1))


def test_what_only_becomes_less_or_is_not_judged_waits_for_nobody() -> None:
    """A shorter time, other words, and more of what nobody need approve are had at once."""
    scenario, booked = standing("MANAGED", "cpu")
    shorter = scenario.changes(booked, end=NOON + HOUR)
    assert (shorter.asked, shorter.end) == (None, NOON + HOUR)
    more = scenario.changes(shorter, lines=(line("MANAGED"), line("cpu", 2)), note="more cores")
    assert (more.asked, more.note, more.lines[1].units) == (None, "more cores", 2)
    assert more.approval == booked.approval


def test_other_words_leave_a_change_waiting_and_the_same_again_takes_it_back() -> None:
    """A note is no question; asking for what there is already withdraws what was asked."""
    scenario, booked = standing()
    scenario.changes(booked, **LONGER)
    noted = scenario.changes(booked, note="bring cables")
    assert noted.asked is not None
    assert (noted.note, noted.asked.note) == ("bring cables", "bring cables")
    told = scenario.decided(change(noted, start=NOON, end=NOON + 2 * HOUR))
    assert isinstance(told[0], ChangeEnded)
    assert told[0].outcome is ChangeOutcome.WITHDRAWN
    assert scenario.changes(noted, start=NOON, end=NOON + 2 * HOUR).asked is None


def test_a_second_change_takes_the_place_of_the_first_or_leaves_it() -> None:
    """Asked for anew the votes are void, on the place that both would have; what is refused loses nothing."""
    scenario, booked = standing("JUDGED")
    first = scenario.changes(booked, **LONGER)
    scenario.grants(approves(first, KIM))
    scenario.given(book("GAMMA", line("JUDGED"), start=NOON + 3 * HOUR, hours=1))
    assert scenario.refuses(change(booked, end=NOON + 4 * HOUR)) == [Reason.NO_CAPACITY]
    told = scenario.decided(change(booked, **LATER))
    assert isinstance(told[0], ChangeRequested)
    assert told[0].void_votes == 1
    second = scenario.changes(booked, **LATER)
    assert second.asked is not None
    assert (second.asked.start, second.asked.approval.votes) == (NOON + HOUR, ())
    less = scenario.changes(booked, end=NOON + HOUR)
    assert (less.asked, less.end) == (None, NOON + HOUR)


def test_both_places_count_on_the_quota() -> None:
    """While it waits a company keeps two places from others: without quota for both it is refused, and says so."""
    scenario, booked = standing()
    period = scenario.centre.meters["ALPHA", "equipment"].periods[0]
    period.quota = replace(period.quota, unit_seconds=period.booked + HOUR)
    refusal = scenario.refusal(change(booked, **TOMORROW))
    assert [each.reason for each in refusal.violations] == [Reason.QUOTA_EXCEEDED]
    assert "both places count" in refusal.violations[0].description
    scenario.changes(booked, **LATER)
    assert period.booked == period.quota.unit_seconds


def test_it_is_approved_as_it_was_asked_for_and_once() -> None:
    """Another time, a second vote of one person and a vote after the deadline are refused."""
    scenario, booked = standing("JUDGED")
    waiting = scenario.changes(booked, **LONGER)
    vote = approves(waiting, KIM)
    assert scenario.refuses(replace(vote, time=(NOON, NOON + HOUR))) == [Reason.WRONG_STATE]
    scenario.grants(vote)
    assert scenario.refuses(vote) == [Reason.ALREADY_VOTED]
    assert waiting.asked is not None
    scenario.now = waiting.asked.expires_at
    assert scenario.refuses(approves(waiting, LEE)) == [Reason.WRONG_STATE]


def test_when_it_starts_the_question_is_over() -> None:
    """What nobody decided before the start lapses, and the booking begins as it was approved."""
    scenario, booked = standing()
    scenario.reaches(NOON - 10 * 60)
    scenario.changes(booked, **TOMORROW)
    scenario.grants(CheckIn(reservation_id=booked.id, company="ALPHA"))
    assert scenario.current(booked).asked is not None
    scenario.now = NOON
    assert [type(event) for event in scenario.decided(Tick())] == [ChangeEnded, ReservationActivated]
    after = scenario.reaches(NOON).current(booked)
    assert (after.state, after.asked, after.end) == (State.ACTIVE, None, NOON + 2 * HOUR)


def test_what_runs_is_extended_by_asking_until_its_end() -> None:
    """The hours behind it are held; a yes lengthens it, else it ends as it was booked. Anything else is too late."""
    scenario, booked = standing()
    running = scenario.reaches(NOON + 10 * 60).current(booked)
    assert running.state is State.ACTIVE
    assert scenario.refuses(change(running, lines=(line("MANAGED"), line("JUDGED"))))
    waiting = scenario.changes(running, **LONGER)
    assert waiting.asked is not None
    assert waiting.asked.expires_at == NOON + 2 * HOUR
    assert scenario.refuses(book("GAMMA", line("MANAGED"), start=NOON + 2 * HOUR, hours=1)) == [Reason.NO_CAPACITY]
    scenario.reaches(NOON + HOUR)
    assert scenario.current(booked).asked is not None
    scenario.grants(approves(waiting, KIM))
    assert scenario.current(booked).end == NOON + 3 * HOUR
    again = scenario.changes(scenario.current(booked), end=NOON + 4 * HOUR)
    assert again.asked is not None
    assert scenario.reaches(NOON + 3 * HOUR).current(booked).state is State.COMPLETED


@pytest.mark.parametrize("gives_back", [CancelReservation, ReleaseReservation])
def test_what_is_given_back_takes_its_question_along(gives_back: type) -> None:
    """Cancelled or released with a change that waits, nothing of either place is held any more."""
    scenario, booked = standing()
    if gives_back is ReleaseReservation:
        scenario.reaches(NOON + 60)
    scenario.changes(booked, **LONGER)
    scenario.grants(gives_back(reservation_id=booked.id, company="ALPHA"))
    assert scenario.current(booked).asked is None
    scenario.books(book("GAMMA", line("MANAGED"), start=NOON + 2 * HOUR, hours=1))
    assert image.digest(scenario.restored()) == image.digest(scenario.centre)


def test_it_is_not_handed_over_while_it_waits() -> None:
    """An offer is of what there is: first the question is decided or taken back; and the other way round."""
    scenario, booked = standing()
    scenario.changes(booked, **LONGER)
    offer = OfferTransfer(reservation_id=booked.id, company="ALPHA", to="GAMMA", seconds=HOUR)
    assert scenario.refuses(offer) == [Reason.WRONG_STATE]
    scenario.grants(denies(booked, KIM, "No."))
    scenario.grants(offer)
    assert scenario.refuses(change(booked, **LONGER)) == [Reason.WRONG_STATE]
    scenario.grants(accepting(scenario.current(booked)))


def test_an_outage_ends_the_question_before_it_takes_what_stands() -> None:
    """Units of the new place alone are out: the booking stays. Its own are out: it is dealt with as any other."""
    scenario, booked = standing()
    scenario.changes(booked, **TOMORROW)
    scenario.declares(outage("o1", Scope(resource="MANAGED"), start=NOON + DAY, end=NOON + DAY + HOUR))
    after = scenario.current(booked)
    assert (after.asked, place(after)) == (None, place(booked))
    assert scenario.fates("o1") == {booked.id: "change_ended"}
    assert scenario.centre.outages.stranded == set()
    scenario.changes(after, start=NOON + 2 * DAY, end=NOON + 2 * DAY + 2 * HOUR)
    scenario.declares(outage("o2", Scope(resource="MANAGED"), kind=OutageKind.FAILURE, end=NOON + DAY))
    assert scenario.current(booked).state is State.DISPLACED
    assert scenario.fates("o2") == {booked.id: "displaced"}


def test_less_funding_ends_the_question_before_it_takes_what_stands() -> None:
    """What was only asked for is the newest claim of all."""
    scenario, booked = standing()
    scenario.changes(booked, **TOMORROW)
    scenario.grants(fund("MANAGED", 0, start=(NOON + DAY) // HOUR * HOUR, displace=True))
    assert place(scenario.current(booked)) == place(booked)
    assert scenario.current(booked).asked is None
    step = f"MANAGED@{(NOON + DAY) // HOUR * HOUR}"
    assert [told.outcome.value for told in scenario.centre.outages.told(step)] == ["change_ended"]


def test_what_it_gives_back_is_as_late_as_when_it_was_asked_for() -> None:
    """Asked in time, a change costs nothing however long those who decide take."""
    scenario, booked = standing()
    scenario.changes(booked, **TOMORROW)
    told = scenario.decided(approves(booked, KIM))
    assert isinstance(told[-1], ReservationChanged)
    assert told[-1].asked_at == scenario.now


def test_a_restart_finds_the_question_and_both_places() -> None:
    """From the log and from a snapshot the same centre comes, to the cell."""
    scenario, booked = standing("MANAGED", "cpu")
    scenario.changes(booked, lines=(line("MANAGED"), line("JUDGED"), line("cpu", 3)), **LATER)
    for after in (scenario.replayed(), scenario.restored()):
        assert image.digest(after) == image.digest(scenario.centre)
        assert grids_of(after, 0) == grids_of(scenario.centre, 0)
        assert {name: list(pool.waiting) for name, pool in after.pools.items()} == {
            name: list(pool.waiting) for name, pool in scenario.centre.pools.items()
        }


def test_only_what_is_new_is_held_beside() -> None:
    """Of every bin the new place's hours and units beyond the old one's, each once."""
    own = Allocation(resource="gpus", units=3, spans=((0, 4), (6, 8)), bins=(0, 1), amounts=(1, 2))
    new = replace(own, units=5, spans=((2, 7),), bins=(1, 2), amounts=(3, 2))
    assert beside_of((own,), (own,)) == ()
    assert beside_of((), (new,)) == (
        replace(new, units=3, bins=(1,), amounts=(3,)),
        replace(new, units=2, bins=(2,), amounts=(2,)),
    )
    assert beside_of((own,), (new,)) == (
        replace(new, units=1, spans=((2, 4), (6, 7)), bins=(1,), amounts=(1,)),
        replace(new, units=3, spans=((4, 6),), bins=(1,), amounts=(3,)),
        replace(new, units=2, bins=(2,), amounts=(2,)),
    )


def test_what_shall_be_at_once_does_not_wait() -> None:
    """A later hour is refused for what was approved; a note leaves a question waiting, and less of it ends that."""
    scenario, booked = standing()
    scenario.changes(booked, **LONGER)
    later = change(booked, at_once=True, **LATER)
    assert scenario.refuses(later) == [Reason.NEEDS_APPROVAL]
    noted = scenario.changes(booked, at_once=True, note="together")
    assert (noted.note, noted.asked is not None) == ("together", True)
    told = scenario.decided(change(booked, at_once=True, end=NOON + HOUR))
    assert [type(event) for event in told] == [ChangeEnded, ReservationChanged]
    before = image.digest(scenario.centre)
    with Rehearsal(scenario.centre) as rehearsal:
        rehearsal.play(told)
    assert image.digest(scenario.centre) == before
    assert image.digest(scenario.restored()) == before


def test_nobody_is_sent_to_the_place_that_stands_until_somebody_agrees() -> None:
    """P1: to make room for a new place others move, but never to the old one, which is kept beside it."""
    pair = bench("PAIR", Rule.MANAGER, nodes=fixture.seats("PAIR", 2))
    scenario = fixture.fresh().given(RegisterResource(resource=pair))

    def booked(hour: int, hours: int) -> Reservation:
        pending = scenario.books(book("ALPHA", line("PAIR"), start=NOON + hour * HOUR, hours=hours))
        scenario.grants(approves(pending, KIM))
        return scenario.current(pending)

    mine, _, last = booked(0, 2), booked(0, 2), booked(2, 1)
    assert mine.allocations[0].bins == last.allocations[0].bins
    # From the second hour to the third the one seat is another's, and on the other one somebody would have to move.
    assert scenario.refuses(change(mine, start=NOON + HOUR, end=NOON + 3 * HOUR)) == [Reason.NO_PLACEMENT]
    calendar = scenario.centre.pools["PAIR"].calendar
    assert calendar.used.max() <= calendar.bin_capacity
