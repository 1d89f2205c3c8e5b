"""`aidc change` against a centre that answers as told: what is asked of it, what is shown, and the exit status."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from services.cli import main
from services.cli.times import to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered, FakeCentre, serve

NAME = "companies/CMP-0004/reservations/r1"
TOKEN = "x.eyJjb21wYW55IjoiQ01QLTAwMDQifQ.x"  # The claims say company CMP-0004.
NINE = to_timestamp(datetime(2026, 3, 16, 0, tzinfo=UTC))  # 09:00 in Seoul.
ONE = to_timestamp(datetime(2026, 3, 16, 4, tzinfo=UTC))
STANDS = api.Reservation(
    name=NAME,
    state=api.Reservation.STATE_CONFIRMED,
    lines=[
        api.Line(resource="resources/M01", units=1),
        api.Line(resource="resources/a100-dev", units=2000, shape=api.Shape(units_per_node=1000)),
    ],
    start_time=NINE,
    end_time=ONE,
    etag='"3"',
    position=42,
)


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCentre]:
    """A centre with one reservation, found by the environment."""
    fake = FakeCentre()
    fake.answers["GetReservation"] = lambda _: STANDS
    fake.answers["UpdateReservation"] = lambda request: request.reservation
    with serve(fake) as address:
        monkeypatch.setenv("AIDC_SCHEDULER", address)
        monkeypatch.setenv("AIDC_TOKEN", TOKEN)
        yield fake


def asked(centre: FakeCentre, *options: str) -> api.UpdateReservationRequest:
    """What a command asks the centre for."""
    assert main.run(["change", "r1", *options]) == 0
    request: api.UpdateReservationRequest = centre.requests[-1]
    assert request.reservation.name == NAME
    return request


def test_a_start_alone_moves_the_whole(centre: FakeCentre) -> None:
    """The length stays as it was."""
    request = asked(centre, "--start", "2026-03-17 14:00")
    assert list(request.update_mask.paths) == ["start_time", "duration"]
    assert (request.reservation.start_time.seconds - NINE.seconds) // 3600 == 29
    assert request.reservation.duration.seconds == 4 * 3600


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        (["--duration", "6h"], ["duration"]),
        (["--end", "2026-03-16 18:00"], ["end_time"]),
        (["--start", "2026-03-16 10:00", "--end", "2026-03-16 18:00"], ["start_time", "end_time"]),
        (["--note", ""], ["note"]),
        (["--units", "M01:2", "--duration", "1h"], ["duration", "lines"]),
    ],
)
def test_only_what_is_named_changes(centre: FakeCentre, options: list[str], paths: list[str]) -> None:
    """The mask names what the command line does."""
    assert list(asked(centre, *options).update_mask.paths) == paths


def test_units_are_put_in_place_of_those_that_there_are(centre: FakeCentre) -> None:
    """A line keeps its shape, 0 takes it out, and a new resource adds one."""
    lines = {line.resource: line for line in asked(centre, "--units", "a100-dev:3gpu").reservation.lines}
    assert (lines["resources/a100-dev"].units, lines["resources/a100-dev"].shape.units_per_node) == (3000, 1000)
    assert lines["resources/M01"].units == 1
    assert [line.resource for line in asked(centre, "--units", "a100-dev:0").reservation.lines] == ["resources/M01"]
    near = asked(centre, "--together", "rack").reservation.lines
    assert {line.shape.colocation for line in near} == {api.COLOCATION_RACK}


def test_a_dry_run_changes_nothing(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """It shows the reservation as it would be, and says so."""
    assert asked(centre, "--duration", "6h", "--dry-run").validate_only
    assert "nothing was changed" in capsys.readouterr().out


def test_for_programs_it_is_one_object(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The changed reservation, and the request id to repeat it by."""
    request = asked(centre, "--note", "x", "--json", "--etag", '"3"')
    assert request.etag == '"3"'
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["request_id"]) == (NAME, request.request_id)


