"""Group commit: pages become durable one after another, and everything that is decided meanwhile shares the next one.

There is one page in flight at a time. A lone caller never waits; once pages are shared, the next one waits a moment for
company. When the log says that another writer came first, or does not answer for too long, `run` raises, and the
process ends: the state in memory is ahead of the log, nobody was told of it, and nothing needs to be undone.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from services.allocation.reservations import Reservation
from services.eventlog import EventLog
from services.eventlog.append import append_page
from services.eventlog.page import FORMAT, PAGE_BYTES_MAX, Head, PageOut, encode_page, page_hash

ENTRIES_MAX = 1000
"""Entries in one page."""
GATHER_SECONDS = 0.002
"""How long a page waits for company under load. An append costs as much as several decisions, and a busy scheduler's
callers wait for the processor, not for the disk."""
CROWD = 6
"""A page with so many entries waits some steps more, for as long as each of them brings a few."""
STEP_SECONDS, STEPS_MAX, STEP_ENTRIES = 0.001, 4, 2
PAGES_WAITING_MAX = 16
"""Full pages that may wait for the log before new commands are shed."""
BULK_PAGES_WAITING_MAX = 2
"""Full pages that may wait for the log before bulk work waits as well: single calls find room and a short queue."""


class LogBehind(Exception):
    """Too much waits for the log; nothing was decided."""


class TimeUnknown(LogBehind):
    """Nobody knows what time it is; nothing was decided, and nothing is until the clock is right."""


class Sheet:
    """A page being written: its encoded entries, and who waits for it to become durable."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.entries: list[msgspec.Raw] = []
        self.size = 0
        self.time = 0
        self.events = 0
        self.changes: list[Reservation] = []
        self._waiters: list[asyncio.Future[LogBehind | None]] = []
        self._settled = False
        self._failure: LogBehind | None = None

    async def durable(self) -> None:
        """Wait until the page is in the log. Raises `LogBehind` if it is not known whether it ever will be."""
        failure = self._failure
        if not self._settled:
            # A future for each who waits: one of them may be cancelled, and the others must not notice.
            waiter: asyncio.Future[LogBehind | None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            failure = await waiter
        if failure is not None:
            raise failure

    def settle(self, failure: LogBehind | None = None) -> None:
        """Tell everybody who waits, once and for all."""
        if self._settled:
            return
        self._settled, self._failure = True, failure
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(failure)
        self._waiters.clear()


class GroupCommit:
    """Makes pages durable, in one epoch of one writer. `head` is the last page that is."""

    def __init__(self, *, log: EventLog, name: str, centre_id: str, epoch: int, head: Head) -> None:
        self.head = head
        self.on_durable: list[Callable[[Sheet], None]] = []
        self.before_append: list[Callable[[Sheet], None]] = []
        self._log = log
        self._name = name
        self._centre_id = centre_id
        self._epoch = epoch
        self._company = 0
        self._waiting: deque[Sheet] = deque()
        self._in_flight: Sheet | None = None
        self._work = asyncio.Event()
        self._failed: BaseException | None = None

    def demand_room(self) -> None:
        """Raises `LogBehind` when nothing more may wait for the log."""
        if self._failed is not None:
            raise LogBehind("this scheduler has lost the log and is ending") from self._failed
        if self.is_full:
            raise LogBehind("the log does not answer")

    @property
    def is_full(self) -> bool:
        """Whether as much waits for the log as may."""
        return len(self._waiting) > PAGES_WAITING_MAX

    async def room_for_bulk(self) -> None:
        """Wait until the log has caught up so far that bulk work may go on. Raises `LogBehind`."""
        while len(self._waiting) > BULK_PAGES_WAITING_MAX:
            await self._waiting[0].durable()

    def open_sheet(self, size: int, entries: int) -> Sheet:
        """The page that has room for so many entries, of so many bytes together."""
        last = self._waiting[-1] if self._waiting else None
        if last is None or len(last.entries) + entries > ENTRIES_MAX or last.size + size + entries > PAGE_BYTES_MAX:
            before = last or self._in_flight
            last = Sheet((before.position if before else self.head.position) + 1)
            self._waiting.append(last)
        last.size += size + entries
        self._work.set()
        return last

    async def durable(self, position: int) -> None:
        """Wait until the page at a position is in the log."""
        if position <= self.head.position:
            return
        for sheet in (self._in_flight, *self._waiting):
            if sheet is not None and sheet.position == position:
                await sheet.durable()

    async def open_epoch(self, time: int) -> None:
        """Append the page that makes this writer the leader: from here on an older one's next append fails."""
        sheet = Sheet(self.head.position + 1)
        sheet.time = time
        await self._append(sheet)

    async def run(self) -> None:
        """Make pages durable, one after another, for ever. Raises `Fenced` or `Unknown`."""
        try:
            while True:
                await self._work.wait()
                if not self._waiting:
                    self._work.clear()
                    continue
                await self._gather()
                self._in_flight = sheet = self._waiting.popleft()
                self._company = len(sheet.entries)
                await self._append(sheet)
                self._in_flight = None
        except BaseException as error:
            self._fail(error)
            raise

    async def _gather(self) -> None:
        """Wait a little for company, if the page before had some: one append then serves many answers."""
        if self._company <= 1:
            return
        sheet = self._waiting[0]
        await asyncio.sleep(GATHER_SECONDS)
        for _ in range(STEPS_MAX):
            entries = len(sheet.entries)
            if entries < CROWD or len(self._waiting) > 1:
                return
            await asyncio.sleep(STEP_SECONDS)
            if len(sheet.entries) < entries + STEP_ENTRIES:
                return

    async def _append(self, sheet: Sheet) -> None:
        for listener in self.before_append:
            listener(sheet)
        data = encode_page(
            PageOut(
                format=FORMAT,
                centre=self._centre_id,
                writer=self._name,
                epoch=self._epoch,
                time=sheet.time,
                previous=self.head.hash,
                entries=sheet.entries,
            )
        )
        position = await append_page(self._log, data, self.head.position)
        self.head = Head(position=position, hash=page_hash(data))
        sheet.settle()
        for listener in self.on_durable:
            listener(sheet)

    def _fail(self, error: BaseException) -> None:
        """Nobody hears a yes that is not in the log."""
        self._failed = error
        for sheet in (self._in_flight, *self._waiting):
            if sheet is not None:
                sheet.settle(LogBehind("the outcome is unknown; ask again with the same request id"))

    async def drained(self) -> None:
        """Wait until nothing waits for the log."""
        last = self._waiting[-1] if self._waiting else self._in_flight
        if last is not None:
            await last.durable()
