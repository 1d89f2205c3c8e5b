"""The scheduler behind its real doors: a gRPC server in this process, over a log in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from prometheus_client import CollectorRegistry

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.admission import Limits
from services.runtime.doors import Doors
from services.runtime.health import Health
from services.runtime.identity import Identity, Role, TokenVerifier, make_keys, mint_token
from services.runtime.lifecycle import background
from services.runtime.reception import ON_BEHALF_OF
from services.runtime.server import GrpcServer
from services.runtime.settings import Address
from services.runtime.telemetry import DoorTelemetry
from services.scheduler.access import officers_of
from services.scheduler.grpc_api import APART, ROLES, SchedulerApi
from services.scheduler.telemetry import Telemetry
from services.scheduler.watch import Watches
from services.scheduler.writer import Writer
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, registration
from tests.scheduler.desk import Held, ManualClock, ask, leading

SERVICE = api.DESCRIPTOR.services_by_name["Scheduler"]
ALPHA, BETA = Identity("kim", Role.COMPANY, "ALPHA"), Identity("lee", Role.COMPANY, "BETA")
OPERATOR, AUDITOR = Identity("operator", Role.OPERATOR, ""), Identity("auditor", Role.AUDITOR, "")
NOON = TUESDAY + 12 * HOUR


class Refused(Exception):
    """A gRPC error, its details unpacked."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__(f"{error.code().name}: {error.details()}")
        self.code: grpc.StatusCode = error.code()
        self.message = error.details() or ""
        trailers = dict(error.trailing_metadata())
        self.status = Status.FromString(trailers.get("grpc-status-details-bin", b""))

    def detail(self, kind: Any) -> Any:
        """The detail of a type, or an empty one."""
        found = kind()
        for packed in self.status.details:
            if packed.Is(kind.DESCRIPTOR):
                packed.Unpack(found)
        return found

    @property
    def reason(self) -> str:
        """Why, as ErrorInfo says it."""
        return str(self.detail(ErrorInfo).reason)

    @property
    def refusal(self) -> api.Refusal:
        """Every violated rule, and the alternatives."""
        refusal: api.Refusal = self.detail(api.Refusal)
        return refusal


@dataclass
class Desk:
    """A client, and what is needed to look behind the doors."""

    channel: grpc.aio.Channel
    keys: Path
    writer: Writer
    log: Held
    clock: ManualClock
    telemetry: Telemetry
    doors: Doors
    address: Address

    def bearer(self, identity: Identity | None) -> tuple[tuple[str, str], ...]:
        """The metadata of somebody's call."""
        if identity is None:
            return ()
        token = Identity(identity.subject, Role.OFFICER, "") if identity.officer else identity
        metadata = (("authorization", f"Bearer {mint_token(self.keys, token, time.time())}"),)
        return (*metadata, (ON_BEHALF_OF, identity.company)) if identity.officer else metadata

    async def call(self, method: str, request: Message | bytes, identity: Identity | None = ALPHA) -> Any:
        """One unary call; the answer, or `Refused`."""
        data = request if isinstance(request, bytes) else request.SerializeToString()
        try:
            answer = await self.channel.unary_unary(f"/{SERVICE.full_name}/{method}")(
                data, metadata=self.bearer(identity), timeout=10.0
            )
        except grpc.aio.AioRpcError as error:
            raise Refused(error) from None
        return getattr(api, SERVICE.methods_by_name[method].output_type.name).FromString(answer)

    async def watch(
        self,
        request: Message | bytes,
        identity: Identity | None = ALPHA,
        count: int = 1,
        method: str = "WatchReservations",
    ) -> list[Any]:
        """The first answers of a stream to one message, or `Refused`."""
        data = request if isinstance(request, bytes) else request.SerializeToString()
        stream = self.channel.unary_stream(f"/{SERVICE.full_name}/{method}")(
            data, metadata=self.bearer(identity), timeout=10.0
        )
        kind = getattr(api, SERVICE.methods_by_name[method].output_type.name)
        found = []
        try:
            async for answer in stream:
                found.append(kind.FromString(answer))
                if len(found) == count:
                    break
        except grpc.aio.AioRpcError as error:
            raise Refused(error) from None
        finally:
            stream.cancel()
        return found

    def stream(self, identity: Identity | None = ALPHA, timeout: float = 10.0) -> "Bookings":
        """A BookStream."""
        call = self.channel.stream_stream(f"/{SERVICE.full_name}/BookStream")
        return Bookings(call(metadata=self.bearer(identity), timeout=timeout))

    async def ask(self, method: str, request: Message | bytes, identity: Identity | None = ALPHA) -> Any:
        """One call of any method: the answer, or the first of a stream."""
        if SERVICE.methods_by_name[method].server_streaming:
            (answer,) = await self.watch(request, identity, method=method)
            return answer
        return await self.call(method, request, identity)


