"""Start-up: replay, or snapshot and tail; the same state either way, and no guess where the two do not fit."""

import asyncio
from collections.abc import AsyncIterable

import pytest

from services.allocation import image
from services.allocation.commands import CancelReservation
from services.allocation.reservations import Reservation
from services.eventlog import BrokenLog
from services.eventlog.chain import ChainReader
from services.eventlog.memory import MemoryLog
from services.eventlog.page import Head, Record
from services.scheduler import snapshotter as snapshotter_module
from services.scheduler.snapshotter import Snapshotter
from services.scheduler.start import lead
from services.scheduler.writer import Writer
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, book, line
from tests.scheduler.desk import CENTRE, ManualClock, MemorySnapshots, ask, leading, pages

THINGS = (fixture.CPU, fixture.H100, *fixture.COMPANIES, *fixture.QUOTAS[5:10])


async def live_a_little(writer: Writer) -> None:
    """Some bookings, a cancellation, and time that passes."""
    start = TUESDAY + 12 * HOUR
    made = await asyncio.gather(
        *(writer.submit(ask(book("ALPHA", line("cpu"), start=start, hours=1), f"i{n}", "d")) for n in range(20))
    )
    for reservation, _ in made[:5]:
        assert isinstance(reservation, Reservation)
        cancel = CancelReservation(reservation_id=reservation.id, company="ALPHA")
        await writer.submit(ask(cancel, f"c{reservation.id}", "d"))
    await writer.submit(ask(book("ALPHA", line("h100", 8), start=start, hours=2)))


def everything(log: MemoryLog) -> list[int]:
    """Read the whole log with suspicion, as any reader does, and give the epochs of its pages."""
    chain = ChainReader(Head(), CENTRE)
    return [chain.take(Record(position=place, data=data)).epoch for place, data in enumerate(log.pages, 1)]


async def started(log: MemoryLog, snapshots: MemorySnapshots | None = None) -> Writer:
    """A writer that has started, and does not run."""
    return await lead(
        log=log, snapshots=snapshots or MemorySnapshots(), centre_id=CENTRE, name="next", clock=ManualClock()
    )


async def test_an_empty_log_is_a_beginning() -> None:
    """The first page of a centre opens its first epoch."""
    log = MemoryLog()
    await started(log)
    (page,) = pages(log)
    assert (page.epoch, page.entries, page.centre, page.writer) == (1, (), CENTRE, "next")


async def test_a_snapshot_and_its_tail_are_the_whole_log() -> None:
    """A start from a snapshot in the middle stands where a start from the first page stands."""
    log, snapshots = MemoryLog(), MemorySnapshots()
    async with leading(log, *THINGS) as writer:
        await live_a_little(writer)
        await Snapshotter(writer, snapshots).save_now()
        await live_a_little(writer)
    copy = MemoryLog(log.pages)
    quick, slow = await started(log, snapshots), await started(copy)
    assert snapshots.kept is not None
    assert snapshots.kept[0] < len(log.pages) - 1
    assert image.digest(quick.centre) == image.digest(slow.centre)
    assert quick.pages.head == slow.pages.head


async def test_epochs_only_grow() -> None:
    """Whatever a writer starts from, its epoch follows the last one, and every reader can read on."""
    log, snapshots = MemoryLog(), MemorySnapshots()
    for life in range(4):
        async with leading(log, *(THINGS if life == 0 else ()), snapshots=snapshots) as writer:
            if life != 2:
                await writer.submit(ask(book("ALPHA", line("cpu"), start=TUESDAY + 12 * HOUR, hours=1)))
            if life % 2 == 0:
                await Snapshotter(writer, snapshots).save_now()
    assert sorted(set(everything(log))) == [1, 2, 3, 4]


async def test_a_snapshot_of_another_log_is_refused() -> None:
    """A snapshot whose page is not in the log is a fault that is named, never a guess."""
    log, snapshots = MemoryLog(), MemorySnapshots()
    async with leading(log, *THINGS) as writer:
        await Snapshotter(writer, snapshots).save_now()
    assert snapshots.kept is not None
    position, _, state = snapshots.kept
    snapshots.kept = (position, "0" * 64, state)
    with pytest.raises(BrokenLog):
        await started(log, snapshots)


async def test_a_log_shorter_than_its_snapshot_is_refused() -> None:
    """Pages that were lost are missed, even where a snapshot would cover for them."""
    log, snapshots = MemoryLog(), MemorySnapshots()
    async with leading(log, *THINGS) as writer:
        await live_a_little(writer)
        await Snapshotter(writer, snapshots).save_now()
    with pytest.raises(BrokenLog):
        await started(MemoryLog(log.pages[:-1]), snapshots)


