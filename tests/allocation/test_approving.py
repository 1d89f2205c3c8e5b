"""Approval: what a manager or a committee must agree to waits for them, holds its units, and is decided once."""

import pytest
from msgspec.structs import replace

from services.allocation.booking.approving import UNDECIDED
from services.allocation.commands import RegisterResource
from services.allocation.events import ReservationDenied, VoteCast
from services.allocation.rejections import Reason
from services.allocation.reservations import Override, State
from services.allocation.resources import Companion
from services.allocation.values.approval import Rule, voter_of
from tests.allocation import fixture
from tests.allocation.approving import (
    CHOI,
    KIM,
    LEE,
    NOON,
    PARK,
    approves,
    asked,
    bench,
    denies,
    fresh,
)
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR, book, grids_of, line


def test_what_is_pending_holds_its_units() -> None:
    """P1: nobody else gets what waits for approval, and it counts in its company's quota."""
    scenario = fresh()
    pending = asked(scenario, "MANAGED")
    assert (pending.state, pending.expires_at) == (State.PENDING, NOW + 10 * HOUR)
    assert scenario.refuses(book("GAMMA", line("MANAGED"), start=NOON, hours=1)) == [Reason.NO_CAPACITY]
    assert scenario.centre.meters["ALPHA", "equipment"].periods[0].booked == 2 * HOUR


def test_one_manager_decides() -> None:
    """One yes confirms it with what it holds; from then on it ends by itself no more, and starts."""
    scenario = fresh()
    pending = asked(scenario, "MANAGED")
    scenario.grants(approves(pending, KIM))
    confirmed = scenario.current(pending)
    assert (confirmed.state, confirmed.expires_at) == (State.CONFIRMED, 0)
    assert confirmed.allocations == pending.allocations
    assert scenario.reaches(NOON).current(pending).state is State.ACTIVE


def test_a_no_gives_everything_back_with_its_reason() -> None:
    """What is denied is free for others at once, and says why."""
    scenario = fresh()
    before = grids_of(scenario.centre, 0)
    pending = asked(scenario, "MANAGED")
    scenario.grants(denies(pending, KIM, "The bench is being moved."))
    denied = scenario.current(pending)
    assert (denied.state, denied.reason, denied.holding) == (State.DENIED, "The bench is being moved.", ())
    assert grids_of(scenario.centre, 0) == before
    assert scenario.centre.meters["ALPHA", "equipment"].periods[0].booked == 0
    assert scenario.refuses(approves(pending, LEE)) == [Reason.WRONG_STATE]


def test_a_committee_agrees_by_its_quorum() -> None:
    """Three of four must agree, each by a vote of their own; one no does not stop them."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    for voter in (KIM, LEE):
        scenario.grants(approves(pending, voter))
    scenario.grants(denies(pending, PARK))
    assert scenario.current(pending).state is State.PENDING
    scenario.grants(approves(pending, CHOI))
    approval = scenario.current(pending).approval
    assert approval is not None
    assert scenario.current(pending).state is State.CONFIRMED
    assert [(vote.voter, vote.approves) for vote in approval.votes] == [
        (voter_of(pending.id, voter), voter is not PARK) for voter in (KIM, LEE, PARK, CHOI)
    ]


def test_a_committee_denies_when_too_few_are_left() -> None:
    """With two of four against it three can no longer agree, so it is over at once."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    scenario.grants(denies(pending, KIM, "unsound"))
    scenario.grants(denies(pending, LEE, "unclear"))
    assert (scenario.current(pending).state, scenario.current(pending).reason) == (State.DENIED, "unclear")


def test_everybody_votes_once() -> None:
    """Neither a second yes nor a change of mind counts."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    scenario.grants(approves(pending, KIM))
    assert scenario.refuses(approves(pending, KIM)) == [Reason.ALREADY_VOTED]
    assert scenario.refuses(denies(pending, KIM)) == [Reason.ALREADY_VOTED]


def test_an_event_does_not_tell_who_voted() -> None:
    """P8: a company may read the events about its booking, and the same person is another voter on the next one."""
    scenario = fresh()
    first, second = (scenario.books(book("ALPHA", line("JUDGED"), start=NOON + at, hours=1)) for at in (0, 2 * HOUR))
    scenario.given(approves(first, KIM), approves(second, KIM))
    voters = {event.vote.voter for _, _, events in scenario.history for event in events if isinstance(event, VoteCast)}
    assert len(voters) == 2
    assert not any("kim" in voter for voter in voters)


def test_the_strictest_of_several_decides() -> None:
    """A booking of a free, a managed and a judged bench waits for the committee, as long as the slowest takes."""
    scenario = fresh()
    pending = asked(scenario, "C24", "MANAGED", "JUDGED")
    assert pending.approval is not None
    assert (pending.approval.rule, pending.approval.quorum) == (Rule.COMMITTEE, 3)
    assert pending.expires_at == NOW + 20 * HOUR


def test_companions_need_no_approval_of_their_own() -> None:
    """What comes along with a bench that nobody need approve comes without one."""
    desk = bench("DESK", Rule.AUTO, companions=(Companion(resource="MANAGED", units=1),))
    scenario = fresh().given(RegisterResource(resource=desk))
    assert asked(scenario, "DESK").state is State.CONFIRMED


@pytest.mark.parametrize("resource", ["PEOPLE", "SECRET"])
def test_a_review_is_named_where_people_or_secrets_are_involved(resource: str) -> None:
    """Without a reference it is not approved; denied it can be without one."""
    scenario = fresh()
    pending = asked(scenario, resource)
    assert scenario.refuses(approves(pending, KIM)) == [Reason.REFERENCE_REQUIRED]
    scenario.grants(approves(pending, KIM, reference="IRB-2026-17"))
    approval = scenario.current(pending).approval
    assert approval is not None
    assert approval.reference == "IRB-2026-17"
    again = scenario.books(book("ALPHA", line(resource), start=NOON + 4 * HOUR, hours=1))
    scenario.grants(denies(again, KIM))


def test_a_committee_names_the_review_once() -> None:
    """The first yes names it, and the others rest on that."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED", "PEOPLE")
    assert scenario.refuses(approves(pending, KIM)) == [Reason.REFERENCE_REQUIRED]
    scenario.given(approves(pending, KIM, "IRB-1"), approves(pending, LEE), approves(pending, PARK))
    assert scenario.current(pending).state is State.CONFIRMED


