"""What reviews take back goes to the reserve of the programme, by the terms of that day, and is given out again."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from services.allocation import events, image
from services.allocation.commands import GrantQuota, PostCorrection, PublishTerms
from services.allocation.companies import Company
from services.allocation.rejections import Reason
from services.allocation.values.correction import Correction, CorrectionKind
from services.allocation.values.reclaim import Removal
from services.allocation.values.reserve import Reserve
from services.allocation.values.terms import ReclaimRow, ReclaimRule, Terms
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line

ROWS = (ReclaimRow(at_percent=40, below_percent=10, remove_percent=25),)
RULE = ReclaimRule(rows=ROWS, to_reserve=True)
FIRST = at("2026-05-27 00:00")
"""When 40 % of the year are over."""
JUNE, JULY = at("2026-06-01 00:00"), at("2026-07-01 00:00")


def busy(name: str, programme: str = "resident") -> Company:
    """A company whose agreement is not reviewed before the year is over."""
    return replace(fixture.company(name, programme=programme), agreement_start=FIRST - DAY)


def centre_with(rule: ReclaimRule | None = RULE, programme: str = "resident") -> Scenario:
    """ALPHA with 100 unit-hours in June and July that it never books; BETA is of the programme resident, GAMMA not."""
    centre = Scenario.of(fixture.H100, fixture.A100, now=NOW)
    centre.given(PublishTerms(terms=Terms(effective=NOW, reclaim=rule)))
    companies = fixture.company("ALPHA", programme=programme), busy("BETA"), busy("GAMMA", "academy")
    quotas = [fixture.quota(name, "h100", month, 100) for name in ("ALPHA", "BETA", "GAMMA") for month in (6, 7)]
    return centre.also(*companies, *quotas)


def giving(name: str, hours: float, company: str = "BETA", **fields: Any) -> PostCorrection:
    """Unit-hours out of the reserve for a company's quota of June."""
    given = {"krw": 0, "kind": CorrectionKind.GOODWILL, "reason": "it can use them", "meter": "h100", "start": JUNE}
    wish = Correction(
        id=name,
        company=company,
        **{**given, "unit_seconds": round(hours * HOUR), "from_reserve": True, **fields},
    )
    return PostCorrection(correction=wish)


def kept(centre: Scenario) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Unit-hours returned, given and left of each reserve."""
    return {
        key: (each.returned / HOUR, each.given / HOUR, each.left / HOUR)
        for key, each in centre.centre.reserves.of.items()
    }


def granted(centre: Scenario, company: str) -> list[float]:
    """Unit-hours of June and July."""
    return [each.quota.unit_seconds / HOUR for each in centre.centre.meters[company, "h100"].periods]


def test_what_a_review_takes_is_in_the_reserve_of_the_programme() -> None:
    """A quarter of June and of July; the event says where it went, and nobody else's programme has any."""
    centre = centre_with().reaches(FIRST)
    assert granted(centre, "ALPHA") == [75, 75]
    assert kept(centre) == {("resident", "h100"): (50, 0, 50)}
    [review] = [
        each
        for _, _, made in centre.history
        for each in made
        if isinstance(each, events.QuotaReviewed) and each.removals
    ]
    assert review.to_reserve


def test_terms_without_a_reserve_return_nothing() -> None:
    """So did every rule that was published before there were reserves: the hours are gone, and nobody counts them."""
    centre = centre_with(replace(RULE, to_reserve=False)).reaches(FIRST)
    assert granted(centre, "ALPHA") == [75, 75]
    assert kept(centre) == {}
    old = b'{"rows":[{"at_percent":40,"below_percent":10,"remove_percent":25}]}'
    assert not msgspec.json.decode(old, type=ReclaimRule).to_reserve


