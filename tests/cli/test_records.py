"""The commands about who came and what follows, against a centre that answers what the test says."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.cli import main
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import FakeCentre
from tests.cli.samples import LINES, NINE, ONE, refused, reservation

RECORD = api.Conduct(
    company="companies/CMP-0004",
    reliability=0.75,
    kept=3,
    missed=1,
    strikes=[
        api.Strike(reservation="companies/CMP-0004/reservations/r7", cause=api.Strike.CAUSE_NO_SHOW, time=NINE),
    ],
    suspended_until_time=ONE,
    qualifications=[api.Qualification(resource="resources/M09", start_time=NINE, end_time=ONE)],
)


def test_a_check_in_is_shown_or_refused(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the reservation, shows when somebody came, and a no ends with exit status 2."""
    came = reservation(LINES)
    came.check_in_time.CopyFrom(NINE)
    centre.answers["CheckIn"] = lambda _: came
    assert main.run(["check-in", "r1"]) == 0
    assert "checked in" in capsys.readouterr().out
    assert centre.requests[-1].name == "companies/CMP-0004/reservations/r1"
    centre.answers["CheckIn"] = refused
    assert main.run(["check-in", "r1"]) == 2


def test_a_record_is_shown_whole(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Reliability, strikes, suspension and trainings, for people and for programs."""
    centre.answers["GetConduct"] = lambda _: RECORD
    assert main.run(["conduct"]) == 0
    shown = capsys.readouterr().out
    for text in ("75%", "3 kept, 1 missed", "Suspended", "nobody came", "M09"):
        assert text in shown
    assert main.run(["conduct", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missed"] == 1


def test_a_training_is_recorded_and_taken_back(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """One of --until and --revoke says which; both or none is a mistake."""
    centre.answers["GrantQualification"] = centre.answers["RevokeQualification"] = lambda _: RECORD
    assert main.run(["qualify", "CMP-0004", "M09", "--until", "2026-12-31 18:00"]) == 0
    assert centre.requests[-1].qualification.resource == "resources/M09"
    assert main.run(["qualify", "CMP-0004", "M09", "--revoke", "--reason", "left"]) == 0
    assert (centre.requests[-1].resource, centre.requests[-1].reason) == ("resources/M09", "left")
    capsys.readouterr()
    assert main.run(["qualify", "CMP-0004", "M09"]) == 1
    assert "--until" in capsys.readouterr().err


def test_a_bill_is_recorded_and_cleared(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """With its month, sum and date; the record shows what is open and what it does."""
    owing = api.Conduct(company="companies/CMP-0004")
    owing.arrears.add(month="2026-01", krw=50_000, due_time=NINE, reference="INV-17", suspends=True)
    centre.answers["RecordArrears"] = centre.answers["ClearArrears"] = lambda _: owing
    bill = ["2026-01", "--krw", "50000", "--due", "2026-03-16 09:00", "--reference", "INV-17"]
    assert main.run(["arrears", "record", "CMP-0004", *bill]) == 0
    shown = capsys.readouterr().out
    for text in ("2026-01", "50,000", "INV-17", "suspends"):
        assert text in shown
    sent = centre.requests[-1]
    assert (sent.parent, sent.arrear.krw, sent.arrear.due_time) == ("companies/CMP-0004", 50_000, NINE)
    assert main.run(["arrears", "clear", "CMP-0004", "2026-01", "--reason", "paid"]) == 0
    assert (centre.requests[-1].month, centre.requests[-1].reason) == ("2026-01", "paid")


def test_a_misuse_is_recorded_and_lifted(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what happened and what that brings; without a reason nothing is asked."""
    found = api.Conduct(company="companies/CMP-0004")
    found.misuse.reason, found.misuse.reference, found.misuse.revokes = "mining", "AUD-4", True
    found.misuse.time.CopyFrom(NINE)
    centre.answers["RecordMisuse"] = lambda _: found
    centre.answers["LiftMisuse"] = lambda _: api.Conduct(company="companies/CMP-0004")
    assert main.run(["misuse", "record", "CMP-0004", "--because", "mining", "--reference", "AUD-4"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "All that it had is revoked, and it books nothing more, since" in shown
    assert "mining (AUD-4)" in shown
    assert (centre.requests[-1].misuse.reason, centre.requests[-1].misuse.reference) == ("mining", "AUD-4")
    assert main.run(["misuse", "lift", "CMP-0004", "--reason", "settled"]) == 0
    assert centre.requests[-1].reason == "settled"
    assert "revoked" not in capsys.readouterr().out
    assert main.run(["misuse", "record", "CMP-0004"]) == 1


def test_a_company_is_exempted_from_a_review(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer says which review that is, and why."""
    found = api.Conduct(company="companies/CMP-0004")
    found.exemptions.add(review_time=NINE, reason="it moves house")
    centre.answers["ExemptFromReview"] = lambda _: found
    assert main.run(["exempt", "CMP-0004", "--because", "it moves house"]) == 0
    assert "passes it by: it moves house" in " ".join(capsys.readouterr().out.split())
    assert (centre.requests[-1].parent, centre.requests[-1].reason) == ("companies/CMP-0004", "it moves house")


def test_a_strike_is_forgiven(centre: FakeCentre) -> None:
    """The reservation names the strike."""
    centre.answers["ForgiveStrike"] = lambda _: RECORD
    assert main.run(["forgive", "CMP-0004/r7", "--reason", "storm"]) == 0
    assert centre.requests[-1].name == "companies/CMP-0004/reservations/r7"


def test_a_correction_of_hours_names_the_quota(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Unit-hours as people count them, of one meter; KRW and hours at once, or hours of nothing, are a mistake."""
    centre.answers["PostCorrection"] = lambda request: request.correction
    asked = ["correct", "CMP-0004", "--because", "the meter stood still"]
    assert main.run([*asked, "--hours", "-2.5", "--of", "equipment", "--at", "2026-03-05"]) == 0
    sent = centre.requests[-1].correction
    assert (sent.krw, sent.unit_seconds, sent.meter) == (0, -9_000, "equipment")
    assert sent.quota_time.seconds
    assert "debited with 2.5 unit-hours of equipment" in capsys.readouterr().out
    assert main.run([*asked, "--hours", "2"]) == 1
    assert main.run([*asked, "--hours", "2", "--of", "equipment", "--credit", "5"]) == 1


def test_hours_are_given_out_of_a_reserve(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The flag goes with hours alone, and the answer says where they come from or went."""
    centre.answers["PostCorrection"] = lambda request: request.correction
    asked = ["correct", "CMP-0004", "--because", "it can use them", "--from-reserve"]
    assert main.run([*asked, "--hours", "2.5", "--of", "a100-dev"]) == 0
    assert centre.requests[-1].correction.from_reserve
    assert "credited with 2.5 unit-hours of a100-dev out of its programme's reserve" in capsys.readouterr().out
    assert main.run([*asked, "--hours", "-2.5", "--of", "a100-dev", "--reverses", "c1"]) == 0
    assert "debited with 2.5 unit-hours of a100-dev for its programme's reserve" in capsys.readouterr().out
    assert main.run([*asked, "--credit", "5"]) == 1
    assert "--from-reserve" in capsys.readouterr().err


def test_reserves_are_listed_in_hours(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Every page of them, milli-GPUs as GPUs; and without any, that there is none."""
    kept = api.Reserve(programme="resident", meter="resources/a100-dev", returned_unit_seconds=3600 * 8000)
    kept.given_unit_seconds, kept.left_unit_seconds = 3600 * 1500, 3600 * 6500
    pages = [api.ListReservesResponse(reserves=[kept], next_page_token="more"), api.ListReservesResponse()]
    centre.answers["ListReserves"] = lambda request: pages[bool(request.page_token)]
    assert main.run(["reserve", "--programme", "resident"]) == 0
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("resident", "a100-dev", "8.0", "1.5", "6.5"))
    assert {request.programme for request in centre.requests if hasattr(request, "programme")} == {"resident"}
    assert main.run(["reserve", "--json"]) == 0
    assert [each["programme"] for each in json.loads(capsys.readouterr().out)["reserves"]] == ["resident"]
    centre.answers["ListReserves"] = lambda _: api.ListReservesResponse()
    assert main.run(["reserve"]) == 0
    assert "No review has returned hours to any programme yet." in capsys.readouterr().out


def test_a_correction_says_how_much_and_why(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """A credit or a debit, about a reservation or an earlier correction; both or neither is a mistake."""
    name = "companies/CMP-0004/corrections/c2"
    centre.answers["PostCorrection"] = lambda request: api.Correction(
        name=name, krw=request.correction.krw, reason=request.correction.reason, position=12
    )
    asked = ["correct", "CMP-0004", "--debit", "50000", "--because", "wrong company"]
    assert main.run([*asked, "--reservation", "r7", "--reverses", "c1"]) == 0
    sent = centre.requests[-1].correction
    assert (sent.krw, sent.kind) == (-50_000, api.Correction.KIND_ERROR)
    assert sent.reservation == "companies/CMP-0004/reservations/r7"
    assert sent.reverses == "companies/CMP-0004/corrections/c1"
    shown = capsys.readouterr().out
    assert "CMP-0004 is debited with 50,000 KRW: wrong company" in shown
    assert "c2" in shown
    assert main.run(["correct", "CMP-0004", "--credit", "7", "--for", "goodwill", "--because", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == name
    assert centre.requests[-1].correction.kind == api.Correction.KIND_GOODWILL
    assert main.run(["correct", "CMP-0004", "--because", "x"]) == 1
    assert "--credit" in capsys.readouterr().err
    centre.answers["PostCorrection"] = refused
    assert main.run(asked) == 2


def test_terms_are_shown_and_published(centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What is published is what stands in the file; a file that makes no sense publishes nothing."""
    centre.answers["PublishTerms"] = lambda request: request.terms
    file = tmp_path / "terms.yaml"
    file.write_text(
        "extend_window_hours: 24\nextend_max_days: 3\ncheck_in_early_minutes: 30\n"
        "strikes: [{count: 2, window_days: 90, suspend_days: 30}]\n"
    )
    assert main.run(["terms", "--publish", str(file)]) == 0
    assert "2 strikes within 90 days suspend from booking equipment for 30 days." in capsys.readouterr().out
    centre.answers["GetTerms"] = lambda _: api.Terms(effective_time=NINE)
    assert main.run(["terms"]) == 0
    file.write_text("strikes: [{count: two}]\n")
    assert main.run(["terms", "--publish", str(file)]) == 1


def quoted(request: Any) -> api.Reservation:
    """What a release that is only asked about would cost."""
    assert (request.validate_only, request.excused) == (True, True)
    told = reservation(LINES)
    told.cancellation_quote.fees.add(resource="resources/M01", due_krw=10_500, price_krw=31_500, percent=33)
    told.cancellation_quote.due_krw, told.cancellation_quote.refund_krw = 10_500, 21_000
    return told


def test_how_equipment_was_left_is_said_at_the_release(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The condition and the hand-over go with the release; a condition that there is not is a mistake."""
    centre.answers["ReleaseReservation"] = lambda _: reservation(LINES)
    assert main.run(["release", "r1", "--condition", "worn", "--hand-over", "The lamp flickers."]) == 0
    sent = (
        centre.requests[-1] if isinstance(centre.requests[-1], api.ReleaseReservationRequest) else centre.requests[-2]
    )
    assert (sent.condition, sent.hand_over) == (api.CONDITION_WORN, "The lamp flickers.")
    centre.answers["ReleaseReservation"] = quoted
    assert main.run(["release", "r1", "--dry-run", "--excused"]) == 0
    assert "due 10,500 KRW, and 21,000 KRW not to pay any more" in capsys.readouterr().out
    assert main.run(["release", "r1", "--condition", "broken"]) == 1
    assert "good, worn, damaged" in capsys.readouterr().err


def test_who_may_act_for_whom_is_listed(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """With the dates, in the centre's zone; every page of it, and all companies for who is none."""
    han = api.Officer(officer="officers/han", start_time=NINE, end_time=ONE)
    pages = [
        api.ListOfficersResponse(
            assignments=[api.OfficerAssignment(company=f"companies/CMP-{number}", officer=han, acting=number == 1)],
            next_page_token="more" if number == 1 else "",
            time_zone="Asia/Seoul",
        )
        for number in (1, 2)
    ]
    centre.answers["ListOfficers"] = lambda request: pages[1 if request.page_token else 0]
    assert main.run(["officer", "list", "--officer", "han", "--company", "CMP-1"]) == 0
    shown = capsys.readouterr().out
    assert all(told in shown for told in ("CMP-1", "CMP-2", "han", "acts"))
    assert (centre.requests[0].parent, centre.requests[0].officer) == ("companies/CMP-1", "officers/han")


def test_an_officer_is_assigned_and_dismissed(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """For a company, until a time; the company's record shows who may act for it."""
    record = api.Conduct(company="companies/CMP-0004", reliability=1)
    record.officers.add(officer="officers/officer-1", start_time=NINE, end_time=ONE)
    centre.answers["AssignOfficer"] = centre.answers["DismissOfficer"] = lambda _: record
    assert main.run(["officer", "assign", "officer-1", "CMP-0004", "--until", "2026-12-31 18:00"]) == 0
    request = centre.requests[-1]
    assert (request.parent, request.officer.officer) == ("companies/CMP-0004", "officers/officer-1")
    assert "officer-1" in capsys.readouterr().out
    assert main.run(["officer", "dismiss", "officer-1", "CMP-0004", "--reason", "left"]) == 0
    assert (centre.requests[-1].officer, centre.requests[-1].reason) == ("officers/officer-1", "left")


def test_an_officer_acts_on_behalf_of_a_company(centre: FakeCentre) -> None:
    """Every command goes to the centre with the company that is acted for, and its bare names are that company's."""
    centre.answers["CheckIn"] = lambda _: reservation(LINES)
    assert main.run(["--on-behalf-of", "CMP-0009", "check-in", "r1"]) == 0
    assert centre.requests[-1].name == "companies/CMP-0009/reservations/r1"
    assert centre.on_behalf_of[-1] == "CMP-0009"
    assert main.run(["check-in", "r1"]) == 0
    assert centre.requests[-1].name == "companies/CMP-0004/reservations/r1"
    assert centre.on_behalf_of[-1] == ""


def test_a_class_is_checked_in_by_number_or_by_id(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """How many are there, or who came; and it is shown how many of how many."""
    told = reservation(LINES)
    told.participants.count, told.participants.present = 12, 9
    centre.answers["CheckIn"] = lambda _: told
    assert main.run(["check-in", "r1", "--present", "9"]) == 0
    assert centre.requests[-1].present == 9
    assert "9 of 12 have come" in capsys.readouterr().out
    assert main.run(["check-in", "r1", "--id", "p-1", "--id", "p-2", "--json"]) == 0
    assert list(centre.requests[-1].ids) == ["p-1", "p-2"]


def test_a_class_is_booked_with_its_people(centre: FakeCentre) -> None:
    """As a number, or with a pseudonym for each."""
    centre.answers["CreateReservation"] = lambda _: reservation(LINES)
    wish = ["book", "a100-dev:4gpu", "--start", "2026-03-16 09:00", "--duration", "2h"]
    assert main.run([*wish, "--people", "12"]) == 0
    assert centre.requests[-1].reservation.participants.count == 12
    assert main.run([*wish, "--id", "p-1", "--id", "p-2"]) == 0
    people = centre.requests[-1].reservation.participants
    assert (people.count, list(people.ids)) == (2, ["p-1", "p-2"])
    assert main.run(wish) == 0
    assert not centre.requests[-1].reservation.HasField("participants")


def test_a_class_is_changed_with_its_people(centre: FakeCentre) -> None:
    """Of one booking, or of a series from a day on: how many they are, or a pseudonym for each."""
    centre.answers["GetReservation"] = centre.answers["UpdateReservation"] = lambda _: reservation(LINES)
    centre.answers["GetSeries"] = centre.answers["UpdateSeries"] = lambda _: api.Series(
        name="companies/CMP-0004/series/s"
    )
    assert main.run(["change", "r1", "--people", "12"]) == 0
    assert centre.requests[-1].reservation.participants.count == 12
    assert main.run(["series", "change", "s", "--id", "p-1", "--id", "p-2"]) == 0
    request = centre.requests[-1]
    assert (list(request.series.participants.ids), list(request.update_mask.paths)) == (
        ["p-1", "p-2"],
        ["participants"],
    )
