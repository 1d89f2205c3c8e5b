"""A reservation is handed over to another company with its consent: by the rules of whoever takes it, or not at all."""

import pytest
from msgspec.structs import replace

from services.allocation import image
from services.allocation.booking.transferring import seen_by, told_to
from services.allocation.commands import (
    AcceptTransfer,
    ApproveReservation,
    CancelSeries,
    CheckIn,
    DeclineTransfer,
    GrantQualification,
    OfferTransfer,
)
from services.allocation.events import (
    ReservationActivated,
    ReservationCancelled,
    ReservationRequested,
    ReservationTransferred,
    TransferAccepted,
    TransferEnded,
)
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation, State
from services.allocation.values.transfer import Outcome
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, change, grids_of, line
from tests.allocation.test_series import booked, daily

NOON = TUESDAY + 12 * HOUR
WEEK = 7 * DAY


def offered(scenario: Scenario, wish: Reservation, to: str, seconds: int = DAY) -> Reservation:
    """The reservation is offered to a company."""
    after = scenario.grants(OfferTransfer(reservation_id=wish.id, company=wish.company, to=to, seconds=seconds))
    assert isinstance(after, Reservation)
    return after


def accepting(wish: Reservation, receiver: str = "") -> AcceptTransfer:
    """A company takes it."""
    return AcceptTransfer(reservation_id=wish.id, company=wish.company, receiver=receiver)


def booked_units(scenario: Scenario, company: str, meter: str) -> int:
    """Unit-hours that are booked on a company's meter."""
    return sum(period.booked for period in scenario.centre.meters[company, meter].periods) // HOUR


def given(*, lines: int = 16) -> tuple[Scenario, Reservation]:
    """A centre in which ALPHA offers some GPUs for two hours to GAMMA."""
    scenario = fixture.fresh()
    wish = scenario.books(book("ALPHA", line("h100", lines), start=NOON, hours=2, note="for us"))
    return scenario, offered(scenario, wish, "GAMMA")


def test_what_is_accepted_changes_its_company_and_nothing_else() -> None:
    """The id, the times and the very units stay; the quota of the one is free again, and that of the other pays."""
    scenario, before = given()
    assert (booked_units(scenario, "ALPHA", "h100"), booked_units(scenario, "GAMMA", "h100")) == (32, 0)
    after = scenario.grants(accepting(before, "GAMMA"))
    assert isinstance(after, Reservation)
    assert (after.company, after.id, after.state) == ("GAMMA", before.id, State.CONFIRMED)
    assert (after.start, after.end, after.lines) == (before.start, before.end, before.lines)
    assert after.allocations == before.allocations
    assert (booked_units(scenario, "ALPHA", "h100"), booked_units(scenario, "GAMMA", "h100")) == (0, 32)
    assert (list(scenario.centre.lists.of["ALPHA"]), list(scenario.centre.lists.of["GAMMA"])) == (
        [],
        [after.id],
    )
    assert scenario.reaches(NOON).current(after).state is State.ACTIVE


def test_an_offer_alone_changes_nothing_that_anybody_holds() -> None:
    """Without the consent of the other company it stays whose it is, and is used as ever."""
    scenario, wish = given()
    assert wish.company == "ALPHA"
    assert booked_units(scenario, "ALPHA", "h100") == 32
    assert scenario.reaches(NOON).current(wish).state is State.ACTIVE
    assert scenario.current(wish).company == "ALPHA"


