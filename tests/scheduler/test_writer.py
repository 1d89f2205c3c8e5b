"""The writer: group commit, no yes before it is durable, one effect for one request, and an honest end."""

import asyncio

import pytest

from services.allocation import image
from services.allocation.commands import CancelReservation, ReleaseReservation
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Reservation, State
from services.eventlog import Fenced, Unknown
from services.eventlog.memory import MemoryLog
from services.eventlog.page import PAGE_BYTES_MAX, Page, encode_page, page_hash
from services.scheduler import group_commit
from services.scheduler.group_commit import ENTRIES_MAX, PAGES_WAITING_MAX, LogBehind
from services.scheduler.start import lead
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import HOUR, book, line, registration
from tests.scheduler.desk import CENTRE, Held, ManualClock, MemorySnapshots, ask, leading, pages, turns

NOON = TUESDAY + 12 * HOUR
THINGS = (fixture.CPU, fixture.A100, *fixture.COMPANIES)


def wish(number: int = 0, company: str = "ALPHA", note: str = "") -> object:
    """A booking of one core."""
    return book(company, line("cpu"), start=NOON + number % 500 * HOUR, hours=1, note=note)


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


async def test_the_same_request_has_one_effect() -> None:
    """P4: asking again, at once or later, gives the same yes and no second event."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        answers = await asyncio.gather(*(writer.submit(ask(wish(), "id", "d")) for _ in range(50)))
        events = sum(len(page.entries) for page in pages(log))
        later = await writer.submit(ask(wish(), "id", "d"))
        assert len({(answer[0].id, answer[1]) for answer in [*answers, later]}) == 1  # type: ignore[union-attr]
        assert sum(len(page.entries) for page in pages(log)) == events == len(THINGS) + 1


async def test_the_first_yes_is_repeated_whatever_became_of_it() -> None:
    """P4: the answer to a repeated booking is the one that was given, even after a cancellation."""
    async with leading(MemoryLog(), *THINGS) as writer:
        booking = wish()
        first, _ = await writer.submit(ask(booking, "id", "d"))
        assert isinstance(first, Reservation)
        await writer.submit(ask(CancelReservation(reservation_id=first.id, company="ALPHA"), "other", "e"))
        again, _ = await writer.submit(ask(booking, "id", "d"))
        assert again == first
        assert writer.centre.reservations[first.id].state is State.CANCELLED


async def test_another_body_is_refused() -> None:
    """P4: a request id that was granted answers no other request, and nothing happens."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        await writer.submit(ask(wish(), "id", "d"))
        told = len(log.pages)
        with pytest.raises(Rejected) as refusal:
            await writer.submit(ask(wish(1), "id", "other"))
        with pytest.raises(Rejected):
            writer.check(ask(wish(1), "id", "other"))
        assert refusal.value.reason is Reason.REQUEST_ID_REUSED
        assert len(log.pages) == told


async def test_request_ids_of_two_companies_are_apart() -> None:
    """P4: the same id from another actor is another request."""
    async with leading(MemoryLog(), *THINGS) as writer:
        mine, _ = await writer.submit(ask(wish(), "id", "d"))
        theirs, _ = await writer.submit(ask(wish(company="BETA"), "id", "x", actor="companies/BETA"))
        assert mine != theirs


async def test_a_no_is_not_remembered() -> None:
    """P4: after a refusal the same request is a new question."""
    async with leading(MemoryLog(), *THINGS) as writer:
        full, _ = await writer.submit(ask(book("BETA", line("cpu", 224), start=NOON, hours=1)))
        with pytest.raises(Rejected):
            await writer.submit(ask(wish(), "id", "d"))
        assert isinstance(full, Reservation)
        await writer.submit(ask(CancelReservation(reservation_id=full.id, company="BETA")))
        await writer.submit(ask(wish(), "id", "d"))


async def test_a_check_changes_nothing() -> None:
    """To validate only is to decide, and to leave everything as it was."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        before = image.digest(writer.centre), len(log.pages)
        writer.check(ask(wish(), "id", "d"))
        with pytest.raises(Rejected):
            writer.check(ask(book("NOBODY", line("cpu"), start=NOON, hours=1)))
        assert (image.digest(writer.centre), len(log.pages)) == before


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


async def test_a_refused_release_leaves_no_trace() -> None:
    """A refusal makes no event and no page."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        reservation, _ = await writer.submit(ask(wish()))
        assert isinstance(reservation, Reservation)
        told = len(log.pages)
        with pytest.raises(Rejected):
            await writer.submit(ask(ReleaseReservation(reservation_id=reservation.id, company="ALPHA"), "id", "d"))
        assert len(log.pages) == told
        assert ("companies/ALPHA", "id") not in writer.centre.answers.by_request


async def test_a_tick_without_work_writes_nothing() -> None:
    """A centre with nothing to do is silent."""
    log = MemoryLog()
    async with leading(log) as writer:
        assert (writer.tick(), len(log.pages)) == (0, 1)
