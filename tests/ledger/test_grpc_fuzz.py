"""Any message and any bytes get a definite answer from the ledger too, over a real Postgres: no UNKNOWN or INTERNAL."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]  # ships no stubs
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.eventlog.memory import MemoryLog
from services.ledger.database import connect_readers, connect_writer
from services.ledger.grpc_api import SERVICE, methods
from services.runtime.doors import Doors
from services.runtime.health import Health
from services.runtime.identity import Identity, TokenVerifier, make_keys, mint_token
from services.runtime.lifecycle import background
from services.runtime.server import GrpcServer
from services.runtime.settings import Address
from services.runtime.telemetry import DoorTelemetry
from tests.allocation.examples import examples
from tests.ledger.folding import Ledger
from tests.ledger.months import Months
from tests.ledger.test_statements import COMPANY, OPERATOR
from tests.strange import messages

METHODS = sorted(each.name for each in SERVICE.methods)
POSITIONS = ("min_position", "known_at", "base_known_at")
NEVER = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED}
ANSWER_SECONDS = 10.0
AHEAD_SECONDS = 0.3
"""Whoever asks for a position that is still to come is made to wait until it is there or their time is over."""


@dataclass
class Desk:
    """A client of a ledger with three months in its books."""

    channel: grpc.aio.Channel
    keys: Path
    position: int

    async def ask(self, method: str, data: bytes, identity: Identity, *, patient: bool = True) -> None:
        """One call: an answer, or a refusal that says why. Whoever is not patient may also run out of time."""
        token = mint_token(self.keys, identity, time.time())
        metadata = (("authorization", f"Bearer {token}"),)
        seconds = ANSWER_SECONDS if patient else AHEAD_SECONDS
        path = f"/{SERVICE.full_name}/{method}"
        try:
            if SERVICE.methods_by_name[method].server_streaming:
                async for _ in self.channel.unary_stream(path)(data, metadata=metadata, timeout=seconds):
                    pass
            else:
                await self.channel.unary_unary(path)(data, metadata=metadata, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            if patient or error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                check(method, error)


def check(method: str, error: grpc.aio.AioRpcError) -> None:
    """A refusal is definite, and says why."""
    assert error.code() not in NEVER, f"{method}: {error.code()} {error.details()}"
    status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info = ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.reason


@asynccontextmanager
async def serving(dsn: str, folder: Path) -> AsyncIterator[Desk]:
    """The whole service over books that are in the database."""
    writer, readers = await connect_writer(dsn), await connect_readers(dsn)
    months = Months(Ledger(MemoryLog(), writer, readers, dsn), folder)
    await months.fold()
    keys = folder / "tokens"
    doors = Doors(verifier=TokenVerifier(make_keys(keys)), telemetry=DoorTelemetry(CollectorRegistry()))
    handlers = [methods(doors, months.books, months.years, months.proofs)]
    listen = Address("127.0.0.1", 0)
    async with (
        background() as tasks,
        GrpcServer(listen=listen, doors=doors, methods=handlers, health=Health(), background=tasks) as server,
        grpc.aio.insecure_channel(str(server.address)) as channel,
    ):
        yield Desk(channel, keys, months.ledger.progress.position)
    writer.terminate()
    readers.terminate()


@pytest.fixture
def desk(postgres_dsn: str, tmp_path: Path) -> Iterator[tuple[asyncio.Runner, Desk]]:
    """Such a ledger, and the loop that it lives in: Hypothesis calls from outside."""
    with asyncio.Runner() as runner:
        context = serving(postgres_dsn, tmp_path)
        yield runner, runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "month": st.sampled_from(["", "2026-03", "2026-04"]),
    "year": st.sampled_from([2025, 2026]),
    "page_size": st.sampled_from([0, 1, 100]),
    "page_token": st.just(""),
    **dict.fromkeys((*POSITIONS, "after_position", "position"), st.integers(-1, 5)),
}
"""What the fields mostly hold, so that a call comes further than to the first of them."""


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, Message]:
    """A method and a request, mostly about somebody who is there and what is in the books."""
    method = draw(st.sampled_from(METHODS))
    request: Any = draw(messages(SERVICE.methods_by_name[method].input_type))
    names = (
        ["companies/CMP-0001/reservations/march-1"] if method == "GetHistory" else ["companies/CMP-0001", "companies/-"]
    )
    for field in request.DESCRIPTOR.fields:
        usual = st.sampled_from(names) if field.name == "name" else LIKELY.get(field.name)
        if draw(st.integers(0, 4)) == 0:
            continue
        if usual is not None:
            setattr(request, field.name, draw(usual))
        elif field.message_type is not None:
            request.ClearField(field.name)
    return method, request


def test_any_message_gets_a_definite_answer(desk: tuple[asyncio.Runner, Desk]) -> None:
    """Whoever asks whatever is answered, or refused with a reason; only what is still to come is waited for."""
    runner, ledger = desk

    @given(calls(), st.booleans())
    @examples(150)
    def ask(call: tuple[str, Message], operator: bool) -> None:
        method, request = call
        ahead = any(field.name in POSITIONS and value > ledger.position for field, value in request.ListFields())
        data = request.SerializeToString()
        runner.run(ledger.ask(method, data, OPERATOR if operator else COMPANY, patient=not ahead))

    ask()


def test_any_bytes_get_a_definite_answer(desk: tuple[asyncio.Runner, Desk]) -> None:
    """Bytes that are no message are an invalid argument; bytes that happen to be one are like any other."""
    runner, ledger = desk

    @given(st.sampled_from(METHODS), st.binary(max_size=60))
    @examples(60)
    def send(method: str, data: bytes) -> None:
        runner.run(ledger.ask(method, data, OPERATOR, patient=False))

    send()
