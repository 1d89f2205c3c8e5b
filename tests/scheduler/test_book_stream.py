"""BookStream over the wire: pipelined, answered in order, slowed rather than kept, and safe to resume."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from services.eventlog import Fenced
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.admission import Limits
from services.scheduler import book_stream
from tests.allocation.scenario import HOUR, check_no_double_booking
from tests.scheduler.desk import pages
from tests.scheduler.serving import ALPHA, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id, serving

CORES = 224


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something becomes true, at most as long as a test may take."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def wish(number: int, units: int = 1, company: str = "ALPHA") -> api.CreateReservationRequest:
    """Some cores in an hour of their own."""
    return demand(number, ("cpu", units), start=NOON + number % 200 * HOUR, company=company)


def told(results: list[api.BatchResult]) -> list[str]:
    """What became of each: the reason of a refusal, or granted."""
    return [result.problem.reason or "granted" for result in results]


def written(desk: Desk) -> list[str]:
    """The request ids in the log, in order, but for those of the catalogue."""
    entries = [entry for page in pages(desk.log) for entry in page.entries]
    return [entry.request_id for entry in entries if entry.request_id]


async def test_answers_come_in_the_order_of_the_requests(desk: Desk) -> None:
    """Each item has an answer of its own, under its request id, and one that makes no sense spoils no other."""
    stream = desk.stream()
    await stream.send(wish(1), wish(2, CORES + 1), wish(3))
    await stream.send(demand(4, ("cpu", 0)), demand(5, ("nothing", 1)), demand(6, validate_only=True), wish(7))
    results = await stream.end()
    assert [result.request_id for result in results] == [request_id(number) for number in range(1, 8)]
    assert told(results) == [
        *("granted", "NO_CAPACITY", "granted", "INVALID_FIELD", "RESOURCE_NOT_FOUND", "INVALID_FIELD", "granted")
    ]
    [fault] = results[3].problem.refusal.violations
    assert (results[3].problem.code, fault.subject) == (3, "reservation.lines[0].units")  # INVALID_ARGUMENT
    assert results[0].reservation == await desk.call(
        "GetReservation", api.GetReservationRequest(name=results[0].reservation.name)
    )


async def test_requests_are_decided_while_earlier_ones_become_durable(desk: Desk) -> None:
    """Pipelined: a client may send on without an answer; P2: and hears none before its page is in the log."""
    desk.log.gate.clear()
    stream = desk.stream()
    for number in range(1, 21):
        await stream.send(wish(number))
    await eventually(lambda: len(desk.writer.centre.reservations) == 20)
    answer = asyncio.create_task(stream.read())
    assert not (await asyncio.wait([answer], timeout=0.05))[0]
    desk.log.gate.set()
    first = await answer
    assert first is not None
    results = [*first.results, *await stream.results(20 - len(first.results))]
    assert [result.request_id for result in results] == [request_id(number) for number in range(1, 21)]
    assert first.position <= desk.writer.pages.head.position
    assert not await stream.end()


async def test_a_client_is_slowed_down_and_nothing_piles_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-pressure: no more than the window is decided ahead of its answers, however much is sent."""
    monkeypatch.setattr(book_stream, "ITEMS_WAITING_MAX", 25)
    desk.log.gate.clear()
    stream = desk.stream()
    for number in range(1, 101):
        await stream.send(wish(number))
    await eventually(lambda: len(desk.writer.centre.reservations) >= 25)
    with pytest.raises(Refused):
        await desk.call("GetResource", b"\xff")  # A round trip, in which the server could have read on.
    assert len(desk.writer.centre.reservations) == 25
    desk.log.gate.set()
    assert len(await stream.end()) == 100


async def test_a_broken_stream_is_resumed_under_the_same_ids(desk: Desk) -> None:
    """P4: what was sent and not answered is sent again; whatever had happened is found, and nothing happens twice."""
    desk.log.gate.clear()
    broken = desk.stream()
    await broken.send(*(wish(number) for number in range(1, 31)))
    await eventually(lambda: len(desk.writer.centre.reservations) == 30)
    broken.call.cancel()
    desk.log.gate.set()
    resumed = desk.stream()
    await resumed.send(*(wish(number) for number in range(1, 41)))
    results = await resumed.end()
    assert told(results) == ["granted"] * 40
    assert written(desk) == [request_id(number) for number in range(1, 41)]
    check_no_double_booking(desk.writer.centre)


async def test_a_stream_and_single_calls_share_their_request_ids(desk: Desk) -> None:
    """P4: the same request by either way is one booking with one answer, and another body is refused by both."""
    single = await desk.call("CreateReservation", wish(1))
    stream = desk.stream()
    await stream.send(wish(1), wish(2), wish(1, 2))
    results = await stream.end()
    assert results[0].reservation == single
    assert told(results) == ["granted", "granted", "REQUEST_ID_REUSED"]
    assert await desk.call("CreateReservation", wish(2)) == results[1].reservation
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", wish(2, 3))
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert written(desk) == [request_id(1), request_id(2)]


