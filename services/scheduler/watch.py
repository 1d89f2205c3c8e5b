"""Watching: durable changes in log order, from memory, to whoever listens. A slow listener is told so and let go."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

import grpc

from services.allocation.resources import Reservation
from services.runtime.problems import Problem
from services.scheduler.writer import Sheet

CHANGES_KEPT = 50_000
QUEUE_MAX = 1_000
BOOKMARK_SECONDS = 15.0

Change = tuple[int, Reservation | None]


class Watches:
    """The recent changes, and the streams that follow them."""

    def __init__(self, position: int) -> None:
        self._position = position
        self._oldest = position
        self._kept: deque[Change] = deque()
        self._listeners: dict[asyncio.Queue[Change], str] = {}

    @property
    def streams(self) -> int:
        """Streams that are open."""
        return len(self._listeners)

    def on_durable(self, sheet: Sheet) -> None:
        """Tell everybody concerned of a page."""
        self._position = sheet.position
        for change in sheet.changes:
            self._kept.append((sheet.position, change))
            for queue, company in self._listeners.items():
                if company in ("", change.company) and not queue.full():
                    queue.put_nowait((sheet.position, change))
        while len(self._kept) > CHANGES_KEPT:
            self._oldest = self._kept.popleft()[0]

    async def follow(self, company: str, after: int) -> AsyncGenerator[Change, None]:
        """Changes of a company (or all, when empty) after a position, and bookmarks. Raises `Problem`."""
        if after > self._position:
            raise Problem(
                grpc.StatusCode.OUT_OF_RANGE,
                "POSITION_IN_FUTURE",
                f"Position {after} has not been reached; the last one is {self._position}.",
                metadata={"position": str(self._position)},
            )
        if after and after < self._oldest:
            raise Problem(
                grpc.StatusCode.OUT_OF_RANGE,
                "POSITION_COMPACTED",
                f"Changes are kept from position {self._oldest} on. List the reservations, then watch from there.",
                metadata={"oldest_position": str(self._oldest)},
            )
        queue: asyncio.Queue[Change] = asyncio.Queue(QUEUE_MAX)
        missed = [
            change
            for change in (self._kept if after else ())
            if change[0] > after and change[1] is not None and company in ("", change[1].company)
        ]
        self._listeners[queue] = company
        try:
            for change in missed:
                yield change
            yield self._position if not missed else missed[-1][0], None
            async for change in self._changes(queue):
                yield change
        finally:
            del self._listeners[queue]

    async def _changes(self, queue: asyncio.Queue[Change]) -> AsyncGenerator[Change, None]:
        last = self._position
        while True:
            if queue.full():
                raise Problem(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    "SLOW_CONSUMER",
                    f"This watch fell {QUEUE_MAX} changes behind. Resume from position {last - 1}.",
                    metadata={"position": str(last - 1)},
                )
            try:
                async with asyncio.timeout(BOOKMARK_SECONDS):
                    change = await queue.get()
            except TimeoutError:
                if queue.empty():
                    # Nothing of ours came: whoever resumes need not look at what came for others.
                    yield self._position, None
            else:
                last = change[0]
                yield change
