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
