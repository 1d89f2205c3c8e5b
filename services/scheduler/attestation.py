"""The scheduler says what its live reservations hold, now and then, for the ledger to hold its tables against.

The state is taken between two pages, as snapshots are, and added up in pieces, so that no answer waits for it.
"""

import asyncio
from collections.abc import Callable

import structlog

from services.allocation.reservations import Reservation
from services.allocation.standing import Sum
from services.eventlog import Unknown, Witness
from services.scheduler.group_commit import Sheet
from services.scheduler.writer import Writer

SECONDS_BETWEEN = 10.0
LULL = 5
"""After a long sum it rests so many times as long."""
PIECE = 50
"""Reservations added up at once: less than half a millisecond."""
PAUSE_SECONDS = 0.005
"""Between two pieces. Without it the sum of a large centre would take every second turn of a busy scheduler for a
second, and answers would queue up behind it; so it takes less than a tenth of them, for some seconds."""

_log = structlog.get_logger()


class Attestation:
    """Watches a writer's pages, and tells the witness what stands. `clock` gives monotonic seconds."""

    def __init__(
        self, writer: Writer, witness: Witness, clock: Callable[[], float], pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._pause_seconds = pause_seconds
        self._writer = writer
        self._witness = witness
        self._clock = clock
        self._due = 0.0
        self._moment: tuple[int, dict[str, Reservation]] | None = None
        self._waiting: asyncio.Queue[tuple[int, str, dict[str, Reservation]]] = asyncio.Queue(maxsize=1)
        writer.pages.before_append.append(self._before_append)
        writer.pages.on_durable.append(self._on_durable)
        head = writer.pages.head
        if writer.centre.position <= head.position:
            self._waiting.put_nowait((head.position, head.hash, writer.centre.reservations.copy()))

    def _before_append(self, sheet: Sheet) -> None:
        # The state is ahead of a page that has others waiting behind it: then a later page is the moment.
        if (
            self._clock() >= self._due
            and self._writer.centre.position == sheet.position
            and self._moment is None
            and self._waiting.empty()
        ):
            self._moment = (sheet.position, self._writer.centre.reservations.copy())

    def _on_durable(self, sheet: Sheet) -> None:
        if self._moment is not None and self._moment[0] == sheet.position:
            self._waiting.put_nowait((sheet.position, self._writer.pages.head.hash, self._moment[1]))
            self._moment = None

    async def run(self) -> None:
        """Say what stands as it changes, for ever. A log that is away costs a word, not the service."""
        while True:
            await self._say(*await self._waiting.get())

    async def _say(self, position: int, page_hash: str, reservations: dict[str, Reservation]) -> None:
        began, total = self._clock(), Sum()
        capacities = {name: pool.resource.bin_capacity for name, pool in self._writer.centre.pools.items()}
        live = [reservation for reservation in reservations.values() if reservation.state.live]
        for first in range(0, len(live), PIECE):
            for reservation in live[first : first + PIECE]:
                total.add(reservation, capacities)
            await asyncio.sleep(self._pause_seconds)
        self._due = self._clock() + max(SECONDS_BETWEEN, LULL * (self._clock() - began))
        try:
            await self._witness.say(total.at(position, page_hash))
        except Unknown as doubt:
            _log.warning("standing_not_said", position=position, reason=str(doubt))
