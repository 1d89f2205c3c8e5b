"""The writer: decides, one command after another, and answers once the decision is durable.

Decisions are made on the state as it will be, ahead of the log, and written down on the page that comes next. Nobody
hears of a decision before its page is in the log.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from services.allocation.booking.together import RejectedTogether, create_together
from services.allocation.centre import Centre
from services.allocation.commands import (
    BookSeries,
    CancelSeries,
    ChangeReservation,
    ChangeSeries,
    Command,
    CreateReservation,
    Tick,
)
from services.allocation.decide import decide
from services.allocation.events import Events
from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.reservations import Reservation
from services.allocation.tables.answer import Answer, Subject
from services.eventlog.page import PAGE_BYTES_MAX, Entry, encode_page
from services.scheduler.ask import Ask
from services.scheduler.clock import MICROSECONDS, Clock
from services.scheduler.group_commit import GroupCommit, Sheet, TimeUnknown

SYSTEM = "system"
Decided = TypeVar("Decided")


class Writer:
    """The one deciding writer of a centre. Its pages are made durable by `pages`."""

    def __init__(self, *, centre: Centre, pages: GroupCommit, clock: Clock) -> None:
        self.centre = centre
        self.pages = pages
        self.clock = clock
        self._time = 0
        self._turn = asyncio.Lock()

    async def submit(self, ask: Ask) -> tuple[Subject, int]:
        """Decide, make it durable, and give what was made and its position. Raises `Rejected` or `LogBehind`."""
        known = self.known(ask)
        if known is not None:
            await self.pages.durable(known.position)
            return known.subject, known.position
        sheet, subjects = self._decide(ask, self._ready())
        await sheet.durable()
        return subjects[-1], sheet.position

    async def submit_each(self, asks: list[Ask]) -> list[Subject | Rejected]:
        """Decide each for itself, in order, and give all the answers once they are durable. Raises `LogBehind`."""
        answers, position = await self.decide_each(asks)
        await self.pages.durable(position)
        return answers

    async def decide_each(self, asks: list[Ask]) -> tuple[list[Subject | Rejected], int]:
        """Decide each for itself, in order. Nobody may hear the answers before the position given is durable.

        Raises `LogBehind`; then nothing was decided.
        """
        return await self._in_turn(lambda: self._decide_each(asks, self._ready()))

    async def _in_turn(self, decide_all: Callable[[], Decided]) -> Decided:
        """Whoever brings many takes turns: one after another, with single calls in between, as the log keeps pace."""
        async with self._turn:
            await self.pages.room_for_bulk()
            decided = decide_all()
            # Whoever hurries comes in between.
            await asyncio.sleep(0)
            return decided

    def _decide_each(self, asks: list[Ask], now: int) -> tuple[list[Subject | Rejected], int]:
        answers: list[Subject | Rejected] = []
        position = 0
        for ask in asks:
            try:
                known = self.known(ask)
                if known is None:
                    sheet, subjects = self._decide(ask, now)
                    answers.append(subjects[-1])
                    position = max(position, sheet.position)
                else:
                    answers.append(known.subject)
                    position = max(position, known.position)
            except Rejected as refusal:
                answers.append(refusal)
        return answers, position

    async def submit_together(self, asks: list[Ask]) -> list[Subject]:
        """Decide all or nothing, on one page. Raises `RejectedTogether` or `LogBehind`."""
        answers, position = await self._in_turn(lambda: self._decide_together(asks))
        await self.pages.durable(position)
        return answers

    def _decide_together(self, asks: list[Ask]) -> tuple[list[Subject], int]:
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
        answers = [known[index].subject if index in known else next(made)[-1] for index in range(len(asks))]
        return answers, position

    def _all_known(self, asks: list[Ask]) -> dict[int, Answer]:
        """The answers of those that were granted before, by their place. Raises `RejectedTogether`."""
        known = {}
        for index, ask in enumerate(asks):
            try:
                answer = self.known(ask)
            except Rejected as refusal:
                raise RejectedTogether(index, refusal) from None
            if answer is not None:
                known[index] = answer
        return known

    def check(self, ask: Ask) -> Events:
        """Decide, and change nothing: what would happen, nothing for what has happened before. Raises `Rejected`."""
        if self.known(ask) is not None:
            return ()
        now = self.now()
        events = decide(self.centre, ask.command, now // MICROSECONDS)
        encoded([(ask, events)], now)
        return events

    def tick(self) -> int:
        """Let time pass, as far as one page goes. Gives the number of events that it made."""
        due = self.centre.next_due()
        if due is None or due > self.now() // MICROSECONDS:
            return 0
        if self.pages.is_full or self.clock.unbelieved:
            return 0
        return len(self._decide(Ask(command=Tick(), actor=SYSTEM), self._ready())[1])

    def now(self) -> int:
        """Microseconds, never earlier than the last decision."""
        return max(self.clock.now(), self._time, self.centre.now * MICROSECONDS)

    def clock_behind(self) -> float:
        """Seconds by which the clock is behind the last decision. Meanwhile time stands still."""
        return max(0.0, (self.now() - self.clock.now()) / MICROSECONDS)

    @property
    def decided(self) -> int:
        """The position that the state is true at; it may not be durable yet."""
        return max(self.centre.position, self.pages.head.position)

    async def settled(self) -> int:
        """Wait until everything decided so far is in the log, and give its position: what a reader may be told."""
        await self.pages.durable(self.centre.position)
        return self.pages.head.position

    async def lead(self, since: int = 0) -> None:
        """Open an epoch of this writer, no earlier than the log's last page, in microseconds."""
        self._time = max(self.now(), since)
        await self.pages.open_epoch(self._time)

    def known(self, ask: Ask) -> Answer | None:
        """The answer to a request that was granted before. Raises `Rejected` for another body."""
        known = self.centre.answers.by_request.get((ask.actor, ask.request_id)) if ask.request_id else None
        if known is not None and known.digest != ask.digest:
            raise refuse(
                Reason.REQUEST_ID_REUSED,
                "This request id was used for another request. Repeat that one exactly, or choose a new id.",
                ask.request_id,
            )
        return known

    def _decide(self, ask: Ask, now: int) -> tuple[Sheet, list[Subject]]:
        """Decide on the state as it will be, make it so, and write it down on the page that comes next."""
        events = decide(self.centre, ask.command, now // MICROSECONDS)
        if not events:
            return Sheet(self.centre.position), []
        sheet, [subjects] = self._write_down([(ask, events)], now)
        return sheet, subjects

    def _ready(self) -> int:
        """The time of the next decision, in microseconds. Raises `LogBehind` when nothing may be decided."""
        self.pages.demand_room()
        now = self.now()
        if self.clock.unbelieved:
            raise TimeUnknown(
                f"the clock of the scheduler's machine was set ahead by {self.clock.unbelieved:.0f} s, which is not"
                " believed; nothing is decided until it is right"
            )
        return now

    def _write_down(self, decisions: list[tuple[Ask, Events]], now: int) -> tuple[Sheet, list[list[Subject]]]:
        """Make decisions true, and write them on one page. Gives what each of them made."""
        entries = encoded(decisions, now)
        sheet = self.pages.open_sheet(sum(map(len, entries)), len(entries))
        self._time = sheet.time = now
        made = []
        for (ask, events), entry in zip(decisions, entries, strict=True):
            subjects = self.centre.apply(events, now // MICROSECONDS, sheet.position)
            remember(self.centre, ask.actor, ask.request_id, ask.digest, now, sheet.position, subjects[-1])
            sheet.entries.append(msgspec.Raw(entry))
            sheet.events += len(events)
            sheet.changes += [subject for subject in subjects if isinstance(subject, Reservation)]
            made.append(subjects)
        return sheet, made


def encoded(decisions: list[tuple[Ask, Events]], now: int) -> list[bytes]:
    """The entries of decisions that go on one page, at a time in microseconds. Raises `Rejected` for too much."""
    entries = [
        encode_page(
            Entry(time=now, actor=ask.actor, events=events, request_id=ask.request_id, request_digest=ask.digest)
        )
        for ask, events in decisions
    ]
    if sum(map(len, entries)) + len(entries) > PAGE_BYTES_MAX:
        raise _too_large(decisions[0][0].command)
    return entries


def _too_large(command: Command) -> Rejected:
    """The refusal of what the log could never take; it would end every writer that tried."""
    reason = Reason.INVALID_RESOURCE
    if isinstance(command, CreateReservation | ChangeReservation):
        reason = Reason.INVALID_LINES
    elif isinstance(command, BookSeries | ChangeSeries | CancelSeries):
        reason = Reason.INVALID_SERIES
    return refuse(
        reason,
        "What this would write down does not fit one page of the log. Ask for it in parts.",
        limit=PAGE_BYTES_MAX,
    )


def remember(
    centre: Centre, actor: str, request_id: str, digest: str, time: int, position: int, subject: Subject
) -> None:
    """Keep the yes to a request, if it had an id: live and in replay alike. `time` is in microseconds."""
    if request_id:
        centre.answers.remember(
            actor,
            request_id,
            Answer(digest=digest, position=position, time=time // MICROSECONDS, subject=subject),
        )
