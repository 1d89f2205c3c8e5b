"""What a company sees: its reservations, their history, its quota, and who it is."""

import json
from datetime import timedelta

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from services.cli import main
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered, FakeCentre
from tests.cli.samples import LINES, NINE, ONE, TOKEN, reservation

State = api.Reservation.State


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
    burnt = reservation(LINES)
    burnt.overburn.add(meter="equipment", unit_seconds=14_400)
    centre.answers["GetReservation"] = lambda _: burnt
    assert main.run(["show", "r1"]) == 0
    shown = capsys.readouterr().out
    assert "4.0 h of equipment" in shown
    assert "It was granted." in shown
    assert "M01-1" in shown


def unknown(_: object) -> api.Reservation:
    """What is another's is told like what is not there."""
    raise Answered(
        grpc.StatusCode.NOT_FOUND,
        "There is no reservation.",
        ErrorInfo(domain="aidc", reason="RESERVATION_NOT_FOUND"),
        api.Refusal(violations=[api.Violation(reason="RESERVATION_NOT_FOUND", description="There is none.")]),
    )


def test_what_was_handed_over_is_shown_to_its_former_company_by_what_it_heard(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    """That it is theirs no longer and since when, from their part of the history; what never was theirs is missing."""
    centre.answers["GetReservation"] = unknown
    entry = ledger_api.HistoryEntry(time=NINE, position=7, event="transfer_accepted", description="CMP-2 accepted it.")
    centre.answers["GetHistory"] = lambda _: ledger_api.History(entries=[entry])
    assert main.run(["show", "r1"]) == 0
    shown = capsys.readouterr().out
    assert all(told in shown for told in ("no longer yours", "CMP-2 accepted it.", "2026-03-16 09:00"))
    assert main.run(["show", "r1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["handed_over_time"], len(document["history"])) == ("2026-03-16T00:00:00Z", 1)
    centre.answers["GetHistory"] = unknown
    assert main.run(["show", "r1"]) == 1
    assert "there is no reservation companies/CMP-0004/reservations/r1" in capsys.readouterr().err


def test_top_adds_up_what_is_active_and_counts_what_comes_and_waits(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    """Companions count like everything else that is held; what has not begun uses nothing yet."""
    running, coming, asked = (reservation(LINES) for _ in range(3))
    running.state, coming.state, asked.state = State.STATE_ACTIVE, State.STATE_CONFIRMED, State.STATE_PENDING
    running.end_time.FromDatetime(centre.time + timedelta(minutes=30))
    failure = api.Outage(
        name="outages/hall-2", kind=api.Outage.KIND_FAILURE, state=api.Outage.STATE_IN_FORCE, reason="A pump leaks."
    )
    planned = api.Outage(name="outages/later", kind=api.Outage.KIND_MAINTENANCE, state=api.Outage.STATE_PLANNED)

    def listed(request: api.ListReservationsRequest) -> api.ListReservationsResponse:
        found = [running, coming] if request.HasField("end_time") else [asked]
        return api.ListReservationsResponse(reservations=found, position=9)

    centre.answers["ListReservations"] = listed
    centre.answers["ListOutages"] = lambda _: api.ListOutagesResponse(outages=[failure, planned])
    assert main.run(["top", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    counts = ("active_reservations", "starting_within_the_hour", "ending_within_the_hour", "pending_reservations")
    assert [shown[count] for count in (*counts, "held_reservations")] == [1, 1, 1, 1, 0]
    assert shown["outages"] == ["outages/hall-2"]
    used = {item["resource"]: item["units_in_use"] for item in shown["resources"]}
    assert used == {"resources/M01": 1, "resources/a100-dev": 8_000}
    assert main.run(["top", "--once"]) == 0
    screen = capsys.readouterr().out
    assert all(told in screen for told in ("1 active", "1 pending", "failure hall-2", "A pump leaks.", "8 GPUs"))


def test_quotas_show_what_is_left_of_every_period(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Granted, booked and left in unit-hours, milli-GPUs as GPUs, from every page of the answer."""
    quota = api.Quota(meter="resources/a100-dev", start_time=NINE, end_time=ONE, unit_seconds=3600 * 8000)
    quota.booked_unit_seconds = 3600 * 1500
    quota.concurrent_units_max = 4500
    pages = iter((api.ListQuotasResponse(quotas=[quota], next_page_token="more"), api.ListQuotasResponse()))
    centre.answers["ListQuotas"] = lambda _: next(pages)
    assert main.run(["quotas"]) == 0
    shown = capsys.readouterr().out
    assert all(
        figure in shown for figure in ("a100-dev", "8.0", "1.5", "6.5", " 4.5\n", "2026-03-16 09:00–13:00 +09:00")
    )
    assert [request.page_token for request in centre.requests] == ["", "more"]


def test_the_token_of_a_caller_is_printed_bare(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """`aidc token` prints the token for another program, and nothing else."""
    assert main.run(["token"]) == 0
    assert capsys.readouterr().out == f"{TOKEN}\n"
