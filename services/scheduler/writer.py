"""The writer: decides, and makes decisions durable by group commit.

While one page is being made durable, decisions for the next collect behind it, made on the state as it will be. Nobody
hears of a decision before its page is in the log. There is one page in flight at a time; the next one leaves as soon as
it has arrived, or two milliseconds later when pages are shared. When the log says that another writer came first, or does not answer for too
long, `run` raises, and the process ends: the state in memory is ahead of the log and nothing needs to be undone.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from services.allocation.centre import Answer, Centre, Subject
from services.allocation.commands import Command, CreateReservation, Tick
from services.allocation.decide import Events, decide
from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.resources import Reservation
from services.allocation.together import RejectedTogether, create_together
from services.eventlog import EventLog
from services.eventlog.append import append_page
from services.eventlog.page import FORMAT, PAGE_BYTES_MAX, Entry, Head, encode_page, page_hash
from services.scheduler.clock import MICROSECONDS, Clock

ENTRIES_MAX = 1000
"""Entries in one page."""
GATHER_SECONDS = 0.002
"""How long a page waits for company under load. An append costs as much as several decisions, and a busy scheduler's
callers wait for the processor, not for the disk; a lone caller never waits."""
PAGES_WAITING_MAX = 16
"""Full pages that may wait for the log before new commands are shed."""
SYSTEM = "system"


class LogBehind(Exception):
    """Too much waits for the log; nothing was decided."""


class Ask(Struct, frozen=True, kw_only=True):
    """A command, who asks, and the request id and body digest that make it safe to repeat."""

    command: Command
    actor: str
    request_id: str = ""
    digest: str = ""


class Sheet:
    """A page being written: encoded entries, and a future that gives the position once it is durable."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.entries: list[msgspec.Raw] = []
        self.size = 0
        self.time = 0
        self.events = 0
        self.changes: list[Reservation] = []
        self.durable: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # If the process ends first, nobody may be left to hear of it.
        self.durable.add_done_callback(lambda future: future.cancelled() or future.exception())


class PageOut(Struct, frozen=True, kw_only=True):
    """`eventlog.page.Page` with entries that are encoded already."""

    format: int
    centre: str
    writer: str
    epoch: int
    time: int
    previous: str
    entries: list[msgspec.Raw]