@pytest.mark.parametrize(("published", "returned"), [(FIRST, 50), (FIRST + 1, 0)])
def test_the_terms_of_the_reviews_own_date_count(published: int, returned: float) -> None:
    """A reserve that begins with the date has what it returns; one that begins a second later has not."""
    centre = centre_with(replace(RULE, to_reserve=False))
    centre.given(PublishTerms(terms=Terms(effective=published, reclaim=RULE)))
    centre.reaches(FIRST + DAY)
    assert sum(each for each, _, _ in kept(centre).values()) == returned
    assert granted(centre, "ALPHA") == [75, 75]


def test_a_company_of_no_programme_returns_to_none() -> None:
    """There is no reserve without a programme, and nothing is given to such a company."""
    centre = centre_with(programme="").reaches(FIRST)
    assert (granted(centre, "ALPHA"), kept(centre)) == ([75, 75], {})
    refusal = centre.refusal(giving("c1", 1, "ALPHA"))
    assert refusal.reason is Reason.RESERVE_EXCEEDED
    assert "in no programme" in str(refusal)


def test_hours_of_the_reserve_are_given_to_a_company_of_the_programme() -> None:
    """They are in its quota at once and can be booked; what is left is less by them, whoever gets the rest."""
    centre = centre_with().reaches(FIRST)
    made = centre.grants(giving("c1", 30))
    assert isinstance(made, Correction)
    assert made.from_reserve
    assert (granted(centre, "BETA"), kept(centre)) == ([130, 100], {("resident", "h100"): (50, 30, 20)})
    centre.given(giving("c2", 20, "ALPHA", start=JULY))
    assert (granted(centre, "ALPHA"), kept(centre)) == ([75, 95], {("resident", "h100"): (50, 50, 0)})
    centre.reaches(JUNE - DAY).given(book("BETA", line("h100", 8), start=JUNE, hours=16))


def test_no_more_is_given_than_is_left() -> None:
    """With what is left in words and in figures; a second for the last second is a second too many."""
    centre = centre_with().reaches(FIRST).given(giving("c1", 30))
    refusal = centre.refusal(giving("c2", 20 + 1 / HOUR))
    [violation] = refusal.violations
    assert (violation.reason, violation.limit, violation.asked) == (
        Reason.RESERVE_EXCEEDED,
        20 * HOUR,
        20 * HOUR + 1,
    )
    assert "The reserve of resident has 20.0 unit-hours of h100 left; 20.0 were to be given." in violation.description
    centre.given(giving("c2", 20))
    assert centre.refuses(giving("c3", 1 / HOUR)) == [Reason.RESERVE_EXCEEDED]


@pytest.mark.parametrize(
    ("wish", "reasons", "told"),
    [
        (giving("c1", 1, "GAMMA"), [Reason.RESERVE_EXCEEDED], "The reserve of academy has 0.0 unit-hours of h100 left"),
        (giving("c1", 0), [Reason.INVALID_CORRECTION, Reason.RESERVE_EXCEEDED], "give some of them"),
        (giving("c1", -5), [Reason.RESERVE_EXCEEDED], "has 50.0 unit-hours of h100 left; give some of them"),
        (giving("c1", 0, meter="", krw=5), [Reason.RESERVE_EXCEEDED], "A reserve has no KRW"),
        (giving("c1", 1, meter="a100"), [Reason.NO_QUOTA, Reason.RESERVE_EXCEEDED], "of a100 left"),
        (giving("c1", 1, start=at("2026-11-05 00:00")), [Reason.NO_QUOTA], "no quota of h100 then"),
        (giving("c1", 1, reason=" "), [Reason.INVALID_CORRECTION], "says why"),
        (giving("c1", 1, "NOBODY"), [Reason.COMPANY_NOT_FOUND], "NOBODY"),
    ],
)
def test_what_a_reserve_does_not_give(wish: PostCorrection, reasons: list[Reason], told: str) -> None:
    """Another programme's hours, nothing, hours back, KRW, of another meter; and every rule of a correction holds."""
    centre = centre_with().reaches(FIRST)
    refusal = centre.refusal(wish)
    assert [each.reason for each in refusal.violations] == reasons
    assert told in str(refusal)
    assert kept(centre) == {("resident", "h100"): (50, 0, 50)}


