"""An operator credits and debits: within bounds, for a reason, and what it takes back is taken back once."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.allocation import image
from services.allocation.commands import GrantQuota, PostCorrection
from services.allocation.rejections import Reason
from services.allocation.values import correction
from services.allocation.values.correction import KEPT_MAX, KRW_MAX, Correction, CorrectionKind
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, line


def wish(name: str = "c1", krw: int = 50_000, **fields: Any) -> PostCorrection:
    """A correction for ALPHA."""
    given = {"company": "ALPHA", "kind": CorrectionKind.GOODWILL, "reason": "the cooling hummed", **fields}
    return PostCorrection(correction=Correction(id=name, krw=krw, **given))


def test_a_credit_and_a_debit_are_kept_as_they_were_asked() -> None:
    """For a company or against it, about one of its reservations; the record of both survives a restart."""
    scenario = fixture.fresh()
    about = scenario.books(book("ALPHA", line("cpu"), start=TUESDAY + 11 * HOUR, hours=1))
    for command in (wish(reservation_id=about.id), wish("c2", -KRW_MAX)):
        assert scenario.grants(command) == command.correction
    again = image.centre_of(image.decode(image.encode(image.Moment(scenario.centre))))
    assert list(again.records.corrections["ALPHA"]) == ["c1", "c2"]
    assert image.digest(again) == image.digest(scenario.centre)


@pytest.mark.parametrize(
    ("command", "reasons"),
    [
        (wish(krw=0), [Reason.INVALID_CORRECTION]),
        (wish(krw=KRW_MAX + 1), [Reason.INVALID_CORRECTION]),
        (wish(krw=-KRW_MAX - 1, reason="  "), [Reason.INVALID_CORRECTION, Reason.INVALID_CORRECTION]),
        (wish(company="NOBODY"), [Reason.COMPANY_NOT_FOUND]),
        (wish(reservation_id="none"), [Reason.RESERVATION_NOT_FOUND]),
        (wish(reverses="none"), [Reason.NO_SUCH_RECORD]),
    ],
)
def test_what_makes_no_sense_is_refused(command: PostCorrection, reasons: list[Reason]) -> None:
    """Nothing or too much, without a reason, for nobody, about nothing: every fault is told, and nothing posted."""
    assert fixture.fresh().refuses(command) == reasons


def test_a_reservation_of_another_company_is_not_there() -> None:
    """What a correction is about is the company's own."""
    scenario = fixture.fresh()
    theirs = scenario.books(book("BETA", line("cpu"), start=TUESDAY + 11 * HOUR, hours=1))
    assert scenario.refuses(wish(reservation_id=theirs.id)) == [Reason.RESERVATION_NOT_FOUND]


def test_a_reversal_takes_back_all_of_it_and_once() -> None:
    """The opposite sum, of one of the same company; what was reversed is not reversed again."""
    scenario = fixture.fresh().given(wish())
    assert scenario.refuses(wish("c2", -49_999, reverses="c1")) == [Reason.INVALID_CORRECTION]
    assert scenario.refuses(wish("c2", -50_000, reverses="c1", company="BETA")) == [Reason.NO_SUCH_RECORD]
    scenario.given(wish("c2", -50_000, reverses="c1"))
    assert scenario.refuses(wish("c3", -50_000, reverses="c1")) == [Reason.INVALID_CORRECTION]
    scenario.given(wish("c3", 50_000, reverses="c2"))


def test_only_the_latest_are_kept() -> None:
    """Memory is bounded: of a company's corrections the oldest cannot be named any more."""
    scenario: Scenario = fixture.fresh()
    kept = scenario.centre.records
    for number in range(KEPT_MAX + 1):
        kept.correct(replace(wish().correction, id=f"c{number}"))
    assert len(kept.corrections["ALPHA"]) == correction.KEPT_MAX
    assert scenario.refuses(wish("x", -50_000, reverses="c0")) == [Reason.NO_SUCH_RECORD]
    scenario.given(wish("x", -50_000, reverses="c1"))


