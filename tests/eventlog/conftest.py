"""A centre of its own on the shared nats-server for each test, and handles that are closed after it."""

import itertools
from collections.abc import AsyncIterator

import pytest

from services.eventlog.jetstream import JetStreamLog

_numbers = itertools.count(1)


@pytest.fixture
def centre() -> str:
    """A centre whose log nobody else uses."""
    return f"eventlog-{next(_numbers)}"


@pytest.fixture
async def log(nats_url: str, nats_monitor: str, centre: str) -> AsyncIterator[JetStreamLog]:
    """An empty log on the shared nats-server."""
    opened = await JetStreamLog.connect(nats_url, centre, monitor_url=nats_monitor)
    yield opened
    await opened.close()


@pytest.fixture
async def other(nats_url: str, centre: str, log: JetStreamLog) -> AsyncIterator[JetStreamLog]:
    """The same log, as another writer has it."""
    opened = await JetStreamLog.connect(nats_url, centre, create=False)
    yield opened
    await opened.close()
