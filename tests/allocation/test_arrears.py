"""Bills that are not paid: a surcharge and a suspension by the terms of their day, once, until they are cleared."""

import pytest
from msgspec.structs import replace

from services.allocation import events
from services.allocation.commands import (
    AcceptTransfer,
    ClearArrears,
    OfferTransfer,
    PostCorrection,
    PublishTerms,
    RecordArrears,
)
from services.allocation.rejections import Reason
from services.allocation.values.arrears import ARREARS_MAX, Arrear
from services.allocation.values.correction import Correction, CorrectionKind
from services.allocation.values.terms import ArrearsRule, Terms
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, change, line

RULES = (ArrearsRule(months=3, surcharge_percent=10), ArrearsRule(months=6, suspends=True))
DUE = at("2026-02-28 18:00")
THREE, SIX = at("2026-05-28 18:00"), at("2026-08-28 18:00")
BILL = Arrear(month="2026-01", krw=1_234_567, since=DUE, reference="INV-17")
RECORD = RecordArrears(company="ALPHA", arrear=BILL)
CLEAR = ClearArrears(company="ALPHA", month="2026-01", reason="paid")


def owing(*rules: ArrearsRule) -> Scenario:
    """A centre with rules of arrears, and ALPHA's bill."""
    return fixture.fresh().given(PublishTerms(terms=Terms(effective=NOW, arrears=rules or RULES)), RECORD)


def told(centre: Scenario) -> list[events.Event]:
    """What followed from bills so far."""
    kinds = (events.ArrearsReached, events.CorrectionPosted)
    return [event for _, _, facts in centre.history for event in facts if isinstance(event, kinds)]


def test_three_months_cost_a_tenth_more_once() -> None:
    """A correction against the company, with the rule in its reason, beside the event that says why; never twice."""
    centre = owing().reaches(THREE - 1)
    assert told(centre) == []
    centre.reaches(THREE).reaches(THREE + 30 * DAY)
    reached, posted = told(centre)
    assert reached == events.ArrearsReached(company="ALPHA", month="2026-01", months=3, surcharge_krw=123_456)
    assert isinstance(posted, events.CorrectionPosted)
    assert (posted.correction.krw, posted.correction.kind) == (-123_456, CorrectionKind.SURCHARGE)
    assert posted.correction.reason == "10 % of the 1,234,567 KRW of 2026-01, overdue for 3 months"


def test_six_months_suspend_until_the_bill_is_cleared() -> None:
    """Compute and equipment alike; what is booked stands and can be given back, but gets no longer."""
    centre = owing().reaches(SIX - 2 * DAY)
    stands = centre.books(book("BETA", line("cpu"), start=SIX + 5 * DAY, hours=2))
    mine = centre.books(book("ALPHA", line("cpu"), start=SIX + 5 * DAY, hours=2))
    centre.reaches(SIX)
    wish = book("ALPHA", line("cpu"), start=SIX + 6 * DAY, hours=1)
    assert centre.refuses(wish) == [Reason.ARREARS]
    assert "2026-01" in centre.refusal(wish).violations[0].description
    assert centre.refuses(change(mine, end=mine.end + HOUR)) == [Reason.ARREARS]
    centre.changes(mine, end=mine.end - HOUR)
    centre.changes(stands, end=stands.end + HOUR)
    centre.given(CLEAR, wish)


def test_an_operator_may_let_a_debtor_book() -> None:
    """As with every suspension, by name and with a reason."""
    centre = owing().reaches(SIX)
    leave = {"override": (Reason.ARREARS,), "because": "they pay tomorrow"}
    booked = centre.books(book("ALPHA", line("cpu"), start=SIX + 6 * DAY, hours=1, **leave))
    assert booked.override is not None
    assert booked.override.reasons == ("ARREARS",)


def test_what_is_paid_in_time_costs_nothing() -> None:
    """And a bill that is cleared later keeps its surcharge, which an operator may reverse."""
    early = owing().given(CLEAR).reaches(SIX)
    assert told(early) == []
    late = owing().reaches(THREE).given(CLEAR)
    posted = told(late)[-1]
    assert isinstance(posted, events.CorrectionPosted)
    back = Correction(
        id="back",
        company="ALPHA",
        krw=-posted.correction.krw,
        kind=CorrectionKind.ERROR,
        reason="paid in time, it turned out",
        reverses=posted.correction.id,
    )
    late.given(PostCorrection(correction=back))
    assert len(told(late.reaches(SIX))) == 3


