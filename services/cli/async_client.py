"""The same client for many requests at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import grpc
import grpc.aio

from services.cli.attempts import DEADLINE_SECONDS, Attempts
from services.cli.client import ledger_stub, open_channel, scheduler_stub
from services.cli.connection import Connection

IN_FLIGHT_MAX = 64

Item = TypeVar("Item")


class AsyncClient:
    """The scheduler and the ledger, as one caller sees them, with a bounded number of requests on the way."""

    def __init__(self, connection: Connection, channels: tuple[Any, Any], in_flight_max: int) -> None:
        self.connection = connection
        self.scheduler = scheduler_stub(channels[0])
        self.ledger = ledger_stub(channels[1])
        self._room = asyncio.Semaphore(in_flight_max)

    async def call(self, method: Any, request: Any, token: str = "", deadline_seconds: float = DEADLINE_SECONDS) -> Any:
        """Ask, as the caller or whoever the token names. Raises `Refused`, `Unanswered` or `Failed`."""
        metadata = self.connection.metadata(token)
        async with self._room:
            attempts = Attempts(deadline_seconds)
            while True:  # Until it is answered, or `attempts` raises.
                try:
                    return await method(request, timeout=attempts.timeout, metadata=metadata)
                except grpc.aio.AioRpcError as error:
                    await asyncio.sleep(attempts.pause_after(error))


@asynccontextmanager
async def open_client(connection: Connection, in_flight_max: int = IN_FLIGHT_MAX) -> AsyncIterator[AsyncClient]:
    """A client whose channels are closed at the end."""
    scheduler = open_channel(grpc.aio, connection, connection.scheduler)
    ledger = open_channel(grpc.aio, connection, connection.ledger)
    async with scheduler, ledger:
        yield AsyncClient(connection, (scheduler, ledger), in_flight_max)
