"""Reporting: one message a node and interval, sent in order, and kept for a while when NATS does not take it."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import structlog

from services.agent.observer import Observer
from services.eventlog import Unknown
from services.eventlog.use import NodeUse, encode_use

WAITING_MAX = 240
"""Reports of one node that wait for NATS: an hour of them. Beyond it the oldest are dropped."""

_log = structlog.get_logger()


class Outlet(Protocol):
    """Where reports go."""

    async def publish(self, data: bytes, about: str) -> None:
        """Have one report kept. Raises `Unknown`."""
        ...


class Waiting(NamedTuple):
    """A report that is not sent yet."""

    node: str
    data: bytes


class Reporter:
    """Sends what an observer sees of so many nodes."""

    def __init__(self, observer: Observer, outlet: Outlet, nodes: int = 1) -> None:
        self.dropped = 0
        self._observer = observer
        self._outlet = outlet
        self._waiting: deque[Waiting] = deque()
        self._waiting_max = WAITING_MAX * nodes
        self._away = False

    async def run(self, interval_seconds: float) -> None:
        """Report again and again, for ever."""
        while True:
            await asyncio.sleep(interval_seconds)
            self.keep(self._observer.look())
            await self.send()

    def keep(self, reports: Iterable[NodeUse]) -> None:
        """Put reports behind those that wait, and drop the oldest if there are too many."""
        self._waiting += [Waiting(report.node, encode_use(report)) for report in reports]
        while len(self._waiting) > self._waiting_max:
            self._waiting.popleft()
            self.dropped += 1

    async def send(self) -> None:
        """Send what waits, the oldest first, until NATS does not take it."""
        while self._waiting:
            report = self._waiting[0]
            try:
                await self._outlet.publish(report.data, report.node)
            except Unknown as doubt:
                # It may have arrived all the same; readers count a time only once.
                if not self._away:
                    _log.warning("reports_wait", reason=str(doubt))
                self._away = True
                return
            self._waiting.popleft()
        if self._away:
            _log.info("reports_sent_again", dropped=self.dropped)
        self._away = False
