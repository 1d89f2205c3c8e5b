"""The scheduler's word about its own state, beside the log, for whoever made something of the same pages.

The newest word alone matters. It is no part of the log and can be lost; the next one comes soon.
"""

import msgspec

from services.allocation.standing import Standing
from services.eventlog import Unknown
from services.eventlog.beside import MEBIBYTE, Side, SideStream
from services.eventlog.connection import ApiError, Connection

STANDING = Side("standing", "memory", MEBIBYTE, 86_400)
NOTHING_THERE = (10037, 10059)  # No message, no stream.


class _Stored(msgspec.Struct, frozen=True):
    data: bytes = b""


class _Answer(msgspec.Struct, frozen=True):
    error: ApiError | None = None
    message: _Stored | None = None


class JetStreamWitness:
    """Where a centre's scheduler says what stands, and the others read it."""

    def __init__(self, connection: Connection, centre: str, *, replicas: int = 1) -> None:
        self._connection = connection
        self._stream = SideStream(connection, centre, STANDING, replicas=replicas)
        self._subject = f"aidc.{centre}.{STANDING.name}"
        self._made = False

    async def say(self, standing: Standing) -> None:
        """Replace the word before. Raises `Unknown`."""
        if not self._made:
            await self._stream.make()
        self._made = False  # Until it is known to be there: a restart of NATS forgets the stream.
        await self._stream.publish(msgspec.json.encode(standing))
        self._made = True

    async def hear(self) -> Standing | None:
        """The newest word, if there is one. Raises `Unknown`."""
        question = {"last_by_subj": self._subject}
        answer = await self._connection.ask(f"STREAM.MSG.GET.{self._stream.name}", question, _Answer)
        if answer.error and answer.error.err_code in NOTHING_THERE:
            return None
        if answer.error or answer.message is None:
            raise Unknown(f"stream {self._stream.name}: {answer.error}")
        try:
            return msgspec.json.decode(answer.message.data, type=Standing)
        except msgspec.MsgspecError as error:
            raise Unknown(f"stream {self._stream.name} holds what is no standing: {error}") from error


class MemoryWitness:
    """The same in memory, for tests and simulation."""

    def __init__(self) -> None:
        self.said: list[Standing] = []

    async def say(self, standing: Standing) -> None:
        """Keep it."""
        self.said.append(standing)

    async def hear(self) -> Standing | None:
        """The newest word, if there is one."""
        return self.said[-1] if self.said else None
