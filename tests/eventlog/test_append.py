"""One append is settled whatever the log does: done once, fenced, or given up within its limit."""

import asyncio

import pytest

from services.eventlog import Fenced, Unknown
from services.eventlog.append import append_page
from services.eventlog.memory import MemoryLog


async def test_a_lost_acknowledgement_is_settled_by_looking() -> None:
    """The page that was stored without our knowing is found, and not stored again."""
    log = MemoryLog()
    log.acknowledgements_to_lose = 1
    assert await append_page(log, b"page", 0) == 1
    assert log.pages == [b"page"]


async def test_a_lost_request_is_sent_again_unchanged() -> None:
    """A page that never arrived is sent again, the same bytes, until it is there."""
    log = MemoryLog()
    log.requests_to_lose = 3
    assert await append_page(log, b"page", 0) == 1
    assert log.pages == [b"page"]


async def test_another_writers_page_fences_after_doubt() -> None:
    """Not knowing, and then finding another's page at that place, means to stop."""
    log = MemoryLog()
    log.requests_to_lose = 1
    log.append_as_other(b"theirs")
    with pytest.raises(Fenced):
        await append_page(log, b"ours", 0)
    assert log.pages == [b"theirs"]


async def test_a_log_that_comes_back_gets_the_page_once() -> None:
    """The append waits while the log is away and completes when it is back."""
    log = MemoryLog()
    log.leave()
    asyncio.get_running_loop().call_later(0.2, log.come_back)
    assert await append_page(log, b"page", 0) == 1
    assert log.pages == [b"page"]


async def test_a_log_that_stays_away_is_given_up() -> None:
    """After its limit the append ends in `Unknown`, and not before."""
    log = MemoryLog()
    log.leave()
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unknown, match="has not answered"):
        await append_page(log, b"page", 0, seconds_max=0.3)
    assert 0.1 <= asyncio.get_running_loop().time() - started <= 0.4
