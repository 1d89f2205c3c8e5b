"""The notary: signs where the books stand, every minute and every so many pages, and puts it in two places.

Nothing is signed that does not go on from what was signed before: whoever holds an old checkpoint can trust that every
later one contains it. When it does not, the log was exchanged behind the ledger's back, and the ledger halts (P9).
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.eventlog import BrokenLog
from services.ledger.database import GONE, OUTAGES
from services.ledger.journal import Violated
from services.ledger.progress import Progress
from services.ledger.proving.merkle import Range
from services.ledger.proving.nodes import range_hashes
from services.ledger.proving.notes import Signer, Standing
from services.ledger.reading import snapshot

SECONDS_MAX = 60.0
PAGES_MAX = 10_000
INVARIANT = "signed_checkpoint"

_log = structlog.get_logger()


class Behind(Exception):
    """The books do not reach what was signed already: they are being folded anew, or the log has lost its end."""


WITHHELD: tuple[type[Exception], ...] = (Behind, *OUTAGES, *GONE)
"""What passes by itself, or is reported elsewhere; the next minute tries again."""


class Seal(Struct, frozen=True, kw_only=True):
    """A signed checkpoint. `time` is when it was signed."""

    standing: Standing
    time: datetime
    note: str


class Notary:
    """Signs for one centre. `folder` is the second place, such as a mounted disk that an operator ships elsewhere."""

    def __init__(
        self,
        signer: Signer,
        folder: Path | None,
        writer: asyncpg.Pool,
        readers: asyncpg.Pool,
        clock: Callable[[], float],
    ) -> None:
        self._signer = signer
        self._folder = folder
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._last: Standing | None = None

    async def run(self, progress: Progress, halt: Callable[[BrokenLog], Awaitable[None]]) -> None:
        """Sign for as long as the process lives; outages are waited out."""
        await progress.opened.wait()
        while not progress.halted:
            try:
                await self.record()
            except Violated as violation:
                await halt(violation)
                return
            except WITHHELD as error:
                _log.warning("checkpoint_withheld", position=progress.position, reason=str(error))
            await progress.wait_for(progress.position + PAGES_MAX, SECONDS_MAX)

    async def record(self) -> None:
        """Sign where the books stand and keep it in both places, unless nothing has happened since the last time.

        Raises `Violated` or `Behind`, `OSError` when the folder cannot be written, or one of `OUTAGES`.
        """
        async with snapshot(self._readers) as connection:
            seal = await self.seal(connection)
        if seal.standing == self._last or not seal.standing.position:
            return
        if self._folder is not None:
            await asyncio.to_thread(_write, self._folder, seal)
        async with self._writer.acquire() as connection:
            standing = seal.standing
            await connection.execute(
                _KEEP, standing.position, standing.size, standing.root, standing.page, seal.time, seal.note
            )
        self._last = standing
        _log.info("checkpoint_signed", position=standing.position, events=standing.size)

    async def seal(self, connection: PoolConnectionProxy) -> Seal:
        """Sign where the books stand in the connection's snapshot. Raises `Violated` or `Behind`."""
        standing = await read_standing(connection)
        await self._demand_continuation(connection, standing)
        time = datetime.fromtimestamp(int(self._clock()), UTC)
        return Seal(standing=standing, time=time, note=self._signer.sign(standing, time))

    async def _demand_continuation(self, connection: PoolConnectionProxy, standing: Standing) -> None:
        """The books must contain what was signed last, to the byte of its last page."""
        last = self._last or await read_last_signed(connection)
        if last is None or last == standing:
            return
        if standing.position < last.position:
            raise Behind(f"position {last.position} is signed already, and the books stand at {standing.position}")
        root = (await range_hashes(connection, [Range(0, last.size)]))[0] if last.size <= standing.size else b""
        page = await connection.fetchval("SELECT hash FROM pages WHERE position = $1", last.position)
        if (root, page) != (last.root, last.page):
            raise Violated(
                INVARIANT,
                f"the log is not the one that was signed: at position {last.position} there are other pages than the"
                " signed checkpoint says; restore a backup of the log that goes with it",
            )


async def read_standing(connection: PoolConnectionProxy) -> Standing:
    """Where the books stand in the connection's snapshot."""
    row = await connection.fetchrow("SELECT position, number AS size, root, hash AS page FROM checkpoint")
    assert row is not None, "the migrations make the checkpoint"
    return Standing(**row)


async def read_last_signed(connection: PoolConnectionProxy) -> Standing | None:
    """The newest that was signed and kept."""
    row = await connection.fetchrow(
        "SELECT position, size, root, page FROM notary.checkpoints ORDER BY position DESC LIMIT 1"
    )
    return Standing(**row) if row else None


def _write(folder: Path, seal: Seal) -> None:
    """Put a note into a file of its own, under its day: whole or not at all."""
    day = folder / f"{seal.time:%Y-%m-%d}"
    day.mkdir(parents=True, exist_ok=True)
    path = day / f"{seal.standing.position:012}.txt"
    fresh = path.with_suffix(".fresh")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(seal.note)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


_KEEP = """
INSERT INTO notary.checkpoints (position, size, root, page, signed_at, note)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (position) DO NOTHING
"""