class Writer:
    """The one deciding writer of a centre, in one epoch."""

    def __init__(
        self, *, log: EventLog, centre: Centre, name: str, centre_id: str, epoch: int, head: Head, clock: Clock
    ) -> None:
        self.centre = centre
        self.head = head
        self.clock = clock
        self.on_durable: list[Callable[[Sheet], None]] = []
        self.before_append: list[Callable[[Sheet], None]] = []
        self._log = log
        self._name = name
        self._centre_id = centre_id
        self._epoch = epoch
        self._time = 0
        self._company = 0
        self._waiting: deque[Sheet] = deque()
        self._in_flight: Sheet | None = None
        self._work = asyncio.Event()
        self._failed: BaseException | None = None

    async def submit(self, ask: Ask) -> tuple[Subject, int]:
        """Decide, make it durable, and give what was made and its position. Raises `Rejected` or `LogBehind`."""
        known = self._known(ask)
        if known is not None:
            await self.durable(known.position)
            return known.subject, known.position
        sheet, subjects = self._decide(ask)
        await asyncio.shield(sheet.durable)
        return subjects[-1], sheet.position

    async def submit_each(self, asks: list[Ask]) -> list[Subject | Rejected]:
        """Decide each for itself, in order, and give all the answers once they are durable. Raises `LogBehind`."""
        answers: list[Subject | Rejected] = []
        position = 0
        for ask in asks:
            try:
                known = self._known(ask)
                if known is None:
                    sheet, subjects = self._decide(ask)
                    answers.append(subjects[-1])
                    position = max(position, sheet.position)
                else:
                    answers.append(known.subject)
                    position = max(position, known.position)
            except Rejected as refusal:
                answers.append(refusal)
        await self.durable(position)
        return answers

    async def submit_together(self, asks: list[Ask]) -> list[Subject]:
        """Decide all or nothing, on one page. Raises `RejectedTogether` or `LogBehind`."""
        known = self._all_known(asks)
        fresh = [ask for index, ask in enumerate(asks) if index not in known]
        position = max([answer.position for answer in known.values()], default=0)
        made: Iterator[list[Subject]] = iter(())
        if fresh:
            now = self._ready()
            wishes = [(index, ask.command) for index, ask in enumerate(asks) if index not in known]
            decided = create_together(self.centre, wishes, now // MICROSECONDS)
            sheet, subjects = self._write_down(list(zip(fresh, decided, strict=True)), now)
            position, made = sheet.position, iter(subjects)
        await self.durable(position)
        return [known[index].subject if index in known else next(made)[-1] for index in range(len(asks))]

    def _all_known(self, asks: list[Ask]) -> dict[int, Answer]:
        """The answers of those that were granted before, by their place. Raises `RejectedTogether`."""
        known = {}
        for index, ask in enumerate(asks):
            try:
                answer = self._known(ask)
            except Rejected as refusal:
                raise RejectedTogether(index, refusal) from None
            if answer is not None:
                known[index] = answer
        return known

    def check(self, ask: Ask) -> None:
        """Decide, and change nothing. Raises `Rejected`."""
        if self._known(ask) is None:
            decide(self.centre, ask.command, self.now() // MICROSECONDS)

    def tick(self) -> int:
        """Let time pass, as far as one page goes. Gives the number of events that it made."""
        if not self.centre.agenda or self.centre.agenda[0][0] > self.now() // MICROSECONDS:
            return 0
        if len(self._waiting) > PAGES_WAITING_MAX:
            return 0
        return len(self._decide(Ask(command=Tick(), actor=SYSTEM))[1])

    def now(self) -> int:
        """Microseconds, never earlier than the last decision."""
        return max(self.clock.now(), self._time, self.centre.now * MICROSECONDS)

    @property
    def decided(self) -> int:
        """The position that the state is true at; it may not be durable yet."""
        return max(self.centre.position, self.head.position)

    async def durable(self, position: int) -> None:
        """Wait until the page at a position is in the log."""
        if position <= self.head.position:
            return
        for sheet in (self._in_flight, *self._waiting):
            if sheet is not None and sheet.position == position:
                await asyncio.shield(sheet.durable)

    async def settled(self) -> int:
        """Wait until everything decided so far is in the log, and give its position: what a reader may be told."""
        await self.durable(self.centre.position)
        return self.head.position

    def _known(self, ask: Ask) -> Answer | None:
        """The answer to a request that was granted before. Raises `Rejected` for another body."""
        known = self.centre.answers.get((ask.actor, ask.request_id)) if ask.request_id else None
        if known is not None and known.digest != ask.digest:
            raise refuse(
                Reason.REQUEST_ID_REUSED,
                "This request id was used for another request. Repeat that one exactly, or choose a new id.",
                ask.request_id,
            )
        return known

    def _decide(self, ask: Ask) -> tuple[Sheet, list[Subject]]:
        """Decide on the state as it will be, make it so, and write it down on the page that comes next."""
        now = self._ready()
        events = decide(self.centre, ask.command, now // MICROSECONDS)
        if not events:
            return Sheet(self.centre.position), []
        sheet, [subjects] = self._write_down([(ask, events)], now)
        return sheet, subjects

    def _ready(self) -> int:
        """The time of the next decision, in microseconds. Raises `LogBehind` when nothing may be decided."""
        if self._failed is not None:
            raise LogBehind("this scheduler has lost the log and is ending") from self._failed
        if len(self._waiting) > PAGES_WAITING_MAX:
            raise LogBehind("the log does not answer")
        return self.now()

    def _write_down(self, decisions: list[tuple[Ask, Events]], now: int) -> tuple[Sheet, list[list[Subject]]]:
        """Make decisions true, and write them on one page. Gives what each of them made."""
        entries = [
            encode_page(
                Entry(time=now, actor=ask.actor, events=events, request_id=ask.request_id, request_digest=ask.digest)
            )
            for ask, events in decisions
        ]
        if sum(map(len, entries)) + len(entries) > PAGE_BYTES_MAX:
            raise _too_large(decisions[0][0].command)
        sheet = self._open_sheet(sum(map(len, entries)), len(entries))
        self._time = sheet.time = now
        made = []
        for (ask, events), entry in zip(decisions, entries, strict=True):
            subjects = self.centre.apply(events, now // MICROSECONDS, sheet.position)
            remember(self.centre, ask.actor, ask.request_id, ask.digest, now, sheet.position, subjects[-1])
            sheet.entries.append(msgspec.Raw(entry))
            sheet.events += len(events)
            sheet.changes += [subject for subject in subjects if isinstance(subject, Reservation)]
            made.append(subjects)
        self._work.set()
        return sheet, made

    def _open_sheet(self, size: int, entries: int) -> Sheet:
        """The page that has room for so many entries, of so many bytes together."""
        last = self._waiting[-1] if self._waiting else None
        if last is None or len(last.entries) + entries > ENTRIES_MAX or last.size + size + entries > PAGE_BYTES_MAX:
            before = last or self._in_flight
            last = Sheet((before.position if before else self.head.position) + 1)
            self._waiting.append(last)
        last.size += size + entries
        return last

    async def open_epoch(self) -> None:
        """Append the page that makes this writer the leader: from here on an older one's next append fails."""
        self._time = self.now()
        sheet = Sheet(self.head.position + 1)
        sheet.time = self._time
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
        if self._company > 1:
            await asyncio.sleep(GATHER_SECONDS)

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
        sheet.durable.set_result(position)
        for listener in self.on_durable:
            listener(sheet)

    def _fail(self, error: BaseException) -> None:
        """Nobody hears a yes that is not in the log."""
        self._failed = error
        for sheet in (self._in_flight, *self._waiting):
            if sheet is not None and not sheet.durable.done():
                sheet.durable.set_exception(LogBehind("the outcome is unknown; ask again with the same request id"))

    async def drained(self) -> None:
        """Wait until nothing waits for the log."""
        last = self._waiting[-1] if self._waiting else self._in_flight
        if last is not None:
            await asyncio.shield(last.durable)


def _too_large(command: Command) -> Rejected:
    """The refusal of what the log could never take; it would end every writer that tried."""
    booking = isinstance(command, CreateReservation)
    return refuse(
        Reason.INVALID_LINES if booking else Reason.INVALID_RESOURCE,
        "What this would write down does not fit one page of the log. Ask for it in parts.",
        limit=PAGE_BYTES_MAX,
    )


def remember(
    centre: Centre, actor: str, request_id: str, digest: str, time: int, position: int, subject: Subject
) -> None:
    """Keep the yes to a request, if it had an id: live and in replay alike. `time` is in microseconds."""
    if request_id:
        centre.remember(
            actor,
            request_id,
            Answer(digest=digest, position=position, time=time // MICROSECONDS, subject=subject),
        )
