"""Streams beside the log, for what no decision and no account rests on: refusals, and the use that is made of units.

Each has a size and an age, and forgets its oldest messages first. Whoever publishes may lose messages, and whoever
reads may miss some: both know it, and count. The log itself is never touched by any of this.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import msgspec
import structlog
from nats.aio.msg import Msg

from services.eventlog import Unknown
from services.eventlog.connection import Connection
from services.eventlog.jetstream import Acknowledgement
from services.eventlog.page import Record
from services.eventlog.pull import RETRY_SECONDS_MAX, RETRY_SECONDS_MIN, SECOND, Pull
from services.eventlog.stream import ALREADY_THERE, StreamInfo, stream_name, subject_name

MEBIBYTE = 1 << 20
SIDE_STREAMS_MAX = 2

logger = structlog.get_logger(__name__)


class Side(NamedTuple):
    """What a side stream is called, where it is kept, and how much of it: so many messages of one subject at most."""

    name: str
    storage: str
    bytes_max: int
    seconds_max: int
    each_max: int = -1


REFUSALS = Side("refusals", "file", 64 * MEBIBYTE, 8 * 86_400)
USE = Side("use", "memory", 64 * MEBIBYTE, 2 * 3_600, each_max=480)
"""In memory, since each message would else cost the disk a sync that pages wait for; a restart of NATS forgets it. Of
each node two hours are kept, as often as agents usually report, so one that floods pushes out its own alone."""


class Message(Record, frozen=True, gc=False, kw_only=True):
    """What stands at a position of a side stream; `about` is the word of its subject."""

    about: str = ""


def side_stream_name(centre: str, side: Side) -> str:
    """The stream that holds one side of a centre's log."""
    return f"{stream_name(centre)}-{side.name}"


class SideStream:
    """One side stream of a centre. Every call but `follow` may raise `Unknown`, and nothing else."""

    def __init__(self, connection: Connection, centre: str, side: Side, *, replicas: int = 1) -> None:
        self.name = side_stream_name(centre, side)
        self._replicas = replicas
        self._connection = connection
        self._subject = f"{subject_name(centre).removesuffix('.log')}.{side.name}"
        self._side = side

    async def make(self) -> None:
        """Make the stream if it is missing. One that exists is left as its operator wants it."""
        config = {
            "name": self.name,
            "subjects": [self._subject, f"{self._subject}.>"],
            "storage": self._side.storage,
            "retention": "limits",
            "discard": "old",
            "max_bytes": self._side.bytes_max,
            "max_age": self._side.seconds_max * SECOND,
            "max_msgs_per_subject": self._side.each_max,
            "num_replicas": self._replicas,
        }
        info = await self._connection.ask(f"STREAM.CREATE.{self.name}", config, StreamInfo)
        if info.error and info.error.err_code != ALREADY_THERE:
            raise Unknown(f"stream {self.name} cannot be made: {info.error.description}")

    async def publish(self, data: bytes, about: str = "") -> None:
        """Have one message kept; `about` is a word of its subject, by which NATS can tell publishers apart."""
        reply = await self._connection.request(f"{self._subject}.{about}" if about else self._subject, data)
        try:
            answer = msgspec.json.decode(reply, type=Acknowledgement)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unknown(f"unreadable acknowledgement: {error}") from error
        if answer.error is not None or not answer.seq:
            raise Unknown(f"stream {self.name} did not take a message: {answer.error}")

    async def follow(self, *, from_now: bool = False) -> AsyncGenerator[list[Record], None]:
        """Messages as they are at hand, from the oldest that is kept or from now on, and then as they arrive.

        Waits out an absent server or stream. Raises `Unknown` once the connection is closed for good.
        """
        place = _Place(from_now)
        pause = RETRY_SECONDS_MIN
        while True:
            pull = Pull(self._connection, self.name, self._message)
            try:
                await pull.open(place.next(await self._info()))
                while True:
                    records = await pull.batch()
                    place.position, pause = records[-1].position, RETRY_SECONDS_MIN
                    yield records
            except Unknown as reason:
                if self._connection.closed:
                    raise
                logger.debug("side_stream_reader_restarts", stream=self.name, reason=str(reason))
            finally:
                await pull.close()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    def _message(self, position: int, message: Msg) -> Record:
        about = message.subject.removeprefix(self._subject).removeprefix(".")
        return Message(position=position, data=message.data, about=about)

    async def _info(self) -> StreamInfo:
        info: StreamInfo = await self._connection.ask(f"STREAM.INFO.{self.name}", {}, StreamInfo)
        if info.error:
            raise Unknown(f"stream {self.name}: {info.error.description}")
        return info


class _Place:
    """Where a reader stands in a stream that may be made anew under it."""

    def __init__(self, from_now: bool) -> None:
        self.position = 0
        self._from_now = from_now
        self._created: Any = None

    def next(self, info: StreamInfo) -> int:
        """The position to read from."""
        if self._created is None and self._from_now:
            self.position = info.state.last_seq
        elif info.created != self._created:
            self.position = 0
        self._created = info.created
        return self.position + 1
