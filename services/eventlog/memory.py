"""The log in memory: the same contract as `JetStreamLog`, with the faults of the real one at the flick of a switch."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

from services.eventlog import BrokenLog, Fenced, Unknown
from services.eventlog.page import Record

BATCH_PAGES_MAX = 256


class MemoryLog:
    """One centre's log, for tests and simulation. See `EventLog` for what it promises."""

    def __init__(self, pages: Iterable[bytes] = ()) -> None:
        self.pages: list[bytes] = list(pages)
        """The exact bytes of every page; a test may spoil them."""
        self.requests_to_lose = 0
        """So many appends will not reach the log, and the writer is not told."""
        self.acknowledgements_to_lose = 0
        """So many appends will be durable without the writer being told."""
        self._away = False
        self._changed = asyncio.Event()
        self._closed = False

    async def last_position(self) -> int:
        """The position of the last durable page; 0 when the log is empty. Raises `Unknown` while away."""
        self._answer()
        return len(self.pages)

    async def append(self, data: bytes, after: int) -> int:
        """Make one page durable at `after + 1`. Raises `Fenced`, or `Unknown` when a fault is switched on."""
        self._answer()
        if self.requests_to_lose:
            self.requests_to_lose -= 1
            raise Unknown("the request was lost")
        await asyncio.sleep(0)  # as with the real one, others have their turn
        position = self._store(data, after)
        if self.acknowledgements_to_lose:
            self.acknowledgements_to_lose -= 1
            raise Unknown("the acknowledgement was lost")
        return position

    def append_as_other(self, data: bytes) -> int:
        """Another writer's page, at the end, past every fault."""
        return self._store(data, len(self.pages))

    async def read(self, position: int) -> Record | None:
        """The page at a position, or None if there is none. Raises `Unknown` while away."""
        self._answer()
        if not 1 <= position <= len(self.pages):
            return None
        return Record(position=position, data=self.pages[position - 1])

    async def follow(self, after: int) -> AsyncGenerator[list[Record], None]:
        """Records after a position, in order, then as they arrive; waits while the log is away."""
        position = after
        while True:
            while self._nothing_for(position):
                await self._changed.wait()
            if len(self.pages) < position:
                raise BrokenLog(f"the log ends at position {len(self.pages)}, but this reader has taken {position}")
            batch = self.pages[position : position + BATCH_PAGES_MAX]
            yield [Record(position=place, data=data) for place, data in enumerate(batch, position + 1)]
            position += len(batch)

    def leave(self) -> None:
        """Answer nothing, until `come_back`."""
        self._away = True

    def come_back(self) -> None:
        """Answer again, and wake whoever follows."""
        self._away = False
        self._stir()

    async def close(self) -> None:
        """Let go: nothing is answered any more."""
        self._closed = True
        self._stir()

    def _store(self, data: bytes, after: int) -> int:
        if len(self.pages) < after:
            raise BrokenLog(f"the log ends at position {len(self.pages)}, but page {after} was durable")
        if len(self.pages) > after:
            if self.pages[after] != data:
                raise Fenced(f"position {after + 1} holds another writer's page")
            return after + 1
        self.pages.append(data)
        self._stir()
        return after + 1

    def _nothing_for(self, position: int) -> bool:
        if self._closed:
            raise Unknown("the log is closed")
        return self._away or len(self.pages) == position

    def _stir(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _answer(self) -> None:
        if self._closed:
            raise Unknown("the log is closed")
        if self._away:
            raise Unknown("the log is away")
