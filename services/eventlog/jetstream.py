"""The log on NATS JetStream: one stream per centre, one message per page, one append in flight."""

from collections.abc import AsyncGenerator
from datetime import datetime

import msgspec
import structlog

from services.eventlog import BrokenLog, Fenced, Unknown
from services.eventlog.connection import ApiError, Connection, Credentials
from services.eventlog.page import PAGE_BYTES_MAX, Record
from services.eventlog.pull import follow
from services.eventlog.stream import demand_sync_always, open_stream, stream_info, stream_name, subject_name

WRONG_LAST_SEQUENCE = (10071, 10164)
NO_MESSAGE = 10037
NO_STREAM = 10059

logger = structlog.get_logger(__name__)


class Acknowledgement(msgspec.Struct, frozen=True):
    """The server's answer to an append."""

    error: ApiError | None = None
    seq: int = 0


class StoredMessage(msgspec.Struct, frozen=True):
    """One message as the stream holds it."""

    seq: int
    data: bytes = b""


class MessageAnswer(msgspec.Struct, frozen=True):
    """The server's answer to a read."""

    error: ApiError | None = None
    message: StoredMessage | None = None


class Told(msgspec.Struct, frozen=True):
    """When the server answered, by its own clock."""

    ts: datetime | None = None


class JetStreamLog:
    """One centre's log on JetStream. See `EventLog` for what it promises."""

    def __init__(self, connection: Connection, centre: str, created: str) -> None:
        self.connection = connection
        self.centre = centre
        self._stream = stream_name(centre)
        self._subject = subject_name(centre)
        self._created = created
        self._reconnects_seen = connection.reconnects

    @classmethod
    async def connect(
        cls,
        url: str,
        centre: str,
        *,
        credentials: Credentials | None = None,
        replicas: int = 1,
        monitor_url: str | None = None,
        create: bool = True,
    ) -> "JetStreamLog":
        """Open a centre's log and check every setting that its promises rest on.

        `create` makes the stream if it is missing. With `monitor_url` (the server's monitoring, such as
        `http://127.0.0.1:8222`) the server must say that it syncs every page. Raises `BrokenLog` or `Unknown`.
        """
        if monitor_url:
            await demand_sync_always(monitor_url)
        else:
            logger.warning("log_sync_not_verified", reason="no monitoring address was given")
        connection = await Connection.open(url, name=f"aidc {centre}", credentials=credentials)
        try:
            info = await open_stream(connection, centre, replicas=replicas, create=create)
        except BaseException:
            await connection.close()
            raise
        return cls(connection, centre, info.created)

    async def last_position(self) -> int:
        """The position of the last durable page; 0 when the log is empty. Raises `Unknown`."""
        info = await stream_info(self.connection, self._stream)
        if info.created != self._created:
            raise BrokenLog(
                f"stream {self._stream} was made anew at {info.created}; this process had opened the one of"
                f" {self._created}: restore the old one from a backup, or start the centre afresh with empty views"
            )
        return info.state.last_seq

    async def server_time(self) -> int:
        """What the clock of the server shows that leads the stream, in microseconds. Raises `Unknown`."""
        told = await self.connection.ask(f"STREAM.INFO.{self._stream}", {}, Told)
        if told.ts is None:
            raise Unknown("nats-server does not tell its time: it is older than 2.10")
        return int(told.ts.timestamp() * 1_000_000)

    async def append(self, data: bytes, after: int) -> int:
        """Make one page durable at `after + 1`. Raises `Fenced`, or `Unknown`, which `append_page` settles."""
        assert len(data) <= PAGE_BYTES_MAX
        if self._reconnects_seen != self.connection.reconnects:
            await self._demand_same_log(after)
        headers = {"Nats-Expected-Stream": self._stream, "Nats-Expected-Last-Sequence": str(after)}
        reply = await self.connection.request(self._subject, data, headers)
        try:
            answer = msgspec.json.decode(reply, type=Acknowledgement)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unknown(f"unreadable acknowledgement: {error}") from error
        if answer.error is None and answer.seq == after + 1:
            return answer.seq
        if answer.error and answer.error.err_code in WRONG_LAST_SEQUENCE:
            return await self._whose(data, after)
        raise Unknown(f"page {after + 1} was not confirmed: {answer}")

    async def read(self, position: int) -> Record | None:
        """The page at a position, or None if there is none. Raises `Unknown`."""
        # The stream's leader answers this; a direct get may come from a replica that is behind.
        answer = await self.connection.ask(f"STREAM.MSG.GET.{self._stream}", {"seq": position}, MessageAnswer)
        if answer.message is not None:
            return Record(position=answer.message.seq, data=answer.message.data)
        if answer.error and answer.error.err_code == NO_MESSAGE:
            return None
        if answer.error and answer.error.err_code == NO_STREAM:
            await self.last_position()  # says what to do about it
        raise Unknown(f"page {position} could not be read: {answer.error}")

    def follow(self, after: int) -> AsyncGenerator[list[Record], None]:
        """Records after a position, in order, without gaps, then as they arrive. Raises `BrokenLog` on a gap."""
        return follow(self.connection, self._stream, self.last_position, after)

    async def close(self) -> None:
        """Let go of the connection."""
        await self.connection.close()

    async def _demand_same_log(self, after: int) -> None:
        """A server that comes back with another log, or a shorter one, must not be written to."""
        reconnects = self.connection.reconnects
        last = await self.last_position()
        if last < after:
            raise BrokenLog(
                f"stream {self._stream} ends at position {last}, but page {after} was durable:"
                " the server lost pages; restore a backup"
            )
        self._reconnects_seen = reconnects

    async def _whose(self, data: bytes, after: int) -> int:
        """JetStream answers a repeated append with a conflict, so we look before we give up."""
        found = await self.read(after + 1)
        if found is None:
            await self._demand_same_log(after)
            raise Unknown(f"page {after + 1} is refused but not there yet")
        if found.data != data:
            raise Fenced(f"position {after + 1} holds another writer's page")
        return found.position
