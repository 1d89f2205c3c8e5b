"""A log that answers late, not at all, or to somebody else: a yes is settled by looking, or never said."""

import asyncio

import pytest

from services.allocation.reservations import Reservation
from services.eventlog import Fenced, Unknown
from services.eventlog.memory import MemoryLog
from services.eventlog.page import PAGE_BYTES_MAX, Page, encode_page, page_hash
from services.scheduler import group_commit
from services.scheduler.group_commit import PAGES_WAITING_MAX, LogBehind
from services.scheduler.start import lead
from tests.allocation import fixture
from tests.allocation.scenario import registration
from tests.scheduler.desk import (
    CENTRE,
    THINGS,
    Held,
    ManualClock,
    MemorySnapshots,
    ask,
    leading,
    pages,
    turns,
    wish,
)


async def test_a_lost_acknowledgement_is_settled_by_looking() -> None:
    """When the log kept the page but did not say so, the answer is yes, and the page is there once."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        log.acknowledgements_to_lose = 2
        told = len(log.pages)
        reservation, position = await writer.submit(ask(wish()))
        assert isinstance(reservation, Reservation)
        assert position == told + 1 == len(log.pages)


async def test_a_lost_request_is_sent_again() -> None:
    """When the page never arrived, the same bytes are sent until they do."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        log.requests_to_lose = 2
        _, position = await writer.submit(ask(wish()))
        assert position == len(log.pages)


async def test_a_log_that_comes_back_answers_everybody() -> None:
    """The log is away for a while: nobody hears anything, then everybody hears yes, in order."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        log.leave()
        asked = [asyncio.create_task(writer.submit(ask(wish(number)))) for number in range(5)]
        await turns()
        assert not any(task.done() for task in asked)
        log.come_back()
        positions = [position for _, position in await asyncio.gather(*asked)]
        assert positions == sorted(positions)
        assert positions[-1] == len(log.pages)


async def other_writers_page(log: MemoryLog) -> None:
    """Another writer opens its epoch at the end of the log."""
    last = pages(log)[-1]
    log.append_as_other(
        encode_page(
            Page(
                format=1,
                centre=CENTRE,
                writer="other",
                epoch=last.epoch + 1,
                time=last.time,
                previous=page_hash(log.pages[-1]),
                entries=(),
            )
        )
    )


async def test_a_fenced_writer_says_yes_to_nobody() -> None:
    """Another writer came first: everybody who waits hears that the outcome is unknown, and `run` ends."""
    log = Held()
    writer = await lead(log=log, snapshots=MemorySnapshots(), centre_id=CENTRE, name="old", clock=ManualClock())
    running = asyncio.create_task(writer.pages.run())
    await writer.submit(ask(registration(fixture.CPU)))
    log.gate.clear()
    asked = [
        asyncio.create_task(writer.submit(ask(registration(fixture.company(f"C{number}"))))) for number in range(3)
    ]
    await turns()
    late = asyncio.create_task(writer.submit(ask(registration(fixture.company("C9")))))
    settled = asyncio.create_task(writer.settled())
    await turns()
    await other_writers_page(log)
    log.gate.set()
    outcomes = await asyncio.gather(*asked, late, settled, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LogBehind] * 5
    with pytest.raises(Fenced):
        await running
    with pytest.raises(LogBehind):
        await writer.submit(ask(registration(fixture.company("C10"))))
    with pytest.raises(LogBehind):
        await writer.settled()
    with pytest.raises(LogBehind):
        await writer.pages.durable(writer.decided)
    assert all(page.writer != "old" for page in pages(log)[2:])


async def test_a_log_that_stays_away_ends_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time the log's silence is final: the outcome is unknown, and the process has to end."""

    async def gone(*_: object) -> int:
        raise Unknown("the log has not answered for 60 s")

    log = MemoryLog()
    writer = await lead(log=log, snapshots=MemorySnapshots(), centre_id=CENTRE, name="w", clock=ManualClock())
    running = asyncio.create_task(writer.pages.run())
    monkeypatch.setattr(group_commit, "append_page", gone)
    with pytest.raises(LogBehind):
        await writer.submit(ask(registration(fixture.CPU)))
    with pytest.raises(Unknown):
        await running


async def test_too_much_waiting_is_shed() -> None:
    """When the log does not keep up, new commands are turned away before they are decided."""
    log = Held()
    async with leading(log, *THINGS) as writer:
        log.gate.clear()
        half_a_page = {"x": "y" * (PAGE_BYTES_MAX // 2)}
        asked = [
            asyncio.create_task(writer.submit(ask(registration(fixture.company(f"B{number}", attributes=half_a_page)))))
            for number in range(PAGES_WAITING_MAX + 10)
        ]
        await turns()
        with pytest.raises(LogBehind):
            await writer.submit(ask(wish()))
        assert writer.tick() == 0
        log.gate.set()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(outcome, LogBehind) for outcome in outcomes) < 10
        await writer.submit(ask(wish()))