REFUSED = {
    Reason.NO_QUOTA: (("h100", 16), "BETA", {}),
    Reason.CONCURRENCY_EXCEEDED: (("h100", 24), "GAMMA", {}),
    Reason.OUTSIDE_AGREEMENT: (("cpu", 1), "SHORT", {"agreement_end": NOON}),
    Reason.DURATION_OUT_OF_RANGE: (("cpu", 1), "SHORT", {"reservation_days_max": 0}),
    Reason.BEYOND_HORIZON: (("cpu", 1), "SHORT", {"horizon_days": 1}),
    Reason.NOT_ENTITLED: (("R01", 1), "GAMMA", {}),
    Reason.NOT_QUALIFIED: (("L01", 1), "GAMMA", {}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_the_new_company_may_not_have_stays_whose_it_is(reason: Reason) -> None:
    """P3: each rule that looks at the company is asked of the one that takes it, and a no loses nothing."""
    (resource, units), to, terms = REFUSED[reason]
    scenario = fixture.fresh()
    if to == "SHORT":
        scenario.centre.admit(fixture.company("SHORT", **terms))
    scenario.grants(GrantQualification(qualification=fixture.qualification("ALPHA")))
    start = NOON + DAY if reason is Reason.BEYOND_HORIZON else NOON
    wish = offered(scenario, scenario.books(book("ALPHA", line(resource, units), start=start, hours=1)), to)
    assert scenario.refuses(accepting(wish, to)) == [reason]
    assert scenario.current(wish) == wish


def test_every_rule_that_says_no_is_told_at_once() -> None:
    """P3: an exhausted quota and too many units at once are both named, and neither is asked of the one who gives."""
    scenario = fixture.fresh()
    wish = offered(scenario, scenario.books(book("ALPHA", line("h100", 24), start=NOON, hours=12)), "GAMMA")
    assert scenario.refuses(accepting(wish)) == [Reason.QUOTA_EXCEEDED, Reason.CONCURRENCY_EXCEEDED]


def test_a_company_that_is_suspended_takes_no_equipment() -> None:
    """What it may not book, nobody can hand to it."""
    scenario = fixture.fresh()
    wish = offered(scenario, scenario.books(book("ALPHA", line("T1"), start=NOON, hours=1)), "GAMMA")
    conduct = replace(scenario.centre.records.conduct("GAMMA"), suspended_until=NOW + WEEK)
    scenario.centre.records.conducts["GAMMA"] = conduct
    assert scenario.refuses(accepting(wish)) == [Reason.SUSPENDED]


def test_nobody_else_can_take_it_or_learn_of_it() -> None:
    """P8: to a company that it is not offered to, it is exactly a missing one."""
    scenario, wish = given()
    refusal = scenario.refusal(accepting(wish, "BETA"))
    assert refusal.reason is Reason.RESERVATION_NOT_FOUND
    assert scenario.refuses(DeclineTransfer(reservation_id=wish.id, company="ALPHA", receiver="BETA")) == [
        Reason.RESERVATION_NOT_FOUND
    ]
    assert seen_by(wish, "BETA") is None


def test_the_other_company_sees_what_it_would_get_and_no_more() -> None:
    """P8: of an offer it sees the lines and the times, before it only nothing, and after a refusal nothing again."""
    scenario, wish = given()
    shown = seen_by(wish, "GAMMA")
    assert shown is not None
    assert (shown.note, shown.allocations, shown.lines, shown.start) == ("", (), wish.lines, NOON)
    ended = scenario.grants(DeclineTransfer(reservation_id=wish.id, company="ALPHA", receiver="GAMMA", reason="no"))
    assert isinstance(ended, Reservation)
    assert seen_by(ended, "GAMMA") is None
    assert told_to(ended, "GAMMA") is not None, "that it is over is told once"
    changed = scenario.changes(ended, note="still ours")
    assert told_to(changed, "GAMMA") is None
    assert scenario.centre.lists.offered["GAMMA"] == {}


def test_what_is_not_accepted_in_time_lapses() -> None:
    """By its deadline or its start, by an event, and then nobody can take it."""
    scenario, wish = given()
    scenario.now = NOW + DAY
    assert scenario.refuses(accepting(wish)) == [Reason.WRONG_STATE]
    (ended,) = scenario.reaches(NOW + DAY).history[-1][2]
    assert ended == TransferEnded(reservation_id=wish.id, outcome=Outcome.LAPSED)
    assert scenario.refuses(accepting(wish)) == [Reason.WRONG_STATE]
    assert scenario.refuses(accepting(wish, "GAMMA")) == [Reason.RESERVATION_NOT_FOUND]
    late = offered(scenario, scenario.current(wish), "GAMMA", seconds=WEEK)
    assert late.transfer is not None
    assert late.transfer.expires_at == NOON
    made = scenario.reaches(NOON).history[-1][2]
    assert [type(each) for each in made] == [TransferEnded, ReservationActivated]
    assert scenario.current(wish).company == "ALPHA"


def test_it_can_be_withdrawn_and_offered_to_another() -> None:
    """An offer to its own company takes the offer back; two at once there are not."""
    scenario, wish = given()
    other = OfferTransfer(reservation_id=wish.id, company="ALPHA", to="BETA", seconds=DAY)
    assert scenario.refuses(other) == [Reason.WRONG_STATE]
    offered(scenario, wish, "ALPHA")
    assert scenario.refuses(accepting(wish, "GAMMA")) == [Reason.RESERVATION_NOT_FOUND]
    assert scenario.refuses(replace(other, to="ALPHA")) == [Reason.WRONG_STATE]
    assert offered(scenario, wish, "BETA").offered_to == "BETA"
    assert scenario.refuses(replace(other, to="GHOST")) == [Reason.COMPANY_NOT_FOUND]


def test_what_is_offered_is_what_is_accepted() -> None:
    """It cannot be changed meanwhile, an older version cannot be accepted, and to cancel it ends the offer."""
    scenario, wish = given()
    assert scenario.refuses(change(wish, end=NOON + HOUR)) == [Reason.WRONG_STATE]
    assert scenario.refuses(replace(accepting(wish), etag='"1"')) == [Reason.STALE_ETAG]
    scenario.cancels(wish)
    assert [type(each) for each in scenario.history[-1][2]] == [TransferEnded, ReservationCancelled]
    assert scenario.refuses(accepting(wish)) == [Reason.WRONG_STATE]


def test_what_has_begun_or_is_not_decided_stays_whose_it_is() -> None:
    """Whoever has come uses it, and what waits for an approval is nobody's to give away."""
    scenario = fixture.fresh()
    judged = scenario.books(book("ALPHA", line("B24"), start=NOON, hours=1))
    pending = OfferTransfer(reservation_id=judged.id, company="ALPHA", to="GAMMA", seconds=DAY)
    assert scenario.refuses(pending) == [Reason.WRONG_STATE]
    wish = offered(scenario, scenario.books(book("ALPHA", line("T1"), start=NOON + HOUR, hours=1)), "GAMMA", WEEK)
    scenario.now = NOON + HOUR - 60
    scenario.grants(CheckIn(reservation_id=wish.id, company="ALPHA"))
    assert scenario.refuses(accepting(wish)) == [Reason.WRONG_STATE]


def approved() -> tuple[Scenario, Reservation]:
    """What the committee approved for ALPHA, who said what for, is offered to GAMMA."""
    scenario = fixture.fresh()
    judged = scenario.books(book("ALPHA", line("B24"), start=NOON, hours=1, note="our purpose"))
    agree(scenario, judged)
    return scenario, offered(scenario, scenario.current(judged), "GAMMA", WEEK)


def agree(scenario: Scenario, judged: Reservation) -> None:
    """Two of the committee agree."""
    for voter in ("committee/kim", "committee/lee"):
        command = ApproveReservation(reservation_id=judged.id, company=judged.company, voter=voter, reference="R-7")
        scenario.grants(command)


def test_what_was_approved_is_asked_for_anew_and_keeps_its_place() -> None:
    """The committee agreed to one company's use: the other's waits for it under its own name, on the same units."""
    scenario, wish = approved()
    told = scenario.decided(accepting(wish))
    assert [type(each) for each in told] == [TransferAccepted, ReservationTransferred, ReservationRequested]
    scenario.grants(accepting(wish))
    taken = scenario.current(wish)
    assert (taken.company, taken.state, taken.holding) == ("GAMMA", State.PENDING, wish.allocations)
    assert taken.approval is not None
    assert (taken.approval.votes, taken.note) == ((), "")
    agree(scenario, taken)
    assert scenario.current(wish).state is State.CONFIRMED


def test_what_is_not_approved_for_the_other_company_is_free_for_everybody() -> None:
    """What the committee denies, or decides too late, goes back to nobody: its company has handed it over."""
    scenario, wish = approved()
    scenario.grants(accepting(wish))
    scenario.reaches(scenario.current(wish).expires_at)
    assert scenario.current(wish).state is State.DENIED
    scenario.books(book("ALPHA", line("B24"), start=NOON, hours=1))


def test_who_takes_over_what_must_be_approved_cannot_give_it_back_for_free() -> None:
    """It was booked, so it is late as it would have been late before: else a friend could cancel what one cannot."""
    scenario, wish = approved()
    scenario.grants(accepting(wish))
    taken = scenario.current(wish)
    assert taken.binding
    assert not scenario.books(book("ALPHA", line("B24"), start=NOON + 2 * HOUR, hours=1)).binding
    for restarted in (scenario.replayed(), scenario.restored()):
        assert restarted.reservations[wish.id] == taken


def test_the_two_companies_hear_of_it_in_events_of_their_own() -> None:
    """One ends the part of the former holder, the other begins that of the new one and tells all that it holds."""
    scenario, wish = given()
    accepted, transferred = scenario.decided(accepting(wish))
    assert accepted == TransferAccepted(reservation_id=wish.id, to="GAMMA")
    assert isinstance(transferred, ReservationTransferred)
    assert (transferred.company, transferred.former) == ("GAMMA", "ALPHA")
    assert transferred.allocations == wish.allocations


def test_an_occurrence_that_is_handed_over_leaves_its_series() -> None:
    """Whoever gives the series back afterwards gives back what is still theirs."""
    scenario = fixture.fresh()
    booked(scenario, daily(3))
    second = scenario.centre.reservations["s1-1"]
    scenario.grants(accepting(offered(scenario, second, "GAMMA"), "GAMMA"))
    assert "s1-1" not in scenario.centre.series.of
    scenario.grants(CancelSeries(series_id="s1", company="ALPHA"))
    states = {name: each.state for name, each in scenario.centre.reservations.items()}
    assert states == {"s1-0": State.CANCELLED, "s1-1": State.CONFIRMED, "s1-2": State.CANCELLED}
    assert "s1-1" not in scenario.centre.series.of


@pytest.mark.parametrize("accepted", [False, True])
def test_a_restart_knows_what_is_offered_and_what_was_handed_over(accepted: bool) -> None:
    """P7: from the log and from a snapshot the same centre comes back, calendars, quota and offers alike."""
    scenario, wish = given()
    scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=1))
    if accepted:
        scenario.grants(accepting(wish))
    for after in (scenario.replayed(), scenario.restored()):
        assert image.digest(after) == image.digest(scenario.centre)
        assert grids_of(after, NOW) == grids_of(scenario.centre, NOW)
        assert list(after.reservations) == list(scenario.centre.reservations)
        assert {name: set(each) for name, each in after.lists.of.items()} == {
            name: set(each) for name, each in scenario.centre.lists.of.items()
        }
        assert after.lists.offered.get("GAMMA", {}) == ({} if accepted else {wish.id: None})
