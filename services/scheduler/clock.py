"""The clock: wall time, or simulated time that runs faster, stands still, or is moved. The only place that asks it."""

import re
import time
from datetime import datetime
from pathlib import Path
from typing import Protocol

from services.runtime.stepped_time import SteppedTime

MICROSECONDS = 1_000_000
NANOSECONDS = 1_000_000_000
SPEED_MAX = 1_000_000
JUMP_SECONDS_MAX = 300.0
"""A clock that is set ahead at once by more than this is not believed while we run."""
STEADY: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Where the first is not known, a machine that slept looks as if its clock had been set ahead."""
STEP_POLL_SECONDS = 0.002
STEPPED = "file:"
FORM = re.compile(r"(?P<start>[^@/]+)@(?P<speed>[0-9.]+)(?:/(?P<until>[^@/]+))?")


class Clock(Protocol):
    """What the scheduler asks the time of."""

    unbelieved: float
    """Seconds by which it was set ahead, which is too far to be believed; 0 where it is believed. As of `now`."""

    def now(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        ...

    def wait_for(self, moment: int) -> float:
        """Real seconds until the clock shows a moment in seconds; infinity if it never will."""
        ...

    def resume(self, moment: int) -> None:
        """Go on from a moment in seconds, if simulated time has not come so far: a restart loses no time."""
        ...

    def shown_at(self, wall: float) -> int:
        """What the clock showed, in seconds, when it was this time on the wall: other machines know no other time."""
        ...

    def lived(self, moment: int) -> None:
        """Everything due up to a moment in microseconds has happened; tell whoever moves the clock."""
        ...

    def set_by(self) -> float:
        """Real seconds by which somebody has set the clock since it began, ahead or back (negative)."""
        ...


class WallClock:
    """The time on the wall. Whoever sets it does not move the count of what has gone by since the machine was started,
    so that shows.

    Set ahead too far at once it is not believed: it goes on from the time before, until it is set right. Set back, it
    is followed; once it comes to where it was, nothing is wrong.
    """

    def __init__(self, jump_seconds_max: float = JUMP_SECONDS_MAX) -> None:
        self.unbelieved = 0.0
        self._jump_max = int(jump_seconds_max * NANOSECONDS)
        self._began = time.time_ns() - _gone()
        self._farthest = self._began

    def now(self) -> int:
        wall, gone = time.time_ns(), _gone()
        ahead = wall - gone - self._farthest
        if ahead > self._jump_max:
            self.unbelieved = ahead / NANOSECONDS
            return (gone + self._farthest) // 1000
        self.unbelieved = 0.0
        if ahead > 0:
            self._farthest += ahead
        return wall // 1000

    def wait_for(self, moment: int) -> float:
        return max(0.0, moment - self.now() / MICROSECONDS)

    def resume(self, moment: int) -> None:
        """Wall time does not wait for us."""

    def shown_at(self, wall: float) -> int:
        return int(wall)

    def lived(self, moment: int) -> None:
        """Wall time waits for nobody."""

    def set_by(self) -> float:
        return (time.time_ns() - _gone() - self._began) / NANOSECONDS


def _gone() -> int:
    """Nanoseconds since this machine was started, those included in which it slept; nobody can set it."""
    return time.clock_gettime_ns(STEADY)


class SimulatedClock:
    """Starts at a moment, runs `speed` times as fast as real time, and stands still at `until`. Seconds."""

    unbelieved = 0.0

    def __init__(self, start: float, speed: float, until: float | None = None) -> None:
        self._start, self._speed, self._until = start, speed, until
        self._began = time.monotonic()

    def now(self) -> int:
        shown = self._start + (time.monotonic() - self._began) * self._speed
        return int((shown if self._until is None else min(shown, self._until)) * MICROSECONDS)

    def wait_for(self, moment: int) -> float:
        if self._until is not None and moment > self._until:
            return float("inf")
        return max(0.0, (moment - self.now() / MICROSECONDS) / self._speed)

    def resume(self, moment: int) -> None:
        if moment * MICROSECONDS > self.now():
            self._start, self._began = moment, time.monotonic()

    def shown_at(self, wall: float) -> int:
        return int(self.now() / MICROSECONDS - (time.time() - wall) * self._speed)

    def lived(self, moment: int) -> None:
        """It runs by itself."""

    def set_by(self) -> float:
        """Nobody can."""
        return 0.0


class SteppedClock:
    """Shows what somebody else says through a file, and tells there how far it has been lived."""

    unbelieved = 0.0

    def __init__(self, path: Path) -> None:
        self._time = SteppedTime(path)

    def now(self) -> int:
        return self._time.shown

    def wait_for(self, moment: int) -> float:
        return 0.0 if moment * MICROSECONDS <= self.now() else STEP_POLL_SECONDS

    def resume(self, moment: int) -> None:
        self._time.show(moment * MICROSECONDS)

    def shown_at(self, wall: float) -> int:
        return self.now() // MICROSECONDS

    def lived(self, moment: int) -> None:
        self._time.live(moment)

    def set_by(self) -> float:
        """To be moved is what it is for."""
        return 0.0


class ClockChoice:
    """A setting: empty for the wall clock, `START@SPEED` or `START@SPEED/UNTIL` with ISO times and offsets, or
    `file:PATH` for a clock that another process moves."""

    def __init__(self, text: str = "") -> None:
        self._path = Path(text.removeprefix(STEPPED)) if text.startswith(STEPPED) else None
        self._match = None if self._path else FORM.fullmatch(text)
        if text and self._match is None and self._path is None:
            raise ValueError("is not START@SPEED or START@SPEED/UNTIL, such as 2026-03-03T09:00:00+09:00@1000")
        if text:
            self.clock()

    @classmethod
    def parse(cls, text: str) -> "ClockChoice":
        """Read the setting. Raises ValueError with what is wrong, or OSError for a file that cannot be used."""
        return cls(text)

    @property
    def is_wall(self) -> bool:
        """Whether it is the time on the wall."""
        return self._path is None and self._match is None

    def clock(self, jump_seconds_max: float = JUMP_SECONDS_MAX) -> Clock:
        """The clock, running from now on; one on the wall is not believed when it is set ahead by more than this."""
        if self._path is not None:
            return SteppedClock(self._path)
        return WallClock(jump_seconds_max) if self._match is None else self._make(self._match)

    @staticmethod
    def _make(match: re.Match[str]) -> SimulatedClock:
        speed = float(match["speed"])
        if not 0 < speed <= SPEED_MAX:
            raise ValueError(f"has a speed that is not between 0 and {SPEED_MAX}")
        until = _seconds(match["until"]) if match["until"] else None
        return SimulatedClock(_seconds(match["start"]), speed, until)


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"has a time without an offset: {text}")
    return moment.timestamp()
