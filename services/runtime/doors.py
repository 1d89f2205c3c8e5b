"""The doors: every gRPC method behind one wrapper that is made at the start.

In order: room, token, the tenant's share, role, bytes, structure, then the handler. Whatever goes wrong
leaves as a `Problem`; an exception that is none leaves as INTERNAL with an opaque id, and its story stays in
the log. One wrapper instead of chained interceptors, because a booking has only some ten microseconds to
spare here.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple, NoReturn

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from services.runtime import refusals
from services.runtime.admission import Admission, Limits, Shed, Tenant
from services.runtime.identity import Identity, Role, TokenVerifier, Unauthenticated
from services.runtime.problems import Problem, invalid
from services.runtime.telemetry import DoorTelemetry
from services.runtime.validation import violations

SWEEP_SECONDS = 0.25
FAREWELL_SECONDS_MAX = 2.0

Context = grpc.aio.ServicerContext[Any, Any]


class Call(NamedTuple):
    """Who calls what, and until when: `deadline` is in seconds of `time.monotonic()`, the event loop's clock."""

    identity: Identity
    method: str
    deadline: float
    spend: Callable[[int], None] = lambda _calls: None
    """Charge the tenant for so many calls more, when one call does the work of many. Raises `Problem`."""


UnaryHandler = Callable[[Call, Any], Awaitable[Message]]
StreamHandler = Callable[[Call, Any], AsyncGenerator[Message, None]]


