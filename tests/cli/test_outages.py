"""`aidc outage`: what is written becomes the right request, and a person can read the answer."""

import json
from collections.abc import Iterator

import grpc
import pytest

from services.cli import main
from services.cli.outage_words import read_scope
from services.cli.times import Unreadable
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered, FakeCentre
from tests.cli.samples import NINE, ONE

OUTAGE = api.Outage(
    name="outages/hall-2",
    kind=api.Outage.KIND_MAINTENANCE,
    reason="power",
    start_time=NINE,
    end_time=ONE,
    state=api.Outage.STATE_PLANNED,
    taken=[api.OutageUnits(resource="resources/M01", nodes=["M01-1"], units=1)],
    etag='"1"',
)
REPORT = api.OutageReport(
    outage=OUTAGE,
    affected=[
        api.AffectedReservation(
            reservation="companies/CMP-0004/reservations/r1",
            outcome=api.AffectedReservation.OUTCOME_DISPLACED,
            lost_start_time=NINE,
            lost_end_time=ONE,
            offers=[api.Offer(start_time=NINE, end_time=ONE)],
        )
    ],
    affected_count=1,
)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("M01", api.OutageScope(resource="resources/M01")),
        ("h100-train/h100-train-003", api.OutageScope(resource="resources/h100-train", nodes=["h100-train-003"])),
        ("OP-DM-mobility:2", api.OutageScope(resource="resources/OP-DM-mobility", count=2)),
        ("rack:R01-01", api.OutageScope(rack="R01-01")),
        ("zone:Z-A", api.OutageScope(zone="Z-A")),
        ("room:DM-M01", api.OutageScope(room="DM-M01")),
    ],
)
def test_what_is_out_is_written_in_one_word(text: str, scope: api.OutageScope) -> None:
    """A resource, one of its nodes, a number of them, or a place."""
    assert read_scope(text) == scope


def test_what_cannot_be_read_is_told() -> None:
    """A number that is none is refused with what could be written."""
    with pytest.raises(Unreadable, match="POOL:2"):
        read_scope("M01:two")


def test_a_declaration_shows_who_was_in_the_way(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The request says what was written, and the report names the reservation, its loss and an offer."""
    centre.answers["DeclareOutage"] = lambda _: REPORT
    arguments = [
        "outage",
        "declare",
        "hall-2",
        "zone:Z-A",
        "--from",
        "2026-03-16 09:00",
        "--lead-in",
        "24h",
        "--dry-run",
    ]
    assert main.run(arguments) == 0
    request = centre.requests[0]
    assert (request.validate_only, request.outage.name, request.outage.lead_in.seconds) == (
        True,
        "outages/hall-2",
        86_400,
    )
    assert request.outage.start_time == NINE
    shown = capsys.readouterr().out
    for told in (
        "nothing was changed",
        "CMP-0004/r1",
        "displaced",
        "2026-03-16 09:00–13:00 +09:00",
        "M01 1 seat: M01-1",
    ):
        assert told in shown


def test_a_refused_declaration_exits_with_2(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """A no has every rule, for programs too."""

    def refuse(_: object) -> None:
        violation = api.Violation(reason="INVALID_OUTAGE", description="It names nothing.")
        raise Answered(grpc.StatusCode.INVALID_ARGUMENT, "no", api.Refusal(violations=[violation]))

    centre.answers["DeclareOutage"] = refuse
    assert main.run(["outage", "declare", "x", "zone:Z-Z", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["reasons"] == ["INVALID_OUTAGE"]


def test_outages_are_listed_shown_and_lifted(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Every page of the list, one outage in full, and the etag that a lift was read at."""
    pages: Iterator[api.ListOutagesResponse] = iter(
        (api.ListOutagesResponse(outages=[OUTAGE], next_page_token="more"), api.ListOutagesResponse())
    )
    centre.answers["ListOutages"] = lambda _: next(pages)
    centre.answers["GetOutage"] = lambda _: REPORT
    centre.answers["LiftOutage"] = lambda _: OUTAGE
    assert main.run(["outage", "list"]) == 0
    assert main.run(["outage", "show", "hall-2"]) == 0
    assert main.run(["outage", "lift", "hall-2", "--etag", '"1"', "--reason", "done"]) == 0
    shown = capsys.readouterr().out
    assert all(told in shown for told in ("planned", "maintenance", "power", "M01 1 seat"))
    lift = centre.requests[-1]
    assert (lift.name, lift.etag, lift.reason) == ("outages/hall-2", '"1"', "done")


def test_funding_is_set_and_shown(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The request says what was written, the report who no longer fits, and the resource what holds."""
    step = api.Funding(resource="resources/a100-dev", start_time=NINE, units=16_000, reason="lease")
    standing = api.AffectedReservation(
        reservation="companies/CMP-0004/reservations/r1", outcome=api.AffectedReservation.OUTCOME_STANDING
    )
    centre.answers["SetFunding"] = lambda _: api.FundingReport(funding=step, affected=[standing], affected_count=1)
    centre.answers["GetResource"] = lambda _: api.Resource(name="resources/a100-dev", funding=[step])
    assert main.run(["funding", "a100-dev", "--units", "16000", "--from", "2026-03-16 09:00", "--reason", "lease"]) == 0
    request = next(each for each in centre.requests if isinstance(each, api.SetFundingRequest))
    assert (request.funding.units, request.funding.start_time, request.funding.displace) == (16_000, NINE, False)
    assert main.run(["funding", "a100-dev"]) == 0
    shown = capsys.readouterr().out
    assert all(told in shown for told in ("a100-dev 16 GPUs", "CMP-0004/r1", "standing", "lease"))