@pytest.mark.parametrize("replay", [True, False])
def test_what_nobody_decides_is_denied_once(replay: bool) -> None:
    """At its deadline, also after a restart or a long stop, by one event that says why."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    scenario.grants(approves(pending, KIM))
    scenario.centre = scenario.replayed() if replay else scenario.restored()
    assert scenario.reaches(pending.expires_at - 1).current(pending).state is State.PENDING
    denied = scenario.reaches(NOON + 9 * HOUR).current(pending)
    assert (denied.state, denied.reason) == (State.DENIED, UNDECIDED)
    scenario.reaches(NOON + 20 * HOUR)
    denials = [event for _, _, events in scenario.history for event in events if isinstance(event, ReservationDenied)]
    assert len(denials) == 1


def test_a_start_ends_the_waiting() -> None:
    """What begins before its deadline is denied as it begins: it is never active without a yes."""
    scenario = fresh()
    scenario.now = NOON - HOUR
    pending = asked(scenario, "MANAGED")
    assert pending.expires_at == NOON
    scenario.now = NOON
    assert scenario.refuses(approves(pending, KIM)) == [Reason.WRONG_STATE]
    assert scenario.reaches(NOON).current(pending).state is State.DENIED


def test_what_must_be_approved_begins_later_than_now() -> None:
    """Nobody can approve what has begun already."""
    scenario = fresh()
    scenario.now = NOON
    assert scenario.refuses(book("ALPHA", line("MANAGED"), start=NOON, hours=1)) == [Reason.START_IN_PAST]


def test_without_a_term_it_may_take_until_the_start() -> None:
    """A rule without hours gives the approvers all the time there is."""
    slow = bench("SLOW", Rule.MANAGER, approval_hours=0)
    scenario = fresh().given(RegisterResource(resource=slow))
    assert asked(scenario, "SLOW").expires_at == NOON


def test_a_confirmed_offer_waits_for_approval() -> None:
    """The approvers' time begins when the company takes the offer."""
    scenario = fresh()
    offer = scenario.books(book("ALPHA", line("MANAGED"), start=NOON, hours=1, hold=600))
    scenario.now += 300
    pending = scenario.confirms(offer)
    assert (pending.state, pending.expires_at) == (State.PENDING, NOW + 300 + 10 * HOUR)
    assert pending.allocations == offer.allocations
    scenario.grants(approves(pending, KIM))
    assert scenario.current(pending).state is State.CONFIRMED


def test_the_company_may_think_again() -> None:
    """What is pending can be cancelled, and then nobody votes on it."""
    scenario = fresh()
    pending = asked(scenario, "MANAGED")
    assert scenario.cancels(pending).state is State.CANCELLED
    assert scenario.refuses(denies(pending, KIM)) == [Reason.WRONG_STATE]


def test_a_vote_asks_for_the_version_that_was_read() -> None:
    """An etag protects whoever votes from what they have not seen."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    scenario.grants(approves(pending, KIM, etag=pending.etag))
    assert scenario.refuses(approves(pending, LEE, etag=pending.etag)) == [Reason.STALE_ETAG]


def test_the_rules_are_those_of_the_day_it_was_asked() -> None:
    """How it is approved stands in the log with the booking, whatever the resource says later."""
    scenario = fresh()
    pending = asked(scenario, "JUDGED")
    pool = scenario.centre.pools["JUDGED"]
    pool.resource = replace(pool.resource, approval_quorum=1)
    scenario.grants(approves(pending, KIM))
    assert scenario.current(pending).state is State.PENDING


def test_an_override_waits_for_approval_too() -> None:
    """What an operator let it break, and why, stands with the booking while it is pending and once it is approved."""
    scenario = fresh()
    far = NOON + 61 * 24 * HOUR
    wish = book("ALPHA", line("MANAGED"), line("cpu"), start=far, hours=1)
    insisted = Override(reasons=(Reason.BEYOND_HORIZON.value,), because="The minister comes.")
    pending = scenario.books(replace(wish, override=insisted))
    assert (pending.state, pending.override) == (State.PENDING, insisted)
    scenario.grants(approves(pending, KIM))
    assert scenario.current(pending).override == insisted


@pytest.mark.parametrize(
    "terms",
    [
        {"approval": "king"},
        {"approval_hours": -1},
        {"approval_hours": 24 * 365},
        {"approval_quorum": 0},
        {"approval_quorum": 2},
        {"approval_voters": 100},
        {"approval_voters": 2},
    ],
)
def test_a_rule_that_makes_no_sense_is_not_registered(terms: dict[str, object]) -> None:
    """An unknown rule, no time, no voters, or a manager who is several."""
    wish = RegisterResource(resource=bench("NEW", Rule.MANAGER, **terms))
    assert set(fixture.fresh().refuses(wish)) == {Reason.INVALID_RESOURCE}
