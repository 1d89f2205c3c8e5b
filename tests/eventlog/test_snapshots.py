"""Snapshots on JetStream keep the contract, and half of one is never loaded."""

import random
from typing import Any

import pytest

from services.eventlog import Unknown
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.page import page_hash
from services.eventlog.snapshots import JetStreamSnapshots, _pack
from services.eventlog.stream import StreamInfo
from tests.eventlog.contract import SnapshotContract, in_pieces

HASH = page_hash(b"page")


@pytest.fixture
def store(log: JetStreamLog) -> JetStreamSnapshots:
    """An empty store beside a log."""
    return JetStreamSnapshots(log.connection, log.centre)


@pytest.fixture
def other_store(other: JetStreamLog) -> JetStreamSnapshots:
    """The same store, as another reader has it."""
    return JetStreamSnapshots(other.connection, other.centre)


class TestJetStreamSnapshots(SnapshotContract):
    """The contract, on a real nats-server."""


async def chunk_subjects(log: JetStreamLog) -> dict[str, int]:
    """How many chunks the bucket holds under each subject."""
    question = {"subjects_filter": "$O.*.C.>"}
    answer = await log.connection.ask(f"STREAM.INFO.OBJ_AIDC-{log.centre}-snapshots", question, dict[str, Any])
    return dict(answer["state"].get("subjects") or {})


async def spoil_newest(log: JetStreamLog) -> None:
    """Remove the chunks that were written last, as a fault of the disk would."""
    name = f"OBJ_AIDC-{log.centre}-snapshots"
    last = (await log.connection.ask(f"STREAM.INFO.{name}", {}, StreamInfo)).state.last_seq
    await log.connection.ask(f"STREAM.MSG.DELETE.{name}", {"seq": last - 1}, dict[str, Any])


async def test_a_large_state_comes_back(store: JetStreamSnapshots, other_store: JetStreamSnapshots) -> None:
    """A state of 50 MB that hardly compresses is saved and loaded byte for byte."""
    state = random.Random(1).randbytes(50_000_000)
    await store.save(7, HASH, in_pieces(state))
    assert await other_store.load() == (7, HASH, state)


async def test_a_save_that_died_is_never_loaded(
    log: JetStreamLog, store: JetStreamSnapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that dies among its chunks leaves the snapshot before it in force, and its litter goes with the next."""
    await store.save(1, HASH, in_pieces(b"whole"))
    with monkeypatch.context() as broken:
        dying_after(broken, log, store, messages=3)
        with pytest.raises(Unknown):
            await store.save(2, HASH, in_pieces(random.Random(2).randbytes(4_000_000)))
    assert await store.load() == (1, HASH, b"whole")
    assert len(await chunk_subjects(log)) == 2
    await store.save(3, HASH, in_pieces(b"next"))
    assert len(await chunk_subjects(log)) == 2
    assert await store.load() == (3, HASH, b"next")


async def test_a_damaged_snapshot_gives_way_to_the_one_before(log: JetStreamLog, store: JetStreamSnapshots) -> None:
    """When a part of the newest is gone, the older one is loaded: a longer tail, but the truth."""
    await store.save(1, HASH, in_pieces(b"older"))
    await store.save(2, HASH, in_pieces(b"newer"))
    await spoil_newest(log)
    assert await store.load() == (1, HASH, b"older")


async def test_an_altered_snapshot_gives_way_to_the_one_before(log: JetStreamLog, store: JetStreamSnapshots) -> None:
    """When a part of the newest is another one, as many as there were, its digest tells."""
    await store.save(1, HASH, in_pieces(b"older"))
    older = await chunk_subjects(log)
    await store.save(2, HASH, in_pieces(b"newer"))
    (subject,) = (await chunk_subjects(log)).keys() - older.keys()
    await spoil_newest(log)
    await log.connection.client.jetstream().publish(subject, await _pack(9, HASH, in_pieces(b"forged")))
    assert await chunk_subjects(log) == {**older, subject: 1}
    assert await store.load() == (1, HASH, b"older")


async def test_two_snapshots_are_kept_at_most(log: JetStreamLog, store: JetStreamSnapshots) -> None:
    """However many are saved, the store holds the last two."""
    for position in range(1, 7):
        await store.save(position, HASH, in_pieces(b"state"))
    assert len(await chunk_subjects(log)) == 2


def dying_after(patch: pytest.MonkeyPatch, log: JetStreamLog, store: JetStreamSnapshots, *, messages: int) -> None:
    """Let the store send so many messages and then nothing, not even its own tidying up."""
    jetstream = store._jetstream
    publish = jetstream.publish
    left = messages

    async def publish_until_dead(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError("dead")
        return await publish(*arguments, **options)

    async def purge_nothing(*_: Any, **__: Any) -> None:
        raise OSError("dead")

    patch.setattr(jetstream, "publish", publish_until_dead)
    patch.setattr(jetstream, "purge_stream", purge_nothing)