async def test_rivals_on_streams_never_get_the_same_unit(desk: Desk) -> None:
    """P1: of two streams that ask for everything, each hour goes to one of them."""
    mine, theirs = desk.stream(ALPHA), desk.stream(BETA)
    for number in range(1, 41):
        await mine.send(wish(number, CORES))
        await theirs.send(wish(number, CORES, "BETA"), parent="companies/BETA")
    outcomes = zip(told(await mine.end()), told(await theirs.end()), strict=True)
    assert {tuple(sorted(pair)) for pair in outcomes} == {("NO_CAPACITY", "granted")}
    check_no_double_booking(desk.writer.centre)


async def test_every_item_counts_against_the_tenants_rate(tmp_path: Path) -> None:
    """P11: a stream is held to its company's rate, item by item, and its flood leaves another company alone."""
    limits = Limits(tenant_calls_per_second=0.001, tenant_calls_burst=50.0)
    async with serving(tmp_path / "keys", limits=limits) as desk:
        stream = desk.stream()
        for number in range(1, 91):
            await stream.send(wish(number))
        assert len(await stream.results(49)) == 49  # The call itself took one of the fifty.
        with pytest.raises(Refused) as refused:
            await desk.call("CreateReservation", wish(100))
        assert refused.value.reason == "RATE_LIMITED"
        await desk.call("CreateReservation", wish(1, company="BETA"), BETA)
        assert len(desk.writer.centre.reservations) == 50
        stream.call.cancel()


async def test_a_stream_past_its_rate_is_slowed_and_not_refused(tmp_path: Path) -> None:
    """Whoever sends faster than its rate gets every answer, later; even of messages that no bucket could hold."""
    limits = Limits(tenant_calls_per_second=2_000.0, tenant_calls_burst=10.0)
    async with serving(tmp_path / "keys", limits=limits) as desk:
        stream = desk.stream()
        for first in (1, 41):
            await stream.send(*(wish(number) for number in range(first, first + 40)))
        assert told(await stream.end()) == ["granted"] * 80


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        (b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE"),
        (api.BookStreamRequest(parent="companies/ALPHA"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        (
            api.BookStreamRequest(parent="companies/ALPHA", requests=[demand(9)] * 101),
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELD",
        ),
        (
            api.BookStreamRequest(parent="companies/ALPHA", requests=[demand(9, note="a\x00b")]),
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELD",
        ),
        (
            api.BookStreamRequest(parent="companies/BETA", requests=[demand(9, company="BETA")]),
            grpc.StatusCode.PERMISSION_DENIED,
            "NOT_YOUR_COMPANY",
        ),
    ],
)
async def test_a_message_that_may_not_be_ends_the_stream_behind_the_answers(
    desk: Desk, message: api.BookStreamRequest | bytes, code: grpc.StatusCode, reason: str
) -> None:
    """What came before a message that makes no sense is answered; the message itself does nothing."""
    stream = desk.stream()
    await stream.send(wish(1), wish(2))
    await stream.write(message)
    assert told(await stream.results(2)) == ["granted", "granted"]
    with pytest.raises(Refused) as refused:
        await stream.rest()
    assert (refused.value.code, refused.value.reason) == (code, reason)
    assert written(desk) == [request_id(1), request_id(2)]


async def test_an_operator_books_for_several_companies_on_one_stream(desk: Desk) -> None:
    """Each message names its company; items that name another one are refused by themselves."""
    stream = desk.stream(OPERATOR)
    await stream.send(wish(1), wish(2, company="BETA"))
    await stream.send(wish(3, company="BETA"), parent="companies/BETA")
    await stream.send(wish(4, company="GHOST"), parent="companies/GHOST")
    results = await stream.end()
    assert told(results) == ["granted", "INVALID_FIELD", "granted", "COMPANY_NOT_FOUND"]
    assert results[2].reservation.name.startswith("companies/BETA/")


async def test_a_server_that_goes_away_answers_what_it_took(desk: Desk) -> None:
    """Draining: no more is read, what was decided is answered once it is durable, and the status says to resume."""
    desk.log.gate.clear()
    stream = desk.stream()
    await stream.send(wish(1), wish(2))
    await eventually(lambda: len(desk.writer.centre.reservations) == 2)
    desk.doors.drain()
    desk.log.gate.set()
    assert told(await stream.results(2)) == ["granted", "granted"]
    with pytest.raises(Refused) as refused:
        await stream.rest()
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")


async def test_a_lost_log_leaves_what_was_sent_unknown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """P2: nobody hears a yes whose page did not become durable; the status says that the outcome is unknown."""

    async def fenced(data: bytes, after: int) -> int:
        raise Fenced("another writer came first")

    monkeypatch.setattr(desk.log, "append", fenced)
    stream = desk.stream()
    await stream.send(wish(1), wish(2))
    with pytest.raises(Refused) as refused:
        await stream.rest()
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAVAILABLE, "LOG_UNAVAILABLE")