class Doors:
    """The doors of one process. `clock` gives seconds since 1970, for tokens."""

    def __init__(
        self,
        *,
        verifier: TokenVerifier,
        telemetry: DoorTelemetry,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits or Limits()
        self.telemetry = telemetry
        self.admission = Admission(self.limits)
        self.visits: set[_Visit] = set()
        self._verifier = verifier
        self._clock = clock

    def serve_methods(
        self,
        service: ServiceDescriptor,
        handlers: Mapping[str, UnaryHandler | StreamHandler],
        roles: Mapping[str, frozenset[Role]],
    ) -> grpc.GenericRpcHandler:
        """Put every method of a service behind its wrapper; each must have a handler and its allowed roles.

        A unary handler is `async (call, request) -> answer`, a server-streaming one an async generator.
        """
        methods = {method.name: method for method in service.methods}
        assert methods.keys() == handlers.keys() == roles.keys(), f"{service.full_name} is not covered exactly"
        doors = {name: _Door(self, method, handlers[name], roles[name]) for name, method in methods.items()}
        return grpc.method_handlers_generic_handler(
            service.full_name, {name: door.grpc_handler() for name, door in doors.items()}
        )

    def identify(self, token: str) -> Identity:
        """Who bears a token. Raises `Unauthenticated`."""
        return self._verifier.verify(token, self._clock())

    def drain(self) -> None:
        """Turn away new calls and end open streams, so that clients go elsewhere. Calls inside finish."""
        self.admission.draining = True
        for visit in self.visits:
            if visit.stream:
                visit.end(refusals.draining())

    async def sweep(self) -> None:
        """Watch over the calls inside, for ever: deadlines, tokens that lapse, clients that do not read."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for visit in self.visits:
                problem = self._overdue(visit, now)
                if problem is not None:
                    visit.end(problem)

    def _overdue(self, visit: "_Visit", now: float) -> Problem | None:
        if now >= visit.call.deadline:
            return refusals.deadline_exceeded()
        if not visit.stream:
            return None
        if visit.writing_since is not None and now - visit.writing_since > self.limits.write_seconds_max:
            return refusals.slow_consumer(self.limits.write_seconds_max)
        try:
            self.identify(visit.token)
        except Unauthenticated as error:
            return refusals.unauthenticated(error.reason)
        return None


class _Visit:
    """A call that is inside."""

    __slots__ = ("call", "problem", "stream", "task", "tenant", "token", "writing_since")

    def __init__(self, call: Call, tenant: Tenant, token: str, stream: bool) -> None:
        self.call = call
        self.tenant = tenant
        self.token = token
        self.stream = stream
        self.task = asyncio.current_task()
        self.problem: Problem | None = None
        self.writing_since: float | None = None

    def end(self, problem: Problem) -> None:
        """Make the call end in this problem, unless it is ending already."""
        if self.problem is None and self.task is not None:
            self.problem = problem
            self.task.cancel()


class _Door:
    """The wrapper of one method."""

    def __init__(self, doors: Doors, method: MethodDescriptor, handler: Any, roles: frozenset[Role]) -> None:
        self._doors = doors
        self._name = method.name
        self._handler = handler
        self._roles = roles
        self._parse = GetMessageClass(method.input_type).FromString
        self._stream = bool(method.server_streaming)
        limits = doors.limits
        self._seconds_max = limits.stream_seconds_max if self._stream else limits.unary_seconds_max
        kind = "server_stream" if self._stream else "unary"
        self._telemetry = doors.telemetry.method(method.containing_service.full_name, method.name, kind)

    def grpc_handler(self) -> "grpc.RpcMethodHandler[Any, Any]":
        """Without (de)serialisers, so that broken bytes are ours to answer."""
        if self._stream:
            return grpc.unary_stream_rpc_method_handler(self._serve_stream)
        return grpc.unary_unary_rpc_method_handler(self._serve_unary)

    async def _serve_unary(self, data: bytes, context: Context) -> bytes:
        began = time.monotonic()
        self._telemetry.started()
        visit = None
        try:
            visit = self._enter(context, began)
            answer: Message = await self._handler(visit.call, self._read(visit.call, data))
            content = answer.SerializeToString()
        except BaseException as error:
            await self._refuse(error, visit, context, began)
        finally:
            if visit is not None:
                self._leave(visit)
        self._telemetry.ended(grpc.StatusCode.OK, time.monotonic() - began)
        return content

    async def _serve_stream(self, data: bytes, context: Context) -> None:
        began = time.monotonic()
        self._telemetry.started()
        visit = None
        try:
            visit = self._enter(context, began)
            async with aclosing(self._handler(visit.call, self._read(visit.call, data))) as answers:
                async for answer in answers:
                    visit.writing_since = time.monotonic()
                    await context.write(answer.SerializeToString())
                    visit.writing_since = None
        except BaseException as error:
            await self._refuse(error, visit, context, began)
        finally:
            if visit is not None:
                self._leave(visit)
        self._telemetry.ended(grpc.StatusCode.OK, time.monotonic() - began)

    def _enter(self, context: Context, now: float) -> _Visit:
        """Let a caller in. Raises `Problem` or `Unauthenticated`."""
        admission = self._doors.admission
        admission.check_room(self._stream)
        remaining = context.time_remaining()
        seconds = self._seconds_max if remaining is None else min(remaining, self._seconds_max)
        if seconds <= 0:
            raise refusals.deadline_exceeded()
        token = _bearer(context)
        identity = self._doors.identify(token)
        tenant = admission.enter(identity, self._stream, now)
        call = Call(identity, self._name, now + seconds, lambda calls: admission.spend(tenant, calls))
        visit = _Visit(call, tenant, token, self._stream)
        self._doors.visits.add(visit)
        return visit

    def _leave(self, visit: _Visit) -> None:
        self._doors.visits.discard(visit)
        self._doors.admission.leave(visit.tenant, self._stream)

    def _read(self, call: Call, data: bytes) -> Message:
        """The request, sound in structure, of a caller who may ask it. Raises `Problem`."""
        if call.identity.role not in self._roles:
            raise refusals.role_not_allowed(call.identity, self._name)
        try:
            request = self._parse(data)
        except DecodeError:
            raise refusals.malformed() from None
        if found := violations(request):
            raise invalid(found)
        return request

    async def _refuse(self, error: BaseException, visit: _Visit | None, context: Context, began: float) -> NoReturn:
        """End a call in whatever its error means to the caller, and count it."""
        problem = self._problem_of(error, visit)
        seconds = time.monotonic() - began
        if problem is None:
            # The client went away, or its deadline passed; gRPC has answered already.
            late = visit is not None and time.monotonic() >= visit.call.deadline
            code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
            self._telemetry.ended(code, seconds)
            raise error
        self._telemetry.ended(problem.code, seconds)
        try:
            async with asyncio.timeout(FAREWELL_SECONDS_MAX):
                await context.abort(problem.code, problem.message, problem.trailers())
        except (TimeoutError, grpc.aio.InternalError):
            # Nobody reads, or nobody is left. gRPC keeps the status for whoever may still ask; we keep
            # nothing.
            raise asyncio.CancelledError from None

    def _problem_of(self, error: BaseException, visit: _Visit | None) -> Problem | None:
        match error:
            case Shed():
                self._doors.telemetry.shed(error.limit)
                return error
            case Problem():
                return error
            case Unauthenticated():
                self._doors.telemetry.unauthenticated(error.reason)
                return refusals.unauthenticated(error.reason)
            case asyncio.CancelledError() if visit is not None and visit.problem is not None:
                assert visit.task is not None
                visit.task.uncancel()
                return visit.problem
            case TimeoutError() if visit is not None and time.monotonic() >= visit.call.deadline:
                return refusals.deadline_exceeded()
            case Exception():
                return refusals.internal(error, self._name)
            case _:
                return None


def _bearer(context: Context) -> str:
    token = None
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            if token is not None:
                raise Unauthenticated("two_tokens")
            token = value
    if token is None:
        raise Unauthenticated("missing")
    if not isinstance(token, str) or token[:7].lower() != "bearer ":
        raise Unauthenticated("wrong_scheme")
    return token[7:]
