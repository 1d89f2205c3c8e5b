"""Batches: every item for itself, or all of them on one page; and a retry finds what was granted."""

import asyncio
from unittest.mock import patch

import pytest

from services.allocation import image
from services.allocation.booking.together import RejectedTogether
from services.allocation.commands import CreateReservation
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Reservation, State
from services.eventlog.memory import MemoryLog
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.problems import Problem
from services.scheduler import group_commit
from services.scheduler.ask import Ask
from services.scheduler.batch import ITEMS_MAX, asks_of, result_of
from services.scheduler.wire.replies import plain_reservation
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, book, line
from tests.scheduler.desk import Held, ManualClock, ask, leading, pages, turns

NOON = TUESDAY + 12 * HOUR
THINGS = (fixture.CPU, fixture.A100, *fixture.COMPANIES)
CORES = fixture.CPU.capacity


def wish(number: int, units: int = 1) -> Ask:
    """A booking of some cores at noon, under a request id of its own."""
    command = book("ALPHA", line("cpu", units), start=NOON, hours=1)
    assert isinstance(command, CreateReservation)
    return ask(command, f"id-{number}", f"digest-{units}")


async def test_each_item_has_its_own_answer() -> None:
    """One refusal among many items refuses itself alone, and what was granted before it counts against it."""
    async with leading(MemoryLog(), *THINGS) as writer:
        answers = await writer.submit_each([wish(1, CORES), wish(2), wish(3, 1)])
        assert isinstance(answers[0], Reservation)
        assert all(isinstance(answer, Rejected) and answer.reason is Reason.NO_CAPACITY for answer in answers[1:])
        assert len(writer.centre.reservations) == 1


async def test_all_together_stand_on_one_page() -> None:
    """An atomic batch is one durable append, with an entry for every item."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        before = len(log.pages)
        answers = await writer.submit_together([wish(number) for number in range(20)])
        assert len(log.pages) == before + 1
        assert [entry.request_id for entry in pages(log)[-1].entries] == [f"id-{number}" for number in range(20)]
        assert len({answer.id for answer in answers if isinstance(answer, Reservation)}) == 20


async def test_one_refusal_leaves_no_trace_of_the_others() -> None:
    """All or nothing: the centre, its calendars and the log are as they were, and the error says which item it was."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        await writer.submit_each([wish(100)])
        state, grid = image.digest(writer.centre), writer.centre.pools["cpu"].calendar.used.copy()
        written = len(log.pages)
        with pytest.raises(RejectedTogether) as refused:
            await writer.submit_together([wish(1), wish(2), wish(3, CORES)])
        assert refused.value.index == 2
        assert refused.value.refusal.reason is Reason.NO_CAPACITY
        assert image.digest(writer.centre) == state
        assert (writer.centre.pools["cpu"].calendar.used == grid).all()
        assert len(log.pages) == written


