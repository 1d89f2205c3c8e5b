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
from typing import Any, NoReturn

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from services.runtime import refusals
from services.runtime.admission import Shed
from services.runtime.identity import Role, Unauthenticated
from services.runtime.inbox import Inbox
from services.runtime.problems import Problem, invalid
from services.runtime.reception import Reception
from services.runtime.validation import violations
from services.runtime.visit import Call as Call
from services.runtime.visit import Context, Visit

FAREWELL_SECONDS_MAX = 2.0

UnaryHandler = Callable[[Call, Any], Awaitable[Message]]
StreamHandler = Callable[[Call, Any], AsyncGenerator[Message, None]]


class Doors(Reception):
    """The doors of one process, and the reception behind them."""

    def serve_methods(
        self,
        service: ServiceDescriptor,
        handlers: Mapping[str, UnaryHandler | StreamHandler],
        roles: Mapping[str, frozenset[Role]],
        apart: Mapping[str, str] | None = None,
    ) -> grpc.GenericRpcHandler:
        """Put every method of a service behind its wrapper; each must have a handler and its allowed roles.

        A unary handler is `async (call, request) -> answer`, a server-streaming one an async generator, and so is one
        that streams both ways, whose `request` is an `Inbox`. Where a method is named in `apart`, its handler looks at
        the structure of the elements of that field itself.
        """
        methods = {method.name: method for method in service.methods}
        assert methods.keys() == handlers.keys() == roles.keys(), f"{service.full_name} is not covered exactly"
        left = apart or {}
        doors = {
            name: _Door(self, method, handlers[name], roles[name], left.get(name, ""))
            for name, method in methods.items()
        }
        return grpc.method_handlers_generic_handler(
            service.full_name, {name: door.grpc_handler() for name, door in doors.items()}
        )


class _Door:
    """The wrapper of one method."""

    def __init__(
        self, reception: Reception, method: MethodDescriptor, handler: Any, roles: frozenset[Role], apart: str
    ) -> None:
        self._reception = reception
        self._name = method.name
        self._handler = handler
        self._roles = roles
        self._apart = apart
        self._parse = GetMessageClass(method.input_type).FromString
        self._stream = bool(method.server_streaming)
        self._incoming = bool(method.client_streaming)
        assert self._stream or not self._incoming, f"{method.name}: a client streams only to be answered by a stream"
        limits = reception.limits
        self._seconds_max = limits.stream_seconds_max if self._stream else limits.unary_seconds_max
        kind = "bidi_stream" if self._incoming else "server_stream" if self._stream else "unary"
        self._telemetry = reception.telemetry.method(method.containing_service.full_name, method.name, kind)

    def grpc_handler(self) -> "grpc.RpcMethodHandler[Any, Any]":
        """Without (de)serialisers, so that broken bytes are ours to answer."""
        if self._incoming:
            return grpc.stream_stream_rpc_method_handler(self._serve_stream)
        if self._stream:
            return grpc.unary_stream_rpc_method_handler(self._serve_stream)
        return grpc.unary_unary_rpc_method_handler(self._serve_unary)

    async def _serve_unary(self, data: bytes, context: Context) -> bytes:
        began = time.monotonic()
        self._telemetry.started()
        visit = None
        try:
            visit = self._enter(context, began)
            self._demand_role(visit.call)
            if visit.call.identity.officer:
                await self._reception.demand_assignment(visit.call.identity)
            answer: Message = await self._handler(visit.call, self._read(data))
            content = answer.SerializeToString()
        except BaseException as error:
            await self._refuse(error, visit, context, began)
        finally:
            if visit is not None:
                self._reception.leave(visit)
        self._telemetry.ended(grpc.StatusCode.OK, time.monotonic() - began)
        return content

    async def _serve_stream(self, data: Any, context: Context) -> None:
        """Serve a stream of answers, to one request or, reading it from the context, to a stream of them."""
        began = time.monotonic()
        self._telemetry.started()
        visit = None
        try:
            visit = self._enter(context, began)
            self._demand_role(visit.call)
            if visit.call.identity.officer:
                await self._reception.demand_assignment(visit.call.identity)
            asked = Inbox(visit, context, self._read) if self._incoming else self._read(data)
            async with aclosing(self._handler(visit.call, asked)) as answers:
                async for answer in answers:
                    visit.writing_since = time.monotonic()
                    await context.write(answer.SerializeToString())
                    visit.writing_since = None
                    if visit.problem is not None:
                        raise visit.problem
        except BaseException as error:
            await self._refuse(error, visit, context, began)
        finally:
            if visit is not None:
                self._reception.leave(visit)
        self._telemetry.ended(grpc.StatusCode.OK, time.monotonic() - began)
        self._telemetry.closed("ENDED")

    def _enter(self, context: Context, now: float) -> Visit:
        """Let a caller in. Raises `Problem` or `Unauthenticated`."""
        return self._reception.enter(
            context,
            self._name,
            self._seconds_max,
            now,
            stream=self._stream,
            incoming=self._incoming,
            officers_alone=Role.OFFICER in self._roles,
        )

    def _demand_role(self, call: Call) -> None:
        """Raises `Problem` for a caller who may not ask this."""
        if call.identity.role not in self._roles:
            raise refusals.role_not_allowed(call.identity, self._name, self._roles)

    def _read(self, data: bytes) -> Message:
        """A message, sound in structure. Raises `Problem`."""
        try:
            request = self._parse(data)
        except DecodeError:
            raise refusals.malformed() from None
        if found := violations(request, self._apart):
            raise invalid(found)
        return request

    async def _refuse(self, error: BaseException, visit: Visit | None, context: Context, began: float) -> NoReturn:
        """End a call in whatever its error means to the caller, and count it."""
        problem = self._problem_of(error, visit)
        seconds = time.monotonic() - began
        if problem is None:
            # The client went away, or its deadline passed; gRPC has answered already.
            late = visit is not None and time.monotonic() >= visit.call.deadline
            code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
            self._telemetry.ended(code, seconds)
            if self._stream:
                self._telemetry.closed("DEADLINE_EXCEEDED" if late else "CLIENT_LEFT")
            raise error
        self._telemetry.ended(problem.code, seconds)
        if self._stream:
            self._telemetry.closed(problem.reason)
        try:
            async with asyncio.timeout(FAREWELL_SECONDS_MAX):
                await context.abort(problem.code, problem.message, problem.trailers())
        except (TimeoutError, grpc.aio.InternalError):
            # Nobody reads, or nobody is left. gRPC keeps the status for whoever may still ask; we keep
            # nothing.
            raise asyncio.CancelledError from None

    def _problem_of(self, error: BaseException, visit: Visit | None) -> Problem | None:
        match error:
            case Shed():
                self._reception.telemetry.shed(error.limit)
                return error
            case Problem():
                return error
            case Unauthenticated():
                self._reception.telemetry.unauthenticated(error.reason)
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
