"""Snapshots of a reader's state, kept beside the log in a JetStream object store.

Two places take turns. A new snapshot replaces the older of the two, and an object counts from the moment its
description is written, which is after all of its chunks: while one is being written, or should one turn out to be
damaged, the other is whole. The digest of every object is verified as it is read.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterable, Awaitable
from hashlib import sha256
from typing import TypeVar

import msgspec
import nats.errors
import nats.js.errors
import structlog
import zstandard
from nats.js.api import ObjectInfo, ObjectMeta, ObjectMetaOptions, StorageType
from nats.js.object_store import ObjectStore

from services.eventlog import Unknown
from services.eventlog.connection import Connection

PLACES = ("a", "b")
STATE_BYTES_MAX = 512 * 1024 * 1024
CHUNK_BYTES = 512 * 1024
COMPRESSION_LEVEL = 1
DIGEST = "SHA-256="
TRANSFER_SECONDS_MAX = 60.0

Answer = TypeVar("Answer")

logger = structlog.get_logger(__name__)


class Label(msgspec.Struct, frozen=True):
    """The first line of a snapshot: which page it stands at, and how long the state is."""

    position: int
    hash: str
    state_bytes: int


class JetStreamSnapshots:
    """A centre's snapshots beside its log. See `SnapshotStore` for what it promises; every call may raise `Unknown`."""

    def __init__(self, connection: Connection, centre: str, *, replicas: int = 1) -> None:
        self._connection = connection
        self._bucket = f"AIDC-{centre}-snapshots"
        self._replicas = replicas
        self._jetstream = connection.client.jetstream()

    async def save(self, position: int, hash: str, state: AsyncIterable[bytes]) -> None:  # noqa: A002 (the log's word)
        """Replace the snapshot by the state, in pieces one after another, at a position whose page has this hash."""
        packed = await _pack(position, hash, state)
        store = await self._open() or await self._make()
        newest_first = await self._described(store)
        await self._purge_orphans(newest_first)
        place = next((free for free in PLACES if free not in [info.name for info in newest_first]), "")
        meta = ObjectMeta(
            description=str(_turn(newest_first[0]) + 1 if newest_first else 1),
            options=ObjectMetaOptions(max_chunk_size=CHUNK_BYTES),
        )
        await _within(TRANSFER_SECONDS_MAX, store.put(place or newest_first[-1].name, packed, meta))

    async def load(self) -> tuple[int, str, bytes] | None:
        """Position, page hash and state of the newest whole snapshot, or None."""
        store = await self._open()
        if store is None:
            return None
        for info in await self._described(store):
            packed = await self._fetch(info)
            unpacked = await asyncio.to_thread(_unpack, packed) if packed else None
            if unpacked:
                return unpacked
            logger.error("snapshot_damaged", bucket=self._bucket, place=info.name)
        return None

    async def _open(self) -> ObjectStore | None:
        try:
            return await _within(TRANSFER_SECONDS_MAX, self._jetstream.object_store(self._bucket))
        except nats.js.errors.BucketNotFoundError:
            return None

    async def _make(self) -> ObjectStore:
        made = self._jetstream.create_object_store(self._bucket, storage=StorageType.FILE, replicas=self._replicas)
        return await _within(TRANSFER_SECONDS_MAX, made)

    async def _described(self, store: ObjectStore) -> list[ObjectInfo]:
        """The snapshots that are there, newest first."""
        found = []
        for place in PLACES:
            try:
                found.append(await _within(TRANSFER_SECONDS_MAX, store.get_info(place)))
            except nats.js.errors.ObjectNotFoundError:
                continue
        return sorted(found, key=_turn, reverse=True)

    async def _fetch(self, info: ObjectInfo) -> bytes | None:
        """The object's bytes, or None if it is damaged."""
        # Whoever waited for a chunk that is not there would wait in vain, so the chunks are counted first.
        subject = self._chunk_subject(info)
        if (await self._chunks()).get(subject, 0) != info.chunks:
            return None
        # One by one: the client's own way of getting an object rests for half a second at its end.
        chunks = await _within(TRANSFER_SECONDS_MAX, self._jetstream.subscribe(subject, ordered_consumer=True))
        whole, digest = [], sha256()
        try:
            for _ in range(info.chunks or 0):
                whole.append((await _within(TRANSFER_SECONDS_MAX, chunks.next_msg(TRANSFER_SECONDS_MAX))).data)
                digest.update(whole[-1])
        finally:
            await _within(TRANSFER_SECONDS_MAX, chunks.unsubscribe())
        return b"".join(whole) if info.digest == DIGEST + urlsafe_b64encode(digest.digest()).decode() else None

    async def _purge_orphans(self, described: list[ObjectInfo]) -> None:
        """Remove the chunks that a process left behind when it died while saving."""
        kept = {self._chunk_subject(info) for info in described}
        for subject in (await self._chunks()).keys() - kept:
            await _within(TRANSFER_SECONDS_MAX, self._jetstream.purge_stream(f"OBJ_{self._bucket}", subject=subject))

    async def _chunks(self) -> dict[str, int]:
        """How many chunks are stored under each subject."""
        info = self._jetstream.stream_info(f"OBJ_{self._bucket}", subjects_filter=f"$O.{self._bucket}.C.>")
        return (await _within(TRANSFER_SECONDS_MAX, info)).state.subjects or {}

    def _chunk_subject(self, info: ObjectInfo) -> str:
        return f"$O.{self._bucket}.C.{info.nuid}"


