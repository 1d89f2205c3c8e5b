"""Following a stream: a thin reader over a pull consumer that the server keeps in memory and may lose at any time.

The reader knows its own position, so the consumer is disposable: whatever goes wrong, another is made at the next
position. One pull is open at a time; the next is asked for before a batch is handed over, so the two overlap.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import msgspec
import structlog
from nats.aio.msg import Msg

from services.eventlog import BrokenLog, Unknown
from services.eventlog.connection import ApiError, Connection
from services.eventlog.page import PAGE_BYTES_MAX, Record

PULL_PAGES_MAX = 256
PULL_BYTES_MAX = 4 * 1024 * 1024
PULL_SECONDS = 30
HEARTBEAT_SECONDS = 1
SILENCE_SECONDS_MAX = 3.0
CONSUMER_IDLE_SECONDS = 60
RETRY_SECONDS_MIN = 0.05
RETRY_SECONDS_MAX = 0.5
CLOSE_SECONDS_MAX = 1.0
SECOND = 1_000_000_000  # JetStream counts nanoseconds

assert PULL_BYTES_MAX > PAGE_BYTES_MAX  # a page that no pull may carry would never arrive

logger = structlog.get_logger(__name__)


async def follow(
    connection: Connection, stream: str, last_position: Callable[[], Awaitable[int]], after: int
) -> AsyncGenerator[list[Record], None]:
    """Batches of contiguous records after a position, for ever.

    Waits out an absent server. Raises `BrokenLog` on a gap, and `Unknown` once the connection is closed for good.
    """
    position, pause = after, RETRY_SECONDS_MIN
    while True:
        pull = Pull(connection, stream)
        try:
            _demand_reach(stream, await last_position(), position)
            await pull.open(position + 1)
            while True:
                records = await pull.batch()
                _demand_contiguous(stream, records, position)
                position, pause = records[-1].position, RETRY_SECONDS_MIN
                yield records
        except Unknown as reason:
            if connection.closed:
                raise
            if pause == RETRY_SECONDS_MIN:
                logger.warning("log_reader_restarts", stream=stream, position=position, reason=str(reason))
        finally:
            await pull.close()
        await asyncio.sleep(pause)
        pause = min(pause * 2, RETRY_SECONDS_MAX)


class ConsumerCreated(msgspec.Struct, frozen=True):
    """The server's answer to a new consumer."""

    error: ApiError | None = None
    name: str = ""


Make = Callable[[int, Msg], Record]
"""What a message becomes that was found at a position."""


def _page(position: int, message: Msg) -> Record:
    return Record(position=position, data=message.data)


class Pull:
    """One consumer, and the pages that have arrived from it."""

    def __init__(self, connection: Connection, stream: str, make: Make = _page) -> None:
        self._connection = connection
        self._stream = stream
        self._make = make
        self._consumer = ""
        self._inbox = connection.client.new_inbox()
        self._pulls = 0
        self._subscription: Any = None
        self._arrived: list[Record] = []
        self._delivered = 0
        self._pages_due = 0
        self._trouble = ""
        self._stirred = asyncio.Event()
        self._forget = connection.on_reconnect(self._reconnected)

    async def open(self, first: int) -> None:
        """Make the consumer and ask for its first pages. Raises `Unknown`."""
        self._subscription = await self._connection.subscribe(
            f"{self._inbox}.*", self._take, messages_max=4 * PULL_PAGES_MAX, bytes_max=4 * PULL_BYTES_MAX
        )
        config = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": first,
            "ack_policy": "none",
            "replay_policy": "instant",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": CONSUMER_IDLE_SECONDS * SECOND,
        }
        question = {"stream_name": self._stream, "config": config}
        created = await self._connection.ask(f"CONSUMER.CREATE.{self._stream}", question, ConsumerCreated)
        if created.error:
            raise Unknown(f"no consumer on {self._stream}: {created.error.description}")
        self._consumer = created.name
        await self._ask()

    async def batch(self) -> list[Record]:
        """What has arrived, at least one record. Raises `Unknown` when the consumer is lost or silent."""
        while not self._arrived:
            if self._trouble:
                raise Unknown(self._trouble)
            if not self._pages_due:
                await self._ask()
            await self._stir()
        records, self._arrived = self._arrived, []
        if not self._pages_due:
            await self._ask()
        return records

    async def close(self) -> None:
        """Forget the consumer, here and, if it answers, on the server."""
        self._forget()
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                if self._subscription is not None:
                    await self._connection.unsubscribe(self._subscription)
                if self._consumer and not self._trouble:
                    await self._connection.ask(f"CONSUMER.DELETE.{self._stream}.{self._consumer}", {}, ConsumerCreated)
        except (Unknown, TimeoutError):
            return  # the server drops an idle consumer by itself

    async def _ask(self) -> None:
        self._pulls += 1
        self._pages_due = PULL_PAGES_MAX
        question = {
            "batch": PULL_PAGES_MAX,
            "max_bytes": PULL_BYTES_MAX,
            "expires": PULL_SECONDS * SECOND,
            "idle_heartbeat": HEARTBEAT_SECONDS * SECOND,
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        await self._connection.publish(subject, msgspec.json.encode(question), f"{self._inbox}.{self._pulls}")

    async def _stir(self) -> None:
        """Wait until anything at all arrives; heartbeats see to it that something does."""
        self._stirred.clear()
        try:
            async with asyncio.timeout(SILENCE_SECONDS_MAX):
                await self._stirred.wait()
        except TimeoutError:
            raise Unknown(f"silent for {SILENCE_SECONDS_MAX:.0f} s") from None

    async def _take(self, message: Msg) -> None:
        if message.reply:
            self._add(message)
        elif message.subject == f"{self._inbox}.{self._pulls}":
            self._heed(message.headers or {})
        self._stirred.set()

    def _add(self, message: Msg) -> None:
        position, delivered = _places(message.reply)
        if delivered != self._delivered + 1:
            self._trouble = "a page was lost on the way"
        if not self._trouble:
            self._arrived.append(self._make(position, message))
            self._delivered = delivered
            self._pages_due -= 1

    def _heed(self, status: dict[str, str]) -> None:
        code, words = status.get("Status", ""), status.get("Description", "")
        if code == "100":  # a heartbeat, which says how much was delivered before it
            if int(status.get("Nats-Last-Consumer", self._delivered)) != self._delivered:
                self._trouble = "a page was lost on the way"
        elif code in ("404", "408") or (code == "409" and words.startswith(("Message Size", "Batch Completed"))):
            self._pages_due = 0  # this pull has ended; nothing is wrong
        else:
            self._trouble = f"consumer lost: {code} {words}"

    def _reconnected(self) -> None:
        self._trouble = "reconnected"
        self._stirred.set()


def _places(reply: str) -> tuple[int, int]:
    """The place in the stream and in what the consumer delivered, from the address for acknowledgements."""
    parts = reply.split(".")
    first = 5 if len(parts) == 9 else 7  # the longer form names a domain and an account too
    return int(parts[first]), int(parts[first + 1])


def _demand_reach(stream: str, last: int, position: int) -> None:
    if last < position:
        raise BrokenLog(
            f"stream {stream} ends at position {last}, but this reader has taken {position}:"
            " the server lost pages or another log is in its place; restore a backup of the log"
        )


def _demand_contiguous(stream: str, records: list[Record], position: int) -> None:
    for expected, record in enumerate(records, position + 1):
        if record.position != expected:
            raise BrokenLog(
                f"stream {stream} gave position {record.position} where {expected} was due:"
                " a page is lost or damaged; restore a backup of the log"
            )