def test_a_refused_change_ends_with_2(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason stands on stderr."""

    def refuse(_: object) -> api.Reservation:
        violation = api.Violation(reason="END_IN_PAST", description="Too late.", subject="r1")
        info = ErrorInfo(domain="aidc", reason="END_IN_PAST")
        raise Answered(grpc.StatusCode.FAILED_PRECONDITION, "Too late.", info, api.Refusal(violations=[violation]))

    centre.answers["UpdateReservation"] = refuse
    assert main.run(["change", "r1", "--duration", "1h"]) == 2
    assert "END_IN_PAST" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [[], ["--end", "2026-03-16 18:00", "--duration", "1h"], ["--units", "nothing:3"], ["--start", "soon"]]
)
def test_what_cannot_be_meant_ends_with_1(centre: FakeCentre, options: list[str]) -> None:
    """Nothing to change, two ends, an unknown resource, a strange time: said in one line, and nothing asked."""
    assert main.run(["change", "r1", *options]) == 1
    assert not any(isinstance(request, api.UpdateReservationRequest) for request in centre.requests)


def test_extensions_are_told(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Until when it could be extended; 2, and why, when it cannot."""
    offer = api.Offer(start_time=NINE, end_time=ONE, lines=STANDS.lines)
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(offers=[offer])
    assert main.run(["change", "r1", "--offers"]) == 0
    assert (centre.requests[-1].parent, centre.requests[-1].reservation) == ("companies/CMP-0004", NAME)
    assert "09:00–13:00" in capsys.readouterr().out
    violation = api.Violation(reason="TOO_EARLY", description="Ask again later.")
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(violations=[violation])
    assert main.run(["change", "r1", "--offers"]) == 2
    assert "TOO_EARLY" in capsys.readouterr().err


def test_a_dry_change_tells_the_difference(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """What a change would cost stands beside how much more, or less, that is."""
    shown = api.Reservation(cost=api.Cost(krw=12_000, tariff="tariffs/krw-2026"), cost_change_krw=-3000)
    shown.MergeFrom(STANDS)
    centre.answers["UpdateReservation"] = lambda _: shown
    assert main.run(["change", "r1", "--duration", "3h", "--dry-run"]) == 0
    assert "12,000 KRW by krw-2026, -3,000 KRW" in capsys.readouterr().out


def test_the_smallest_changes_and_a_quote_are_shown(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """A no comes with what would do, and a dry cancellation with what it costs."""
    offer = api.Offer(start_time=NINE, end_time=ONE, lines=STANDS.lines)
    change = api.SmallestChange(description="Start 1 hour later.", offer=offer)

    def refuse(_: object) -> api.Reservation:
        violation = api.Violation(reason="NO_CAPACITY", description="Full.", subject="M01")
        info = ErrorInfo(domain="aidc", reason="NO_CAPACITY")
        refusal = api.Refusal(violations=[violation], smallest_changes=[change])
        raise Answered(grpc.StatusCode.FAILED_PRECONDITION, "Full.", info, refusal)

    centre.answers["UpdateReservation"] = refuse
    assert main.run(["change", "r1", "--duration", "9h"]) == 2
    assert "Start 1 hour later." in capsys.readouterr().err
    assert main.run(["change", "r1", "--duration", "9h", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["smallest_changes"][0]["description"] == "Start 1 hour later."
    quoted = api.Reservation()
    quoted.CopyFrom(STANDS)
    quoted.cancellation_quote.fees.add(
        resource="resources/M01",
        free_until_time=NINE,
        percent=80,
        return_percent=60,
        price_krw=600_000,
        due_krw=480_000,
    )
    quoted.cancellation_quote.due_krw, quoted.cancellation_quote.refund_krw = 480_000, 120_000
    quoted.cost.krw, quoted.cost.tariff = 600_000, "tariffs/krw-2026"
    quoted.cost.resources.add(resource="resources/M01", krw=600_000)
    quoted.cancellation_quote.strike = True
    centre.answers["CancelReservation"] = lambda _: quoted
    assert main.run(["cancel", "r1", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "80 %" in shown
    assert "60 % of that" in shown
    assert "480,000 of 600,000" in shown
    assert "due 480,000 KRW, and 120,000 KRW not to pay any more" in shown
    assert "600,000 KRW by krw-2026 (M01 600,000)" in shown
    assert "strike" in shown


def test_a_reservation_is_offered_and_the_offer_withdrawn(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str]
) -> None:
    """`transfer --to` offers it for so long, `--withdraw` names its own company, and one of them is needed."""
    assert main.run(["transfer", "r1", "--to", "CMP-0007", "--for", "1d"]) == 0
    request = centre.requests[-1]
    assert (request.reservation.name, request.reservation.company) == (NAME, "companies/CMP-0007")
    assert (list(request.update_mask.paths), request.offer_for.seconds) == (["company"], 86_400)
    assert main.run(["transfer", "r1", "--withdraw"]) == 0
    assert centre.requests[-1].reservation.company == "companies/CMP-0004"
    assert not centre.requests[-1].HasField("offer_for")
    capsys.readouterr()
    assert main.run(["transfer", "r1"]) == 1
    assert "--to CMP-0002, or --withdraw" in " ".join(capsys.readouterr().err.split())


def test_an_offer_is_listed_accepted_and_declined(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Another company's name is given whole; it is shown with what it would be, without a history."""
    offer = api.Reservation()
    offer.CopyFrom(STANDS)
    offer.name = "companies/CMP-0001/reservations/r9"
    offer.transfer.to, offer.transfer.state = "companies/CMP-0004", api.TransferOffer.STATE_OPEN
    offer.transfer.expire_time.CopyFrom(NINE)
    centre.answers["GetReservation"] = lambda _: offer
    centre.answers["ListReservations"] = lambda _: api.ListReservationsResponse(reservations=[offer])
    centre.answers["AcceptTransfer"] = lambda _: STANDS
    centre.answers["DeclineTransfer"] = lambda _: offer
    assert main.run(["list", "--offered"]) == 0
    assert centre.requests[-1].offered
    assert main.run(["show", "CMP-0001/r9"]) == 0
    assert "offered to CMP-0004 until 2026-03-16 09:00" in capsys.readouterr().out
    assert main.run(["accept", "CMP-0001/r9"]) == 0
    assert main.run(["decline", "CMP-0001/r9", "--reason", "no need", "--json"]) == 0
    declined = next(each for each in centre.requests if isinstance(each, api.DeclineTransferRequest))
    assert (declined.name, declined.reason) == (offer.name, "no need")


WAITING = api.Reservation()
WAITING.CopyFrom(STANDS)
WAITING.asked_change.lines.extend(STANDS.lines)
WAITING.asked_change.start_time.CopyFrom(NINE)
WAITING.asked_change.end_time.CopyFrom(to_timestamp(datetime(2026, 3, 16, 6, tzinfo=UTC)))
WAITING.asked_change.expire_time.CopyFrom(NINE)
WAITING.asked_change.approval.rule, WAITING.asked_change.approval.quorum = "manager", 1
WAITING.asked_change.cost_change_krw = 12_000


def test_a_list_marks_what_a_change_waits_of(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the state, and of nothing else."""
    centre.answers["ListReservations"] = lambda _: api.ListReservationsResponse(reservations=[WAITING, STANDS])
    assert main.run(["list"]) == 0
    told = capsys.readouterr().out.splitlines()
    rows = [each for each in told if "CMP-0004/r1" in each]
    assert ["confirmed, change waits" in each for each in rows] == [True, False], told


def test_a_change_that_waits_is_shown_and_taken_back(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """What it shall become, for how much more, and who decides by when; taking it back asks for what there is."""
    centre.answers["UpdateReservation"] = lambda _: WAITING
    request = asked(centre, "--end", "2026-03-16 15:00")
    assert list(request.update_mask.paths) == ["end_time"]
    told = " ".join(capsys.readouterr().out.split())
    assert "shall become" in told
    assert "+12,000 KRW; given up at" in told
    assert "manager: 0 of the 1 votes needed" in told
    assert main.run(["change", "r1", "--withdraw"]) == 1
    assert "no change of it waits" in capsys.readouterr().err
    centre.answers["GetReservation"] = lambda _: WAITING
    request = asked(centre, "--withdraw")
    assert list(request.update_mask.paths) == ["start_time", "end_time"]
    assert (request.reservation.start_time, request.reservation.end_time) == (NINE, ONE)
    assert main.run(["change", "r1", "--withdraw", "--note", "x"]) == 1
    assert "without it" in capsys.readouterr().err


def test_changes_that_wait_are_among_the_approvals(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """What it is and what it shall become, with the deadline of the change."""
    centre.answers["ListReservations"] = lambda _: api.ListReservationsResponse(reservations=[WAITING], position=7)
    assert main.run(["approvals"]) == 0
    request = next(each for each in centre.requests if isinstance(each, api.ListReservationsRequest))
    assert request.to_approve
    assert "becomes" in capsys.readouterr().out