def test_a_bill_recorded_late_has_all_that_followed_by_then() -> None:
    """Months count from when it was due, not from when somebody wrote it down."""
    centre = fixture.fresh().given(PublishTerms(terms=Terms(effective=NOW, arrears=RULES))).reaches(SIX)
    centre.given(RECORD).reaches(SIX + 1)
    assert [type(event) for event in told(centre)] == [
        *(events.ArrearsReached, events.CorrectionPosted),
        events.ArrearsReached,
    ]
    assert centre.refuses(book("ALPHA", line("cpu"), start=SIX + DAY, hours=1)) == [Reason.ARREARS]


def test_a_bill_that_is_recorded_again_in_the_same_second_is_surcharged_under_another_name() -> None:
    """What was surcharged stays, whatever the next bill of that month brings, and each can be reversed by its name."""
    centre = owing().reaches(THREE)
    first = [each for each in told(centre) if isinstance(each, events.CorrectionPosted)]
    centre.given(CLEAR, RECORD).reaches(THREE)
    both = [each for each in told(centre) if isinstance(each, events.CorrectionPosted)]
    assert (len(first), len(both), len({each.correction.id for each in both})) == (1, 2, 2)
    assert len(centre.centre.records.corrections["ALPHA"]) == 2


def test_the_terms_of_the_day_decide() -> None:
    """A rule that holds when so many months are over applies; one that came later, or was taken back, does not."""
    later = fixture.fresh().given(RECORD, PublishTerms(terms=Terms(effective=THREE + DAY, arrears=RULES)))
    assert [event.months for event in told(later.reaches(SIX)) if isinstance(event, events.ArrearsReached)] == [6]
    gone = owing().given(PublishTerms(terms=Terms(effective=THREE + DAY)))
    assert [event.months for event in told(gone.reaches(SIX)) if isinstance(event, events.ArrearsReached)] == [3]


def test_what_lies_ahead_survives_a_restart() -> None:
    """Out of a snapshot and out of the log, before and after a surcharge, and it is not asked again."""
    for when in (NOW, THREE):
        centre = owing().reaches(when)
        for again in (centre.restored(), centre.replayed()):
            assert again.consequences.stages == centre.centre.consequences.stages
            assert again.next_due() == centre.centre.next_due()


def test_a_debtor_takes_nothing_over() -> None:
    """What others offer would be a new booking as well."""
    centre = owing().reaches(SIX)
    theirs = centre.books(book("BETA", line("cpu"), start=SIX + 5 * DAY, hours=2))
    centre.given(OfferTransfer(reservation_id=theirs.id, company="BETA", to="ALPHA", seconds=HOUR))
    take = AcceptTransfer(reservation_id=theirs.id, company="BETA")
    assert centre.refuses(take) == [Reason.ARREARS]
    centre.given(CLEAR, take)


@pytest.mark.parametrize(
    "odd",
    [
        {"krw": 0},
        {"krw": 10**12},
        {"month": "2026-13"},
        {"month": ""},
        {"month": "2026-03"},
        {"since": NOW + DAY},
        {"since": at("2026-01-15 00:00")},
    ],
)
def test_a_bill_that_makes_no_sense_is_refused(odd: dict[str, int]) -> None:
    """Of nothing or too much, of no month, of one that is not over, or that need not be paid yet."""
    wish = RecordArrears(company="ALPHA", arrear=replace(BILL, **odd))
    assert set(fixture.fresh().refuses(wish)) == {Reason.INVALID_ARREARS}


def test_bills_are_recorded_once_and_cleared_once() -> None:
    """One for each month, so many at most; another company's, or none, cannot be cleared."""
    centre = owing()
    assert centre.refuses(RECORD) == [Reason.ALREADY_EXISTS]
    assert centre.refuses(replace(CLEAR, company="BETA")) == [Reason.NO_SUCH_RECORD]
    assert centre.refuses(replace(RECORD, company="GHOST")) == [Reason.COMPANY_NOT_FOUND]
    assert centre.given(CLEAR).refuses(CLEAR) == [Reason.NO_SUCH_RECORD]
    for number in range(ARREARS_MAX):
        month = f"{2015 + number // 12}-{number % 12 + 1:02}"
        centre.given(RecordArrears(company="ALPHA", arrear=replace(BILL, month=month)))
    assert centre.refuses(RECORD) == [Reason.INVALID_ARREARS]


@pytest.mark.parametrize(
    "rules",
    [
        (ArrearsRule(months=0, suspends=True),),
        (ArrearsRule(months=61, suspends=True),),
        (ArrearsRule(months=3),),
        (ArrearsRule(months=3, surcharge_percent=101),),
        (ArrearsRule(months=3, suspends=True), ArrearsRule(months=3, surcharge_percent=1)),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: tuple[ArrearsRule, ...]) -> None:
    """When they are published."""
    wish = PublishTerms(terms=Terms(effective=NOW, arrears=rules))
    assert set(fixture.fresh().refuses(wish)) == {Reason.INVALID_TERMS}
