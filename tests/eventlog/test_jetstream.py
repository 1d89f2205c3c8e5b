"""The log on JetStream keeps the contract, and is refused when its settings do not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.eventlog import BrokenLog, Unknown
from services.eventlog.chain import demand_head, read_pages
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.page import Head, page_hash
from services.eventlog.pull import ConsumerCreated
from services.eventlog.stream import StreamInfo, stream_info, stream_name
from services.runtime.embedded import NatsServer
from services.runtime.embedded.nats import binary
from tests.eventlog.contract import LogContract, filled, taken
from tests.eventlog.pages import chain
from tests.eventlog.servers import lazy_server


class TestJetStreamLog(LogContract):
    """The contract, on a real nats-server."""


async def altered(log: JetStreamLog, **settings: Any) -> None:
    """Replace the log's stream by one with other settings."""
    name = stream_name(log.centre)
    config = (await stream_info(log.connection, name)).config | settings
    await log.connection.ask(f"STREAM.DELETE.{name}", {}, StreamInfo)
    made = await log.connection.ask(f"STREAM.CREATE.{name}", config, StreamInfo)
    assert made.error is None, made.error


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_age", 3_600_000_000_000),
        ("max_msgs", 1_000),
        ("max_bytes", 1_000_000),
        ("max_msgs_per_subject", 10),
        ("max_msg_size", 1_000),
        ("storage", "memory"),
        ("retention", "interest"),
        ("discard", "old"),
        ("deny_delete", False),
        ("deny_purge", False),
        ("no_ack", True),
        ("allow_msg_ttl", True),
        ("persist_mode", "async"),
        ("subjects", ["elsewhere.log"]),
    ],
)
async def test_a_wrong_setting_is_refused_by_name(log: JetStreamLog, nats_url: str, setting: str, value: Any) -> None:
    """A stream that could lose a page is not used: the setting, its value and the remedy are named."""
    await altered(log, **{setting: value})
    with pytest.raises(BrokenLog, match=rf"has {setting} = .*nats stream edit"):
        await JetStreamLog.connect(nats_url, log.centre)


async def test_a_refused_stream_is_left_as_it_is(log: JetStreamLog, nats_url: str) -> None:
    """Refusing a stream changes nothing about it."""
    await altered(log, max_age=3_600_000_000_000)
    before = await stream_info(log.connection, stream_name(log.centre))
    with pytest.raises(BrokenLog):
        await JetStreamLog.connect(nats_url, log.centre)
    assert await stream_info(log.connection, stream_name(log.centre)) == before


async def test_too_few_replicas_are_refused(log: JetStreamLog, nats_url: str) -> None:
    """A log that is to live on three disks is not opened on one."""
    with pytest.raises(BrokenLog, match=r"has num_replicas = 1, and the log needs 3"):
        await JetStreamLog.connect(nats_url, log.centre, replicas=3)


async def test_a_missing_stream_is_made_only_when_asked(nats_url: str, centre: str) -> None:
    """A reader does not make a log where the writer's should be."""
    with pytest.raises(BrokenLog, match="does not exist: start the centre's scheduler first"):
        await JetStreamLog.connect(nats_url, centre, create=False)


async def test_a_server_that_syncs_lazily_is_refused(tmp_path: Path) -> None:
    """Without `sync_interval: always` a power cut loses confirmed pages, so the server is refused by that name."""
    async with lazy_server(tmp_path, binary()) as (url, monitor_url):
        with pytest.raises(BrokenLog, match=r"sync_interval = 120s.*`sync_interval: always`"):
            await JetStreamLog.connect(url, "test", monitor_url=monitor_url)


async def test_a_server_with_too_small_messages_is_refused(tmp_path: Path) -> None:
    """A server whose messages cannot hold the largest page is refused before the first one fails."""
    async with lazy_server(tmp_path, binary(), "max_payload: 64KB") as (url, _):
        with pytest.raises(BrokenLog, match="max_payload = 65536"):
            await JetStreamLog.connect(url, "test")


async def test_no_monitoring_is_said(nats_url: str) -> None:
    """When the server's settings are to be verified and cannot be, the log is not opened."""
    with pytest.raises(Unknown, match="no monitoring at"):
        await JetStreamLog.connect(nats_url, "test", monitor_url="http://127.0.0.1:9")


async def test_a_lost_consumer_costs_the_reader_nothing(log: JetStreamLog, other: JetStreamLog) -> None:
    """When the server forgets the reader's consumer, another is made where it left off: no gap and no repeat."""
    pages = chain(20)
    await filled(log, pages[:10])
    records = other.follow(0)
    found = await taken(records, 10)
    more = asyncio.create_task(taken(records, 10))
    for name in await consumers(log):
        await log.connection.ask(f"CONSUMER.DELETE.{stream_name(log.centre)}.{name}", {}, ConsumerCreated)
    for after in range(10, 20):
        await log.append(pages[after], after)
    found += await more
    assert [(record.position, record.data) for record in found] == list(enumerate(pages, 1))


