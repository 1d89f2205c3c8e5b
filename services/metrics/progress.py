"""How far the figures are behind the end of the log. Positions and times arrive as arguments.

The lag in seconds is honest in both ways that a reader can fall behind: it grows while pages wait to be applied, and it
grows while the log cannot be asked, since the figures may then be old without anyone knowing.
"""

import asyncio
from collections import deque

from services.metrics.freshness import Freshness

SIGHTINGS_MAX = 3_600
"""Uncovered sightings kept. When full, newer ones are dropped: the oldest decides the lag."""


class Progress:
    """The end of the log as it was last seen, against the position that was applied. Times are monotonic seconds."""

    def __init__(self, started_at: float) -> None:
        self.applied = 0
        self.end = 0
        self.asked = Freshness(started_at)
        """When the log last said where it ends."""
        self.caught_up = asyncio.Event()
        """Set once the figures have equalled the end of the log, and from then on."""
        self._uncovered: deque[tuple[int, float]] = deque()

    def end_seen(self, position: int, at: float) -> None:
        """The log answered that its last page is at this position."""
        self.end = max(self.end, position)
        self.asked.worked(at)
        if len(self._uncovered) < SIGHTINGS_MAX:
            self._uncovered.append((position, at))
        self._cover()

    def end_unknown(self) -> None:
        """The log did not answer."""
        self.asked.failed()

    def advanced(self, position: int) -> None:
        """Every page up to this position is in the figures."""
        self.applied = position
        self._cover()

    def _cover(self) -> None:
        while self._uncovered and self._uncovered[0][0] <= self.applied:
            self._uncovered.popleft()
            if self.applied >= self.end:
                self.caught_up.set()

    @property
    def lag_pages(self) -> int:
        """Pages that the log holds and the figures do not."""
        return max(0, self.end - self.applied)

    def lag_seconds(self, now: float) -> float:
        """For how long the figures have been known, or must be feared, to miss something; 0 when they do not."""
        if self._uncovered:
            return now - self._uncovered[0][1]
        return 0.0 if self.asked.working else self.asked.age_seconds(now)
