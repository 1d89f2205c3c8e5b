"""Folds the log anew into a generation beside the living one, compares the two, and exchanges them (P7).

The living one goes on following and answering. It stands still for two moments: while the new one takes the last pages
up to the very position of the comparison, and again before the exchange. A rebuild that is killed leaves the living one
as it is, and its remains to be dropped by the next try. A release with other tables comes in by the same door: what
both generations have in common is compared, and the process of the old release stops at the exchange.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from services.eventlog import EventLog
from services.ledger import generations
from services.ledger.archived import Archive, every_archive
from services.ledger.batch import Checkpoint
from services.ledger.database import connect_readers, connect_writer
from services.ledger.digest import THINNED, Digest, columns, digest
from services.ledger.generations import NEXT
from services.ledger.journal import Journal, read_checkpoint
from services.ledger.progress import Progress
from services.ledger.projector import Projector
from services.ledger.reading import snapshot
from services.ledger.telemetry import LedgerTelemetry

NEAR_PAGES = 200
"""So near to the living generation, that one can wait for the rest."""
ROUNDS_MAX = 50
REPORT_SECONDS = 0.2
COMPARE_SECONDS_MAX = 6 * 3600
"""Patience with the reading of one table."""

_log = structlog.get_logger()


class Different(Exception):
    """The living generation is not the fold of the log. The message names the tables."""


class TooSlow(Exception):
    """The living generation runs ahead faster than the new one follows."""


class Report(Struct, frozen=True, kw_only=True):
    """How far a rebuild is: pages while it is folding, tables while it is comparing."""

    phase: str
    done: int
    end: int
    events: int


class Rebuilt(Struct, frozen=True, kw_only=True):
    """What lives now. `digests` are those at the checkpoint, where the tables that are `compared` were held against the
    generation before; the exchange was at `position`, behind it. Months that were `returned` had left to archives."""

    checkpoint: Checkpoint
    position: int
    digests: dict[str, Digest]
    compared: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


def no_report(report: Report) -> None:
    """For those who need not know how far it is."""


async def rebuild(
    log: EventLog,
    centre: str,
    dsn: str,
    *,
    report: Callable[[Report], None] = no_report,
    even_if_different: bool = False,
) -> Rebuilt:
    """Make a generation and let it live. Raises `Busy`, `Different`, `TooSlow`, `BrokenLog` or `Unknown`.

    A generation that differs stays beside the living one, for whoever wants to look, until the next rebuild.
    """
    async with _pools(dsn) as pools, generations.making(pools.guard):
        work = _Rebuild(log, centre, pools, report)
        await work.open()
        if not await generations.is_living(pools.owner):
            await work.follow(await log.last_position())
            digests = await work.digests()
            await generations.begin(pools.owner)
            return Rebuilt(checkpoint=work.checkpoint, position=work.checkpoint.position, digests=digests)
        await work.catch_up()
        found = await work.compare()
        if found.differing and not even_if_different:
            raise Different(
                f"at position {found.checkpoint.position} the living tables are not the fold of the log:"
                f" {', '.join(found.differing)}. Nothing was exchanged; the fold stands beside them as {NEXT}."
                " Look, then rebuild with --even-if-different"
            )
        await work.catch_up()
        await work.take_over()
        await generations.forget_past(pools.owner)
        return replace(found, position=work.checkpoint.position)


class _Pools(Struct, frozen=True, kw_only=True):
    guard: asyncpg.Pool
    owner: asyncpg.Pool
    writer: asyncpg.Pool
    fresh: asyncpg.Pool
    living: asyncpg.Pool


@asynccontextmanager
async def _pools(dsn: str) -> AsyncIterator[_Pools]:
    pools = _Pools(
        guard=await connect_writer(dsn),
        owner=await connect_writer(dsn),
        # Until the exchange nothing of it is needed after a crash; the exchange makes all of it durable.
        writer=await connect_writer(dsn, NEXT, synchronous_commit="off"),
        fresh=await connect_readers(dsn, NEXT, COMPARE_SECONDS_MAX),
        living=await connect_readers(dsn, seconds_max=COMPARE_SECONDS_MAX),
    )
    try:
        yield pools
    finally:
        for pool in (pools.living, pools.fresh, pools.writer, pools.owner, pools.guard):
            pool.terminate()


class _Rebuild:
    def __init__(self, log: EventLog, centre: str, pools: _Pools, report: Callable[[Report], None]) -> None:
        self._log = log
        self._centre = centre
        self._pools = pools
        self._report = report
        self._projector: Projector

    async def open(self) -> None:
        """Make the tables."""
        telemetry = LedgerTelemetry(CollectorRegistry())  # Nobody scrapes this.
        journal, progress = Journal(self._pools.writer), Progress(monotonic)
        self._projector = await Projector.open(self._log, self._centre, journal, progress, telemetry)

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the new generation stands."""
        return self._projector.checkpoint

    async def follow(self, end: int) -> None:
        """Fold up to a position."""
        reporting = asyncio.create_task(self._tell(end), name="rebuild report")
        try:
            await self._projector.follow(until=end)
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
        self._say("folding", self.checkpoint.position, end)

    async def catch_up(self) -> None:
        """Come near to where the living generation stands, which goes on meanwhile. Raises `TooSlow`."""
        for _ in range(ROUNDS_MAX):
            async with snapshot(self._pools.living) as connection:
                end = (await read_checkpoint(connection)).position
            await self.follow(end)
            async with snapshot(self._pools.living) as connection:
                if (await read_checkpoint(connection)).position - end <= NEAR_PAGES:
                    return
        raise TooSlow(f"after {ROUNDS_MAX} rounds the living ledger is still far ahead: try when less is booked")

    async def compare(self) -> Rebuilt:
        """Hold the two generations against each other, at one position."""
        async with AsyncExitStack() as stack:
            async with generations.standing_still(self._pools.owner) as still:
                await self.follow((await read_checkpoint(still)).position)
                living = await stack.enter_async_context(snapshot(self._pools.living))
                fresh = await stack.enter_async_context(snapshot(self._pools.fresh))
                # The first query of each fixes what it sees.
                before, after = await columns(living), await columns(fresh)
            # What only one of them has, or has differently, is what a new release brings.
            common = [table for table in after if before.get(table) == after[table]]
            checkpoint, made = await self._digests(fresh, list(after))
            # What lies in archives the log still has, so the new tables have it again.
            gone = await every_archive(living)
            _, stood = await self._digests(living, common, gone)
            thinned = [table for table in common if gone and table in THINNED]
            held = made | (await self._digests(fresh, thinned, gone))[1] if thinned else made
        differing = tuple(table for table in common if held[table] != stood[table])
        return Rebuilt(
            checkpoint=checkpoint,
            position=checkpoint.position,
            digests=made,
            compared=tuple(common),
            differing=differing,
            returned=tuple(archive.name for archive in gone),
        )

    async def digests(self) -> dict[str, Digest]:
        """Of the new generation."""
        async with snapshot(self._pools.fresh) as connection:
            return (await self._digests(connection, list(await columns(connection))))[1]

    async def take_over(self) -> None:
        """Exchange the two, once nobody reads."""
        for attempt in range(1, generations.ATTEMPTS_MAX + 1):
            try:
                async with generations.standing_still(self._pools.owner) as still:
                    standing = await read_checkpoint(still)
                    await self.follow(standing.position)
                    if standing != self.checkpoint:
                        raise Different(f"at position {standing.position} the living checkpoint is another: {standing}")
                    await generations.take_over(still)
                return
            except asyncpg.LockNotAvailableError:
                if attempt == generations.ATTEMPTS_MAX:
                    raise
                _log.info("exchange_delayed", attempt=attempt)

    async def _digests(
        self, connection: PoolConnectionProxy, tables: list[str], without: Sequence[Archive] = ()
    ) -> tuple[Checkpoint, dict[str, Digest]]:
        found: dict[str, Digest] = {}
        for done, table in enumerate(tables):
            self._say("comparing", done, len(tables))
            found[table] = await digest(connection, table, without)
        self._say("comparing", len(tables), len(tables))
        return await read_checkpoint(connection), found

    async def _tell(self, end: int) -> None:
        while True:
            self._say("folding", self.checkpoint.position, end)
            await asyncio.sleep(REPORT_SECONDS)

    def _say(self, phase: str, done: int, end: int) -> None:
        self._report(Report(phase=phase, done=done, end=end, events=self.checkpoint.number))
