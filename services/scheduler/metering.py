"""Metering: what nodes report is joined to the reservations that stand on them, and written down in the log.

A record is made when a reservation has ended, every hour while it lasts, and when nothing has run on it for so long
that it is given back. What was measured since the last record is in memory alone: a scheduler that dies loses at most
an hour of it, which is then unknown, not idle. No report can fail or end anything here; while the log is behind,
records wait.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter

from services.allocation.attendance.no_process import rule_for
from services.allocation.attendance.use import UseBook
from services.allocation.commands import RecordUse
from services.allocation.measures import MINUTE_SECONDS
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation, State
from services.eventlog import Unknown
from services.eventlog.page import Record
from services.eventlog.use import Forged, NodeUse, read_use
from services.scheduler.ask import Ask
from services.scheduler.clock import MICROSECONDS
from services.scheduler.group_commit import LogBehind, Sheet
from services.scheduler.writer import SYSTEM, Writer

RECORD_SECONDS = 3_600
"""What lasts longer than this is recorded in between."""
LATE_SECONDS = 60.0
"""For how long after an end reports about the time before it are waited for."""
PAUSE_SECONDS = 5.0
RECORDS_AT_ONCE = 20
"""Bookings have their turn between so many records."""
MAKE_SECONDS = 10.0
REPORT_SECONDS_MAX = 900
"""No report covers more than this; one that claims to is not believed."""

_log = structlog.get_logger()


class Reports(Protocol):
    """The stream of what nodes report, which may be away."""

    async def make(self) -> None:
        """See that it is there. Raises `Unknown`."""
        ...

    def follow(self, *, from_now: bool) -> AsyncGenerator[list[Record], None]:
        """Reports as they arrive."""
        ...


class Meter:
    """Follows a writer's reservations and the reports of nodes, and records what was measured."""

    def __init__(self, writer: Writer, registry: CollectorRegistry) -> None:
        self.book = UseBook()
        self._writer = writer
        self._known = 0
        self._forged = False
        self._ended: dict[str, float] = {}
        self._reports = Counter(
            "alloc_use_reports_total", "Reports of nodes, counted or left out.", ("outcome",), registry=registry
        )
        self._reports.labels("forged")  # Told from the start, so that the first one shows as a rise.
        self._recorded = Counter("alloc_use_records_total", "Records of use written to the log.", registry=registry)
        for reservation in writer.centre.reservations.values():
            self._follow(reservation)
        writer.pages.on_durable.append(self._on_durable)

    async def keep_stream(self, reports: Reports, pause_seconds: float = MAKE_SECONDS) -> None:
        """See again and again that the stream is there, for ever: it is in memory, and a restart of NATS forgets it."""
        while True:
            try:
                await reports.make()
            except Unknown as doubt:
                _log.debug("use_stream_not_made", reason=str(doubt))
            await asyncio.sleep(pause_seconds)

    async def read(self, reports: Reports) -> None:
        """Take every report in, from now on, for ever."""
        async for messages in reports.follow(from_now=True):
            for message in messages:
                self._reports.labels(self._outcome(message)).inc()
            await asyncio.sleep(0)  # Bookings have their turn.

    async def keep_recording(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        """Record what is due, again and again, for ever."""
        while True:
            await asyncio.sleep(pause_seconds)
            await self.record()

    async def record(self, *, everything: bool = False) -> None:
        """Write down what is due: of reservations that ended, and of those that go on for long; or all there is."""
        now = asyncio.get_running_loop().time()
        over = [name for name, ended_at in self._ended.items() if ended_at + LATE_SECONDS <= now]
        lasting = self.book.due(self._writer.now() // MICROSECONDS - (0 if everything else RECORD_SECONDS))
        running = [name for name in (*lasting, *self._unused()) if everything or name not in self._ended]
        due = list(dict.fromkeys([*over, *running]))
        for first in range(0, len(due), RECORDS_AT_ONCE):
            some = due[first : first + RECORDS_AT_ONCE]
            done = await asyncio.gather(*(self._record(name) for name in some))
            if not all(done):
                return  # The log is behind; what is due stays so.
        for name in over:
            self.book.forget(name)
            del self._ended[name]

    def take(self, report: NodeUse) -> bool:
        """Count one report; False if it is not believed."""
        clock, pools = self._writer.clock, self._writer.centre.pools
        if len(pools) > self._known:
            for pool in list(pools.values())[self._known :]:
                self.book.register(pool.resource)
            self._known = len(pools)
        now = self._writer.now() // MICROSECONDS
        if not 0 < report.end - report.start <= REPORT_SECONDS_MAX:
            return False
        start, end = clock.shown_at(report.start), clock.shown_at(report.end)
        told = report.accelerators, report.processor, now, report.processes
        return self.book.take(report.node, start, end, *told)

    def _unused(self) -> list[str]:
        """Running reservations on which nothing has run for so long that they are given back once that is recorded."""
        centre, now = self._writer.centre, self._writer.now() // MICROSECONDS
        if centre.records.terms_at(now).no_process is None:
            return []
        return [
            name
            for name in self.book.unused
            if (reservation := centre.reservations.get(name)) is not None
            and (rule := rule_for(centre, reservation, now)) is not None
            and self.book.unused.seconds(name) >= rule.minutes * MINUTE_SECONDS
        ]

    def _outcome(self, message: Record) -> str:
        try:
            return "counted" if self.take(read_use(message)) else "left_out"
        except Forged as forged:
            if not self._forged:  # Once; how often it happens is counted.
                _log.warning("use_report_forged", reason=str(forged))
            self._forged = True
            return "forged"
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return "unreadable"

    async def _record(self, name: str) -> bool:
        """Record one reservation; False if the log did not take it now."""
        draft = self.book.draft(name)
        if draft is None:
            return True
        try:
            await self._writer.submit(Ask(command=RecordUse(reservation_id=name, record=draft), actor=SYSTEM))
        except LogBehind:
            return False
        except Rejected:
            self.book.forget(name)  # It is kept no more.
            return True
        self.book.settle(name, draft)
        self._recorded.inc()
        return True

    def _on_durable(self, sheet: Sheet) -> None:
        for reservation in sheet.changes:
            self._follow(reservation)

    def _follow(self, reservation: Reservation) -> None:
        if reservation.state is State.ACTIVE or reservation.id in self.book:
            resources = {
                part.resource: self._writer.centre.pools[part.resource].resource for part in reservation.allocations
            }
            self.book.stand(reservation, resources)
        if reservation.state is not State.ACTIVE and reservation.id in self.book:
            self._ended.setdefault(reservation.id, asyncio.get_running_loop().time())
