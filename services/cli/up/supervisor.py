"""Keeping parts alive: start them, start again what dies, give up on what keeps dying, stop all in order."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from services.cli.outcome import because
from services.cli.together import together
from services.runtime.embedded import StartError

RESTART_DELAY_SECONDS = 0.1
RESTART_DELAY_SECONDS_MAX = 5.0
QUICK_DEATH_SECONDS = 20.0
QUICK_DEATHS_MAX = 6
NOTHING: Mapping[str, "Part"] = {}


class Part(Protocol):
    """A process that can be started again on the same addresses and the same data."""

    async def start(self) -> None:
        """Start, and wait until ready. Raises `StartError`."""
        ...

    async def stop(self) -> None:
        """Ask to end, and see that it does. Nothing happens if it does not run."""
        ...

    async def exited(self) -> int:
        """Wait for the end; give the exit status."""
        ...


class GaveUp(Exception):
    """A part that cannot be kept alive. The message says which, and how it ended."""


class Supervisor:
    """Runs parts in stages: those of one start together, after the stage before; stopping goes the other way round.

    What stands `beside` them comes last, and nothing depends on it: if it does not start, or keeps dying, that is told,
    and the others go on without it.
    """

    def __init__(
        self,
        stages: Sequence[Mapping[str, Part]],
        report: Callable[[str], None],
        beside: Mapping[str, Part] = NOTHING,
    ) -> None:
        self._stages = stages
        self._report = report
        self._beside = beside
        self._started_beside: dict[str, Part] = {}

    async def start(self) -> None:
        """Start every stage. Raises `StartError`; what was started must still be stopped."""
        for stage in self._stages:
            await together(*(part.start() for part in stage.values()))
        for name, part in self._beside.items():
            try:
                await part.start()
                self._started_beside[name] = part
            except StartError as problem:
                self._report(f"{problem}\nGoing on without {name}.")
            except OSError as problem:
                self._report(f"{name} cannot be started: {because(problem)}; going on without it")

    async def keep_alive(self) -> None:
        """Start again whatever dies, until cancelled. Raises `GaveUp`."""
        await together(
            *(self._keep(name, part) for stage in self._stages for name, part in stage.items()),
            *(self._keep_beside(name, part) for name, part in self._started_beside.items()),
        )

    async def stop(self) -> None:
        """Stop every part, the last stage first."""
        for stage in (self._beside, *reversed(self._stages)):
            await asyncio.gather(*(part.stop() for part in stage.values()))

    async def _keep_beside(self, name: str, part: Part) -> None:
        try:
            await self._keep(name, part)
        except GaveUp as problem:
            self._report(f"{problem}; going on without it")

    async def _keep(self, name: str, part: Part) -> None:
        deaths: list[float] = []
        while True:  # Until cancelled, or until it died too often.
            status = await part.exited()
            now = time.monotonic()
            deaths = [*(death for death in deaths if now - death < QUICK_DEATH_SECONDS), now]
            if len(deaths) >= QUICK_DEATHS_MAX:
                raise GaveUp(f"{name} ended {len(deaths)} times in a row, last with {status_text(status)}")
            self._report(f"{name} ended with {status_text(status)}; starting it again")
            await asyncio.sleep(restart_delay(len(deaths)))
            await self._start_again(name, part)

    async def _start_again(self, name: str, part: Part) -> None:
        try:
            await part.start()
            self._report(f"{name} is back")
        except StartError as problem:
            # It has exited, so the caller counts one more death.
            self._report(str(problem))
        except OSError as problem:
            # Such as a full disk. Nothing was started, so the death before it counts once more.
            self._report(f"{name} cannot be started: {because(problem)}")


def restart_delay(deaths: int) -> float:
    """Seconds to wait after so many quick deaths: hardly any after the first, then twice as long each time."""
    return float(min(RESTART_DELAY_SECONDS * 2 ** (deaths - 1), RESTART_DELAY_SECONDS_MAX))


def status_text(status: int) -> str:
    """`status 1`, or `signal 9`."""
    return f"signal {-status}" if status < 0 else f"status {status}"
