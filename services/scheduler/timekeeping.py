"""Keeping time: what is due happens, and whoever looks after the centre is told when its clock was set.

Time never runs backwards within a log. Where the clock is behind the log, time stands still until it has caught up. So
a clock that is ahead by mistake would cost everything up to there: what jumps far ahead is not believed, and a start
by a clock far ahead of NATS's is refused.
"""

import asyncio
from datetime import UTC, datetime

import structlog

from services.runtime.health import Health
from services.scheduler.clock import MICROSECONDS
from services.scheduler.writer import Writer

TICK_SECONDS_MIN, TICK_SECONDS_MAX = 0.005, 1.0
STEP_SECONDS = 5.0
"""A clock that is kept by NTP is set by much less."""
HEALTH_SECONDS = 1.0
NEVER = 2**40

_log = structlog.get_logger()


class ClockAhead(Exception):
    """This machine's clock is far ahead of that of the log's server: one of them is wrong."""


def demand_agreement(shown: int, server: int, seconds_max: float) -> None:
    """Start by no clock that is far ahead of NATS's. Both in microseconds. Raises `ClockAhead`.

    Where both are on one machine they agree in any case.
    """
    ahead = (shown - server) / MICROSECONDS
    if ahead > seconds_max:
        raise ClockAhead(
            f"this machine's clock is {ahead:.0f} s ahead of that of the log's nats-server, and time in the log never"
            " goes back: set right whichever is wrong and start again (AIDC_CLOCK_JUMP_SECONDS_MAX is how far it may)"
        )


async def tell_health(writer: Writer, health: Health) -> None:
    """Say that nothing is served while the clock is not believed, for ever."""
    told = False
    while True:
        if bool(writer.clock.unbelieved) != told:
            told = not told
            await (health.not_serving("the clock was set ahead and is not believed") if told else health.serving())
        await asyncio.sleep(HEALTH_SECONDS)


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
        self._unbelieved = False

    def look(self) -> None:
        """Tell what is new."""
        set_by, behind = self._writer.clock.set_by(), self._writer.clock_behind()
        if abs(set_by - self._told) >= STEP_SECONDS:
            _log.warning("clock_was_set", seconds=round(set_by - self._told, 1))
            self._told = set_by
        unbelieved = self._writer.clock.unbelieved
        if bool(unbelieved) != self._unbelieved:
            self._unbelieved = bool(unbelieved)
            if unbelieved:
                _log.error("clock_not_believed", seconds=round(unbelieved, 1))
            else:
                _log.info("clock_believed_again")
        if not self._still and behind >= STEP_SECONDS:
            self._still = True
            until = datetime.fromtimestamp(self._writer.now() // MICROSECONDS, UTC).isoformat()
            _log.error("time_stands_still", seconds=round(behind, 1), until=until)
        elif self._still and behind <= 0:
            self._still = False
            _log.info("time_goes_on")
