"""Keeping time: what is due happens, and whoever looks after the centre is told when its clock was set.

Time never runs backwards within a log. Where the clock is behind the log, time stands still until it has caught up.
"""

import asyncio
from datetime import UTC, datetime

import structlog

from services.scheduler.clock import MICROSECONDS
from services.scheduler.writer import Writer

TICK_SECONDS_MIN, TICK_SECONDS_MAX = 0.005, 1.0
STEP_SECONDS = 5.0
"""A clock that is kept by NTP is set by much less."""
NEVER = 2**40

_log = structlog.get_logger()


async def keep_time(writer: Writer) -> None:
    """Let reservations start and end when their time comes, for ever."""
    watch = ClockWatch(writer)
    while True:
        watch.look()
        reached = writer.now()
        while writer.tick():
            await writer.settled()
        due = writer.centre.next_due()
        if due is None or due * MICROSECONDS > reached:
            writer.clock.lived(reached)
        wait = writer.clock.wait_for(NEVER if due is None else due)
        await asyncio.sleep(min(max(wait, TICK_SECONDS_MIN), TICK_SECONDS_MAX))


class ClockWatch:
    """Tells in our log that the clock was set, that time stands still because of it, and that it goes on."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._told = 0.0
        self._still = False

    def look(self) -> None:
        """Tell what is new."""
        set_by, behind = self._writer.clock.set_by(), self._writer.clock_behind()
        if abs(set_by - self._told) >= STEP_SECONDS:
            _log.warning("clock_was_set", seconds=round(set_by - self._told, 1))
            self._told = set_by
        if not self._still and behind >= STEP_SECONDS:
            self._still = True
            until = datetime.fromtimestamp(self._writer.now() // MICROSECONDS, UTC).isoformat()
            _log.error("time_stands_still", seconds=round(behind, 1), until=until)
        elif self._still and behind <= 0:
            self._still = False
            _log.info("time_goes_on")