def given_hours(name: str, hours: float, **fields: Any) -> PostCorrection:
    """Unit-hours of the quota of ALPHA, for it or, negative, against it."""
    return wish(name, krw=0, unit_seconds=round(hours * HOUR), **{"meter": "h100", "start": TUESDAY, **fields})


def held(scenario: Scenario) -> tuple[int, int]:
    """What the quota of the month comes to, and what is booked of it."""
    period = scenario.centre.meters["ALPHA", "h100"].period_at(TUESDAY)
    assert period is not None
    return period.quota.unit_seconds, period.booked


def test_hours_given_back_can_be_booked_again_and_be_taken() -> None:
    """A correction of hours changes that one period of the quota at once, and survives a restart with it."""
    scenario = fixture.fresh()
    before, _ = held(scenario)
    made = scenario.grants(given_hours("c1", 12.5))
    assert isinstance(made, Correction)
    assert (made.unit_seconds, made.start) == (45_000, scenario.centre.meters["ALPHA", "h100"].periods[0].quota.start)
    assert held(scenario) == (before + 45_000, 0)
    scenario.given(given_hours("c2", -2.5))
    assert held(scenario) == (before + 36_000, 0)
    others = scenario.centre.meters["ALPHA", "h100"].periods[1:]
    assert {each.quota.unit_seconds for each in others} == {before}
    again = image.centre_of(image.decode(image.encode(image.Moment(scenario.centre))))
    assert image.digest(again) == image.digest(scenario.centre)


def test_what_is_booked_of_a_quota_is_not_taken() -> None:
    """No more hours are taken than are free, none of a quota that there is not, and none are not a correction."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("h100", 8), start=TUESDAY + 11 * HOUR, hours=1))
    seconds, booked = held(scenario)
    free = (seconds - booked) / HOUR
    assert scenario.refuses(given_hours("c1", -free - 1)) == [Reason.INVALID_CORRECTION]
    assert scenario.refuses(given_hours("c1", 0)) == [Reason.INVALID_CORRECTION]
    assert scenario.refuses(given_hours("c1", 1, start=TUESDAY + 400 * 24 * HOUR)) == [Reason.NO_QUOTA]
    assert scenario.refuses(given_hours("c1", 1, meter="none")) == [Reason.NO_QUOTA]
    scenario.given(given_hours("c1", -free))
    beyond = book("ALPHA", line("h100", 8), start=TUESDAY + 15 * HOUR, hours=1)
    assert scenario.refuses(beyond) == [Reason.QUOTA_EXCEEDED]


def test_hours_are_reversed_as_they_were_given() -> None:
    """The opposite hours of the same period, once; neither KRW nor other hours take them back."""
    scenario = fixture.fresh()
    before = held(scenario)
    scenario.given(given_hours("c1", 3))
    april = TUESDAY + 35 * 24 * HOUR
    for command in (
        given_hours("c2", -2, reverses="c1"),
        given_hours("c2", -3, reverses="c1", start=april),
        wish("c2", -3, reverses="c1"),
    ):
        assert scenario.refuses(command) == [Reason.INVALID_CORRECTION]
    scenario.given(given_hours("c2", -3, reverses="c1"))
    assert held(scenario) == before
    assert scenario.refuses(given_hours("c3", -3, reverses="c1")) == [Reason.INVALID_CORRECTION]


def test_hours_of_shared_gpus_are_said_as_of_gpus() -> None:
    """A thousandth of a GPU is no hour of one: neither in what may be taken nor in what takes it back."""
    scenario = fixture.fresh()
    scenario.given(GrantQuota(quota=fixture.quota("ALPHA", "a100", 3, 8_000)))
    assert "8.0 unit-hours of this one are not booked" in str(scenario.refusal(given_hours("c1", -9_000, meter="a100")))
    scenario.given(given_hours("c1", 500, meter="a100"))
    back = given_hours("c2", -400, meter="a100", reverses="c1")
    assert "To reverse it takes exactly -0.5 unit-hours." in str(scenario.refusal(back))
