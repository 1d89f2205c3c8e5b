"""Every lawful no is given for its own reason, and only then."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from services.allocation.booking.holding import HOLDS_MAX
from services.allocation.commands import (
    ApproveReservation,
    AssignOfficer,
    CancelReservation,
    CancelSeries,
    ChangeReservation,
    CheckIn,
    ClosePeriod,
    Command,
    ForgiveStrike,
    GrantQualification,
    GrantQuota,
    LiftOutage,
    PostCorrection,
    PublishTariff,
    PublishTerms,
    RecordArrears,
    RecordMisuse,
    RegisterCompany,
    RegisterResource,
)
from services.allocation.rejections import Reason
from services.allocation.reservations import Colocation
from services.allocation.resources import Closure
from services.allocation.values.arrears import Arrear
from services.allocation.values.conduct import Assignment
from services.allocation.values.correction import Correction, CorrectionKind
from services.allocation.values.people import Participants
from services.allocation.values.terms import ArrearsRule, StrikeRule, Terms
from tests.allocation import fixture
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, change, fund, line, outage
from tests.allocation.test_series import daily

Case = Callable[[Scenario], Command]

ELEVEN = TUESDAY + 11 * HOUR
FIVE_DAYS = MONDAY + 5 * DAY
WORKSHOP = Closure(start=at("2026-03-20 09:00"), end=at("2026-03-20 18:00"), zone="Z-A", reason="power")
"""Half of `h100-closing` is closed for a day."""
OUT_OF_NOTHING = Correction(
    id="c",
    company="ALPHA",
    krw=0,
    kind=CorrectionKind.GOODWILL,
    reason="it can use them",
    unit_seconds=HOUR,
    meter="h100",
    from_reserve=True,
)
"""No review ever returned anything."""


def full(scenario: Scenario) -> Command:
    """All four H100 nodes are taken."""
    scenario.given(book("ALPHA", line("h100", 32), start=ELEVEN, hours=2))
    return book("ALPHA", line("h100", 8), start=ELEVEN + HOUR, hours=2)


def scattered(scenario: Scenario) -> Command:
    """Two H100 nodes are free, one in each rack, and both cannot be moved together: they have begun."""
    taken = [scenario.books(book("ALPHA", line("h100", 8), start=ELEVEN, hours=9)) for _ in range(4)]
    scenario.reaches(ELEVEN)
    for reservation in taken:
        if reservation.allocations[0].bins[0] in (0, 2):
            scenario.releases(scenario.current(reservation))
    return book("ALPHA", line("h100", 16, near=Colocation.RACK), start=ELEVEN + HOUR, hours=1)


def cancelled(scenario: Scenario) -> Command:
    """The reservation was cancelled before."""
    reservation = scenario.books(book("ALPHA", line("cpu"), start=ELEVEN, hours=1))
    scenario.cancels(reservation)
    return CancelReservation(reservation_id=reservation.id, company="ALPHA")


def changed(scenario: Scenario) -> Command:
    """The reservation began after it was read."""
    reservation = scenario.books(book("ALPHA", line("cpu"), start=ELEVEN, hours=1))
    scenario.reaches(ELEVEN)
    return CancelReservation(reservation_id=reservation.id, company="ALPHA", etag=reservation.etag)


def suspended(scenario: Scenario) -> Command:
    """Nobody came to what the company booked before, and once is enough."""
    strict = Terms(effective=NOW, strike_rules=(StrikeRule(strikes=1, window_days=1, suspension_days=9),))
    scenario.given(PublishTerms(terms=strict), GrantQualification(qualification=fixture.qualification("ALPHA")))
    scenario.given(book("ALPHA", line("L01"), start=ELEVEN, hours=1))
    scenario.reaches(ELEVEN).reaches(ELEVEN + 900)
    return book("ALPHA", line("T1"), start=ELEVEN + HOUR, hours=1)


def owing(scenario: Scenario) -> Command:
    """The company has not paid, and a month of that is enough."""
    strict = Terms(effective=NOW, arrears=(ArrearsRule(months=1, suspends=True),))
    scenario.given(PublishTerms(terms=strict), unpaid(1)).reaches(NOW + 31 * DAY)
    return book("ALPHA", line("cpu"), start=NOW + 32 * DAY, hours=1)


def unpaid(krw: int) -> RecordArrears:
    """A bill of January."""
    return RecordArrears(company="ALPHA", arrear=Arrear(month="2026-01", krw=krw, since=NOW))


def misused(scenario: Scenario) -> Command:
    """What the company had was taken back."""
    scenario.given(PublishTerms(terms=Terms(effective=NOW, misuse_revokes=True)))
    scenario.given(RecordMisuse(company="ALPHA", reason="mining"))
    return book("ALPHA", line("cpu"), start=ELEVEN, hours=1)


def early(scenario: Scenario) -> Command:
    """The reservation begins only tomorrow."""
    reservation = scenario.books(book("ALPHA", line("cpu"), start=ELEVEN, hours=1))
    return CheckIn(reservation_id=reservation.id, company="ALPHA")


def group_held(scenario: Scenario) -> Command:
    """The other vehicle is on the track."""
    scenario.given(book("ALPHA", line("T1"), start=ELEVEN, hours=1))
    return book("ALPHA", line("T2"), start=ELEVEN, hours=1)


def no_time_to_change(scenario: Scenario) -> Command:
    """The other vehicle leaves the track just then."""
    scenario.given(book("ALPHA", line("T1"), start=ELEVEN, hours=1))
    return book("ALPHA", line("T2"), start=ELEVEN + HOUR, hours=1)


def hoarding(scenario: Scenario) -> Command:
    """Enough offers are held for the company already."""
    for _ in range(HOLDS_MAX):
        scenario.given(book("ALPHA", line("cpu"), start=ELEVEN, hours=1, hold=60))
    return book("ALPHA", line("cpu"), start=ELEVEN, hours=1, hold=60)


def pending(scenario: Scenario, **terms: object) -> ApproveReservation:
    """The vote of one of three who must approve a booking."""
    judged = replace(
        fixture.CLOCK_ROUND, id="judged", approval="committee", approval_voters=3, approval_quorum=2, **terms
    )
    scenario.given(RegisterResource(resource=judged))
    reservation = scenario.books(book("ALPHA", line("judged"), start=ELEVEN, hours=1))
    return ApproveReservation(reservation_id=reservation.id, company="ALPHA", voter="operators/kim")


def voted(scenario: Scenario) -> Command:
    """The same person has voted already."""
    vote = pending(scenario)
    scenario.given(vote)
    return vote


def unreviewed(scenario: Scenario) -> Command:
    """People take part, and no review is named."""
    return pending(scenario, human_subjects=True)


def approved(scenario: Scenario) -> Command:
    """It was approved for an hour, and shall last two at once."""
    vote = pending(scenario)
    scenario.given(vote, replace(vote, voter="operators/lee"))
    return ChangeReservation(reservation_id=vote.reservation_id, company="ALPHA", end=ELEVEN + 2 * HOUR, at_once=True)


def maintained(scenario: Scenario) -> Command:
    """Two of the four nodes are closed that day."""
    scenario.grants(
        RegisterResource(resource=replace(fixture.H100, id="closing", quota_required=False, closures=(WORKSHOP,)))
    )
    return book("ALPHA", line("closing", 24), start=WORKSHOP.start, hours=1)


def unfunded(scenario: Scenario) -> Command:
    """Only one of two nodes is paid for."""
    scenario.given(fund("cpu", 112))
    return book("ALPHA", line("cpu", 200), start=ELEVEN, hours=1)


CASES: dict[Reason, Case] = {
    Reason.ALREADY_EXISTS: lambda _: RegisterCompany(company=fixture.ALPHA),
    Reason.COMPANY_NOT_FOUND: lambda _: book("NOBODY", line("cpu"), start=ELEVEN, hours=1),
    Reason.RESOURCE_NOT_FOUND: lambda _: book("ALPHA", line("nothing"), start=ELEVEN, hours=1),
    Reason.RESERVATION_NOT_FOUND: lambda _: CancelReservation(reservation_id="none", company="ALPHA"),
    Reason.INVALID_RESOURCE: lambda _: RegisterResource(resource=replace(fixture.CPU, id="new", nodes=())),
    Reason.INVALID_QUOTA: lambda _: GrantQuota(quota=fixture.quota("BETA", "M01", 3, 1)),
    Reason.INVALID_TARIFF: lambda _: PublishTariff(tariff=replace(fixture.TARIFF, prices=())),
    Reason.INVALID_OUTAGE: lambda _: outage("nothing"),
    Reason.OUTAGE_NOT_FOUND: lambda _: LiftOutage(outage_id="nothing"),
    Reason.INVALID_OVERRIDE: lambda _: book(
        "ALPHA", line("cpu"), start=ELEVEN, hours=1, override=("NO_CAPACITY",), because="urgent"
    ),
    Reason.PERIOD_RUNNING: lambda _: ClosePeriod(month="2026-03"),
    Reason.STALE_ETAG: changed,
    Reason.WRONG_STATE: cancelled,
    Reason.ALREADY_VOTED: voted,
    Reason.REFERENCE_REQUIRED: unreviewed,
    Reason.NEEDS_APPROVAL: approved,
    Reason.INVALID_LINES: lambda _: book("ALPHA", start=ELEVEN, hours=1),
    Reason.INVALID_UNITS: lambda _: book("ALPHA", line("a100", 130), start=ELEVEN, hours=1),
    Reason.INVALID_INTERVAL: lambda _: book("ALPHA", line("cpu"), start=ELEVEN, end=ELEVEN),
    Reason.OFF_GRID: lambda _: book("ALPHA", line("cpu"), start=ELEVEN + 60, end=ELEVEN + HOUR),
    Reason.DURATION_OUT_OF_RANGE: lambda _: book("ALPHA", line("cpu"), start=ELEVEN, hours=8 * 24),
    Reason.START_IN_PAST: lambda _: book("ALPHA", line("cpu"), start=NOW - HOUR, hours=2),
    Reason.NOTICE_TOO_SHORT: lambda _: book("ALPHA", line("M01"), start=MONDAY + 9 * HOUR, hours=4),
    Reason.BEYOND_HORIZON: lambda _: book("ALPHA", line("cpu"), start=NOW + 61 * DAY, hours=1),
    Reason.OUTSIDE_AGREEMENT: lambda scenario: _beyond_agreement(scenario),
    Reason.NOT_ENTITLED: lambda scenario: _uncertified(scenario),
    Reason.END_IN_PAST: lambda scenario: _used_up(scenario),
    Reason.TOO_EARLY: lambda scenario: _days_to_go(scenario),
    Reason.NO_QUOTA: lambda _: book("BETA", line("h100", 8), start=ELEVEN, hours=1),
    Reason.OUT_OF_SERVICE: lambda _: book("ALPHA", line("X01"), start=ELEVEN, hours=1),
    Reason.OUTSIDE_OPENING_HOURS: lambda _: book("ALPHA", line("T1"), start=TUESDAY + 17 * HOUR, hours=2),
    Reason.CLOSED_DAY: lambda _: book("ALPHA", line("M01"), start=at("2026-03-05 09:00"), hours=4),
    Reason.MAINTENANCE: maintained,
    Reason.COMPANION_MISSING: lambda _: book("ALPHA", line("M05"), start=TUESDAY + 9 * HOUR, hours=4),
    Reason.TOO_MANY_HOLDS: hoarding,
    Reason.QUOTA_EXCEEDED: lambda _: book("GAMMA", line("h100", 16), start=ELEVEN, hours=7),
    Reason.CONCURRENCY_EXCEEDED: lambda _: book("GAMMA", line("h100", 24), start=ELEVEN, hours=1),
    Reason.EXCLUSIVE_GROUP_BUSY: group_held,
    Reason.CHANGEOVER_TOO_SHORT: no_time_to_change,
    Reason.NO_CAPACITY: full,
    Reason.NO_PLACEMENT: scattered,
}

CASES |= {
    Reason.INVALID_FUNDING: lambda _: fund("cpu", 10_000),
    Reason.NOT_FUNDED: unfunded,
    Reason.INVALID_CORRECTION: lambda _: PostCorrection(
        correction=Correction(id="c", company="ALPHA", krw=0, kind=CorrectionKind.ERROR, reason="none")
    ),
    Reason.RESERVE_EXCEEDED: lambda _: PostCorrection(correction=OUT_OF_NOTHING),
    Reason.INVALID_OFFICER: lambda _: AssignOfficer(
        assignment=Assignment(company="ALPHA", officer="han", start=NOW, end=NOW)
    ),
    Reason.INVALID_PARTICIPANTS: lambda _: replace(
        book("ALPHA", line("cpu"), start=ELEVEN, hours=1), participants=Participants(count=0)
    ),
    Reason.TOO_FEW_SEATS: lambda _: replace(
        book("ALPHA", line("cpu"), start=ELEVEN, hours=1), participants=Participants(count=2)
    ),
    Reason.INVALID_TERMS: lambda _: PublishTerms(terms=Terms(effective=NOW, extend_days_max=-1)),
    Reason.INVALID_QUALIFICATION: lambda _: GrantQualification(qualification=fixture.qualification("ALPHA", "T1")),
    Reason.NO_SUCH_RECORD: lambda _: ForgiveStrike(company="ALPHA", reservation_id="none"),
    Reason.SUSPENDED: suspended,
    Reason.ARREARS: owing,
    Reason.REVOKED: misused,
    Reason.INVALID_MISUSE: lambda _: RecordMisuse(company="ALPHA", reason=" "),
    Reason.INVALID_ARREARS: lambda _: unpaid(0),
    Reason.SERIES_NOT_FOUND: lambda _: CancelSeries(series_id="none", company="ALPHA"),
    Reason.INVALID_SERIES: lambda _: daily(0),
    Reason.NOT_QUALIFIED: lambda _: book("ALPHA", line("L01"), start=ELEVEN, hours=1),
    Reason.TOO_EARLY: early,
}

ASKED_ELSEWHERE = {Reason.REQUEST_ID_REUSED}
"""The writer refuses a reused request id, before the rules are asked: see tests/scheduler/test_request_ids.py."""


def _beyond_agreement(scenario: Scenario) -> Command:
    short = fixture.company("SHORT", agreement_end=at("2026-03-03 12:00"))
    scenario.given(RegisterCompany(company=short))
    return book("SHORT", line("cpu"), start=ELEVEN, hours=2)


def _used_up(scenario: Scenario) -> Command:
    made = scenario.books(book("ALPHA", line("cpu"), start=ELEVEN, hours=4))
    scenario.reaches(ELEVEN + 2 * HOUR)
    return change(made, end=ELEVEN + HOUR)


def _days_to_go(scenario: Scenario) -> Command:
    made = scenario.books(book("ALPHA", line("cpu"), start=ELEVEN, hours=72))
    scenario.reaches(ELEVEN)
    return change(made, end=made.end + HOUR)


def _uncertified(scenario: Scenario) -> Command:
    scenario.given(GrantQuota(quota=fixture.quota("BETA", "equipment", 3, 10)))
    return book("BETA", line("R01"), start=ELEVEN, hours=1)


@pytest.mark.parametrize("reason", CASES, ids=str)
def test_each_reason_is_given_alone(reason: Reason) -> None:
    """One broken rule gives one reason, and a refusal changes nothing."""
    scenario = fixture.fresh()
    wish = CASES[reason](scenario)
    assert set(scenario.refuses(wish)) == {reason}


def test_every_reason_has_a_case() -> None:
    """A reason that no test provokes may not be in the list."""
    assert CASES.keys() | ASKED_ELSEWHERE == set(Reason)


def test_every_broken_rule_is_told_at_once() -> None:
    """P3: a demand that breaks many rules hears of all of them, the most important first."""
    scenario = fixture.fresh().given(book("ALPHA", line("cpu", 224), start=FIVE_DAYS, hours=24))
    wish = book(
        "BETA",
        *(line("cpu", 200), line("h100", 8), line("X01"), line("R01"), line("M05"), line("T1"), line("T2")),
        start=FIVE_DAYS,
        hours=8 * 24,
    )
    reasons = scenario.refuses(wish)
    assert set(reasons) >= {
        Reason.DURATION_OUT_OF_RANGE,
        Reason.NO_QUOTA,
        Reason.OUT_OF_SERVICE,
        Reason.NOT_ENTITLED,
        Reason.COMPANION_MISSING,
        Reason.OUTSIDE_OPENING_HOURS,
        Reason.EXCLUSIVE_GROUP_BUSY,
        Reason.NO_CAPACITY,
    }
    assert reasons == sorted(reasons, key=list(Reason).index)


def test_every_violation_explains_itself() -> None:
    """Each reason comes with a sentence, and with the thing that it is about where there is one."""
    for case in CASES.values():
        scenario = fixture.fresh()
        for violation in scenario.refusal(case(scenario)).violations:
            assert violation.description.endswith(".")
            assert "  " not in violation.description
