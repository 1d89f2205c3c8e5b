"""The connection to NATS: quiet, bounded, and honest about what it does not know.

Every failure to get an answer is `Unknown`; every refusal that JetStream states is an `ApiError` value in the reply.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.eventlog import BrokenLog, Unknown
from services.eventlog.page import PAGE_BYTES_MAX

CONNECT_SECONDS_MAX = 30.0
CANCEL_SECONDS = 0.1
REQUEST_SECONDS_MAX = 2.0
RECONNECT_SECONDS = 0.1
PING_SECONDS = 5  # two unanswered pings, 10 s, and a silent server counts as gone
HEADER_BYTES_MAX = 4096
USER = re.compile("[A-Za-z0-9_-]{1,64}")

Answer = TypeVar("Answer")

logger = structlog.get_logger(__name__)


class ApiError(msgspec.Struct, frozen=True):
    """What JetStream says when it refuses."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class Credentials(Protocol):
    """Who we are, by a JWT and the key that belongs to it."""

    @property
    def jwt(self) -> bytes:
        """What the server is told."""
        ...

    def sign(self, nonce: str) -> bytes:
        """What shows it that the JWT is ours."""
        ...


class Connection:
    """One connection to NATS that comes back by itself, for as long as it is open."""

    def __init__(self) -> None:
        self.client = Client()
        self.reconnects = 0
        self._refusal = ""
        self._limits: set[asyncio.Timeout] = set()
        self._on_reconnect: set[Callable[[], None]] = set()

    @classmethod
    async def open(cls, url: str, *, name: str, credentials: Credentials | None = None) -> "Connection":
        """Connect to the first of the comma-separated servers that answers. Raises `Unknown` if none does in time."""
        self = cls()
        try:
            await _within(CONNECT_SECONDS_MAX, self.client.connect(**self._options(url, name, credentials)))
        except TimeoutError:
            reason = f": {self._refusal}" if self._refusal else ""
            raise Unknown(
                f"no NATS server at {_hosts(url)} let us in within {CONNECT_SECONDS_MAX:.0f} s{reason}"
            ) from None
        except (nats.errors.Error, OSError) as error:
            raise Unknown(f"cannot connect to NATS at {_hosts(url)}: {_words(error)}") from error
        await self._demand_room_for_pages()
        return self

    async def request(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str] | None = None,
        *,
        timeout: float = REQUEST_SECONDS_MAX,
    ) -> bytes:
        """The answer's bytes. Raises `Unknown` when none came within `timeout` seconds."""
        cancels = _cancels()
        try:
            async with asyncio.timeout(timeout) as limit:
                self._limits.add(limit)
                reply = await self.client.request(subject, payload, timeout=timeout, headers=headers)
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise Unknown(f"no answer on {subject}: {_words(error)}") from error
        finally:
            self._limits.discard(limit)
        # The client waits by asyncio.wait_for, which before Python 3.12 loses a cancellation that meets the answer.
        if _cancels() > cancels:
            raise asyncio.CancelledError
        return reply.data

    async def ask(self, subject: str, question: object, answer: type[Answer]) -> Answer:
        """Ask the JetStream API. Raises `Unknown` without an answer, or with one that is not of its form."""
        data = await self.request(f"$JS.API.{subject}", msgspec.json.encode(question))
        try:
            return msgspec.json.decode(data, type=answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unknown(f"unreadable answer on {subject}: {error}") from error

    async def subscribe(
        self, subject: str, callback: Callable[[Msg], Any], *, messages_max: int, bytes_max: int
    ) -> Any:
        """Hand each message on a subject to `callback`, an `async def`. Raises `Unknown`."""
        try:
            return await self.client.subscribe(
                subject, cb=callback, pending_msgs_limit=messages_max, pending_bytes_limit=bytes_max
            )
        except (nats.errors.Error, OSError) as error:
            raise Unknown(f"cannot subscribe: {_words(error)}") from error

    async def publish(self, subject: str, payload: bytes, reply: str) -> None:
        """Send without waiting. Raises `Unknown` when there is no connection to send on."""
        try:
            await self.client.publish(subject, payload, reply=reply)
        except (nats.errors.Error, OSError) as error:
            raise Unknown(f"cannot send on {subject}: {_words(error)}") from error

    async def unsubscribe(self, subscription: Any) -> None:
        """Stop a subscription. Raises `Unknown`."""
        try:
            await subscription.unsubscribe()
        except (nats.errors.Error, OSError) as error:
            raise Unknown(f"cannot unsubscribe: {_words(error)}") from error

    def on_reconnect(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each reconnection, until the function given back is called."""
        self._on_reconnect.add(wake)
        return lambda: self._on_reconnect.discard(wake)

    @property
    def closed(self) -> bool:
        """Whether the connection is gone for good: closed by us, or barred by the server."""
        return bool(self.client.is_closed)

    async def close(self) -> None:
        """Close at once; nothing is ever waiting to be sent."""
        await self.client.close()

    def _options(self, url: str, name: str, credentials: Credentials | None) -> dict[str, Any]:
        return {
            "servers": [server.strip() for server in url.split(",")],
            "name": name,
            "user_jwt_cb": (lambda: credentials.jwt) if credentials else None,
            "signature_cb": credentials.sign if credentials else None,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": RECONNECT_SECONDS,
            "ping_interval": PING_SECONDS,
            "inbox_prefix": inbox_of(url),
            "pending_size": 0,  # never keep a page back to send it after a reconnection
            "error_cb": self._note_error,
            "disconnected_cb": self._note_disconnected,
            "reconnected_cb": self._note_reconnected,
        }

    async def _demand_room_for_pages(self) -> None:
        needed = PAGE_BYTES_MAX + HEADER_BYTES_MAX
        if self.client.max_payload >= needed:
            return
        given = self.client.max_payload
        await self.close()
        raise BrokenLog(
            f"nats-server has max_payload = {given}, and a page may need {needed} bytes: set max_payload to 1MB"
        )

    async def _note_error(self, error: Exception) -> None:
        # A refusal shows only here; the request itself just never gets an answer.
        if "violation" in str(error).lower() and str(error) != self._refusal:
            self._refusal = str(error)
            logger.error("log_access_refused", reason=self._refusal)
        else:
            logger.debug("log_connection_error", error=_words(error))

    async def _note_disconnected(self) -> None:
        if not self.client.is_closed:
            logger.warning("log_disconnected")
        # Answers do not find their way to a new connection, so nobody waits for them any longer.
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    async def _note_reconnected(self) -> None:
        self.reconnects += 1
        logger.info("log_reconnected", reconnects=self.reconnects)
        for wake in tuple(self._on_reconnect):
            wake()


async def _within(seconds: float, connecting: Coroutine[Any, Any, None]) -> None:
    """Connect in time, or not at all. Raises `TimeoutError`, and what the client raises.

    While the client closes an attempt that failed it swallows a cancellation, and then tries for ever: so it is
    cancelled until it ends.
    """
    task = asyncio.ensure_future(connecting)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_SECONDS)
    if task.cancelled():
        raise TimeoutError
    task.result()


def _cancels() -> int:
    """How often this task has been asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def inbox_of(url: str) -> str:
    """Where the answers to a user come: a place of its own, so that NATS can keep others from reading them."""
    user = urlsplit(url.partition(",")[0]).username or ""
    return f"_INBOX.{user}" if USER.fullmatch(user) else "_INBOX"


def _hosts(url: str) -> str:
    """The servers of an address without the secrets that it may carry."""
    return ", ".join(server.rpartition("@")[2].rpartition("/")[2].strip() for server in url.split(","))
