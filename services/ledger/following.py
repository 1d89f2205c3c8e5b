"""Keeps the ledger following the log through every outage (P10), and stops it where the log cannot be trusted (P9)."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.eventlog import BrokenLog, EventLog, Unknown
from services.ledger.database import OUTAGES
from services.ledger.journal import Journal, Violated
from services.ledger.progress import Progress
from services.ledger.projector import Projector
from services.ledger.telemetry import LedgerTelemetry
from services.runtime.health import Health

RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 5.0
LOOK_SECONDS = 1.0
"""How often the log is asked where it ends."""
UNTRUSTED_LOG = "log"
"""What the violations of the log itself are counted as: a gap, an altered page, an event that does not fit."""

WAITED_OUT: tuple[type[Exception], ...] = (Unknown, *OUTAGES)
"""NATS or Postgres are away; they will be back."""

_log = structlog.get_logger()


class Follower:
    """Follows one centre's log for as long as the process lives. `connect` opens the log."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[EventLog]],
        centre: str,
        journal: Journal,
        progress: Progress,
        telemetry: LedgerTelemetry,
        health: Health,
    ) -> None:
        self._connect = connect
        self._centre = centre
        self._journal = journal
        self._progress = progress
        self._telemetry = telemetry
        self._health = health

    async def run(self) -> None:
        """Follow until the log cannot be trusted, and halt then; or raise `Superseded` or `WrongSchema`."""
        pause = RETRY_SECONDS_MIN
        while not self._progress.halted:
            before = self._progress.position
            try:
                await self._with_log()
            except WAITED_OUT as error:
                self._progress.lost_sight()
                await self._health.not_serving(f"waiting: {error}")
                _log.warning("following_delayed", error=repr(error), seconds=pause)
            if self._progress.position > before:
                pause = RETRY_SECONDS_MIN
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def halt(self, error: BrokenLog) -> None:
        """Stop for good, and say so wherever somebody may look."""
        self._progress.halted = str(error)
        self._telemetry.violated(error.invariant if isinstance(error, Violated) else UNTRUSTED_LOG)
        await self._health.not_serving(f"halted: {error}")
        _log.error("halted", position=self._progress.position, reason=str(error))

    async def _with_log(self) -> None:
        """Connect and follow until something fails; halt if it is trust."""
        try:
            log = await self._connect()
        except BrokenLog as error:
            # No page was taken yet: the stream may still be made or corrected.
            raise Unknown(str(error)) from error
        looking = asyncio.create_task(self._look(log), name="log end")
        try:
            await self._follow(log)
        except BrokenLog as error:
            await self.halt(error)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await log.close()

    async def _follow(self, log: EventLog) -> None:
        projector = await Projector.open(log, self._centre, self._journal, self._progress, self._telemetry)
        await self._health.serving()
        _log.info("following", position=self._progress.position)
        await projector.follow()

    async def _look(self, log: EventLog) -> None:
        """Ask the log where it ends, so that the lag is known even when nothing arrives."""
        while True:
            try:
                self._progress.saw(await log.last_position())
            except (Unknown, BrokenLog) as error:
                # The projector meets the same and decides.
                self._progress.lost_sight()
                _log.debug("log_end_unknown", reason=str(error))
            await asyncio.sleep(LOOK_SECONDS)
