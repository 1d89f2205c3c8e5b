"""Whoever waits for the log can be stopped at any moment, also at the one at which the answer arrives."""

import asyncio
from typing import Any

import pytest
from nats.aio.msg import Msg

from services.eventlog.jetstream import JetStreamLog

SECONDS_MAX = 10


async def test_cancellation_that_meets_the_answer_is_not_lost(
    log: JetStreamLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that is cancelled just as its answer comes ends; else whoever waits for its end would wait for ever."""
    request, asked = log.connection.client.request, asyncio.Event()

    async def answer_anyway(*arguments: Any, **options: Any) -> Msg:
        """What asyncio.wait_for does before Python 3.12 when both come in the same turn of the loop."""
        asked.set()
        try:
            await asyncio.sleep(SECONDS_MAX)
        except asyncio.CancelledError:
            return await request(*arguments, **options)
        raise AssertionError("nobody cancelled")

    monkeypatch.setattr(log.connection.client, "request", answer_anyway)
    looking = asyncio.create_task(log.last_position())
    await asked.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
