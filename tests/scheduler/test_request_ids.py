"""P4: one effect for one request id, the same yes for ever, and nothing remembered of a no."""

import asyncio

import pytest

from services.allocation import image
from services.allocation.commands import CancelReservation, ReleaseReservation
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Reservation, State
from services.eventlog.memory import MemoryLog
from tests.allocation.scenario import book, line
from tests.scheduler.desk import NOON, THINGS, ask, leading, pages, wish


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
