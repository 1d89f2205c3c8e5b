"""Calls that no client of ours makes: what the wire itself may carry, against the real server."""

import asyncio
import gzip

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.generated.aidc.ledger.v1 import ledger_pb2
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.server import METADATA_BYTES_MAX, STREAMS_PER_CONNECTION_MAX
from tests.runtime.conftest import eventually
from tests.runtime.frames import (
    END_STREAM,
    GOAWAY,
    MAX_CONCURRENT_STREAMS,
    MAX_HEADER_LIST_SIZE,
    PING,
    RST_STREAM,
    Headers,
    wired,
)
from tests.scheduler.serving import ALPHA, SERVICE, Desk, demand

CREATE = f"/{SERVICE.full_name}/CreateReservation"
CANCEL = b"\x00\x00\x00\x08"


async def answered(desk: Desk, *messages: bytes, headers: Headers = (), path: str = CREATE) -> int | None:
    """The status of one call made by hand, as ALPHA."""
    async with wired(desk.address) as wire:
        wire.begin(1, path, (*desk.bearer(ALPHA), *headers))
        for message in messages:
            wire.message(1, message)
        wire.send(0, END_STREAM, 1)
        return await wire.status()


def code(status: grpc.StatusCode) -> int:
    """Its number on the wire."""
    return int(status.value[0])


async def test_a_call_made_by_hand_is_a_call(desk: Desk) -> None:
    """The frames of these tests are sound: a plain booking by them is granted."""
    assert await answered(desk, demand(1).SerializeToString()) == code(grpc.StatusCode.OK)


async def test_a_call_without_a_message_holds_nothing(desk: Desk) -> None:
    """A unary call that sends no request takes no place at the doors, writes nothing, and ends with its client."""
    pages = list(desk.log.pages)
    calls = [desk.channel.stream_unary(CREATE)(metadata=desk.bearer(ALPHA), timeout=0.5) for _ in range(50)]
    await asyncio.gather(*(call.done_writing() for call in calls))
    await desk.call("GetResource", api.GetResourceRequest(name="resources/cpu"))
    assert (desk.doors.admission.calls, desk.doors.visits) == (0, set())
    assert {await call.code() for call in calls} == {grpc.StatusCode.DEADLINE_EXCEEDED}
    assert desk.log.pages == pages


async def test_of_two_messages_the_first_is_the_request(desk: Desk) -> None:
    """A unary call that sends two requests is answered for the first; the second is not read."""
    pages = len(desk.log.pages)
    first, second = (demand(number, note=str(number)).SerializeToString() for number in (1, 2))
    assert await answered(desk, first, second) == code(grpc.StatusCode.OK)
    assert len(desk.log.pages) == pages + 1
    (reservation,) = desk.writer.centre.reservations.values()
    assert reservation.note == "1"


