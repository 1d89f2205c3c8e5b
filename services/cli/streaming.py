"""Many demands through one BookStream: sent on while earlier ones are answered, and resumed when the stream breaks.

Whatever has no answer yet is sent again under its request id, so that a lost answer costs nothing but time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc

from services.cli.async_client import AsyncClient
from services.cli.attempts import DEADLINE_SECONDS, Attempts
from services.cli.outcome import Failed
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

Request = api.CreateReservationRequest

ITEMS_WAITING_MAX = 400
"""Demands that are on their way at once."""
ITEMS_MAX = 100
MESSAGE_BYTES_MAX = 32_768
"""One message is at most so long; the scheduler takes twice as much."""


class Streaming:
    """The demands of one company on their way. `unanswered` are those that nobody knows the outcome of.

    What is granted is told with its price if that is wanted, and in brief if its name is enough.
    """

    def __init__(self, client: AsyncClient, parent: str, *, priced: bool = False, brief: bool = False) -> None:
        self._priced = priced
        self._brief = brief
        self.unanswered: deque[Request] = deque()
        self._client = client
        self._parent = parent
        self._unsent = 0
        self._ended = False
        self._room, self._news = asyncio.Event(), asyncio.Event()

    async def book(self, requests: AsyncIterator[Request]) -> AsyncGenerator[api.BatchResult, None]:
        """Every demand's answer, in order. Raises `Unanswered` or `Failed` when nobody answers any more."""
        gathering = asyncio.create_task(self._gather(requests))
        try:
            attempts = Attempts(DEADLINE_SECONDS)
            while await self._more():
                try:
                    async for result in self._stream():
                        attempts = Attempts(DEADLINE_SECONDS)
                        yield result
                except grpc.aio.AioRpcError as error:
                    await asyncio.sleep(attempts.pause_after(error))
            await gathering
        finally:
            gathering.cancel()

    async def _gather(self, requests: AsyncIterator[Request]) -> None:
        """Take demands as they come, as far as there is room for them."""
        try:
            async for request in requests:
                self.unanswered.append(request)
                self._unsent += 1
                self._news.set()
                while len(self.unanswered) >= ITEMS_WAITING_MAX:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self._ended = True
            self._news.set()

    async def _more(self) -> bool:
        """Wait for something to ask; False when there will be nothing any more."""
        while not self.unanswered and not self._ended:
            await self._wait_for_news()
        return bool(self.unanswered)

    async def _wait_for_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _stream(self) -> AsyncGenerator[api.BatchResult, None]:
        """One stream, until it ends or breaks. Raises `AioRpcError`, and `Failed` for answers out of order."""
        self._unsent = len(self.unanswered)
        metadata = self._client.connection.metadata()
        call = self._client.scheduler.BookStream(metadata=metadata)
        sending = asyncio.create_task(self._send(call))
        try:
            async for answer in call:
                for result in answer.results:
                    if not self.unanswered or result.request_id != self.unanswered[0].request_id:
                        raise Failed(f"the scheduler answered {result.request_id}, which is not next")
                    self.unanswered.popleft()
                    self._room.set()
                    yield result
        finally:
            sending.cancel()
            call.cancel()

    async def _send(self, call: Any) -> None:
        """Send what is not sent yet, and whatever comes; then say that this was all."""
        while self._unsent or not self._ended:
            if self._unsent:
                await call.write(self._next_message())
            else:
                await self._wait_for_news()
        await call.done_writing()

    def _next_message(self) -> api.BookStreamRequest:
        """As much of what is not sent yet as one message takes."""
        message = api.BookStreamRequest(parent=self._parent, priced=self._priced, brief=self._brief)
        size = 0
        first = len(self.unanswered) - self._unsent
        for number in range(first, min(first + ITEMS_MAX, len(self.unanswered))):
            request = self.unanswered[number]
            size += request.ByteSize()
            if message.requests and size > MESSAGE_BYTES_MAX:
                break
            message.requests.append(request)
        self._unsent -= len(message.requests)
        return message