class Bookings:
    """A BookStream of a test: messages go in, answers come out, and it ends well or `Refused`."""

    def __init__(self, call: Any) -> None:
        self.call = call

    async def send(self, *items: api.CreateReservationRequest, parent: str = "companies/ALPHA") -> None:
        """Send some demands in one message."""
        await self.write(api.BookStreamRequest(parent=parent, requests=items))

    async def write(self, message: Message | bytes) -> None:
        """Send a message of any kind, or bytes that are none."""
        await self.call.write(message if isinstance(message, bytes) else message.SerializeToString())

    async def read(self) -> api.BookStreamResponse | None:
        """The next answer; None at the end. Raises `Refused`."""
        try:
            data = await self.call.read()
        except grpc.aio.AioRpcError as error:
            raise Refused(error) from None
        return None if data is grpc.aio.EOF else api.BookStreamResponse.FromString(data)

    async def results(self, count: int) -> list[api.BatchResult]:
        """So many results, from as many answers as they come in. Raises `Refused`."""
        found: list[api.BatchResult] = []
        while len(found) < count:
            answer = await self.read()
            assert answer is not None, f"the stream ended after {len(found)} results"
            found += answer.results
        return found

    async def end(self) -> list[api.BatchResult]:
        """Send nothing more; the results that were still to come. Raises `Refused`."""
        await self.call.done_writing()
        return await self.rest()

    async def rest(self) -> list[api.BatchResult]:
        """The results until the scheduler ends the stream. Raises `Refused`."""
        rest: list[api.BatchResult] = []
        while (answer := await self.read()) is not None:
            rest += answer.results
        return rest


@asynccontextmanager
async def serving(keys: Path, log: Held | None = None, limits: Limits | None = None) -> AsyncIterator[Desk]:
    """The whole fixture centre, served on loopback until the block is left."""
    log, clock, registry = log or Held(), ManualClock(), CollectorRegistry()
    things = (*fixture.RESOURCES, *fixture.COMPANIES, *fixture.QUOTAS)
    async with leading(log, clock=clock) as writer:
        for thing in things if not writer.centre.pools else ():
            await register(writer, thing)
        watches, telemetry = Watches(writer.pages.head.position), Telemetry(registry)
        writer.pages.on_durable.append(watches.on_durable)
        doors = Doors(
            verifier=TokenVerifier(make_keys(keys)),
            telemetry=DoorTelemetry(registry),
            limits=limits,
            acts_for=officers_of(writer),
        )
        methods = [doors.serve_methods(SERVICE, SchedulerApi(writer, watches, telemetry).handlers(), ROLES, APART)]
        async with (
            background() as tasks,
            GrpcServer(
                listen=Address("127.0.0.1", 0),
                doors=doors,
                methods=methods,
                health=Health([SERVICE.full_name]),
                background=tasks,
            ) as server,
            grpc.aio.insecure_channel(str(server.address)) as channel,
        ):
            yield Desk(channel, keys, writer, log, clock, telemetry, doors, server.address)


async def register(writer: Writer, thing: Any) -> None:
    """Make a thing known, as an operator."""
    await writer.submit(ask(registration(thing), actor="operators/operator"))


def request_id(number: int) -> str:
    """A UUID for each number."""
    return f"00000000-0000-4000-8000-{number:012x}"


def demand(
    number: int = 1,
    *lines: tuple[str, int],
    company: str = "ALPHA",
    start: int = NOON,
    hours: float = 1,
    note: str = "",
    validate_only: bool = False,
    hold: int = 0,
) -> api.CreateReservationRequest:
    """A request for some lines; one core unless told otherwise."""
    request = api.CreateReservationRequest(
        parent=f"companies/{company}", request_id=request_id(number), validate_only=validate_only
    )
    for resource, units in lines or (("cpu", 1),):
        request.reservation.lines.add(resource=f"resources/{resource}", units=units)
    request.reservation.start_time.seconds = start
    request.reservation.end_time.seconds = start + int(hours * HOUR)
    request.reservation.note = note
    if hold:
        request.hold.seconds = hold
    return request


async def gathered(*calls: Any) -> list[Any]:
    """The outcomes of calls made at once, errors included."""
    return await asyncio.gather(*calls, return_exceptions=True)