@pytest.mark.parametrize(
    "headers",
    [(("x-note", "x" * 20_000),), tuple((f"x-{number}", "y" * 100) for number in range(200))],
    ids=["one value of 20 KB", "200 keys"],
)
async def test_metadata_has_a_size(desk: Desk, headers: Headers) -> None:
    """More than 16 KiB of metadata, in one value or in many keys, is refused before anybody reads it."""
    pages = list(desk.log.pages)
    refused = await answered(desk, demand(1).SerializeToString(), headers=headers)
    assert refused == code(grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert desk.log.pages == pages


async def test_a_deadline_that_is_past_is_no_booking(desk: Desk) -> None:
    """A call whose time is up when it comes ends as that, and nothing is decided for it."""
    decided = desk.writer.decided
    late = await answered(desk, demand(1).SerializeToString(), headers=[("grpc-timeout", "0S")])
    assert late == code(grpc.StatusCode.DEADLINE_EXCEEDED)
    await eventually(lambda: not desk.doors.visits)
    assert desk.writer.decided == decided


@pytest.mark.parametrize("timeout", ["", "H", "-1S", "1", "1x"])
async def test_a_deadline_that_is_none_is_refused(desk: Desk, timeout: str) -> None:
    """What gRPC cannot read as a time it refuses by itself, and nothing is decided for it."""
    decided = desk.writer.decided
    assert await answered(desk, demand(1).SerializeToString(), headers=[("grpc-timeout", timeout)])
    assert desk.writer.decided == decided


async def test_a_field_that_comes_twice_counts_once(desk: Desk) -> None:
    """Of a field that is there twice the last one holds, and the request is the same as with that one alone."""
    plain = demand(1).SerializeToString()
    twice = api.CreateReservationRequest(request_id="another").SerializeToString() + plain
    first = await desk.call("CreateReservation", twice)
    assert await desk.call("CreateReservation", plain) == first


async def test_a_bomb_of_zeros_is_refused_packed(desk: Desk) -> None:
    """64 MB that travel as 64 KB are refused as what they unpack to."""
    bomb = gzip.compress(bytes(60_000_000))
    async with wired(desk.address) as wire:
        wire.begin(1, CREATE, (*desk.bearer(ALPHA), ("grpc-encoding", "gzip")))
        for at in range(0, len(bomb), 10_000):
            part = bomb[at : at + 10_000]
            head = b"\x01" + len(bomb).to_bytes(4) if at == 0 else b""
            wire.send(0, 0, 1, head + part)
        wire.send(0, END_STREAM, 1)
        assert await wire.status() == code(grpc.StatusCode.RESOURCE_EXHAUSTED)


@pytest.mark.parametrize(
    "path", ["/", "", "//", f"/{SERVICE.full_name}/", "/grpc.channelz.v1.Channelz/GetServers", f"{CREATE}/"]
)
async def test_a_path_that_leads_nowhere_is_unimplemented(desk: Desk, path: str) -> None:
    """No service, no method, and no tool for looking inside."""
    answer = await answered(desk, b"", path=path)
    assert answer in (None, code(grpc.StatusCode.UNIMPLEMENTED))
    if path.startswith("/"):
        assert answer is not None


async def test_the_limits_of_a_connection_are_told(desk: Desk) -> None:
    """A client learns how many calls at once and how much metadata a connection carries."""
    async with wired(desk.address) as wire:
        assert wire.settings[MAX_CONCURRENT_STREAMS] == STREAMS_PER_CONNECTION_MAX
        assert wire.settings[MAX_HEADER_LIST_SIZE] == METADATA_BYTES_MAX


async def test_a_flood_of_pings_ends_its_connection(desk: Desk) -> None:
    """Whoever pings without end is told to go away, and others are served."""
    async with wired(desk.address) as wire:
        wire.send(PING, 0, 0, bytes(8))
        while (goodbye := await wire.until(PING, GOAWAY)).kind == PING:
            wire.send(PING, 0, 0, bytes(8))
    assert b"too_many_pings" in goodbye.payload
    await desk.call("GetResource", api.GetResourceRequest(name="resources/cpu"))


async def test_calls_that_are_reset_at_once_leave_nothing(desk: Desk) -> None:
    """Thousands of calls that are opened and given up in one breath hold no place, and others are served."""
    pages = list(desk.log.pages)
    async with wired(desk.address) as wire:
        for number in range(2_000):
            wire.begin(2 * number + 1, CREATE, desk.bearer(ALPHA))
            wire.send(RST_STREAM, 0, 2 * number + 1, CANCEL)
        await desk.call("GetResource", api.GetResourceRequest(name="resources/cpu"))
    await eventually(lambda: not desk.doors.visits and desk.doors.admission.calls == 0)
    assert desk.log.pages == pages


@pytest.mark.parametrize("service", [SERVICE, ledger_pb2.DESCRIPTOR.services_by_name["Ledger"]], ids=lambda s: s.name)
def test_no_request_has_a_fraction(service: object) -> None:
    """There is no floating-point number in any request, so none can be infinite or not a number at all."""
    seen: set[str] = set()
    fields = [field for method in service.methods for field in _fields(method.input_type, seen)]  # type: ignore[attr-defined]
    assert fields
    floating = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}
    assert [field.full_name for field in fields if field.type in floating] == []


def _fields(message: Descriptor, seen: set[str]) -> list[FieldDescriptor]:
    """The fields of a message and of all that it holds."""
    if message.full_name in seen:
        return []
    seen.add(message.full_name)
    inner = [field.message_type for field in message.fields if field.message_type]
    return [*message.fields, *(field for each in inner for field in _fields(each, seen))]