async def test_a_reader_leaves_no_consumer_behind(log: JetStreamLog) -> None:
    """When a reader stops, its consumer on the server goes too."""
    await filled(log, chain(3))
    records = log.follow(0)
    await taken(records, 3)
    assert len(await consumers(log)) == 1
    await records.aclose()
    assert await consumers(log) == []


async def test_a_removed_page_stops_the_reader(log: JetStreamLog, nats_url: str) -> None:
    """A page that an administrator removed after weakening the stream is a gap: reader and writer refuse to go on."""
    await altered(log, deny_delete=False)
    fresh = await raw_log(nats_url, log.centre)
    await filled(fresh, chain(5))
    name = stream_name(log.centre)
    await fresh.connection.ask(f"STREAM.MSG.DELETE.{name}", {"seq": 3}, StreamInfo)
    with pytest.raises(BrokenLog, match="gave position 4 where 3 was due"):
        await taken(fresh.follow(0), 5)
    await fresh.close()


async def test_a_stream_made_anew_is_not_our_log(log: JetStreamLog, nats_url: str) -> None:
    """After the stream was deleted and made again, neither the writer nor the reader takes it for the old one."""
    pages = chain(3)
    await filled(log, pages)
    records = log.follow(0)
    await taken(records, 3)
    await altered(log)  # Whoever looks between the two says that it does not exist: see below.
    replacement = await JetStreamLog.connect(nats_url, log.centre)
    await replacement.append(b"another log", 0)
    with pytest.raises(BrokenLog, match="was made anew"):
        await log.append(b"page", 3)
    with pytest.raises(BrokenLog, match="was made anew"):
        await taken(records, 1)
    with pytest.raises(BrokenLog, match="ends before position 3"):
        await demand_head(replacement, Head(position=3, hash=page_hash(pages[2])))
    await replacement.close()


async def test_a_deleted_stream_is_said(log: JetStreamLog) -> None:
    """A log that is gone is not waited for: writing, reading and following say so."""
    await filled(log, chain(2))
    await log.connection.ask(f"STREAM.DELETE.{stream_name(log.centre)}", {}, StreamInfo)
    for attempt in (log.read(1), log.last_position(), taken(log.follow(0), 1)):
        with pytest.raises(BrokenLog, match="does not exist: if it was deleted, restore it"):
            await attempt


async def test_a_bit_flipped_on_the_servers_disk_is_noticed(tmp_path: Path) -> None:
    """A damaged file that the server silently forgives is noticed by a reader who knows the head."""
    pages = chain(60)
    async with NatsServer(tmp_path) as server:
        log = await JetStreamLog.connect(server.url, "test")
        await filled(log, pages)
        await log.close()
        server.kill()
        flip_bit_in_block(tmp_path)
        await server.start()
        log = await JetStreamLog.connect(server.url, "test")
        with pytest.raises(BrokenLog):
            await reads_to_the_end(log, Head(position=60, hash=page_hash(pages[59])))
        await log.close()


async def reads_to_the_end(log: JetStreamLog, head: Head) -> None:
    """Read everything and check that it ends at, or goes through, a known head."""
    await demand_head(log, head)
    async for batch in read_pages(log, Head(), "test"):
        if batch[-1][0].position >= head.position:
            return


def flip_bit_in_block(folder: Path) -> None:
    """Flip one bit in the middle of a stopped server's message file."""
    block = next(folder.rglob("*.blk"))
    data = bytearray(block.read_bytes())
    data[len(data) // 2] ^= 1
    block.write_bytes(data)


async def raw_log(url: str, centre: str) -> JetStreamLog:
    """A log opened past the check of its settings, as one whose stream was weakened later."""
    sound = await JetStreamLog.connect(url, f"{centre}-sound")
    info = await stream_info(sound.connection, stream_name(centre))
    return JetStreamLog(sound.connection, centre, info.created)


async def consumers(log: JetStreamLog) -> list[str]:
    """The names of the consumers on the log's stream."""
    answer = await log.connection.ask(f"CONSUMER.NAMES.{stream_name(log.centre)}", {}, dict[str, Any])
    return list(answer["consumers"] or [])


async def test_an_absent_server_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no server answers, the message says where it was looked for, and no secret."""
    monkeypatch.setattr("services.eventlog.connection.CONNECT_SECONDS_MAX", 0.3)
    with pytest.raises(Unknown, match=r"no NATS server at 127\.0\.0\.1:9 let us in") as said:
        await JetStreamLog.connect("nats://user:secret@127.0.0.1:9", "test")
    assert "secret" not in str(said.value)


async def test_wrong_credentials_are_said(nats_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that bars us is not tried for ever, and what it said is passed on."""
    monkeypatch.setattr("services.eventlog.connection.CONNECT_SECONDS_MAX", 2.0)
    address = nats_url.rpartition("@")[2]
    with pytest.raises(Unknown, match=r"(?i)authorization"):
        await JetStreamLog.connect(f"nats://aidc:wrong@{address}", "test")
