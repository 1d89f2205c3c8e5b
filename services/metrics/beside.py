"""Following the streams beside the log. What they carry can be wrong or missing, and never ends the service."""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol, TypeVar

import msgspec
import structlog

from services.eventlog.page import Record
from services.metrics.freshness import Freshness

Message = TypeVar("Message")

_log = structlog.get_logger()


class Stream(Protocol):
    """A stream beside the log, as `SideStream` is."""

    def follow(self) -> AsyncGenerator[list[Record], None]:
        """Messages from the oldest that is kept, and then as they arrive."""
        ...


class Side:
    """One stream, and how the reading of it goes."""

    def __init__(self, name: str, started_at: float) -> None:
        self.name = name
        self.freshness = Freshness(started_at)
        self.messages = 0
        self.unreadable = 0

    async def follow(
        self,
        stream: Stream,
        read: Callable[[Record], Message],
        apply: Callable[[Message], None],
        clock: Callable[[], float],
    ) -> None:
        """Take every message in, for as long as the service runs. What cannot be read is counted and left out."""
        async for records in stream.follow():
            for record in records:
                try:
                    message = read(record)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    self.unreadable += 1
                    _log.warning("side_message_unreadable", stream=self.name, reason=str(error))
                    continue
                apply(message)
                self.messages += 1
            self.freshness.worked(clock())
