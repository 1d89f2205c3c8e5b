"""A writer over a log in memory, under a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from services.allocation.commands import Command, CreateReservation
from services.allocation.companies import Company, Quota
from services.allocation.resources import Resource
from services.eventlog import SnapshotStore
from services.eventlog.memory import MemoryLog
from services.eventlog.page import Page, decode_page
from services.scheduler.ask import Ask
from services.scheduler.clock import MICROSECONDS
from services.scheduler.start import lead
from services.scheduler.writer import Writer
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, book, line, registration

CENTRE = "mudeung-ai"
NOON = TUESDAY + 12 * HOUR
THINGS = (fixture.CPU, fixture.A100, *fixture.COMPANIES)


def wish(number: int = 0, company: str = "ALPHA", note: str = "") -> CreateReservation:
    """A booking of one core."""
    return book(company, line("cpu"), start=NOON + number % 500 * HOUR, hours=1, note=note)


class ManualClock:
    """Shows what it is told to show, in seconds."""

    unbelieved = 0.0

    def __init__(self, now: float = fixture.NOW) -> None:
        self.seconds = now

    def now(self) -> int:
        """Microseconds since 1970."""
        return int(self.seconds * MICROSECONDS)

    def wait_for(self, moment: int) -> float:
        """Time moves only by hand."""
        return float("inf") if moment > self.seconds else 0.0

    def resume(self, moment: int) -> None:
        """Go on from a moment, if it lies ahead."""
        self.seconds = max(self.seconds, moment)

    def shown_at(self, wall: float) -> int:
        """The wall shows the same."""
        return int(wall)

    def lived(self, moment: int) -> None:
        """Nobody waits for it."""

    def set_by(self) -> float:
        """To be moved is what it is for."""
        return 0.0


class MemorySnapshots:
    """The newest snapshot, in memory."""

    def __init__(self) -> None:
        self.kept: tuple[int, str, bytes] | None = None
        self.saved = asyncio.Event()

    async def save(self, position: int, hash: str, state: AsyncIterable[bytes]) -> None:  # noqa: A002  # The log's word.
        """Keep it."""
        self.kept = (position, hash, b"".join([piece async for piece in state]))
        self.saved.set()

    async def load(self) -> tuple[int, str, bytes] | None:
        """Give it back."""
        return self.kept


class Held(MemoryLog):
    """A log whose appends wait until the test lets them through, and that counts them."""

    def __init__(self, pages: Iterable[bytes] = ()) -> None:
        super().__init__(pages)
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def append(self, data: bytes, after: int) -> int:
        """Append once the gate is open."""
        self.asked.set()
        await self.gate.wait()
        return await super().append(data, after)


def ask(command: Command, request_id: str = "", digest: str = "", actor: str = "companies/ALPHA") -> Ask:
    """A command of somebody."""
    return Ask(command=command, actor=actor, request_id=request_id, digest=digest)


@asynccontextmanager
async def leading(
    log: MemoryLog,
    *things: Resource | Company | Quota,
    snapshots: SnapshotStore | None = None,
    clock: ManualClock | None = None,
    name: str = "writer",
) -> AsyncIterator[Writer]:
    """A writer that leads, with these things registered, until the block is left."""
    writer = await lead(
        log=log, snapshots=snapshots or MemorySnapshots(), centre_id=CENTRE, name=name, clock=clock or ManualClock()
    )
    running = asyncio.create_task(writer.pages.run())
    try:
        await asyncio.gather(*(writer.submit(ask(registration(thing), actor="operators/o")) for thing in things))
        yield writer
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await running


def pages(log: MemoryLog) -> list[Page]:
    """Every page of a log."""
    return [decode_page(data) for data in log.pages]


async def turns(count: int = 50) -> None:
    """Let everything that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)
