"""Misuse: all that a company has is taken back, page by page, and it books nothing more until an operator lifts it."""

import pytest

from services.allocation import events
from services.allocation.commands import (
    AcceptTransfer,
    CreateReservation,
    LiftMisuse,
    OfferTransfer,
    PublishTerms,
    RecordMisuse,
    RegisterResource,
    Tick,
)
from services.allocation.disruption.misuse import REVOKED_MAX
from services.allocation.rejections import Reason
from services.allocation.reservations import State
from services.allocation.values.terms import Terms
from tests.allocation import fixture
from tests.allocation.approving import MANAGED
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, book, line

START = NOW + DAY
MISUSE = RecordMisuse(company="ALPHA", reason="mining", reference="AUD-4")
LIFT = LiftMisuse(company="ALPHA", reason="settled")


def strict(effective: int = NOW) -> Scenario:
    """A centre that takes back what is misused."""
    return fixture.fresh().given(PublishTerms(terms=Terms(effective=effective, misuse_revokes=True)))


def wish(company: str = "ALPHA", units: int = 8, hours: float = 4) -> CreateReservation:
    """Some GPUs on the next day."""
    return book(company, line("h100", units), start=START, hours=hours)


def test_all_that_a_company_has_is_taken_back_and_nobody_elses() -> None:
    """Held, waiting for approval, confirmed and running alike, each by an event with the reason and the reference."""
    centre = strict()
    running = centre.books(book("ALPHA", line("h100", 8), start=NOW + HOUR, hours=10))
    centre.reaches(NOW + 2 * HOUR)
    held = centre.books(book("ALPHA", line("h100", 8), start=START, hours=1, hold=600))
    centre.given(RegisterResource(resource=MANAGED))
    waiting = centre.books(book("ALPHA", line("MANAGED"), start=START, hours=2))
    confirmed, theirs = centre.books(wish()), centre.books(wish("GAMMA"))
    centre.given(MISUSE).reaches(NOW + 2 * HOUR + 60)
    ended = centre.current(running)
    assert (ended.state, ended.end) == (State.COMPLETED, NOW + 3 * HOUR)
    for each in (held, waiting, confirmed):
        after = centre.current(each)
        assert (after.state, after.reason) == (State.CANCELLED, "revoked for misuse: mining (AUD-4)")
    assert centre.current(theirs).state is State.CONFIRMED
    assert not centre.centre.records.conduct("ALPHA").strikes
    assert centre.centre.next_due() != centre.now


def test_what_is_taken_back_is_free_of_charge() -> None:
    """However late it is: others will pay for it."""
    centre = strict()
    booked = centre.books(wish())
    centre.reaches(START - HOUR).given(MISUSE)
    made = centre.decided(Tick())
    assert made == (
        events.ReservationCancelled(
            reservation_id=booked.id, reason="revoked for misuse: mining (AUD-4)", excused=True
        ),
    )


def test_it_books_nothing_until_that_is_lifted() -> None:
    """No operator overrides it, nothing is taken over from others, and what was taken back stays so."""
    centre = strict()
    booked = centre.books(wish())
    offered = centre.books(wish("GAMMA"))
    centre.given(OfferTransfer(reservation_id=offered.id, company="GAMMA", to="ALPHA", seconds=HOUR))
    centre.given(MISUSE).reaches(NOW + 60)
    assert centre.refuses(wish()) == [Reason.REVOKED]
    insists = book("ALPHA", line("h100", 8), start=START, hours=1, override=("REVOKED",), because="please")
    assert centre.refuses(insists) == [Reason.INVALID_OVERRIDE]
    take = AcceptTransfer(reservation_id=offered.id, company="GAMMA")
    assert centre.refuses(take) == [Reason.REVOKED]
    centre.given(LIFT, take, wish())
    assert centre.current(booked).state is State.CANCELLED


def test_what_it_offered_to_others_is_offered_no_more() -> None:
    """The offer ends by an event before the reservation does."""
    centre = strict()
    booked = centre.books(wish())
    centre.given(OfferTransfer(reservation_id=booked.id, company="ALPHA", to="GAMMA", seconds=HOUR), MISUSE)
    made = centre.decided(Tick())
    assert [type(event) for event in made] == [events.TransferEnded, events.ReservationCancelled]


def test_many_are_taken_back_page_by_page() -> None:
    """A tick takes so many, and the next goes on, also after a restart in between."""
    centre = strict()
    for _ in range(REVOKED_MAX + 5):
        centre.given(book("ALPHA", line("cpu"), start=START, hours=1))
    centre.given(MISUSE)
    first = centre.decided(Tick())
    assert len(first) == REVOKED_MAX
    centre.tell(first)
    for again in (centre.restored(), centre.replayed()):
        assert again.consequences.revoked == ["ALPHA"]
        assert len(list(again.consequences.to_revoke())) == 5
        assert again.next_due() == again.now
    centre.reaches(NOW + 60)
    assert not list(centre.centre.consequences.to_revoke())


@pytest.mark.parametrize("centre", [fixture.fresh(), strict(NOW + DAY)])
def test_without_the_rule_it_is_recorded_and_nothing_follows(centre: Scenario) -> None:
    """As long as the terms do not say so; an auditor reads it all the same."""
    booked = centre.books(wish())
    centre.given(MISUSE).reaches(NOW + 60)
    assert centre.current(booked).state is State.CONFIRMED
    assert centre.centre.records.conduct("ALPHA").misuse is not None
    centre.given(wish())


def test_one_is_recorded_at_a_time_and_lifted_once() -> None:
    """Of a company that there is, with a reason."""
    centre = strict().given(MISUSE)
    assert centre.refuses(MISUSE) == [Reason.ALREADY_EXISTS]
    assert centre.refuses(RecordMisuse(company="BETA", reason=" ")) == [Reason.INVALID_MISUSE]
    assert centre.refuses(RecordMisuse(company="GHOST", reason="mining")) == [Reason.COMPANY_NOT_FOUND]
    assert centre.given(LIFT).refuses(LIFT) == [Reason.NO_SUCH_RECORD]
