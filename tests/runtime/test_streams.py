"""Streams end in words: when the server drains, when a token lapses, when nobody reads."""

import asyncio
import time

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as pb
from services.runtime.admission import Limits
from tests.runtime.conftest import Refusal, Serve, eventually

WATCH = {
    "grpc_service": "aidc.scheduler.v1.Scheduler",
    "grpc_method": "WatchReservations",
    "grpc_type": "server_stream",
}


CLOSED = "alloc_watch_closed_total"


def endless(closed: asyncio.Event | None = None):
    """A watch that says one thing and then waits for ever."""

    async def handler(call, request):
        try:
            yield pb.WatchReservationsResponse(position=7)
            await asyncio.Event().wait()
        finally:
            if closed is not None:
                closed.set()

    return handler


async def end_of(call) -> Refusal:
    """Read a stream to its end, which must be an error; which one."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_all(call)
    return Refusal(caught.value)


async def read_all(call) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def test_a_stream_delivers_in_order_and_ends_well(serve: Serve):
    """Every message of the handler arrives, and the end is OK."""

    async def handler(call, request):
        for position in range(1, 101):
            yield pb.WatchReservationsResponse(position=position)

    async with serve({"WatchReservations": handler}) as client:
        positions = [pb.WatchReservationsResponse.FromString(data).position async for data in client.watch()]
        assert client.doors.admission.streams == 0
    assert positions == list(range(1, 101))


async def test_draining_ends_streams_and_tells_clients_to_resume(serve: Serve):
    """A server that goes away ends its streams with UNAVAILABLE and a retry delay, and closes their handlers."""
    closed = asyncio.Event()
    async with serve({"WatchReservations": endless(closed)}) as client:
        call = client.watch()
        await call.read()
        client.doors.drain()
        refusal = await end_of(call)
        late = await client.refused("GetResource")
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert (late.code, late.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert closed.is_set()


async def test_a_server_that_drains_finishes_the_answer_it_is_writing(serve: Serve):
    """Whoever is being answered just then gets the answer whole, and then hears that the server goes away."""

    class Answer:
        """The server drains as soon as this is on its way."""

        def SerializeToString(self) -> bytes:  # noqa: N802 - as messages have it
            asyncio.get_running_loop().call_soon(client.doors.drain)
            return pb.WatchReservationsResponse(position=7).SerializeToString()

    async def handler(call, request):
        yield Answer()
        await asyncio.Event().wait()

    async with serve({"WatchReservations": handler}) as client:
        call = client.watch()
        answer = pb.WatchReservationsResponse.FromString(await call.read())
        refusal = await end_of(call)
    assert answer.position == 7
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")


async def test_the_end_of_every_stream_is_counted_by_why(serve: Serve):
    """A client that leaves is no fault of ours, and is not counted as one; nor is a stream that comes to its end."""
    why = {"grpc_method": "WatchReservations"}
    async with serve() as client:
        await read_all(client.watch())
        assert client.metric(CLOSED, **why, reason="ENDED") == 1
    async with serve({"WatchReservations": endless()}) as client:
        leaving, staying = client.watch(), client.watch()
        await leaving.read()
        await staying.read()
        leaving.cancel()
        await eventually(lambda: client.metric(CLOSED, **why, reason="CLIENT_LEFT") == 1)
        client.doors.drain()
        await end_of(staying)
        assert client.metric(CLOSED, **why, reason="DRAINING") == 1
        await client.refused("GetResource")
        assert client.registry.get_sample_value(CLOSED, {"grpc_method": "GetResource", "reason": "DRAINING"}) is None


async def test_calls_inside_finish_while_the_server_drains(serve: Serve):
    """A call that is inside when the drain begins still gets its answer."""
    gate, entered = asyncio.Event(), asyncio.Event()

    async def handler(call, request):
        entered.set()
        await gate.wait()
        return pb.Reservation(etag="kept")

    async with serve({"CreateReservation": handler}) as client:
        inside = asyncio.ensure_future(client.send("CreateReservation"))
        await entered.wait()
        client.doors.drain()
        gate.set()
        assert pb.Reservation.FromString(await inside).etag == "kept"


async def test_a_stream_ends_when_its_token_runs_out(serve: Serve):
    """An open stream is no way around a token's end."""
    async with serve({"WatchReservations": endless()}) as client:
        call = client.watch()
        await call.read()
        client.doors._clock = lambda: time.time() + 3_600
        refusal = await end_of(call)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_a_client_that_does_not_read_loses_its_stream(serve: Serve):
    """The handler of a client that reads nothing ends within the limit; the server keeps nothing for it."""
    closed = asyncio.Event()

    async def handler(call, request):
        try:
            while True:
                yield pb.WatchReservationsResponse(reservation=pb.Reservation(note="x" * 60_000))
        finally:
            closed.set()

    async with serve({"WatchReservations": handler}, Limits(write_seconds_max=0.2)) as client:
        call = client.watch(timeout=30)
        await call.read()
        async with asyncio.timeout(10):
            await closed.wait()
            await eventually(lambda: client.doors.admission.streams == 0)
        refusal = await end_of(call)
        assert client.metric("grpc_server_handled_total", **WATCH, grpc_code="RESOURCE_EXHAUSTED") == 1
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_CONSUMER")


