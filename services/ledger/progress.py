"""How far the ledger has come, for those who wait for a position and for those who watch its lag.

The lag in seconds counts by this process's own clock, since the log's times may be simulated: from when the oldest page
that is not applied was first seen, or, while the log cannot be asked, from its last answer.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from services.ledger.batch import Checkpoint

SIGHTINGS_MAX = 1_000
"""Sightings of the log's end kept. When full, newer ones are dropped: the oldest decides the lag."""


class Progress:
    """The applied position against the end of the log. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.position = 0
        self.log_end = 0
        self.halted = ""
        """Why the ledger stopped for good; empty while it has not."""
        self.opened = asyncio.Event()
        """Set once the position is known."""
        self._clock = clock
        self._away_since: float | None = clock()
        self._sightings: deque[tuple[int, float]] = deque()
        self._moved = asyncio.Condition()

    @property
    def lag_pages(self) -> int:
        """Pages that the log is known to hold and the tables do not."""
        return max(0, self.log_end - self.position)

    @property
    def lag_seconds(self) -> float:
        """For how long the tables have been known, or must be feared, to miss something; 0 when they do not."""
        since = self._sightings[0][1] if self._sightings else self._away_since
        return 0.0 if since is None else self._clock() - since

    def lost_sight(self) -> None:
        """The log does not answer."""
        if self._away_since is None:
            self._away_since = self._clock()

    def saw(self, position: int) -> None:
        """The log answered, and holds a page at this position."""
        self._away_since = None
        if position > self.log_end:
            self.log_end = position
            if position > self.position and len(self._sightings) < SIGHTINGS_MAX:
                self._sightings.append((position, self._clock()))

    async def reached(self, checkpoint: Checkpoint) -> None:
        """The tables equal this checkpoint now."""
        self.position = checkpoint.position
        self.log_end = max(self.log_end, checkpoint.position)
        while self._sightings and self._sightings[0][0] <= self.position:
            self._sightings.popleft()
        self.opened.set()
        async with self._moved:
            self._moved.notify_all()

    async def wait_for(self, position: int, seconds: float) -> bool:
        """Whether the tables come to hold this position within so many seconds."""
        if self.position >= position:
            return True
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self.position >= position)
        except TimeoutError:
            return self.position >= position
        return True