def test_what_is_reversed_is_in_the_reserve_again() -> None:
    """Whether the reversal says so or not; and taken out once more only while the reserve has it."""
    centre = centre_with().reaches(FIRST).given(giving("c1", 30))
    centre.given(giving("c2", -30, reverses="c1", from_reserve=False))
    assert (granted(centre, "BETA"), kept(centre)) == ([100, 100], {("resident", "h100"): (50, 0, 50)})
    centre.given(giving("c3", 40, "ALPHA"))
    again = giving("c4", 30, reverses="c2")
    assert centre.refuses(again) == [Reason.RESERVE_EXCEEDED]
    centre.given(giving("c5", -40, "ALPHA", reverses="c3"), again)
    assert kept(centre) == {("resident", "h100"): (50, 30, 20)}


def test_what_came_from_elsewhere_does_not_go_to_the_reserve() -> None:
    """A correction beside the reserve is reversed beside it."""
    centre = centre_with().reaches(FIRST).given(giving("c1", 30, from_reserve=False))
    assert centre.refuses(giving("c2", -30, reverses="c1")) == [Reason.INVALID_CORRECTION]
    centre.given(giving("c2", -30, reverses="c1", from_reserve=False))
    assert kept(centre) == {("resident", "h100"): (50, 0, 50)}


def test_what_is_given_and_not_used_comes_back() -> None:
    """The hours are the company's own from then on, and the next review takes its part of them as of all others."""
    second = replace(ROWS[0], at_percent=41)
    centre = (
        centre_with(replace(RULE, rows=(*ROWS, second))).reaches(FIRST).given(giving("c1", 45, "ALPHA", start=JUNE))
    )
    centre.reaches(FIRST + 5 * DAY)
    assert granted(centre, "ALPHA") == [90, 56.25]
    assert kept(centre) == {("resident", "h100"): (98.75, 45, 53.75)}


def test_reserves_survive_a_restart() -> None:
    """Out of a snapshot and out of the log alike; what is left then is what may be given."""
    centre = centre_with().reaches(FIRST).given(giving("c1", 30))
    for again in (centre.restored(), centre.replayed()):
        assert again.reserves.at("resident", "h100") == Reserve(
            programme="resident", meter="h100", returned=50 * HOUR, given=30 * HOUR
        )
        copy = Scenario(centre.now)
        copy.centre = again
        assert copy.refuses(giving("c2", 21)) == [Reason.RESERVE_EXCEEDED]
        copy.given(giving("c2", 20))


def test_a_snapshot_from_before_there_were_reserves_has_none() -> None:
    """Its log had no event that returned anything."""
    older = msgspec.to_builtins(image.Moment(centre_with().centre).image())
    del older["reserves"]
    assert image.centre_of(msgspec.convert(older, image.Image)).reserves.of == {}


def test_events_from_before_there_were_reserves_read_as_they_did() -> None:
    """And one that returns nothing is written as it always was, byte by byte."""
    bare = events.QuotaReviewed(
        company="ALPHA", at=FIRST, meters=(), removals=(Removal(meter="h100", start=JUNE, unit_seconds=1),)
    )
    assert b"to_reserve" not in msgspec.json.encode(bare)
    assert b"from_reserve" not in msgspec.json.encode(giving("c1", 1, from_reserve=False).correction)
    assert not msgspec.json.decode(msgspec.json.encode(bare), type=events.QuotaReviewed).to_reserve


def test_a_grant_needs_no_reserve() -> None:
    """An operator grants what the centre has; the reserve tells what came back, and limits nothing else."""
    centre = centre_with().reaches(FIRST)
    centre.given(GrantQuota(quota=fixture.quota("BETA", "h100", 8, 100)))
    assert kept(centre) == {("resident", "h100"): (50, 0, 50)}
