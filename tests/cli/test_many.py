"""`aidc book-many` against a centre that answers as told: what is asked, what is shown, and the exit status."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.cli import attempts, main, streaming
from services.cli.async_client import open_client
from services.cli.connection import Connection
from services.cli.demand_lines import LINE_CHARACTERS_MAX
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered, FakeCentre, serve
from tests.cli.samples import NAME, REQUEST_ID, TOKEN, granted

WISH = {"lines": ["a100-dev:2gpu"], "start": "2026-03-16 09:00", "duration": "4h"}


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCentre]:
    """A centre to ask, found by the environment, that grants everything."""
    fake = FakeCentre()
    fake.answers["BookStream"] = yes
    with serve(fake) as address:
        monkeypatch.setenv("AIDC_SCHEDULER", address)
        monkeypatch.setenv("AIDC_LEDGER", address)
        monkeypatch.setenv("AIDC_TOKEN", TOKEN)
        yield fake


def yes(request: Any) -> api.BatchResult:
    """The yes to an item."""
    return api.BatchResult(request_id=request.request_id, reservation=granted(request))


def no(request: Any) -> api.BatchResult:
    """The no to an item."""
    refusal = api.Refusal(violations=[api.Violation(reason="NO_CAPACITY", description="Full.", subject="a100-dev")])
    problem = api.BatchProblem(code=9, reason="NO_CAPACITY", message="Full.", refusal=refusal)
    return api.BatchResult(request_id=request.request_id, problem=problem)


def written(folder: Path, *wishes: Any) -> str:
    """A file of these lines; what is text already is written as it is."""
    path = folder / "wishes.ndjson"
    path.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in wishes))
    return str(path)


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines of stdout."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_line_is_booked_and_the_end_is_0(
    centre: FakeCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is granted is told line by line, in the units and times of the line, and status 0 says that all were."""
    assert main.run(["book-many", written(tmp_path, WISH, "", {**WISH, "request_id": REQUEST_ID}), "--json"]) == 0
    first, second = centre.requests
    assert (first.parent, first.reservation.lines[0].units) == ("companies/CMP-0004", 2000)
    assert (first.reservation.duration.seconds, second.request_id) == (4 * 3600, REQUEST_ID)
    told = rows(capsys)
    assert [(row["line"], row["outcome"], row["request_id"]) for row in told] == [
        (1, "granted", first.request_id),
        (3, "granted", REQUEST_ID),
    ]
    assert told[0]["reservation"]["name"] == NAME


