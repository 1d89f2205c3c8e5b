"""The log: one ordered, durable, hash-chained stream of pages. It is the truth; everything else is a view of it.

Two implementations keep the same contract (`tests/eventlog/contract.py`): `JetStreamLog` for the world and `MemoryLog`
for tests and simulation.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Protocol

from services.allocation.standing import Standing
from services.eventlog.page import Record


class Fenced(Exception):
    """Another writer appended first. This writer must stop: its decisions were made on a past that is not."""


class Unknown(Exception):
    """The log did not answer: the page may or may not be durable. Look before sending again."""


class BrokenLog(Exception):
    """A gap, an altered page, an unreadable event or wrong settings. The message says which, and what to do."""


class EventLog(Protocol):
    """One centre's log. Positions start at 1 and are contiguous.

    `append` makes one page durable at `after + 1`, or raises `Fenced` if that place is taken by another page, or
    `Unknown` if the log did not answer. `read` answers from the leader, never from a stale copy. `follow` yields every
    record after a position, in order, without gaps, and then waits for more; it survives reconnects.
    """

    async def last_position(self) -> int:
        """The position of the last durable page; 0 when the log is empty. Raises `Unknown`."""
        ...

    async def append(self, data: bytes, after: int) -> int:
        """Make one page durable at `after + 1` and give that position."""
        ...

    async def read(self, position: int) -> Record | None:
        """The page at a position, or None if there is none. Raises `Unknown`."""
        ...

    def follow(self, after: int) -> AsyncGenerator[list[Record], None]:
        """Records after a position, in order, in non-empty batches as they are at hand, then as they arrive."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class SnapshotStore(Protocol):
    """The newest snapshot of a reader's state, kept beside the log."""

    async def save(self, position: int, hash: str, state: AsyncIterable[bytes]) -> None:  # noqa: A002  (the log's word)
        """Replace the snapshot by the state, in pieces one after another, at a position whose page has this hash."""
        ...

    async def load(self) -> tuple[int, str, bytes] | None:
        """Position, page hash and state of the newest whole snapshot, or None."""
        ...


class Witness(Protocol):
    """What a centre's scheduler says about its own state, beside the log; the newest word alone is kept."""

    async def say(self, standing: Standing) -> None:
        """Replace the word before. Raises `Unknown`."""
        ...

    async def hear(self) -> Standing | None:
        """The newest word, or None if nothing was said yet. Raises `Unknown`."""
        ...