async def test_a_tenant_has_only_so_many_streams(serve: Serve):
    """The stream past the cap is refused; when one ends, its place is free again."""
    async with serve({"WatchReservations": endless()}, Limits(tenant_streams_max=2)) as client:
        calls = [client.watch() for _ in range(2)]
        for call in calls:
            await call.read()
        assert (await end_of(client.watch())).reason == "RATE_LIMITED"
        calls[0].cancel()
        await eventually(lambda: client.doors.admission.streams == 1)
        assert await client.watch().read()


async def test_a_client_that_goes_away_is_not_an_error_of_ours(serve: Serve):
    """A watch that its client cancels counts as CANCELLED and leaves nothing behind."""
    closed = asyncio.Event()
    async with serve({"WatchReservations": endless(closed)}) as client:
        call = client.watch()
        await call.read()
        call.cancel()
        await closed.wait()
        await eventually(lambda: not client.doors.visits)
        assert client.metric("grpc_server_handled_total", **WATCH, grpc_code="CANCELLED") == 1


async def test_a_mistake_in_a_stream_stays_in_our_log(serve: Serve):
    """An exception after some messages leaves as INTERNAL without its text."""

    async def handler(call, request):
        yield pb.WatchReservationsResponse(position=1)
        raise ValueError("secret")

    async with serve({"WatchReservations": handler}) as client:
        call = client.watch()
        await call.read()
        refusal = await end_of(call)
    assert refusal.code is grpc.StatusCode.INTERNAL
    assert "secret" not in refusal.message


BOOK_STREAM = {
    "grpc_service": "aidc.scheduler.v1.Scheduler",
    "grpc_method": "BookStream",
    "grpc_type": "bidi_stream",
}
GONE = ("OK", "CANCELLED")


async def echo(call, requests):
    """Answer every message with its own parent, and after the last one end as the requests did."""
    async for request in requests:
        yield pb.BookStreamResponse(results=[pb.BatchResult(request_id=request.parent)])


def told(data: bytes) -> str:
    """What the echo said."""
    return pb.BookStreamResponse.FromString(data).results[0].request_id


async def say(call, text: str) -> str:
    """Send one message, and give what came back."""
    await call.write(pb.BookStreamRequest(parent=text).SerializeToString())
    return told(await call.read())


async def test_a_stream_goes_both_ways_and_ends_well(serve: Serve):
    """Messages are answered while the client goes on, and the end of both is OK."""
    async with serve({"BookStream": echo}) as client:
        call = client.talk()
        assert [await say(call, text) for text in ("a", "b", "c")] == ["a", "b", "c"]
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK
        await eventually(lambda: not client.doors.visits)
        assert client.metric("grpc_server_handled_total", **BOOK_STREAM, grpc_code="OK") == 1


async def test_a_client_that_says_nothing_loses_its_stream(serve: Serve):
    """A stream on which nothing is sent ends within the limit, behind all its answers."""
    async with serve({"BookStream": echo}, Limits(idle_seconds_max=0.2)) as client:
        call = client.talk()
        assert await say(call, "a") == "a"
        refusal = await end_of(call)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "IDLE")


async def test_a_drain_reaches_who_only_listens(serve: Serve):
    """A handler that waits for its client's next message is told that there will be none."""
    async with serve({"BookStream": echo}) as client:
        call = client.talk()
        assert await say(call, "a") == "a"
        client.doors.drain()
        refusal = await end_of(call)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")


async def test_a_token_that_lapses_ends_the_reading(serve: Serve):
    """What a client streams in after its token's end is not read."""
    async with serve({"BookStream": echo}) as client:
        call = client.talk()
        assert await say(call, "a") == "a"
        client.doors._clock = lambda: time.time() + 3_600
        refusal = await end_of(call)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_a_client_that_sends_and_never_reads_loses_its_stream(serve: Serve):
    """A client that is deaf to its answers is cut off, and the server keeps nothing for it."""

    async def flood(call, requests):
        async for _ in requests:
            while True:
                yield pb.BookStreamResponse(results=[pb.BatchResult(request_id="x" * 60_000)])

    async with serve({"BookStream": flood}, Limits(write_seconds_max=0.2)) as client:
        call = client.talk()
        await call.write(pb.BookStreamRequest().SerializeToString())
        await call.read()
        await eventually(lambda: client.doors.admission.streams == 0)
        assert (await end_of(call)).reason == "SLOW_CONSUMER"


async def test_a_client_that_breaks_off_leaves_nothing_behind(serve: Serve):
    """A stream that its client cancels is over on our side too, and is no error of ours."""
    async with serve({"BookStream": echo}) as client:
        call = client.talk()
        assert await say(call, "a") == "a"
        call.cancel()
        await eventually(lambda: not client.doors.visits)
        # gRPC tells a reader that its client is gone as it tells that there is no more to read.
        counted = [client.metric("grpc_server_handled_total", **BOOK_STREAM, grpc_code=code) for code in GONE]
        assert sum(counted) == 1


async def test_a_stream_past_its_deadline_ends(serve: Serve):
    """The client's deadline ends a stream whose client is silent."""
    async with serve({"BookStream": echo}) as client:
        call = client.talk(timeout=0.5)
        assert await say(call, "a") == "a"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await eventually(lambda: not client.doors.visits)
