"""Unmet demand: every refused booking is told on a stream of its own, beside the log, and never at its cost.

Noting one is an append to a list. About once a second what was noted leaves in one message; what is too much, or finds
NATS away, is dropped and counted. Nothing here can fail a booking, delay it, or end the scheduler.
"""

import asyncio
from collections import deque
from hashlib import blake2b
from typing import Protocol

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter

from services.allocation.calendars.calendar import RANGE_SECONDS
from services.allocation.centre import Centre
from services.allocation.commands import CreateReservation
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Line
from services.eventlog import Unknown
from services.eventlog.refusals import Refusals, Refused, RefusedLine, encode_refusals

WAITING_MAX = 5_000
MESSAGE_REFUSALS_MAX = 400
"""Far below what a message may hold, however many lines each has."""
TURN_REFUSALS = 20
PAUSE_SECONDS = 1.0

MISTAKES = frozenset(
    {
        Reason.REQUEST_ID_REUSED,
        Reason.ALREADY_EXISTS,
        Reason.COMPANY_NOT_FOUND,
        Reason.RESOURCE_NOT_FOUND,
        Reason.RESERVATION_NOT_FOUND,
        Reason.STALE_ETAG,
        Reason.WRONG_STATE,
        Reason.INVALID_LINES,
        Reason.INVALID_UNITS,
        Reason.INVALID_INTERVAL,
        Reason.OFF_GRID,
        Reason.START_IN_PAST,
    }
)
"""What makes no sense as it was asked is nobody's demand."""

Noted = tuple[CreateReservation, Rejected, int]
"""What was asked for, why it was refused, and when, in seconds."""

_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger()


class Outlet(Protocol):
    """Where messages go: the stream, which may be away."""

    async def make(self) -> None:
        """See that the stream is there. Raises `Unknown`."""
        ...

    async def publish(self, data: bytes) -> None:
        """Have one message kept. Raises `Unknown`."""
        ...


class UnmetDemand:
    """Collects refusals and sends them out."""

    def __init__(self, centre: Centre, outlet: Outlet, registry: CollectorRegistry) -> None:
        self._centre = centre
        self._outlet = outlet
        self._waiting: deque[Noted] = deque()
        self._some = asyncio.Event()
        self._untold = 0
        self._made = False
        self._told = Counter(
            "alloc_refusals_published_total", "Refused demands told on their stream.", registry=registry
        )
        self._dropped = Counter(
            "alloc_refusals_dropped_total",
            "Refused demands that could not be told: too many, or NATS did not answer.",
            registry=registry,
        )

    def note(self, command: CreateReservation, refusal: Rejected, now: int) -> None:
        """Remember that a demand was refused, at a time in seconds."""
        if refusal.reason in MISTAKES:
            return
        if len(self._waiting) >= WAITING_MAX:
            self._drop(1)
            return
        self._waiting.append((command, refusal, now))
        self._some.set()

    async def run(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        """Tell what was noted, about once a second, for ever."""
        while True:
            await self.tell()
            if not self._waiting:
                self._some.clear()
            await asyncio.sleep(pause_seconds)
            await self._some.wait()

    async def tell(self) -> None:
        """Send one message with what waits, if anything does; the stream is made first."""
        count = min(len(self._waiting), MESSAGE_REFUSALS_MAX)
        noted = [self._waiting.popleft() for _ in range(count)]
        try:
            if not self._made:
                await self._outlet.make()
                self._made = True
            if noted:
                refused = await self._describe(noted)
                await self._outlet.publish(encode_refusals(Refusals(refused=refused, untold=self._untold)))
        except Unknown as doubt:
            if self._made:
                _log.warning("refusals_not_told", reason=str(doubt))
            self._made = False
            self._drop(count)
            return
        if noted:
            self._untold = 0
            self._told.inc(count)

    def _drop(self, count: int) -> None:
        self._untold += count
        self._dropped.inc(count)

    async def _describe(self, noted: list[Noted]) -> tuple[Refused, ...]:
        refused: list[Refused] = []
        for first in range(0, len(noted), TURN_REFUSALS):
            refused += [self._refused(*one) for one in noted[first : first + TURN_REFUSALS]]
            await asyncio.sleep(0)  # Bookings have their turn.
        return tuple(refused)

    def _refused(self, command: CreateReservation, refusal: Rejected, now: int) -> Refused:
        reasons = {violation.subject: violation.reason for violation in reversed(refusal.violations)}
        wish = _encode((command.company, command.start, command.end, command.lines))
        return Refused(
            time=now,
            company=command.company,
            demand=blake2b(wish, digest_size=8).hexdigest(),
            lines=tuple(
                RefusedLine(
                    resource=line.resource,
                    units=line.units,
                    seconds=self._seconds(line, command.start, command.end),
                    # A line that nothing stood in the way of was refused together with the others.
                    reason=reasons.get(line.resource, refusal.reason),
                )
                for line in command.lines
            ),
        )

    def _seconds(self, line: Line, start: int, end: int) -> int:
        """For how long a line would have held its units: equipment rests between its slots."""
        pool = self._centre.pools.get(line.resource)
        base = self._centre.base
        if pool is None or start < base or end > base + RANGE_SECONDS:
            return max(0, end - start)
        # A day that is closed throughout was still asked for.
        return sum(closes - opens for opens, closes in pool.open_spans(start, end)) or end - start
