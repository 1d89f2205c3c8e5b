"""HTTP/2 written frame by frame, for what no client of gRPC can be made to send."""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

from services.runtime.settings import Address

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_SIZE = 3, 6
FRAME_BYTES_MAX = 16_384
ANSWER_SECONDS_MAX = 5.0
_STATUS = b"grpc-status"

Headers = Iterable[tuple[str, str]]


class Frame(NamedTuple):
    """What comes over the wire."""

    kind: int
    flags: int
    stream: int
    payload: bytes


class Wire:
    """One connection. It reads no header but `grpc-status`, written out in full: each is good for one answered call."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.settings: dict[int, int] = {}

    def send(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        """Write a frame."""
        head = struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream)
        self._writer.write(head + payload)

    def begin(self, stream: int, path: str, headers: Headers = (), flags: int = 0) -> None:
        """Open a call: its headers, in as many frames as they need."""
        every = (
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        )
        block = b"".join(_literal(name) + _literal(value, b"") for name, value in (*every, *headers))
        parts = [block[at : at + FRAME_BYTES_MAX] for at in range(0, len(block), FRAME_BYTES_MAX)]
        for number, part in enumerate(parts):
            last = END_HEADERS if number == len(parts) - 1 else 0
            self.send(CONTINUATION if number else HEADERS, last | (0 if number else flags), stream, part)

    def message(self, stream: int, data: bytes, flags: int = 0, *, gzipped: bool = False) -> None:
        """One message of a call."""
        self.send(DATA, flags, stream, struct.pack("!?I", gzipped, len(data)) + data)

    async def next(self) -> Frame:
        """The next frame, its settings acknowledged. Raises `TimeoutError` and `asyncio.IncompleteReadError`."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            head = await self._reader.readexactly(9)
            kind, flags, stream = struct.unpack("!BBI", head[3:])
            frame = Frame(kind, flags, stream, await self._reader.readexactly(int.from_bytes(head[:3])))
        if kind == SETTINGS and not flags & ACK:
            self.settings |= dict(struct.iter_unpack("!HI", frame.payload))
            self.send(SETTINGS, ACK, 0)
        return frame

    async def until(self, *kinds: int) -> Frame:
        """The next frame of one of these kinds."""
        while (frame := await self.next()).kind not in kinds:
            pass
        return frame

    async def status(self) -> int | None:
        """The `grpc-status` that ends the call; None for a stream or a connection that is broken off instead."""
        while True:
            frame = await self.until(HEADERS, RST_STREAM, GOAWAY)
            if frame.kind != HEADERS:
                return None
            if frame.flags & END_STREAM:
                return _status_in(frame.payload)


@asynccontextmanager
async def wired(address: Address) -> AsyncIterator[Wire]:
    """A connection over which both sides have told their settings; the server's limits hold from then on."""
    reader, writer = await asyncio.open_connection(*address)
    wire = Wire(reader, writer)
    writer.write(PREFACE)
    wire.send(SETTINGS, 0, 0)
    try:
        await wire.until(SETTINGS)
        yield wire
    finally:
        writer.close()


def _literal(text: str, form: bytes = b"\x00") -> bytes:
    """A string of HPACK, uncompressed, behind the form of its field: a literal that is not to be remembered."""
    data = text.encode()
    return form + _length(len(data)) + data


def _length(number: int) -> bytes:
    """An integer of HPACK with a prefix of seven bits."""
    if number < 127:
        return bytes([number])
    rest, found = number - 127, bytearray([127])
    while rest >= 128:
        found.append(rest % 128 + 128)
        rest //= 128
    return bytes(found) + bytes([rest])


def _status_in(block: bytes) -> int:
    """The value behind `grpc-status`, which gRPC writes out in full the first time."""
    _, found, rest = block.partition(_STATUS)
    assert found, block
    return int(rest[1 : 1 + rest[0]])