def test_refusals_and_unreadable_lines_end_with_2(
    centre: FakeCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that is refused, or is no demand at all, spoils no other and is told with its reason."""
    centre.answers["BookStream"] = lambda request: no(request) if request.reservation.note else yes(request)
    bad = [
        *("{", "[]", {**WISH, "lines": ["nothing"]}, {**WISH, "when": 1}, {**WISH, "start": "soon"}),
        *({**WISH, "lines": []}, {**WISH, "duration": 4}, {**WISH, "note": "a\u202eb"}, {**WISH, "request_id": "x"}),
        *({**WISH, "per_node": "two"}, {**WISH, "note": "x" * LINE_CHARACTERS_MAX}),
    ]
    assert main.run(["book-many", written(tmp_path, WISH, {**WISH, "note": "no"}, *bad, WISH), "--json"]) == 2
    told = {row["line"]: row for row in rows(capsys)}
    assert (told[1]["outcome"], told[2]["reasons"], told[14]["outcome"]) == ("granted", ["NO_CAPACITY"], "granted")
    assert {line for line, row in told.items() if row.get("reasons") == ["UNREADABLE"]} == set(range(3, 14))
    assert len(centre.requests) == 3


def test_the_same_file_is_the_same_requests_though_time_went_on(centre: FakeCentre, tmp_path: Path) -> None:
    """A line that says `+3h` keeps its request id in the next hour: sent again it is refused, never booked twice."""
    path = written(tmp_path, {**WISH, "start": "+3h"})
    assert main.run(["book-many", path]) == 0
    centre.time += timedelta(hours=1)
    assert main.run(["book-many", path]) == 0
    first, second = centre.requests
    assert first.request_id == second.request_id
    assert first.reservation.start_time != second.reservation.start_time


def test_people_are_answered_in_brief_and_programs_in_full(centre: FakeCentre, tmp_path: Path) -> None:
    """Only --json shows what was granted, so nothing but its name is asked for without it."""
    path = written(tmp_path, WISH)
    for options in ([], ["--json"]):
        assert main.run(["book-many", path, *options]) == 0
    assert centre.brief == [True, False]


def test_people_see_a_line_for_each_and_a_sum(
    centre: FakeCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --json stdout is for people, and the sum of it all is on stderr."""
    assert main.run(["book-many", written(tmp_path, WISH)]) == 0
    shown = capsys.readouterr()
    assert NAME in shown.out
    assert "1 granted, 0 refused, 0 unknown" in shown.err


def test_the_same_file_again_asks_under_the_same_ids(centre: FakeCentre, tmp_path: Path) -> None:
    """P4: a file can be sent again, after whatever broke, because its request ids follow from its lines."""
    path = written(tmp_path, WISH, WISH, {**WISH, "note": "other"})
    assert main.run(["book-many", path]) == main.run(["book-many", path]) == 0
    asked = [request.request_id for request in centre.requests]
    assert asked[:3] == asked[3:]
    assert len(set(asked)) == 3


def test_a_broken_stream_is_resumed(centre: FakeCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What had no answer when the stream broke is asked again under the same ids; each line is told once."""
    broken = []

    def breaking(request: Any) -> api.BatchResult:
        if request.reservation.note == "120" and not broken:
            broken.append(len(centre.requests))
            raise Answered(grpc.StatusCode.UNAVAILABLE, "away")
        return yes(request)

    centre.answers["BookStream"] = breaking
    path = written(tmp_path, *({**WISH, "note": str(number)} for number in range(250)))
    assert main.run(["book-many", path, "--json"]) == 0
    assert broken
    assert [row["line"] for row in rows(capsys)] == list(range(1, 251))
    assert len({request.request_id for request in centre.requests}) == 250


def test_unknown_outcomes_end_with_3(
    centre: FakeCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nobody answers any more, every line without an answer is told as unknown, with its request id."""

    def away(request: Any) -> api.BatchResult:
        raise Answered(grpc.StatusCode.UNAVAILABLE, "away")

    centre.answers["BookStream"] = away
    monkeypatch.setattr(streaming, "DEADLINE_SECONDS", 0.3)
    monkeypatch.setattr(attempts, "PAUSE_SECONDS", 0.01)
    assert main.run(["book-many", written(tmp_path, WISH, WISH), "--json"]) == 3
    assert [row["outcome"] for row in rows(capsys)] == ["unknown", "unknown"]


def test_a_file_that_is_not_there_ends_with_1(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """One readable line says which."""
    assert main.run(["book-many", "nowhere.ndjson"]) == 1
    assert "cannot read nowhere.ndjson" in capsys.readouterr().err


def test_no_more_is_read_than_can_be_on_the_way(centre: FakeCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-pressure: a source is read only as fast as answers come, whatever its length."""
    monkeypatch.setattr(streaming, "ITEMS_WAITING_MAX", 5)
    taken, answered, ahead = 0, 0, []

    async def source() -> AsyncIterator[api.CreateReservationRequest]:
        nonlocal taken
        for number in range(50):
            taken += 1
            ahead.append(taken - answered)
            yield api.CreateReservationRequest(request_id=f"{REQUEST_ID[:-2]}{number:02}")

    async def book() -> None:
        nonlocal answered
        async with open_client(Connection(scheduler=address, ledger=address, token=TOKEN)) as client:
            async for _ in streaming.Streaming(client, "companies/CMP-0004").book(source()):
                answered += 1

    with serve(centre) as address:
        asyncio.run(book())
    assert answered == 50
    assert max(ahead) <= 5 + 1
