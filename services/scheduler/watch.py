"""Watching: durable changes in log order, from memory, to whoever listens. A slow listener is told so and let go."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from itertools import groupby
from operator import itemgetter

import grpc

from services.allocation.booking.transferring import told_to
from services.allocation.reservations import Reservation
from services.runtime.problems import Problem
from services.scheduler.group_commit import Sheet

CHANGES_KEPT = 50_000
PAGES_MAX = 1_000
"""Pages with changes that may wait for one listener."""
BOOKMARK_SECONDS = 15.0

Change = tuple[int, Reservation | None]
"""A reservation as it stands after a change, and the position to resume from; a bookmark has no reservation."""
Pages = asyncio.Queue[tuple[int, list[Reservation]]]


class Watches:
    """The recent changes, and the streams that follow them."""

    def __init__(self, position: int) -> None:
        self._position = position
        self._oldest = position
        self._kept: deque[tuple[int, Reservation]] = deque()
        self._listeners: dict[Pages, str] = {}

    @property
    def streams(self) -> int:
        """Streams that are open."""
        return len(self._listeners)

    def on_durable(self, sheet: Sheet) -> None:
        """Tell everybody concerned of a page."""
        self._position = sheet.position
        self._kept.extend((sheet.position, change) for change in sheet.changes)
        for queue, company in self._listeners.items():
            mine = [told for change in sheet.changes if (told := told_to(change, company)) is not None]
            if mine and not queue.full():
                queue.put_nowait((sheet.position, mine))
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
        queue: Pages = asyncio.Queue(PAGES_MAX)
        now = self._position
        missed = [
            (position, told)
            for position, change in (self._kept if after else ())
            if position > after and (told := told_to(change, company)) is not None
        ]
        self._listeners[queue] = company
        try:
            for position, page in groupby(missed, key=itemgetter(0)):
                for change in _numbered(position, [reservation for _, reservation in page]):
                    yield change
            yield now, None
            async for change in self._changes(queue, now):
                yield change
        finally:
            del self._listeners[queue]

    async def _changes(self, queue: Pages, told: int) -> AsyncGenerator[Change, None]:
        """Pages as they arrive, after the position up to which everything was told."""
        while True:
            if queue.full():
                raise Problem(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    "SLOW_CONSUMER",
                    f"This watch fell {PAGES_MAX} pages behind. Resume from position {told}.",
                    metadata={"position": str(told)},
                )
            try:
                async with asyncio.timeout(BOOKMARK_SECONDS):
                    position, page = await queue.get()
            except TimeoutError:
                if queue.empty():
                    # Nothing of ours came: whoever resumes need not look at what came for others.
                    yield self._position, None
            else:
                for change in _numbered(position, page):
                    yield change
                told = position


def _numbered(position: int, page: list[Reservation]) -> Iterator[Change]:
    """The changes of a page; whoever resumes from before the last of them is told all of the page again."""
    for change in page[:-1]:
        yield position - 1, change
    yield position, page[-1]
