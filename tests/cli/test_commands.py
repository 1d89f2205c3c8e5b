"""The command line against a centre that answers as told: what is asked, what is shown, and the exit status."""

import csv
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from services.cli import attempts, main
from services.cli.client import Client
from services.cli.connection import find
from services.cli.outcome import Unanswered
from services.cli.times import to_timestamp
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered, FakeCentre, serve

REQUEST_ID = "0b0e7a52-5b0a-4b43-9a55-0f4a0f1f6e11"
NINE = to_timestamp(datetime(2026, 3, 16, 0, tzinfo=UTC))  # 09:00 in Seoul.
ONE = to_timestamp(datetime(2026, 3, 16, 4, tzinfo=UTC))
LINES = [api.Line(resource="resources/M01", units=1)]
NAME = "companies/CMP-0004/reservations/r1"
TOKEN = "x.eyJjb21wYW55IjoiQ01QLTAwMDQifQ.x"  # The claims say company CMP-0004.
BOOK = ["book", "M01", "--start", "2026-03-16 09:00", "--duration", "4h"]


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCentre]:
    """A centre to ask, found by the environment."""
    fake = FakeCentre()
    with serve(fake) as address:
        monkeypatch.setenv("AIDC_SCHEDULER", address)
        monkeypatch.setenv("AIDC_LEDGER", address)
        monkeypatch.setenv("AIDC_TOKEN", TOKEN)
        monkeypatch.setenv("COLUMNS", "160")
        yield fake


def granted(request: api.CreateReservationRequest) -> api.Reservation:
    """The yes to a booking."""
    return reservation(request.reservation.lines)


def reservation(lines: list[api.Line]) -> api.Reservation:
    """A confirmed reservation of the driving simulator."""
    allocations = [
        api.Allocation(resource="resources/M01", units=1, unit_names=["M01-1"]),
        api.Allocation(resource="resources/a100-dev", units=8000, companion_of="resources/M01"),
    ]
    return api.Reservation(
        name=NAME,
        state=api.Reservation.STATE_CONFIRMED,
        lines=lines,
        start_time=NINE,
        end_time=ONE,
        allocations=allocations,
        position=42,
    )


def refused(_: object) -> api.Reservation:
    """The no to a booking, with a way out."""
    raise Answered(
        grpc.StatusCode.FAILED_PRECONDITION,
        "The cabin is taken.",
        ErrorInfo(domain="aidc", reason="NO_CAPACITY"),
        api.Refusal(
            violations=[
                api.Violation(reason="EXCLUSIVE_GROUP_BUSY", description="The cabin is taken.", subject="DIL-CABIN"),
                api.Violation(reason="NO_CAPACITY", description="M01 is taken.", subject="M01"),
            ],
            alternatives=[api.Offer(start_time=NINE, end_time=ONE, lines=LINES)],
        ),
    )


