"""The doors: who gets in, what is turned away, and in which words."""

import asyncio
import gzip
import inspect
import re
import time

import grpc
import pytest
import structlog
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as pb
from services.runtime import identity, keys, reception
from services.runtime.admission import Limits
from services.runtime.doors import Doors
from services.runtime.identity import Identity, Role, mint_token
from services.runtime.problems import Problem
from services.runtime.refusals import ABOUT_TOKENS
from tests.runtime.conftest import AUDITOR, COMPANY, OPERATOR, SERVICE, Serve, eventually

HANDLED = "grpc_server_handled_total"
CREATE = {
    "grpc_service": SERVICE.full_name,
    "grpc_method": "CreateReservation",
    "grpc_type": "unary",
}


async def test_a_handler_learns_who_calls_what_and_until_when(serve: Serve):
    """The call carries the verified identity, the method and a deadline no later than the client's."""
    seen = []

    async def handler(call, request):
        seen.append((call, request, time.monotonic()))
        return pb.Resource(name=request.name)

    async with serve({"GetResource": handler}) as client:
        answer = await client.send("GetResource", pb.GetResourceRequest(name="resources/M01"), timeout=3)
    assert pb.Resource.FromString(answer).name == "resources/M01"
    [(call, _, now)] = seen
    assert (call.identity, call.method) == (COMPANY, "GetResource")
    assert 2 < call.deadline - now <= 3.01  # On the wire gRPC rounds seconds up to hundredths.


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x0a\x02\xff\xfe",  # A name that is not UTF-8.
        b"\x0a\x03\xed\xa0\x80",  # A lone surrogate.
        b"\x12\x7f",  # A message that ends too soon.
    ],
)
async def test_broken_bytes_are_an_invalid_argument(serve: Serve, data: bytes):
    """Bytes that are no message are the caller's fault, and the answer names no type of ours."""
    async with serve() as client:
        refusal = await client.refused("CreateReservation", data)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert "aidc" not in refusal.message