class MemorySnapshots:
    """The newest snapshot, in memory: the same contract, for tests and simulation."""

    def __init__(self) -> None:
        self._newest: tuple[int, str, bytes] | None = None

    async def save(self, position: int, hash: str, state: AsyncIterable[bytes]) -> None:  # noqa: A002 (the log's word)
        """Replace the snapshot by the state, in pieces one after another, at a position whose page has this hash."""
        self._newest = (position, hash, b"".join([piece async for piece in state]))

    async def load(self) -> tuple[int, str, bytes] | None:
        """Position, page hash and state of the newest snapshot, or None."""
        return self._newest


def _turn(info: ObjectInfo) -> int:
    """Snapshots are numbered in the order in which they were saved."""
    return int(info.description or 0)


async def _pack(position: int, page_hash: str, state: AsyncIterable[bytes]) -> bytes:
    """The label and the compressed state.

    The whole state never stands in memory at once: to make room for it alone would take a busy service too long. A
    piece is compressed where it arrives: handing it to a thread and back would cost more than that takes.
    """
    packer, parts, size = zstandard.ZstdCompressor(COMPRESSION_LEVEL).compressobj(), [b""], 0
    async for piece in state:
        parts.append(packer.compress(piece))
        size += len(piece)
    assert size <= STATE_BYTES_MAX
    parts[0] = msgspec.json.encode(Label(position, page_hash, size)) + b"\n"
    return b"".join([*parts, packer.flush()])


def _unpack(packed: bytes) -> tuple[int, str, bytes] | None:
    """Position, hash and state; None if these are not the bytes that `_pack` made."""
    line, _, compressed = packed.partition(b"\n")
    try:
        label = msgspec.json.decode(line, type=Label)
        if not 0 <= label.state_bytes <= STATE_BYTES_MAX:
            return None
        # A byte more, so that a longer state is seen to be one.
        state = zstandard.ZstdDecompressor().decompress(compressed, max_output_size=label.state_bytes + 1)
    except (msgspec.MsgspecError, UnicodeDecodeError, zstandard.ZstdError):
        return None
    if len(state) != label.state_bytes:
        return None
    return label.position, label.hash, state


async def _within(seconds: float, answer: Awaitable[Answer]) -> Answer:
    """The answer in time, or what JetStream said instead; `Unknown` if it said nothing."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except (nats.js.errors.NotFoundError, nats.js.errors.BucketNotFoundError):
        raise
    except (nats.errors.Error, TimeoutError, OSError) as error:
        raise Unknown(f"no snapshot store: {type(error).__name__}: {error}") from error
