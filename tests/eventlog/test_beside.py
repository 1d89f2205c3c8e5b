"""The streams beside the log, on a real nats-server: bounded, forgetful, and never in the log's way."""

import asyncio
from contextlib import aclosing

import pytest

from services.eventlog import Unknown
from services.eventlog.beside import REFUSALS, USE, Side, SideStream
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.stream import StreamInfo
from services.runtime.embedded import NatsServer

SECONDS_MAX = 30


async def first(stream: SideStream, count: int, *, from_now: bool = False) -> list[bytes]:
    """The first messages that a reader gets."""
    got: list[bytes] = []
    async with asyncio.timeout(SECONDS_MAX), aclosing(stream.follow(from_now=from_now)) as following:
        async for records in following:
            got += [record.data for record in records]
            if len(got) >= count:
                break
    return got


async def test_messages_arrive_in_order_from_the_oldest(log: JetStreamLog) -> None:
    """A reader that comes late gets what is kept, whoever published it, and then what is published."""
    stream = SideStream(log.connection, log.centre, USE)
    await stream.make()
    await stream.publish(b"one", about="node-1")
    await stream.publish(b"two", about="node-2")
    reading = asyncio.create_task(first(stream, 3))
    await stream.publish(b"three")
    assert await reading == [b"one", b"two", b"three"]


async def test_a_reader_may_begin_now(log: JetStreamLog) -> None:
    """What was said before is none of its business, and what is said from then on is complete."""
    stream = SideStream(log.connection, log.centre, REFUSALS)
    await stream.make()
    await stream.publish(b"before")
    async with asyncio.timeout(SECONDS_MAX), aclosing(stream.follow(from_now=True)) as following:
        waiting = asyncio.ensure_future(anext(following))
        while not (await stream._info()).config or not await consumers(log, stream):
            pass  # A round trip each time, until the reader is there.
        await stream.publish(b"after")
        assert [record.data for record in await waiting] == [b"after"]


async def consumers(log: JetStreamLog, stream: SideStream) -> list[str]:
    """The readers of a stream, by name."""
    answer: dict[str, list[str]] = await log.connection.ask(
        f"CONSUMER.NAMES.{stream.name}", {}, dict[str, list[str] | int | str | None]
    )
    return answer.get("consumers") or []


async def test_the_oldest_messages_make_room(log: JetStreamLog) -> None:
    """A full stream drops what is oldest and takes the next, so that publishing never stops."""
    stream = SideStream(log.connection, log.centre, Side("small", "memory", 4_096, 60))
    await stream.make()
    for number in range(20):
        await stream.publish(bytes([number]) * 1_000)
    kept = await first(stream, 1)
    assert 1 <= len(kept) < 5
    assert kept[-1][0] == 19


async def test_who_floods_pushes_out_its_own_messages_alone(log: JetStreamLog) -> None:
    """Of each subject so many are kept, so what others said stays."""
    stream = SideStream(log.connection, log.centre, Side("shared", "memory", 1 << 20, 60, each_max=3))
    await stream.make()
    await stream.publish(b"quiet", about="node-1")
    for number in range(20):
        await stream.publish(bytes([number]), about="node-2")
    assert await first(stream, 4) == [b"quiet", bytes([17]), bytes([18]), bytes([19])]


async def test_a_stream_that_is_there_is_left_as_it_is(log: JetStreamLog) -> None:
    """An operator who gave it more room finds it so after a restart."""
    await SideStream(log.connection, log.centre, Side("kept", "memory", 1 << 20, 60)).make()
    again = SideStream(log.connection, log.centre, Side("kept", "memory", 1 << 16, 60))
    await again.make()
    assert (await again._info()).config["max_bytes"] == 1 << 20


async def test_publishing_without_a_stream_is_unknown(log: JetStreamLog) -> None:
    """Nobody confirms a message that nobody keeps."""
    with pytest.raises(Unknown):
        await SideStream(log.connection, log.centre, REFUSALS).publish(b"lost")


async def test_a_reader_outlives_the_stream(log: JetStreamLog) -> None:
    """A stream that is lost with its server and made anew is read from its beginning, by the same reader."""
    stream = SideStream(log.connection, log.centre, USE)
    await stream.make()
    await stream.publish(b"old")
    await stream.publish(b"older than the next")
    async with asyncio.timeout(SECONDS_MAX), aclosing(stream.follow()) as following:
        assert len(await anext(following)) in (1, 2)
        await log.connection.ask(f"STREAM.DELETE.{stream.name}", {}, StreamInfo)
        await stream.make()
        await stream.publish(b"new")
        got: list[bytes] = []
        while b"new" not in got:
            got += [record.data for record in await anext(following)]


async def test_memory_is_forgotten_with_the_server_and_the_log_is_not(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A nats-server that is killed comes back without the use of units, and with every page."""
    async with NatsServer(tmp_path_factory.mktemp("beside")) as server:
        log = await JetStreamLog.connect(server.url, "beside", monitor_url=server.monitor_url)
        stream = SideStream(log.connection, "beside", USE)
        await stream.make()
        await stream.publish(b"use")
        await log.append(b"page", after=0)
        server.kill()
        await server.start()
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                try:
                    assert await log.last_position() == 1
                    break
                except Unknown:
                    await asyncio.sleep(0)
        with pytest.raises(Unknown):
            await stream.publish(b"nobody made it again")
        await log.close()
