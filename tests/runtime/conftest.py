"""A real gRPC server with our doors and handlers of the test's choice, and a client that speaks to it."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from prometheus_client import CollectorRegistry

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as pb
from services.runtime.admission import Limits
from services.runtime.doors import Call, Doors
from services.runtime.health import Health
from services.runtime.identity import Identity, Role, TokenVerifier, make_keys, mint_token
from services.runtime.lifecycle import background
from services.runtime.server import GrpcServer
from services.runtime.settings import Address
from services.runtime.telemetry import DoorTelemetry

SERVICE = pb.DESCRIPTOR.services_by_name["Scheduler"]
COMPANY = Identity("kim", Role.COMPANY, "CMP-0001")
OPERATOR = Identity("lee", Role.OPERATOR, "")
AUDITOR = Identity("han", Role.AUDITOR, "")
OPERATORS_ONLY = frozenset(
    {
        *("RegisterResource", "RegisterCompany", "GrantQuota", "PublishTariff", "ClosePeriod", "PostCorrection"),
        *("PublishTerms", "GrantQualification", "RevokeQualification", "ForgiveStrike"),
        *("RecordArrears", "ClearArrears", "RecordMisuse", "LiftMisuse"),
        "ExemptFromReview",
        *("AssignOfficer", "DismissOfficer"),
        *("DeclareOutage", "LiftOutage", "SetFunding"),
    }
)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something becomes true, at most as long as a test may take."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def answer_empty(call: Call, request: Message) -> Message:
    """The handler of every unary method that a test does not care about."""
    return type_of_answer(call.method)()


async def watch_nothing(call: Call, request: Message) -> AsyncGenerator[Message, None]:
    yield pb.WatchReservationsResponse(position=1)


def type_of_answer(method: str) -> Any:
    return getattr(pb, SERVICE.methods_by_name[method].output_type.name)


@dataclass
class Client:
    """A channel, and what is needed to look behind it."""

    channel: grpc.aio.Channel
    keys: Path
    doors: Doors
    health: Health
    registry: CollectorRegistry
    address: Address

    def token(self, identity: Identity = COMPANY) -> str:
        return mint_token(self.keys, identity, time.time())

    def bearer(self, identity: Identity = COMPANY) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token(identity)}"),)

    async def send(
        self,
        method: str,
        request: Message | bytes = b"",
        *,
        metadata: tuple[tuple[str, str], ...] | None = None,
        timeout: float | None = 5.0,
    ) -> bytes:
        """One unary call; the answer's bytes."""
        data = request if isinstance(request, bytes) else request.SerializeToString()
        call = self.channel.unary_unary(f"/{SERVICE.full_name}/{method}")
        answer: bytes = await call(data, metadata=self.bearer() if metadata is None else metadata, timeout=timeout)
        return answer

    async def refused(self, method: str, request: Message | bytes = b"", **options: Any) -> "Refusal":
        """One unary call that must fail; how."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.send(method, request, **options)
        return Refusal(caught.value)

    def watch(self, **options: Any) -> Any:
        call = self.channel.unary_stream(f"/{SERVICE.full_name}/WatchReservations")
        return call(b"", metadata=self.bearer(), timeout=options.pop("timeout", 5.0), **options)

    def talk(self, **options: Any) -> Any:
        call = self.channel.stream_stream(f"/{SERVICE.full_name}/BookStream")
        return call(metadata=self.bearer(), timeout=options.pop("timeout", 5.0), **options)

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


class Refusal:
    """A gRPC error, its rich details unpacked."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code()
        self.message = error.details() or ""
        self.trailers = dict(error.trailing_metadata())
        self.status = Status.FromString(self.trailers.get("grpc-status-details-bin", b""))

    def detail(self, kind: Any) -> Any:
        """The one detail of a type."""
        [packed] = [detail for detail in self.status.details if detail.Is(kind.DESCRIPTOR)]
        unpacked = kind()
        packed.Unpack(unpacked)
        return unpacked

    @property
    def reason(self) -> str:
        info = self.detail(ErrorInfo)
        assert info.domain == "aidc"
        return str(info.reason)


Serve = Callable[..., Any]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """`async with serve({"GetResource": handler}, limits) as client`: the whole scheduler API, mostly empty."""

    @asynccontextmanager
    async def serving(
        handlers: Mapping[str, Callable[..., Awaitable[Message] | AsyncGenerator[Message, None]]] | None = None,
        limits: Limits | None = None,
        reflection: bool = False,
    ) -> AsyncIterator[Client]:
        registry = CollectorRegistry()
        keys = tmp_path / "keys"
        doors = Doors(verifier=TokenVerifier(make_keys(keys)), telemetry=DoorTelemetry(registry), limits=limits)
        names = [method.name for method in SERVICE.methods]
        every = dict.fromkeys(names, answer_empty) | {"WatchReservations": watch_nothing} | dict(handlers or {})
        anybody = frozenset(Role) - {Role.OFFICER}
        roles = {name: frozenset({Role.OPERATOR}) if name in OPERATORS_ONLY else anybody for name in names}
        roles["ListOfficers"] = frozenset(Role)
        methods = [doors.serve_methods(SERVICE, every, roles)]
        health = Health([SERVICE.full_name])
        listen = Address("127.0.0.1", 0)
        async with (
            background() as tasks,
            GrpcServer(
                listen=listen,
                doors=doors,
                methods=methods,
                health=health,
                background=tasks,
                reflection=[SERVICE.full_name] if reflection else [],
            ) as server,
            grpc.aio.insecure_channel(str(server.address)) as channel,
        ):
            await health.serving()
            yield Client(channel, keys, doors, health, registry, server.address)

    return serving
