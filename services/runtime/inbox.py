"""What a client streams in: its messages one after another, until it has no more or may send no more."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Self

import grpc
from google.protobuf.message import Message

from services.runtime.visit import Context, Visit


class Inbox:
    """The messages of one call, each sound in structure. gRPC holds the client back while nobody takes them.

    Raises the `Problem` that the call is to end in, when it may not go on: the server drains, the token lapses, nothing
    comes for too long, a message is broken. Whoever reads can still answer what it took before.
    """

    def __init__(self, visit: Visit, context: Context, read: Callable[[bytes], Message]) -> None:
        self._visit = visit
        self._context = context
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        data = await self._next()
        if data is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._read(data)

    async def _next(self) -> Any:
        """The next message's bytes, or gRPC's mark of the end."""
        visit = self._visit
        if visit.verdict is not None:
            raise visit.verdict
        reader = visit.reader = asyncio.current_task()
        visit.reading_since = time.monotonic()
        try:
            return await self._context.read()
        except asyncio.CancelledError:
            if visit.verdict is None:
                raise
            assert reader is not None
            reader.uncancel()
            raise visit.verdict from None
        finally:
            visit.reader = visit.reading_since = None
