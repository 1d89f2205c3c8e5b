"""The writer: group commit, no yes before it is durable, limits, and time that goes forward."""

import asyncio

import pytest

from services.allocation import image
from services.allocation.commands import CancelReservation
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation, State
from services.eventlog.memory import MemoryLog
from services.eventlog.page import PAGE_BYTES_MAX
from services.scheduler.group_commit import ENTRIES_MAX
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR, registration
from tests.scheduler.desk import NOON, THINGS, Held, ManualClock, ask, leading, pages, turns, wish


async def test_concurrent_bookings_share_pages() -> None:
    """Group commit: while one page is on its way, everything else collects on the next."""
    log = Held()
    async with leading(log, *THINGS) as writer:
        log.gate.clear()
        before = len(log.pages)
        asked = [asyncio.create_task(writer.submit(ask(wish(number)))) for number in range(300)]
        await turns()
        log.gate.set()
        await asyncio.gather(*asked)
        assert len(log.pages) - before <= 3
        assert sum(len(page.entries) for page in pages(log)) == len(THINGS) + 300


async def test_nobody_hears_a_yes_before_it_is_durable() -> None:
    """P2: as long as the page is not in the log, no answer leaves; then all of them do."""
    log = Held()
    async with leading(log, *THINGS) as writer:
        log.gate.clear()
        asked = [asyncio.create_task(writer.submit(ask(wish(number)))) for number in range(3)]
        repeated = asyncio.create_task(writer.submit(ask(wish(), "id", "d")))
        await turns()
        again = asyncio.create_task(writer.submit(ask(wish(), "id", "d")))
        settled = asyncio.create_task(writer.settled())
        await turns()
        assert not any(task.done() for task in (*asked, repeated, again, settled))
        log.gate.set()
        await asyncio.gather(*asked, repeated, again, settled)
        assert (await repeated) == (await again)


async def test_every_answer_carries_its_position() -> None:
    """P5: the position of an answer is that of the page that holds its events."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        for number in range(3):
            reservation, position = await writer.submit(ask(wish(number)))
            assert isinstance(reservation, Reservation)
            (confirmed,) = [
                event
                for entry in pages(log)[position - 1].entries
                for event in entry.events
                if getattr(event, "reservation_id", "") == reservation.id
            ]
            assert reservation.position == position
            assert confirmed is not None


async def test_a_page_has_limits() -> None:
    """Neither more entries nor more bytes than a page may have, however much waits; the order stays."""
    log = Held()
    async with leading(log, *THINGS) as writer:
        log.gate.clear()
        count = ENTRIES_MAX + 500
        asked = [
            asyncio.create_task(writer.submit(ask(wish(number // 100, note="x" * 450)))) for number in range(count)
        ]
        await turns()
        log.gate.set()
        positions = [position for _, position in await asyncio.gather(*asked)]
        assert positions == sorted(positions)
        assert max(len(page.entries) for page in pages(log)) <= ENTRIES_MAX
        assert max(map(len, log.pages)) <= PAGE_BYTES_MAX + 1024


async def test_an_answer_that_fits_no_page_is_a_no() -> None:
    """One decision larger than a page would end the writer: it is refused before anything happens."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        huge = fixture.company("HUGE", attributes={f"{number}": "x" * 1000 for number in range(PAGE_BYTES_MAX // 1000)})
        before = image.digest(writer.centre)
        with pytest.raises(Rejected):
            await writer.submit(ask(registration(huge)))
        assert image.digest(writer.centre) == before
        await writer.submit(ask(wish()))


async def test_time_moves_reservations_by_events() -> None:
    """A tick writes activations and completions to the log, and nothing when nothing is due."""
    log, clock = MemoryLog(), ManualClock()
    async with leading(log, *THINGS, clock=clock) as writer:
        reservation, _ = await writer.submit(ask(wish()))
        assert isinstance(reservation, Reservation)
        assert writer.tick() == 0
        clock.seconds = NOON
        assert (writer.tick(), writer.tick()) == (1, 0)
        clock.seconds = NOON + HOUR
        assert writer.tick() == 1
        await writer.settled()
        entries = [entry for page in pages(log) for entry in page.entries]
        assert [entry.actor for entry in entries[-3:]] == ["companies/ALPHA", "system", "system"]
        assert writer.centre.reservations[reservation.id].state is State.COMPLETED


async def test_time_never_runs_backwards() -> None:
    """A clock that is set back does not take decisions back with it."""
    log, clock = MemoryLog(), ManualClock()
    async with leading(log, *THINGS, clock=clock) as writer:
        clock.seconds += 10
        await writer.submit(ask(wish()))
        clock.seconds -= 3600
        await writer.submit(ask(wish(1)))
        times = [entry.time for page in pages(log) for entry in page.entries]
        assert times == sorted(times)
        assert writer.now() // 1_000_000 == NOW + 10


async def test_the_log_is_the_state() -> None:
    """A fresh writer over the same log stands exactly where the old one stood, answers to requests included."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        reservation, _ = await writer.submit(ask(wish(), "id", "d"))
        assert isinstance(reservation, Reservation)
        await writer.submit(ask(CancelReservation(reservation_id=reservation.id, company="ALPHA"), "id2", "e"))
        await asyncio.gather(*(writer.submit(ask(wish(number), f"n{number}", "f")) for number in range(40)))
        old = writer.centre
    async with leading(log) as fresh:
        fresh.centre.position = old.position
        assert image.digest(fresh.centre) == image.digest(old)
        again, _ = await fresh.submit(ask(wish(), "id", "d"))
        assert again == reservation


async def test_a_drained_writer_has_nothing_waiting() -> None:
    """Before the process ends, everything that was decided is in the log."""
    log = Held()
    async with leading(log, *THINGS) as writer:
        log.gate.clear()
        asked = [asyncio.create_task(writer.submit(ask(wish(number)))) for number in range(3)]
        drained = asyncio.create_task(writer.pages.drained())
        await turns()
        drained = asyncio.create_task(writer.pages.drained())
        await turns()
        assert not drained.done()
        log.gate.set()
        await drained
        assert all(task.done() for task in asked) or await asyncio.gather(*asked)
        assert writer.pages.head.position == writer.centre.position


async def test_a_tick_without_work_writes_nothing() -> None:
    """A centre with nothing to do is silent."""
    log = MemoryLog()
    async with leading(log) as writer:
        assert (writer.tick(), len(log.pages)) == (0, 1)