async def test_every_structural_fault_is_named_at_once(serve: Serve):
    """A request with several faults is refused before the handler, with each field in the details."""
    request = pb.CreateReservationRequest(parent="companies/\u202eA")
    request.reservation.start_time.nanos = -1
    request.reservation.lines.add(resource="a\0b")
    request.reservation.lines.add(resource="resources/M01").shape.colocation = 99
    async with serve() as client:
        refusal = await client.refused("CreateReservation", request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert [violation.field for violation in refusal.detail(BadRequest).field_violations] == [
        "parent",
        "reservation.lines[0].resource",
        "reservation.lines[1].shape.colocation",
        "reservation.start_time.nanos",
    ]


async def test_our_mistakes_stay_in_our_log(serve: Serve):
    """An exception in a handler leaves as INTERNAL with an opaque id; its text is in the log under that id only."""

    async def handler(call, request):
        raise ValueError("secret dsn postgresql://me:hunter2@db")

    with structlog.testing.capture_logs() as lines:
        async with serve({"CreateReservation": handler}) as client:
            refusal = await client.refused("CreateReservation")
            assert client.metric(HANDLED, **CREATE, grpc_code="INTERNAL") == 1
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "hunter2" not in str(refusal.trailers) + refusal.message
    error_id = refusal.detail(ErrorInfo).metadata["error_id"]
    assert [("hunter2" in line["trace"]) for line in lines if line.get("error_id") == error_id] == [True]


async def test_a_handler_that_answers_nonsense_is_our_mistake(serve: Serve):
    """An answer that cannot be sent is INTERNAL too, not a leak."""

    async def handler(call, request):
        return None

    async with serve({"GetResource": handler}) as client:
        assert (await client.refused("GetResource")).code is grpc.StatusCode.INTERNAL


async def test_a_problem_reaches_the_client_whole(serve: Serve):
    """Code, reason, metadata, details, retry delay and pushback arrive as they were given."""

    async def handler(call, request):
        raise Problem(
            grpc.StatusCode.UNAVAILABLE,
            "OVERLOADED",
            "The log does not answer.",
            metadata={"log": "down"},
            details=[pb.Refusal(violations=[pb.Violation(reason="NO_LOG")])],
            retry_after_seconds=1.5,
        )

    async with serve({"CreateReservation": handler}) as client:
        refusal = await client.refused("CreateReservation")
    assert (refusal.code, refusal.reason, refusal.message) == (
        grpc.StatusCode.UNAVAILABLE,
        "OVERLOADED",
        "The log does not answer.",
    )
    assert dict(refusal.detail(ErrorInfo).metadata) == {"log": "down"}
    assert refusal.detail(pb.Refusal).violations[0].reason == "NO_LOG"
    assert refusal.detail(RetryInfo).retry_delay.ToTimedelta().total_seconds() == 1.5
    assert refusal.trailers["grpc-retry-pushback-ms"] == "1500"


async def test_details_too_large_for_a_trailer_are_left_out(serve: Serve):
    """A huge detail costs the client that detail, not the answer."""

    async def handler(call, request):
        details = [pb.Refusal(violations=[pb.Violation(description="x" * 900)] * 30)]
        raise Problem(grpc.StatusCode.FAILED_PRECONDITION, "NO_CAPACITY", "Full.", details=details)

    async with serve({"CreateReservation": handler}) as client:
        refusal = await client.refused("CreateReservation")
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_CAPACITY")
    assert len(refusal.status.details) == 1


async def test_large_messages_are_refused(serve: Serve):
    """More than 64 KiB is refused, also when it came as a small gzip."""
    request = pb.GetResourceRequest(name="x" * 200_000)
    async with serve() as client:
        assert (await client.refused("GetResource", request)).code is grpc.StatusCode.RESOURCE_EXHAUSTED
        call = client.channel.unary_unary(f"/{SERVICE.full_name}/GetResource")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(
                request.SerializeToString(),
                metadata=client.bearer(),
                compression=grpc.Compression.Gzip,
                timeout=5,
            )
    assert len(gzip.compress(request.SerializeToString())) < 1_000
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_unknown_methods_are_unimplemented(serve: Serve):
    """A method or service that is not there answers UNIMPLEMENTED, reflection included."""
    async with serve() as client:
        for path in (
            f"/{SERVICE.full_name}/DropEverything",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await client.channel.unary_unary(path)(b"", timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_reflection_is_there_when_enabled(serve: Serve):
    """With reflection enabled, a stranger may ask which services there are."""
    async with serve(reflection=True) as client:
        path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        call = client.channel.stream_stream(path)(iter([b"\x3a\x00"]), timeout=5)
        assert SERVICE.full_name.encode() in await call.read()


@pytest.mark.parametrize(
    ("metadata", "cause"),
    [
        ([], "missing"),
        ([("authorization", "Basic a2ltOmtpbQ==")], "wrong_scheme"),
        ([("authorization", "Bearer ")], "bad_token"),
        ([("authorization", "Bearer {token}"), ("authorization", "Bearer {token}")], "two_tokens"),
        ([("authorization", "Bearer {token}" + "x" * 8_192)], "too_long"),
    ],
)
async def test_callers_without_one_good_token_are_unauthenticated(serve: Serve, metadata, cause):
    """No token, another scheme, two tokens or an endless one: UNAUTHENTICATED, counted by cause."""
    async with serve() as client:
        filled = tuple((key, value.replace("{token}", client.token())) for key, value in metadata)
        refusal = await client.refused("GetResource", metadata=filled)
        assert client.metric("alloc_auth_failures_total", reason=cause) == 1
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert refusal.detail(ErrorInfo).metadata["cause"] == cause
    assert refusal.message == ABOUT_TOKENS[cause]


def test_every_cause_says_what_to_do() -> None:
    """Nobody who is turned away for their token has to look a code up."""
    sources = [inspect.getsource(module) for module in (identity, reception)]
    causes = {cause for source in sources for cause in re.findall(r'Unauthenticated\("(\w+)"\)', source)}
    assert causes == ABOUT_TOKENS.keys()
    assert all(words.endswith(".") and " " in words for words in ABOUT_TOKENS.values())


async def test_roles_are_checked_before_the_request_is_read(serve: Serve):
    """A company or an auditor on an operator's method learns only that, whatever the bytes say."""
    async with serve() as client:
        for identity in (COMPANY, AUDITOR):
            refusal = await client.refused("GrantQuota", b"\xff", metadata=client.bearer(identity))
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")
            assert refusal.message == f"The role {identity.role.value} may not call GrantQuota: it is for operator."
        await client.send("GrantQuota", metadata=client.bearer(OPERATOR))


async def test_one_tenants_flood_is_its_own(serve: Serve):
    """Past its rate a tenant is told to wait and how long; another tenant is served."""
    limits = Limits(tenant_calls_per_second=0.5, tenant_calls_burst=3)
    other = Identity("park", Role.COMPANY, "CMP-0002")
    async with serve(limits=limits) as client:
        for _ in range(3):
            await client.send("GetResource")
        refusal = await client.refused("GetResource")
        await client.send("GetResource", metadata=client.bearer(other))
        assert client.metric("alloc_grpc_shed_total", reason="rate") == 1
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert 1 < refusal.detail(RetryInfo).retry_delay.ToTimedelta().total_seconds() <= 2


async def test_a_tenant_holds_only_its_share_of_the_calls_in_flight(serve: Serve):
    """Calls past the tenant's cap are refused at once, and its slots come back when calls end."""
    gate = asyncio.Event()

    async def handler(call, request):
        await gate.wait()
        return pb.Resource()

    async with serve({"GetResource": handler}, Limits(tenant_in_flight_max=2)) as client:
        inside = [asyncio.ensure_future(client.send("GetResource")) for _ in range(2)]
        await eventually(lambda: client.doors.admission.calls == 2)
        assert (await client.refused("GetResource")).reason == "RATE_LIMITED"
        gate.set()
        await asyncio.gather(*inside)
        await client.send("GetResource")
        assert client.doors.admission.calls == 0


async def test_a_full_server_sheds_and_says_so(serve: Serve):
    """Past its own limit the server answers UNAVAILABLE with a pushback; nothing is refused unseen."""
    gate = asyncio.Event()

    async def handler(call, request):
        await gate.wait()
        return pb.Resource()

    async with serve({"GetResource": handler}, Limits(in_flight_max=5)) as client:
        calls = [asyncio.ensure_future(client.send("GetResource")) for _ in range(60)]
        await eventually(lambda: client.metric("alloc_grpc_shed_total", reason="concurrency") == 55)
        refusal = await client.refused("GetResource")
        gate.set()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(outcome, bytes) for outcome in outcomes) == 5
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "OVERLOADED")
    assert refusal.trailers["grpc-retry-pushback-ms"] == "500"


async def test_a_burst_is_never_dropped_unseen(serve: Serve):
    """Thousands of calls at once all get an answer of ours; gRPC's own silent shedding stays out of it."""
    async with serve(limits=Limits(tenant_calls_burst=10_000, in_flight_max=10_000)) as client:
        outcomes = await asyncio.gather(
            *(client.send("GetResource", timeout=60) for _ in range(3_000)), return_exceptions=True
        )
    assert [outcome for outcome in outcomes if outcome != b""] == []


async def test_no_call_outlives_the_servers_own_deadline(serve: Serve):
    """A client without a deadline gets DEADLINE_EXCEEDED, with details, when the server's cap is reached."""

    async def handler(call, request):
        await asyncio.Event().wait()

    async with serve({"CreateReservation": handler}, Limits(unary_seconds_max=0.1)) as client:
        refusal = await client.refused("CreateReservation", timeout=None)
        assert client.metric(HANDLED, **CREATE, grpc_code="DEADLINE_EXCEEDED") == 1
        await eventually(lambda: not client.doors.visits)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_calls_are_counted_by_outcome(serve: Serve):
    """Started, handled by code, and seconds agree with what was answered."""

    async def handler(call, request):
        if request.request_id:
            raise Problem(grpc.StatusCode.FAILED_PRECONDITION, "NO_CAPACITY", "Full.")
        return pb.Reservation()

    async with serve({"CreateReservation": handler}) as client:
        await client.send("CreateReservation")
        await client.refused("CreateReservation", pb.CreateReservationRequest(request_id="x"))
        assert client.metric("grpc_server_started_total", **CREATE) == 2
        assert client.metric(HANDLED, **CREATE, grpc_code="OK") == 1
        assert client.metric(HANDLED, **CREATE, grpc_code="FAILED_PRECONDITION") == 1
        assert client.metric("grpc_server_handling_seconds_count", **CREATE) == 2


def test_every_method_needs_a_handler_and_roles(tmp_path):
    """A method of the descriptor without a handler or a row of roles stops the start."""
    doors = Doors(verifier=None, telemetry=None)  # type: ignore[arg-type]  # It must fail before it needs them.
    with pytest.raises(AssertionError, match="not covered exactly"):
        doors.serve_methods(SERVICE, {}, {})


async def test_a_token_that_vanishes_with_its_key_ends_at_the_next_call(serve: Serve):
    """Dropping a key from the set refuses its tokens within a second or so, cached or not."""
    async with serve() as client:
        old = client.bearer()
        await client.send("GetResource", metadata=old)
        [old_key] = keys.read_keys(client.keys / keys.PRIVATE)
        keys.rotate_keys(client.keys)
        keys.drop_key(client.keys, old_key)
        client.doors._clock = lambda: time.time() + 2
        assert (await client.refused("GetResource", metadata=old)).code is grpc.StatusCode.UNAUTHENTICATED
        fresh = mint_token(client.keys, COMPANY, time.time())
        await client.send("GetResource", metadata=(("authorization", f"Bearer {fresh}"),))
