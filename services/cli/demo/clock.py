"""Simulated time, as the demonstration's client reckons it from the answers that it gets."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A clock that starts at a moment, runs so many times as fast as ours, and stands still at the end."""

    start: datetime
    end: datetime
    speed: int

    @property
    def setting(self) -> str:
        """The scheduler's AIDC_CLOCK."""
        return f"{self.start.isoformat()}@{self.speed}/{self.end.isoformat()}"

    def real_seconds(self, span: timedelta) -> float:
        """How long a stretch of simulated time takes."""
        return span.total_seconds() / self.speed


class Reckoning:
    """What the scheduler's clock shows now, judged by the last time that it told."""

    def __init__(self, simulation: Simulation, shown: datetime) -> None:
        self._simulation = simulation
        self._origin = shown - self._elapsed()

    def told(self, shown: datetime) -> None:
        """The scheduler showed this when it answered; answers travel, so the latest reading is the best."""
        self._origin = max(self._origin, shown - self._elapsed())

    def now(self) -> datetime:
        """The moment."""
        return min(self._origin + self._elapsed(), self._simulation.end)

    def span(self, real_seconds: float) -> timedelta:
        """How much simulated time passes meanwhile."""
        return timedelta(seconds=real_seconds * self._simulation.speed)

    def _elapsed(self) -> timedelta:
        return self.span(time.monotonic())
