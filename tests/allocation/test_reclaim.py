"""Grants that nobody books are partly taken back: at dates of the agreement, by a rule with dates, after a notice."""

import pytest
from msgspec.structs import replace

from services.allocation import events
from services.allocation.commands import ExemptFromReview, PublishTerms
from services.allocation.companies import EQUIPMENT_METER, Quota
from services.allocation.rejections import Reason
from services.allocation.values.terms import ReclaimRow, ReclaimRule, Terms
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line

ROWS = tuple(
    ReclaimRow(at_percent=date, below_percent=below, remove_percent=lost)
    for date, below, lost in ((40, 10, 25), (40, 25, 15), (70, 25, 50), (70, 50, 25))
)
RULE = ReclaimRule(rows=ROWS, grace_days=60, notice_days=14)
FIRST, SECOND = at("2026-05-27 00:00"), at("2026-09-13 12:00")
"""When 40 % and 70 % of the year are over."""
MONTHS = range(3, 12)
Review = events.ReviewAnnounced | events.QuotaReviewed


def centre_with(rule: ReclaimRule | None = RULE, meter: str = "h100", **company: object) -> Scenario:
    """ALPHA with 100 unit-hours a month from March to November, under a rule of reclaim."""
    centre = Scenario.of(fixture.H100, fixture.CLOCK_ROUND, now=NOW)
    centre.given(PublishTerms(terms=Terms(effective=NOW, reclaim=rule)))
    alpha = fixture.company("ALPHA", horizon_days=180, reservation_days_max=30, **company)
    return centre.also(alpha, *(fixture.quota("ALPHA", meter, month, 100) for month in MONTHS))


def granted(centre: Scenario, meter: str = "h100") -> list[float]:
    """Unit-hours of each month, from March on."""
    return [period.quota.unit_seconds / HOUR for period in centre.centre.meters["ALPHA", meter].periods]


def reviews(centre: Scenario) -> list[Review]:
    """Every notice and review so far."""
    return [event for _, _, made in centre.history for event in made if isinstance(event, Review)]


