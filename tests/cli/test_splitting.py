"""`aidc split` against a centre that answers as told: what is asked of it, what is shown, and the exit status."""

import json

import grpc
import pytest

from services.cli import main
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered, FakeCentre
from tests.cli.test_changing import NAME, NINE, ONE, STANDS, centre

__all__ = ["centre"]


def parted(request: api.SplitReservationRequest) -> api.SplitReservationResponse:
    """What stays as it was, and a part."""
    made = api.SplitReservationResponse(reservation=STANDS, part=STANDS)
    made.part.name, made.part.split_from = f"{NAME}-part", NAME
    made.part.late_from_time.CopyFrom(NINE)
    return made


def test_a_time_or_units_say_what_leaves(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """In the centre's time, and in the units of each resource; both reservations are shown."""
    centre.answers["SplitReservation"] = parted
    assert main.run(["split", "r1", "--at", "2026-03-16 13:00", "--etag", '"3"']) == 0
    request = centre.requests[-1]
    assert (request.name, request.at_time, request.etag, len(request.lines)) == (NAME, ONE, '"3"', 0)
    told = " ".join(capsys.readouterr().out.split())
    assert "What stays:" in told
    assert "What left:" in told
    assert "split off from r1" in told
    assert "late from 2026-03-16 09:00 +09:00, where the whole began" in told
    assert main.run(["split", "r1", "--units", "a100-dev:1gpu", "--dry-run"]) == 0
    request = next(each for each in reversed(centre.requests) if isinstance(each, api.SplitReservationRequest))
    assert [(each.resource, each.units) for each in request.lines] == [("resources/a100-dev", 1000)]
    assert request.validate_only
    assert "nothing was changed" in capsys.readouterr().out


def test_one_way_is_needed_and_no_more(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a time nor units, both, or a resource that there is not: nothing is asked."""
    for arguments in ([], ["--at", "2026-03-16 13:00", "--units", "M01:1"], ["--units", "M02:1"]):
        assert main.run(["split", "r1", *arguments]) == 1
    assert not any(isinstance(each, api.SplitReservationRequest) for each in centre.requests)
    assert "--at TIME, or --units RESOURCE:UNITS" in " ".join(capsys.readouterr().err.split())


def test_programs_read_both_and_every_reason(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the two reservations and the request id; a refusal ends with 2 and its reasons."""
    centre.answers["SplitReservation"] = parted
    assert main.run(["split", "r1", "--at", "2026-03-16 13:00", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["reservation"]["name"], made["part"]["split_from"]) == (NAME, NAME)
    assert made["request_id"]

    def no(_: api.SplitReservationRequest) -> None:
        why = api.Violation(reason="OFF_GRID", description="The end is not a slot boundary of M01.")
        raise Answered(grpc.StatusCode.INVALID_ARGUMENT, "no", api.Refusal(violations=[why]))

    centre.answers["SplitReservation"] = no
    assert main.run(["split", "r1", "--at", "2026-03-16 13:07", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["reasons"] == ["OFF_GRID"]
