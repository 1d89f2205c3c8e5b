"""Whoever waits for the log can be stopped at any moment, also at one at which its client would not hear it."""

import asyncio
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.eventlog import Unknown
from services.eventlog.connection import Connection
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


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A client that is deaf to its first cancellations, as nats-py is while it closes an attempt that failed."""
    heard: list[str] = []

    async def connect(*_: Any, **__: Any) -> None:
        while True:
            try:
                heard.append("trying")
                await asyncio.sleep(SECONDS_MAX)
            except asyncio.CancelledError:
                if len(heard) > 3:
                    raise

    monkeypatch.setattr(Client, "connect", connect)
    return heard


async def test_connecting_ends_in_time_though_the_client_does_not_hear(
    attempts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that bars us is given up after the time for it, and not tried for ever."""
    monkeypatch.setattr("services.eventlog.connection.CONNECT_SECONDS_MAX", 0.01)
    with pytest.raises(Unknown, match="let us in within"):
        await Connection.open("nats://127.0.0.1:9", name="test")
    assert len(attempts) == 4


async def test_whoever_connects_can_be_stopped_though_the_client_does_not_hear(attempts: list[str]) -> None:
    """A service that is told to stop while it starts ends, and leaves nobody behind who goes on trying."""
    connecting = asyncio.create_task(Connection.open("nats://127.0.0.1:9", name="test"))
    while not attempts:  # noqa: ASYNC110
        await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert asyncio.all_tasks() == {asyncio.current_task()}