async def test_an_unreadable_snapshot_costs_only_time() -> None:
    """A snapshot of another format, or none at all, is left aside: the log has everything."""
    log, snapshots = MemoryLog(), MemorySnapshots()
    async with leading(log, *THINGS) as writer:
        await live_a_little(writer)
        head = writer.pages.head
    for state in (
        b"",
        b"nonsense",
        image.encode(image.Moment(writer.centre)).replace(b"format" + bytes([image.FORMAT]), b"format\x01"),
    ):
        copy = MemoryLog(log.pages)
        snapshots.kept = (head.position, head.hash, state)
        fresh = await started(copy, snapshots)
        assert len(fresh.centre.reservations) == len(writer.centre.reservations)
        assert max(everything(copy)) == 2


@pytest.mark.parametrize("spoil", ["drop", "swap", "alter"])
async def test_a_spoiled_log_is_refused(spoil: str) -> None:
    """P9: a page that is missing, out of place or altered stops the start; nothing is appended."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        await live_a_little(writer)
    match spoil:
        case "drop":
            del log.pages[2]
        case "swap":
            log.pages[2], log.pages[3] = log.pages[3], log.pages[2]
        case "alter":
            log.pages[2] = log.pages[2].replace(b"cpu", b"gpu").replace(b'"epoch":1', b'"epoch":2')
    before = list(log.pages)
    with pytest.raises(BrokenLog):
        await started(log)
    assert log.pages == before


async def test_another_centres_log_is_refused() -> None:
    """A log of another centre is not taken over."""
    log = MemoryLog()
    async with leading(log, *THINGS):
        pass
    with pytest.raises(BrokenLog):
        await lead(log=log, snapshots=MemorySnapshots(), centre_id="elsewhere", name="w", clock=ManualClock())


async def test_snapshots_are_taken_while_pages_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    """After enough events an image is taken between two pages and saved: a restart from it stands the same."""
    monkeypatch.setattr(snapshotter_module, "EVENTS_BETWEEN", 10)
    log, snapshots = MemoryLog(), MemorySnapshots()
    async with leading(log, *THINGS) as writer:
        keeper = Snapshotter(writer, snapshots)
        saving = asyncio.create_task(keeper.run())
        for _ in range(4):
            await live_a_little(writer)
        await asyncio.wait_for(snapshots.saved.wait(), 5)
        saving.cancel()
    assert snapshots.kept is not None
    position, hash_, _ = snapshots.kept
    assert Record(position=position, data=log.pages[position - 1]).hash == hash_
    copy = MemoryLog(log.pages)
    quick, slow = await started(log, snapshots), await started(copy)
    assert image.digest(quick.centre) == image.digest(slow.centre)


class SlowSnapshots(MemorySnapshots):
    """Saving takes ten seconds of a clock that only this moves."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.positions: list[int] = []

    async def save(self, position: int, hash: str, state: AsyncIterable[bytes]) -> None:  # noqa: A002  # The log's word.
        """Keep it, and note where it stands."""
        self.seconds += 10
        self.positions.append(position)
        await super().save(position, hash, state)


async def book_some(writer: Writer) -> None:
    """A dozen bookings, one after another."""
    for hour in range(12, 24):
        await writer.submit(ask(book("ALPHA", line("cpu"), start=TUESDAY + hour * HOUR, hours=1)))


async def test_whoever_draws_snapshots_rests_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast events come, the next snapshot waits five times as long as the last one took."""
    monkeypatch.setattr(snapshotter_module, "EVENTS_BETWEEN", 10)
    snapshots = SlowSnapshots()
    async with leading(MemoryLog(), *THINGS) as writer:
        keeper = Snapshotter(writer, snapshots, seconds=lambda: snapshots.seconds)
        saving = asyncio.create_task(keeper.run())
        await book_some(writer)
        await asyncio.wait_for(snapshots.saved.wait(), 5)
        snapshots.saved.clear()
        snapshots.seconds = 59.0
        await book_some(writer)
        rested_at = writer.pages.head.position
        snapshots.seconds = 60.0
        await book_some(writer)
        await asyncio.wait_for(snapshots.saved.wait(), 5)
        saving.cancel()
    assert len(snapshots.positions) == 2
    assert snapshots.positions[1] > rested_at


async def test_a_snapshot_is_never_ahead_of_the_log() -> None:
    """While something waits for the log nothing is saved: the state is ahead of the page."""
    snapshots = MemorySnapshots()
    async with leading(MemoryLog(), *THINGS) as writer:
        pending = asyncio.create_task(
            writer.submit(ask(book("ALPHA", line("cpu"), start=TUESDAY + 12 * HOUR, hours=1)))
        )
        await asyncio.sleep(0)
        await Snapshotter(writer, snapshots).save_now()
        assert snapshots.kept is None
        await pending