def test_a_tariff_is_shown_and_published(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What is published is what stands in the file, and everybody can read what things cost."""
    centre.answers["PublishTariff"] = lambda request: request.tariff
    card = tmp_path / "card.yaml"
    card.write_text("id: krw-2027\nvalid_from: 2027-01-01\nprices: {M01: {slot: 650000}}\nshare_step: 125\n")
    assert main.run(["tariff", "--publish", str(card)]) == 0
    sent = centre.requests[-1].tariff
    assert (sent.name, sent.valid_from_time.seconds, sent.share_step) == ("tariffs/krw-2027", 1_798_729_200, 125)
    assert [(price.resource, price.krw, price.basis) for price in sent.prices] == [
        ("resources/M01", 650_000, api.PRICE_BASIS_SLOT)
    ]
    capsys.readouterr()
    centre.answers["ListTariffs"] = lambda _: api.ListTariffsResponse(tariffs=[sent], closed_month="2026-03")
    assert main.run(["tariff"]) == 0
    shown = capsys.readouterr().out
    assert "650,000" in shown
    assert "closed up to the end of 2026-03" in shown


def test_a_file_that_is_no_tariff_is_named(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A rate card that cannot be read publishes nothing."""
    card = tmp_path / "card.yaml"
    for text in ("prices: {}", "id: x\nprices: {M01: {day: 3}}", "id: x\nvalid_from: soon\nprices: {}", "- x"):
        card.write_text(text)
        assert main.run(["tariff", "--publish", str(card)]) == 1
        assert "card.yaml" in capsys.readouterr().err
    assert not any(isinstance(request, api.PublishTariffRequest) for request in centre.requests)


def test_a_month_is_closed_or_refused(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Closing says which month is frozen; a no says why, with exit status 2."""
    centre.answers["ClosePeriod"] = lambda request: api.ClosedPeriod(month=request.month)
    assert main.run(["close", "2026-03"]) == 0
    assert "2026-03" in capsys.readouterr().out
    centre.answers["ClosePeriod"] = refused
    assert main.run(["close", "2026-03"]) == 2


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
    assert "a100-dev 8 GPU" in shown
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
    ("arguments", "told"),
    [
        (["bogus"], "No such command"),
        (["book", "M01"], "--start"),
        (["book", "M99", "--start", "now", "--duration", "1h"], "unknown resource M99"),
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


def test_a_search_without_offers_ends_with_2(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """No time fits: the rules that stand in the way are shown."""
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(
        violations=[api.Violation(reason="NOT_ENTITLED", description="No certificate.")]
    )
    assert main.run(["search", "M01", "--duration", "4h"]) == 2
    assert "No certificate." in capsys.readouterr().err


def test_a_search_shows_offers_in_the_centres_time(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Offers are numbered, the earliest first."""
    offer = api.Offer(start_time=NINE, end_time=ONE, lines=LINES)
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(offers=[offer])
    assert main.run(["search", "M01", "--duration", "4h", "--until", "2026-04-01"]) == 0
    assert "1  2026-03-16 09:00–13:00 +09:00  M01 1 seat" in capsys.readouterr().out


@pytest.mark.parametrize("name", [NAME, "CMP-0004/r1", "r1"])
def test_a_reservation_is_named_in_full_or_in_short(centre: FakeCentre, name: str) -> None:
    """Whatever `list` shows can be typed."""
    centre.answers["CancelReservation"] = lambda _: reservation(LINES)
    assert main.run(["cancel", name, "--reason", "rain"]) == 0
    assert (centre.requests[0].name, centre.requests[0].reason) == (NAME, "rain")


def held(_: object) -> api.Reservation:
    """An offer that is held."""
    offer = reservation(LINES)
    offer.state = api.Reservation.STATE_HELD
    offer.expire_time.CopyFrom(NINE)
    return offer


def test_an_offer_is_held_and_confirmed(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """`--hold` shows until when it is held, and `confirm` takes it."""
    centre.answers["CreateReservation"] = held
    assert main.run([*BOOK, "--hold", "10m"]) == 0
    assert centre.requests[0].hold.seconds == 600
    shown = capsys.readouterr().out
    assert "held" in shown
    assert "2026-03-16 09:00" in shown
    centre.answers["ConfirmReservation"] = lambda _: reservation(LINES)
    assert main.run(["confirm", "r1", "--request-id", REQUEST_ID, "--json"]) == 0
    assert (centre.requests[1].name, centre.requests[1].request_id) == (NAME, REQUEST_ID)
    assert json.loads(capsys.readouterr().out)["state"] == "STATE_CONFIRMED"


def pending(_: object = None) -> api.Reservation:
    """A booking that waits for its committee."""
    waiting = reservation(LINES)
    waiting.state = api.Reservation.STATE_PENDING
    waiting.expire_time.CopyFrom(NINE)
    waiting.approval.rule, waiting.approval.voters, waiting.approval.quorum = "committee", 5, 3
    waiting.approval.reference_required = True
    waiting.approval.votes.add(approves=True, reference="IRB-7")
    waiting.approval.votes.add(approves=False)
    return waiting


def test_what_waits_for_approval_is_listed(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The oldest deadline first, with the votes so far and the reference."""
    centre.answers["ListReservations"] = lambda _: api.ListReservationsResponse(reservations=[pending()], position=9)
    assert main.run(["approvals"]) == 0
    asked = centre.requests[0]
    assert ([*asked.states], asked.order_by) == ([api.Reservation.STATE_PENDING], "expire_time")
    shown = capsys.readouterr().out
    assert "committee: 1 of the 3 votes needed, 1 against, under reference IRB-7" in " ".join(shown.split())
    assert main.run(["approvals", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reservations"][0]["approval"]["quorum"] == 3


def test_approving_and_denying_say_why(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """A vote carries its comment and reference; a refusal ends with 2, and a no without a reason is none."""
    centre.answers["ApproveReservation"] = pending
    assert main.run(["approve", NAME, "--reference", "IRB-7", "--comment", "sound", "--json"]) == 0
    sent = centre.requests[0]
    assert (sent.name, sent.reference, sent.comment) == (NAME, "IRB-7", "sound")
    assert json.loads(capsys.readouterr().out)["state"] == "STATE_PENDING"
    centre.answers["DenyReservation"] = refused
    assert main.run(["deny", NAME, "--comment", "unsafe", "--request-id", REQUEST_ID]) == 2
    assert (centre.requests[1].comment, centre.requests[1].request_id) == ("unsafe", REQUEST_ID)
    assert main.run(["deny", NAME]) == 1


def test_a_search_holds_its_first_offer(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--hold` a search is a request with an id, and shows what is held; a refusal ends with 2."""
    offer = api.Offer(start_time=NINE, end_time=ONE, lines=LINES)
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(offers=[offer], held=held(_))
    asked = ["search", "M01", "--duration", "4h", "--hold", "15m", "--request-id", REQUEST_ID]
    assert main.run(asked) == 0
    assert (centre.requests[0].hold.seconds, centre.requests[0].request_id) == (900, REQUEST_ID)
    assert NAME in capsys.readouterr().out
    assert main.run([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["held"]["name"] == NAME
    centre.answers["SearchOffers"] = refused
    assert main.run(asked) == 2
    assert main.run(["search", "M01", "--duration", "4h", "--request-id", REQUEST_ID]) == 1


def test_a_dry_run_changes_nothing(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """It is asked as a question and shown as one."""
    centre.answers["CreateReservation"] = granted
    assert main.run([*BOOK, "--dry-run"]) == 0
    assert centre.requests[0].validate_only
    assert "nothing was changed" in capsys.readouterr().out


def test_a_list_reads_page_after_page(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Until it has as many as were asked for, or all."""

    def page(request: api.ListReservationsRequest) -> api.ListReservationsResponse:
        token = "" if request.page_token else "more"
        return api.ListReservationsResponse(reservations=[reservation(LINES)], next_page_token=token, position=9)

    centre.answers["ListReservations"] = page
    assert main.run(["list", "--state", "confirmed", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (len(shown["reservations"]), shown["position"], shown["more"]) == (2, 9, False)
    assert main.run(["list", "--limit", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["more"] is True


def test_a_reservation_is_shown_with_its_history(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The scheduler says how it stands, the ledger how it came to be."""
    centre.answers["GetReservation"] = lambda _: reservation(LINES)
    assert main.run(["show", "r1"]) == 0
    shown = capsys.readouterr().out
    assert "It was granted." in shown
    assert "M01-1" in shown


def test_a_statement_is_shown_in_unit_hours(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Milli-GPU seconds become GPU-hours; the month is the centre's."""
    line = ledger_api.StatementLine(
        event="reservation_confirmed",
        resource="a100-dev",
        from_account="capacity",
        to_account="held",
        unit_seconds=8000 * 4 * 3600,
    )
    centre.answers["GetStatement"] = lambda _: ledger_api.Statement(name="companies/CMP-0004", lines=[line], position=5)
    assert main.run(["statement", "--month", "2026-03"]) == 0
    assert centre.requests[0].month == "2026-03"
    shown = capsys.readouterr().out
    assert "32.0" in shown
    assert "reservation confirmed" in shown
    assert main.run(["statement", "--from", "2026-03-01 00:00", "--until", "2026-03-02 00:00"]) == 0
    assert centre.requests[1].start_time == to_timestamp(datetime(2026, 2, 28, 15, tzinfo=UTC))
    assert not centre.requests[1].month


def test_a_year_is_told_and_its_use_log_written(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Every group has its row; the log has a line for each use, of all pages, in the centre's zone."""
    figures = ledger_api.ReportFigures(companies=2, gpu_hours_used=1234.5, charged_krw=600_000)
    groups = [ledger_api.ReportGroup(dimension="region", value=value, figures=figures) for value in ("gwangju", "")]
    centre.answers["GetYearReport"] = lambda request: ledger_api.YearReport(
        year=request.year, total=figures, groups=groups, position=9
    )
    use = ledger_api.EquipmentUse(
        resource="M01",
        start_time=NINE,
        end_time=ONE,
        hours=4,
        organisation="A, B",
        user="companies/CMP-0004",
        fee_krw=5,
    )
    pages = iter(
        (
            ledger_api.ListEquipmentUseResponse(uses=[use], next_page_token="more"),
            ledger_api.ListEquipmentUseResponse(uses=[use]),
        )
    )
    centre.answers["ListEquipmentUse"] = lambda _: next(pages)
    log = tmp_path / "use.csv"
    assert main.run(["report", "2026", "--use-log", str(log)]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("1,234.5", "600,000", "gwangju", "not said"))
    header, *rows = csv.reader(log.read_text().splitlines())
    assert len(rows) == 2
    told = dict(zip(header, rows[0], strict=True))
    assert (told["used_at"], told["organisation"], told["user"]) == ("2026-03-16T09:00+09:00", "A, B", "CMP-0004")
    assert {request.known_at for request in centre.requests[1:]} == {9}


def test_tables_are_taken_home_whole_or_not_at_all(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each table is a file of its pieces; one that breaks off leaves no file."""
    pieces = [ledger_api.ExportTableResponse(data=data, rows=2, position=9) for data in (b"PAR1", b"PAR1")]
    centre.answers["ExportTable"] = lambda _: pieces
    assert main.run(["ledger", "export", str(tmp_path / "home")]) == 0
    names = ("events.parquet", "reservations.parquet", "transfers.parquet")
    assert {path.name: path.read_bytes() for path in (tmp_path / "home").iterdir()} == dict.fromkeys(names, b"PAR1PAR1")
    assert {request.name for request in centre.requests} == {"companies/CMP-0004"}
    assert "2 rows, as of position 9" in capsys.readouterr().out
    centre.answers["ExportTable"] = refused
    assert main.run(["ledger", "export", str(tmp_path / "none"), "--table", "events"]) == 1
    assert list((tmp_path / "none").iterdir()) == []


def test_what_changed_is_shown_account_by_account(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Since a position or a time; nothing is said to be nothing."""
    changed = ledger_api.AccountChange(resource="a100-dev", account="used", krw_before=1000, krw_after=4000)
    line = ledger_api.StatementLine(event="reservation_completed", from_account="booked", to_account="used", krw=3000)
    answers = iter((ledger_api.Changes(accounts=[changed], lines=[line], base_position=5), ledger_api.Changes()))
    centre.answers["GetChanges"] = lambda _: next(answers)
    assert main.run(["changes", "5", "--month", "2026-03"]) == 0
    assert (centre.requests[0].base_known_at, centre.requests[0].month) == (5, "2026-03")
    shown = capsys.readouterr().out
    assert "4,000" in shown
    assert "reservation completed" in shown
    assert main.run(["changes", "2026-03-01 00:00"]) == 0
    assert centre.requests[1].base_as_of == to_timestamp(datetime(2026, 2, 28, 15, tzinfo=UTC))
    assert "Nothing changed" in capsys.readouterr().out


def test_top_adds_up_what_is_active(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Companions count like everything else that is held."""
    centre.answers["ListReservations"] = lambda _: api.ListReservationsResponse(
        reservations=[reservation(LINES), reservation(LINES)], position=9
    )
    assert main.run(["top", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["active_reservations"] == 2
    used = {item["resource"]: item["units_in_use"] for item in shown["resources"]}
    assert used == {"resources/M01": 2, "resources/a100-dev": 16_000}


def test_quotas_show_what_is_left_of_every_period(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Granted, booked and left in unit-hours, milli-GPUs as GPUs, from every page of the answer."""
    quota = api.Quota(meter="resources/a100-dev", start_time=NINE, end_time=ONE, unit_seconds=3600 * 8000)
    quota.booked_unit_seconds = 3600 * 1500
    pages = iter((api.ListQuotasResponse(quotas=[quota], next_page_token="more"), api.ListQuotasResponse()))
    centre.answers["ListQuotas"] = lambda _: next(pages)
    assert main.run(["quotas"]) == 0
    shown = capsys.readouterr().out
    assert all(figure in shown for figure in ("a100-dev", "8.0", "1.5", "6.5", "2026-03-16 09:00–13:00 +09:00"))
    assert [request.page_token for request in centre.requests] == ["", "more"]


def test_the_token_of_a_caller_is_printed_bare(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """`aidc token` prints the token for another program, and nothing else."""
    assert main.run(["token"]) == 0
    assert capsys.readouterr().out == f"{TOKEN}\n"


def test_an_operator_books_against_a_rule(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """--override and --because travel with the request, and the answer shows both."""
    made = reservation(LINES)
    made.override_reasons.append("NOTICE_TOO_SHORT")
    made.override_justification = "the minister comes"
    centre.answers["CreateReservation"] = lambda _: made
    override = ("--override", "NOTICE_TOO_SHORT", "--because", "the minister comes")
    assert main.run(["book", "M01", "--start", "+3h", "--duration", "4h", *override]) == 0
    request = centre.requests[-1]
    assert (list(request.override_reasons), request.justification) == (["NOTICE_TOO_SHORT"], "the minister comes")
    assert "NOTICE_TOO_SHORT: the minister comes" in capsys.readouterr().out
