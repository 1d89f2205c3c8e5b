"""The board's way to the scheduler and the ledger: one channel each, and every call with the token of whoever looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from services.board.doors.answers import Limited, Unavailable, meaning
from services.board.doors.session import Person
from services.generated.aidc.ledger.v1.ledger_pb2_grpc import LedgerStub
from services.generated.aidc.scheduler.v1.scheduler_pb2_grpc import SchedulerStub
from services.runtime.reception import ON_BEHALF_OF

CALL_SECONDS_MAX = 4.0
ATTEMPTS_MAX = 3
PAUSE_SECONDS = 0.15
CALLS_AT_ONCE_MAX = 16
"""For one page: a page asks for the calendars of a hundred resources, and must not crowd out anybody."""
SEARCHES_AT_ONCE_MAX = 4
"""For one page: the scheduler works on eight long searches of a company at once, and somebody else may look too."""
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
CHANNEL_OPTIONS = (
    # A supervised service comes back within a second or two; do not sleep through that.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
)


class Doors:
    """The stubs of both services, for everybody."""

    def __init__(self, scheduler: grpc.aio.Channel, ledger: grpc.aio.Channel) -> None:
        self.scheduler: Any = SchedulerStub(scheduler)  # type: ignore[no-untyped-call]  # generated without annotations
        self.ledger: Any = LedgerStub(ledger)  # type: ignore[no-untyped-call]  # generated without annotations

    def of(self, person: Person) -> "Caller":
        """The same doors, in somebody's name."""
        return Caller(self, person)


class Caller:
    """Somebody's calls for one page."""

    def __init__(self, doors: Doors, person: Person) -> None:
        self.scheduler, self.ledger = doors.scheduler, doors.ledger
        bearer = ("authorization", f"Bearer {person.token}")
        self._metadata = (bearer, (ON_BEHALF_OF, person.company)) if person.officer else (bearer,)
        self._room = asyncio.Semaphore(CALLS_AT_ONCE_MAX)
        self._searches = asyncio.Semaphore(SEARCHES_AT_ONCE_MAX)

    async def ask(self, method: Any, request: Any) -> Any:
        """One call, again while nobody answers or there are too many at once. Raises what `answers` names.

        Safe for changes too: they carry a request id, and asked twice they happen once.
        """
        async with self._room:
            for attempt in range(1, ATTEMPTS_MAX + 1):
                try:
                    return await method(request, timeout=CALL_SECONDS_MAX, metadata=self._metadata)
                except grpc.aio.AioRpcError as error:
                    answer = meaning(error)
                    # What took all its time once will take it again.
                    slow = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
                    # One page asks more at once than one company may search for: what is too much now is not soon.
                    passing = isinstance(answer, Unavailable | Limited)
                    if not passing or slow or attempt == ATTEMPTS_MAX:
                        raise answer from error
                await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise AssertionError("the last attempt answers or raises")

    async def search(self, request: Any) -> Any:
        """One search; of many for one page only some are under way. Raises what `answers` names."""
        async with self._searches:
            return await self.ask(self.scheduler.SearchOffers, request)

    def watch(self, request: Any) -> Any:
        """The stream of changes, as grpc.aio gives it."""
        return self.scheduler.WatchReservations(request, metadata=self._metadata)


@asynccontextmanager
async def open_doors(scheduler: str, ledger: str, roots: bytes | None = None) -> AsyncIterator[Doors]:
    """Channels to both services, over TLS if there are certificates to check theirs against; closed at the end."""
    async with _channel(scheduler, roots) as first, _channel(ledger, roots) as second:
        yield Doors(first, second)


def _channel(address: str, roots: bytes | None) -> grpc.aio.Channel:
    if roots is None:
        return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(roots), options=CHANNEL_OPTIONS)
