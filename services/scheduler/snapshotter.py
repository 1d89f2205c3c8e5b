"""Snapshots of the scheduler's state: taken between two pages, saved once the page they stand on is durable."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable

import structlog

from services.allocation import image
from services.eventlog import SnapshotStore, Unknown
from services.scheduler.group_commit import Sheet
from services.scheduler.writer import Writer

EVENTS_BETWEEN = 30_000
"""A snapshot is taken after so many events, so that a restart replays no more than that,"""
REST = 5
"""unless it would begin before it rested for so many times as long as the last one took. While a large centre is booked
at full speed, a restart replays more instead: what was written in some seconds."""

PAUSE_SECONDS = 0.005
"""Between two pieces of a snapshot, each of which takes a millisecond or two: answers must not queue up behind it."""

_log = structlog.get_logger()


class Snapshotter:
    """Watches a writer's pages and keeps the newest image of its centre beside the log."""

    def __init__(self, writer: Writer, store: SnapshotStore, seconds: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._store = store
        self._seconds = seconds
        self._rests_until = -math.inf
        self._events = 0
        self._moment: image.Moment | None = None
        self._due: asyncio.Queue[tuple[int, str, image.Moment]] = asyncio.Queue(maxsize=1)
        writer.pages.before_append.append(self._before_append)
        writer.pages.on_durable.append(self._on_durable)

    def _before_append(self, sheet: Sheet) -> None:
        self._events += sheet.events
        due = self._events >= EVENTS_BETWEEN and self._seconds() >= self._rests_until
        # The state is ahead of a page that has others waiting behind it: then the next page is the moment.
        if due and self._writer.centre.position == sheet.position:
            self._moment = image.Moment(self._writer.centre)
            self._events = 0
            self._rests_until = math.inf  # No other one before this one is saved.

    def _on_durable(self, sheet: Sheet) -> None:
        if self._moment is not None and self._moment.position == sheet.position:
            self._due.put_nowait((sheet.position, self._writer.pages.head.hash, self._moment))
            self._moment = None

    async def run(self) -> None:
        """Save snapshots as they come, for ever. A log that is away costs a snapshot, not the service."""
        while True:
            due = await self._due.get()
            began = self._seconds()
            await self._save(*due, PAUSE_SECONDS)
            now = self._seconds()
            self._rests_until = now + REST * (now - began)

    async def save_now(self) -> None:
        """Save the state as it is; nothing may be waiting for the log."""
        head = self._writer.pages.head
        if head.position == self._writer.centre.position:
            await self._save(head.position, head.hash, image.Moment(self._writer.centre), 0)

    async def _save(self, position: int, hash_: str, moment: image.Moment, pause_seconds: float) -> None:
        state = drawn(moment, pause_seconds)
        del moment  # Saving takes a while, and the copies of a large centre are large: they go as they are drawn.
        try:
            await self._store.save(position, hash_, state)
        except Unknown as doubt:
            _log.warning("snapshot_not_saved", position=position, reason=str(doubt))
        else:
            _log.info("snapshot_saved", position=position)


async def drawn(moment: image.Moment, pause_seconds: float = 0) -> AsyncGenerator[bytes, None]:
    """The image of a moment, drawn in pieces."""
    for frame in moment.frames():
        yield frame
        await asyncio.sleep(pause_seconds)
