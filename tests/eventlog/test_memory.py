"""The log in memory keeps the contract, and its faults are the real ones."""

import asyncio

import pytest

from services.eventlog import Unknown
from services.eventlog.append import append_page
from services.eventlog.memory import MemoryLog
from services.eventlog.snapshots import MemorySnapshots
from tests.eventlog.contract import LogContract, SnapshotContract, filled, taken
from tests.eventlog.pages import chain


@pytest.fixture
def log() -> MemoryLog:
    """An empty log."""
    return MemoryLog()


@pytest.fixture
def other(log: MemoryLog) -> MemoryLog:
    """The same log, as another writer has it."""
    return log


@pytest.fixture
def store() -> MemorySnapshots:
    """An empty store."""
    return MemorySnapshots()


@pytest.fixture
def other_store(store: MemorySnapshots) -> MemorySnapshots:
    """The same store, as another reader has it."""
    return store


class TestMemoryLog(LogContract):
    """The contract, in memory."""


class TestMemorySnapshots(SnapshotContract):
    """The contract, in memory."""


async def test_a_lost_acknowledgement_leaves_the_page_in_the_log(log: MemoryLog) -> None:
    """The writer does not know, and the page is durable."""
    log.acknowledgements_to_lose = 1
    with pytest.raises(Unknown):
        await log.append(b"page", 0)
    assert log.pages == [b"page"]


async def test_a_lost_request_leaves_no_page(log: MemoryLog) -> None:
    """The writer does not know, and the page is not there."""
    log.requests_to_lose = 1
    with pytest.raises(Unknown):
        await log.append(b"page", 0)
    assert log.pages == []


async def test_readers_wait_for_a_log_that_is_away(log: MemoryLog) -> None:
    """A reader gets nothing while the log is away, and everything after."""
    await filled(log, chain(2))
    log.leave()
    records = asyncio.create_task(taken(log.follow(0), 2))
    with pytest.raises(Unknown):
        await append_page(log, b"page", 2, seconds_max=0.05)
    assert not records.done()
    log.come_back()
    assert len(await records) == 2
