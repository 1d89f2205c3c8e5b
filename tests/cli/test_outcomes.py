"""How a command ends: granted 0, refused 2, unknown 3, and every mistake 1, in one line."""

import json
import uuid

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from services.cli import attempts, main
from services.cli.client import Client
from services.cli.connection import find
from services.cli.outcome import Unanswered
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered, FakeCentre
from tests.cli.samples import BOOK, NAME, NINE, REQUEST_ID, granted, refused


def test_a_granted_booking_is_shown_and_ends_with_0(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The company of the token books, at the centre's local time, and sees what came along."""
    centre.answers["CreateReservation"] = granted
    assert main.run(BOOK) == 0
    request = centre.requests[0]
    assert request.parent == "companies/CMP-0004"
    assert request.reservation.start_time == NINE
    assert request.reservation.duration.seconds == 4 * 3600
    assert uuid.UUID(request.request_id)
    shown = capsys.readouterr().out
    assert "2026-03-16 09:00–13:00 +09:00" in shown
    assert "a100-dev 8 GPUs" in shown
    assert "confirmed" in shown


def test_a_granted_booking_for_programs_has_name_state_and_position(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stdout is one JSON object, with whole numbers as numbers."""
    centre.answers["CreateReservation"] = granted
    assert main.run([*BOOK, "--json", "--request-id", REQUEST_ID]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["state"], shown["position"]) == (NAME, "STATE_CONFIRMED", 42)
    assert shown["request_id"] == REQUEST_ID == centre.requests[0].request_id
    assert shown["start_time"] == "2026-03-16T00:00:00Z"


def test_a_refusal_ends_with_2_and_says_why_on_stderr(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Every reason and every alternative, and nothing on stdout."""
    centre.answers["CreateReservation"] = refused
    assert main.run(BOOK) == 2
    shown = capsys.readouterr()
    assert not shown.out
    for text in ("EXCLUSIVE_GROUP_BUSY", "NO_CAPACITY", "M01 is taken.", "2026-03-16 09:00–13:00 +09:00"):
        assert text in shown.err


def test_a_refusal_for_programs_has_reasons_and_alternatives(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    """The codes alone, the rules behind them, and offers to book."""
    centre.answers["CreateReservation"] = refused
    assert main.run([*BOOK, "--json"]) == 2
    shown = json.loads(capsys.readouterr().out)
    assert shown["reasons"] == ["EXCLUSIVE_GROUP_BUSY", "NO_CAPACITY"]
    assert shown["violations"][1]["subject"] == "M01"
    assert shown["alternatives"][0]["end_time"] == "2026-03-16T04:00:00Z"


def test_an_unanswered_request_is_repeated_with_the_same_id(centre: FakeCentre) -> None:
    """A server that comes back in time gets the very same request, so nothing happens twice."""
    answers = iter([Answered(grpc.StatusCode.UNAVAILABLE, "away"), None])

    def away_once(request: api.CreateReservationRequest) -> api.Reservation:
        if problem := next(answers):
            raise problem
        return granted(request)

    centre.answers["CreateReservation"] = away_once
    assert main.run(BOOK) == 0
    assert len(centre.requests) == 2
    assert centre.requests[0] == centre.requests[1]


def test_an_unknown_outcome_ends_with_3_and_the_request_id(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever does not know can find out: the id to repeat is in the message."""

    def lost(_: object) -> api.Reservation:
        raise Answered(grpc.StatusCode.INTERNAL, "Something broke here.")

    centre.answers["CreateReservation"] = lost
    assert main.run([*BOOK, "--request-id", REQUEST_ID, "--json"]) == 3
    shown = capsys.readouterr()
    assert f"--request-id {REQUEST_ID}" in shown.err
    assert json.loads(shown.out) == {
        "outcome": "unknown",
        "message": "Something broke here. (INTERNAL)",
        "request_id": REQUEST_ID,
    }


def test_whoever_waits_longer_is_told_once(
    centre: FakeCentre, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that is away keeps nobody in the dark; what is told does not mix with the answer."""
    monkeypatch.setattr(attempts, "SILENT_SECONDS_MAX", 0.0)
    away = iter([True, True, False])

    def answer(_: object) -> api.ListReservationsResponse:
        if next(away):
            raise Answered(grpc.StatusCode.UNAVAILABLE, "away")
        return api.ListReservationsResponse(position=9)

    centre.answers["ListReservations"] = answer
    assert main.run(["list", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["position"] == 9
    assert told.err.count("No answer yet; asking again for up to ") == 1


def test_the_client_gives_up_at_its_deadline(centre: FakeCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that stays away leaves the outcome unknown, in bounded time."""
    monkeypatch.setattr(attempts, "PAUSE_SECONDS", 0.01)

    def away(_: object) -> api.Reservation:
        raise Answered(grpc.StatusCode.UNAVAILABLE, "away")

    centre.answers["CreateReservation"] = away
    request = api.CreateReservationRequest(request_id=REQUEST_ID)
    with Client(find(None, ""), deadline_seconds=0.2) as client, pytest.raises(Unanswered) as unanswered:
        client.change(client.scheduler.CreateReservation, request)
    assert unanswered.value.request_id == REQUEST_ID
    assert len(centre.requests) > 2


def test_a_malformed_request_ends_with_1_and_names_the_field(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    """A question that no rule was asked about is neither refused nor unknown."""

    def malformed(_: object) -> api.Reservation:
        raise Answered(
            grpc.StatusCode.INVALID_ARGUMENT,
            "Invalid.",
            ErrorInfo(domain="aidc", reason="INVALID_FIELD"),
            BadRequest(field_violations=[BadRequest.FieldViolation(field="note", description="is too long")]),
        )

    centre.answers["CreateReservation"] = malformed
    assert main.run(BOOK) == 1
    assert capsys.readouterr().err == "aidc: note: is too long\n"


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", "Said by the doors. `aidc token` prints one"),
        (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_ALLOWED", "Said by the doors. --as says who asks."),
        (grpc.StatusCode.PERMISSION_DENIED, "NOT_AN_OFFICER", "leave --on-behalf-of out"),
        (grpc.StatusCode.INVALID_ARGUMENT, "ON_WHOSE_BEHALF", "aidc --on-behalf-of CMP-0001"),
        (grpc.StatusCode.PERMISSION_DENIED, "NOT_YOUR_COMPANY", "aidc: Said by the doors.\n"),
    ],
)
def test_who_is_turned_away_is_told_which_option_helps(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], code: grpc.StatusCode, reason: str, told: str
) -> None:
    """What the doors say of tokens and metadata is said in the words of the command line, in one line."""

    def turned_away(_: object) -> api.Reservation:
        raise Answered(code, "Said by the doors.", ErrorInfo(domain="aidc", reason=reason))

    centre.answers["CreateReservation"] = turned_away
    assert main.run(BOOK) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bogus"], "No such command"),
        (["book", "M01"], "--start"),
        (["book", "M02", "--start", "now", "--duration", "1h"], "unknown resource M02, did you mean M01?"),
        (["book", "zzz", "--start", "now", "--duration", "1h"], "unknown resource zzz: `aidc resources` lists them"),
        (["book", "M01", "--start", "later", "--duration", "1h"], "cannot read the time"),
        (["book", "M01", "--start", "now", "--duration", "long"], "cannot read the duration"),
        ([*BOOK, "--request-id", "7"], "is not a UUID"),
        ([*BOOK, "--as", "CMP-0001"], "needs --data"),
        (["list", "--state", "happy"], "unknown state"),
        (["statement", "--month", "March"], "cannot read the month"),
        (["resources", "--kind", "toys"], "unknown kind"),
        (["list", "--data", "/nowhere"], "no centre runs on /nowhere"),
    ],
)
def test_a_mistake_ends_with_1_in_one_line(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """Exit status 2 is kept for refusals; everything else that fails says so in a line."""
    assert main.run(arguments) == 1
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.err.count("\n") == 1
    assert not shown.out


def test_a_dry_run_changes_nothing(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """It is asked as a question and shown as one."""
    centre.answers["CreateReservation"] = granted
    assert main.run([*BOOK, "--dry-run"]) == 0
    assert centre.requests[0].validate_only
    assert "nothing was changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [*BOOK[:-1], "999999999999h"],
        [*BOOK[:3], "9999-12-31T23:59-14:00", *BOOK[4:]],
        ["book", f"M01:{10**20}", *BOOK[2:]],
        ["arrears", "record", "CMP-0004", "2026-02", "--krw", str(10**20), "--due", "2026-03-01T00:00"],
        ["correct", "CMP-0004", "--credit", str(10**20), "--for", "goodwill", "--because", "x"],
        ["watch", "--after", str(10**20)],
    ],
)
def test_numbers_beyond_all_measure_end_with_1(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """In one line that says so, and nothing is asked."""
    assert main.run(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("aidc: ")
    assert len(said.splitlines()) == 1
    assert not [each for each in centre.requests if "Reservation" in type(each).__name__]