async def test_a_repeated_batch_has_one_effect() -> None:
    """The same items again give the same reservations, in both manners, and write nothing."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        items = [wish(number) for number in range(5)]
        first = await writer.submit_together(items)
        written = len(log.pages)
        assert await writer.submit_together([wish(number) for number in range(5)]) == first
        assert await writer.submit_each([wish(number) for number in range(5)]) == first
        assert len(log.pages) == written


async def test_a_reused_request_id_refuses_the_batch_and_names_its_item() -> None:
    """An id that was used for another body is refused where it stands."""
    async with leading(MemoryLog(), *THINGS) as writer:
        await writer.submit_each([wish(1)])
        with pytest.raises(RejectedTogether) as refused:
            await writer.submit_together([wish(2), wish(1, units=2)])
        assert refused.value.index == 1
        assert refused.value.refusal.reason is Reason.REQUEST_ID_REUSED


async def test_what_was_rehearsed_starts_once() -> None:
    """A reservation of an atomic batch is activated by one event, though it was decided on paper first."""
    log, clock = MemoryLog(), ManualClock()
    async with leading(log, *THINGS, clock=clock) as writer:
        [first, second] = await writer.submit_together([wish(1), wish(2)])
        clock.seconds = NOON
        made = writer.tick()
        await writer.settled()
        assert made == 2
        assert isinstance(first, Reservation)
        assert isinstance(second, Reservation)
        assert {writer.centre.reservations[each.id].state for each in (first, second)} == {State.ACTIVE}


async def test_concurrent_batches_never_book_a_unit_twice() -> None:
    """P1 over batches: of many that ask for everything, exactly one gets it."""
    async with leading(MemoryLog(), *THINGS) as writer:
        tries = [writer.submit_together([wish(2 * number, CORES - 1), wish(2 * number + 1)]) for number in range(8)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
        assert writer.centre.pools["cpu"].calendar.total.max() == CORES


async def test_single_calls_come_in_between_batches() -> None:
    """P11: many batches at once take turns, and a single call that comes after them does not wait for them all."""
    log = MemoryLog()
    async with leading(log, *THINGS) as writer:
        batches = [
            asyncio.create_task(writer.submit_each([wish(100 * number + item) for item in range(10)]))
            for number in range(10)
        ]
        await asyncio.gather(asyncio.create_task(writer.submit(wish(5000))), *batches)
        order = [entry.request_id for page in pages(log) for entry in page.entries if entry.request_id]
        assert order.index("id-5000") <= 10


async def test_bulk_work_waits_for_the_log_and_single_calls_do_not() -> None:
    """P11: what batches leave waiting for a slow log is bounded, so that single calls still find room."""
    log = Held()
    async with leading(log, *THINGS) as writer:
        log.gate.clear()
        with patch.object(group_commit, "ENTRIES_MAX", 2):
            batches = [asyncio.create_task(writer.submit_each([wish(number)])) for number in range(2, 50)]
            await turns()
            assert len(writer.centre.reservations) < 12
            single = asyncio.create_task(writer.submit(wish(1)))
            await turns()
            assert "id-1" in {request_id for _, request_id in writer.centre.answers.by_request}
            log.gate.set()
            await asyncio.gather(single, *batches)


def batch(*changes: dict[str, object], count: int = 2) -> api.BatchCreateReservationsRequest:
    """A sound batch, with some of its first items changed."""
    items = [
        api.CreateReservationRequest(
            request_id=f"00000000-0000-4000-8000-{number:012d}",
            reservation=api.Reservation(lines=[api.Line(resource="resources/cpu", units=1)]),
        )
        for number in range(1, count + 1)
    ]
    for number, item in enumerate(items):
        item.reservation.start_time.seconds = NOON + number * HOUR
        item.reservation.duration.seconds = HOUR
    for item, change in zip(items, changes, strict=False):
        item.MergeFrom(api.CreateReservationRequest(**change))  # type: ignore[arg-type]
    return api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=items)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (batch(count=0), "requests"),
        (batch(count=ITEMS_MAX + 1), "requests"),
        (batch({}, {"parent": "companies/BETA"}), "requests[1].parent"),
        (batch({"validate_only": True}), "requests[0].validate_only"),
        (batch({"request_id": "no"}), "requests[0].request_id"),
        (batch({}, {"reservation": api.Reservation(lines=[api.Line()])}), "requests[1].reservation.lines[1].units"),
    ],
)
def test_a_senseless_batch_names_the_item_and_the_field(
    request_: api.BatchCreateReservationsRequest, field: str
) -> None:
    """Nothing is decided as long as any item makes no sense."""
    with pytest.raises(Problem) as refused:
        asks_of(request_, "ALPHA", "companies/ALPHA")
    assert field in refused.value.metadata["fields"]


async def test_a_refused_item_tells_every_rule() -> None:
    """The answer to an item carries the code, the reason and the violations of a refusal."""
    async with leading(MemoryLog(), *THINGS) as writer:
        [answer] = await writer.submit_each([wish(1, CORES + 1)])
        told = api.BatchResult(**result_of(writer.centre, "id-1", answer, plain_reservation))
        assert told.problem.code == 9  # FAILED_PRECONDITION
        assert told.problem.reason == Reason.NO_CAPACITY
        assert [violation.reason for violation in told.problem.refusal.violations] == [Reason.NO_CAPACITY]