def test_whoever_books_nothing_loses_a_quarter_of_what_is_left() -> None:
    """At 40 % of the term: of every month that is not over; share, date and row stand in the event."""
    centre = centre_with().reaches(FIRST)
    assert granted(centre) == [100, 100, *[75] * 7]
    last = reviews(centre)[-1]
    assert isinstance(last, events.QuotaReviewed)
    [found] = last.meters
    assert (last.at, found.booked, found.granted, found.row) == (FIRST, 0, 900 * HOUR, ROWS[0])
    assert [(each.meter, each.unit_seconds) for each in last.removals] == [("h100", 25 * HOUR)] * 7
    assert [each.quota.reclaimed // HOUR for each in centre.centre.meters["ALPHA", "h100"].periods] == [0, 0, *[25] * 7]


EXEMPT = ExemptFromReview(company="ALPHA", reason="it moves house")


def test_a_review_passes_by_whoever_was_exempted_in_time() -> None:
    """It takes place and tells the shares, and takes nothing; the next one takes what the rule says."""
    centre = centre_with(replace(RULE, exemption_days=7)).reaches(FIRST - 7 * DAY)
    centre.given(EXEMPT)
    assert centre.refuses(EXEMPT) == [Reason.ALREADY_EXISTS]
    for again in (centre.restored(), centre.replayed()):
        assert again.records.conduct("ALPHA").exempt_at(FIRST)
    assert granted(centre.reaches(FIRST)) == [100] * 9
    last = reviews(centre)[-1]
    assert isinstance(last, events.QuotaReviewed)
    assert ([each.row for each in last.meters], last.removals) == ([None], ())
    assert granted(centre.reaches(SECOND)) == [*[100] * 6, 50, 50, 50]


def test_an_exemption_comes_in_time_and_from_something() -> None:
    """Later than the terms say the review takes place; without one ahead there is nothing to be exempt from."""
    late = centre_with(replace(RULE, exemption_days=7)).reaches(FIRST - 7 * DAY + 1)
    assert late.refuses(EXEMPT) == [Reason.NOTICE_TOO_SHORT]
    assert centre_with(None).refuses(EXEMPT) == [Reason.NO_SUCH_RECORD]
    assert late.refuses(replace(EXEMPT, company="GHOST")) == [Reason.COMPANY_NOT_FOUND]


def test_a_notice_comes_two_weeks_before() -> None:
    """With how the grants stand, and the row that they would fall under; it takes nothing."""
    centre = centre_with().reaches(FIRST - 14 * DAY)
    [notice] = reviews(centre)
    assert isinstance(notice, events.ReviewAnnounced)
    assert (notice.at, notice.meters[0].row) == (FIRST, ROWS[0])
    assert granted(centre) == [100] * 9


def test_what_is_booked_is_never_taken() -> None:
    """The rule takes a part of the rest: a month that is booked to the end stays as it is."""
    centre = centre_with().given(book("ALPHA", line("h100", 8), start=at("2026-06-01 00:00"), hours=11))
    centre.reaches(FIRST)
    assert granted(centre)[2:5] == [75, 97, 75]


def test_whoever_books_enough_loses_nothing() -> None:
    """A quarter of all that was granted is enough at the first date; and the review is told all the same."""
    centre = centre_with()
    for month, hours in ((3, 12), (4, 12), (5, 5)):
        centre.given(book("ALPHA", line("h100", 8), start=at(f"2026-{month:02}-20 00:00"), hours=hours))
    centre.reaches(FIRST)
    assert granted(centre) == [100] * 9
    last = reviews(centre)[-1]
    assert isinstance(last, events.QuotaReviewed)
    assert (last.meters[0].row, last.removals) == (None, ())


def test_the_second_date_has_rows_of_its_own() -> None:
    """And counts what was granted at first, or a company that lost something would look busier."""
    centre = centre_with().reaches(SECOND)
    assert granted(centre) == [100, 100, 75, 75, 75, 75, 37.5, 37.5, 37.5]
    assert [type(each) for each in reviews(centre)] == [events.ReviewAnnounced, events.QuotaReviewed] * 2


def test_what_was_taken_cannot_be_booked() -> None:
    """The quota is less from the review on."""
    centre = centre_with().reaches(FIRST)
    june = at("2026-06-10 00:00")
    assert centre.refuses(book("ALPHA", line("h100", 8), start=june, hours=10)) == [Reason.QUOTA_EXCEEDED]
    centre.given(book("ALPHA", line("h100", 8), start=june, hours=9))


@pytest.mark.parametrize("spared", ["ALPHA", "academy"])
def test_an_operator_spares_companies_and_programmes(spared: str) -> None:
    """By the terms: an exemption is asked for after the notice, and published before the date."""
    centre = centre_with(programme="academy").reaches(FIRST - DAY)
    centre.given(PublishTerms(terms=Terms(effective=centre.now, reclaim=replace(RULE, exempt=(spared,)))))
    assert granted(centre.reaches(SECOND)) == [100] * 9


def test_nobody_is_reviewed_in_the_first_days_of_an_agreement() -> None:
    """Of a short one, the first date lies within the grace; the second one does not."""
    term = {"agreement_start": at("2026-03-02 00:00"), "agreement_end": at("2026-06-10 00:00")}
    centre = centre_with(**term).reaches(at("2026-06-09 00:00"))
    assert [each.at for each in reviews(centre) if isinstance(each, events.QuotaReviewed)] == [at("2026-05-11 00:00")]


def test_whoever_came_late_has_the_days_of_grace_as_well() -> None:
    """What a company used before it was registered here nobody knows, and what is unknown is not unused."""
    centre = Scenario.of(fixture.H100, now=FIRST - 30 * DAY)
    centre.given(PublishTerms(terms=Terms(effective=centre.now, reclaim=RULE)))
    centre.also(fixture.ALPHA, fixture.quota("ALPHA", "h100", 9, 100))
    assert {each.at for each in reviews(centre.reaches(SECOND))} == {SECOND}


def test_terms_never_reach_back() -> None:
    """A date that was over when the terms took effect, or the company came, is not reviewed any more."""
    centre = centre_with(None).reaches(FIRST + DAY)
    centre.given(PublishTerms(terms=Terms(effective=centre.now, reclaim=RULE)))
    assert [each.at for each in reviews(centre.reaches(FIRST + 10 * DAY))] == []
    assert [each.at for each in reviews(centre.reaches(SECOND))] == [SECOND, SECOND]


def test_a_date_has_the_rule_of_its_day() -> None:
    """Newer terms between notice and date replace the rows; those from after the date do not matter."""
    gentle = ReclaimRule(rows=(ReclaimRow(at_percent=40, below_percent=10, remove_percent=1),))
    centre = centre_with().given(PublishTerms(terms=Terms(effective=FIRST + DAY, reclaim=gentle)))
    assert granted(centre.reaches(FIRST))[-1] == 75
    centre = centre_with().given(PublishTerms(terms=Terms(effective=FIRST - DAY, reclaim=gentle)))
    assert granted(centre.reaches(FIRST))[-1] == 99


def test_hours_of_equipment_are_not_reviewed() -> None:
    """The rule is of compute."""
    centre = centre_with(meter=EQUIPMENT_METER).reaches(SECOND)
    assert granted(centre, EQUIPMENT_METER) == [100] * 9
    assert all(each.meters == () for each in reviews(centre))


def test_a_restart_takes_nothing_twice_and_forgets_no_date() -> None:
    """Out of a snapshot and out of the log alike, before a review and after it."""
    for moment in (FIRST - DAY, FIRST):
        centre = centre_with().reaches(moment)
        for again in (centre.restored(), centre.replayed()):
            copy = Scenario(centre.now)
            copy.centre = again
            assert granted(copy.reaches(SECOND)) == [100, 100, 75, 75, 75, 75, 37.5, 37.5, 37.5]


@pytest.mark.parametrize(
    "rule",
    [
        ReclaimRule(rows=()),
        ReclaimRule(rows=(replace(ROWS[0], at_percent=0),)),
        ReclaimRule(rows=(replace(ROWS[0], remove_percent=101),)),
        replace(RULE, grace_days=-1),
        replace(RULE, notice_days=10_000),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: ReclaimRule) -> None:
    """When it is published."""
    assert fixture.fresh().refuses(PublishTerms(terms=Terms(effective=NOW, reclaim=rule))) == [Reason.INVALID_TERMS]


def quotas_of(centre: Scenario) -> list[Quota]:
    """ALPHA's quotas as they stand."""
    return [period.quota for period in centre.centre.meters["ALPHA", "h100"].periods]


def test_no_quota_falls_below_what_is_booked() -> None:
    """Whatever the rows take."""
    all_of_it = ReclaimRule(rows=(ReclaimRow(at_percent=40, below_percent=100, remove_percent=100),))
    centre = centre_with(all_of_it).given(book("ALPHA", line("h100", 8), start=at("2026-06-03 00:00"), hours=3))
    centre.reaches(FIRST)
    assert [each.unit_seconds // HOUR for each in quotas_of(centre)] == [100, 100, 0, 24, 0, 0, 0, 0, 0]
