"""The journal: one transaction takes a batch of pages, moves the checkpoint, and writes every table; or nothing.

The checkpoint moves first, and only from the very position and hash that the batch was folded on. That makes each page
count exactly once, whatever dies when, and lets one writer win where there are two.
"""

import asyncio

import asyncpg
import msgspec
import structlog
from asyncpg.pool import PoolConnectionProxy

from services.allocation.events import Event
from services.allocation.reservations import State
from services.eventlog import BrokenLog
from services.ledger.batch import Batch, Checkpoint
from services.ledger.books import Books
from services.ledger.database import GONE, NO_ROLE, OUTAGES
from services.ledger.migrate import migrate
from services.ledger.projections.late_fees import read_waiting
from services.ledger.proving.nodes import read_frontier

NAME = "ledger"
RETRY_SECONDS_MIN = 0.05
RETRY_SECONDS_MAX = 5.0

_log = structlog.get_logger()
_decode_event = msgspec.json.Decoder(Event).decode


class Superseded(Exception):
    """Another ledger writes to this database. This one must stop; starting it again is safe."""


class WrongRoles(Exception):
    """The database lacks the roles of the ledger, or does not let it take them. The message says what to run."""


class Violated(BrokenLog):
    """The log breaks an invariant that the database guards, such as no double booking. `invariant` names it."""

    def __init__(self, invariant: str, message: str) -> None:
        super().__init__(message)
        self.invariant = invariant


class Journal:
    """The writer of the ledger's tables. `pool` has one connection."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._schema = ""

    async def open(self) -> tuple[Checkpoint, Books]:
        """Bring the schema up to date; give the checkpoint, and the books as they stand there.

        Raises `WrongSchema` or `WrongRoles`.
        """
        try:
            self._schema = await migrate(self._pool)
        except NO_ROLE as error:
            raise WrongRoles(
                f"the ledger's login may not do its work in Postgres ({error}): it must own the database and may take"
                " the roles of services/runtime/embedded/roles.sql, see deploy/postgres/README.md"
            ) from error
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            checkpoint = await read_checkpoint(connection)
            books = await _read_books(connection)
            books.rebooking.restore(await read_waiting(connection, checkpoint.page_time))
            books.tree = await read_frontier(connection, checkpoint.number)
            return checkpoint, books

    async def post(self, batch: Batch) -> None:
        """Make a batch part of the tables, and try for as long as Postgres is away.

        Raises `Superseded` if the checkpoint is not where the batch began, and `Violated` if a table refuses it.
        """
        pause = RETRY_SECONDS_MIN
        while True:
            try:
                await self._post(batch)
                return
            except OUTAGES as error:
                _log.warning("posting_delayed", position=batch.after.position, error=repr(error), seconds=pause)
            except GONE as error:
                raise Superseded(
                    "somebody dropped the ledger's tables; they are folded anew at the next start"
                ) from error
            except asyncpg.IntegrityConstraintViolationError as error:
                raise _violated(batch, error) from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def _post(self, batch: Batch) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if not await _advance(connection, batch, self._schema):
                await _demand_posted(connection, batch)
                return
            for month in batch.months:
                await connection.execute(_BEGIN_MONTH, month.first_day, month.position, month.number)
            await connection.copy_records_to_table("pages", records=batch.pages)
            for projection in batch.projections:
                await projection.write(connection)


async def read_checkpoint(connection: PoolConnectionProxy) -> Checkpoint:
    """The log position that every table equals, within the transaction of the connection."""
    row = await connection.fetchrow(
        "SELECT position, hash, number, page_time FROM checkpoint WHERE projection = $1", NAME
    )
    assert row is not None, "the migrations make the checkpoint"
    return Checkpoint(**row)


async def _advance(connection: PoolConnectionProxy, batch: Batch, schema: str) -> bool:
    """Move the checkpoint over the batch. False if it is not where the batch began, or stands in other tables."""
    before, after = batch.before, batch.after
    moved = await connection.fetchval(
        _ADVANCE,
        NAME,
        before.position,
        before.hash,
        after.position,
        after.hash,
        after.number,
        after.page_time,
        batch.root,
        schema,
    )
    return moved is not None


async def _demand_posted(connection: PoolConnectionProxy, batch: Batch) -> None:
    """An earlier attempt may have been committed without our hearing of it: then all is well."""
    standing = await read_checkpoint(connection)
    if standing == batch.after:
        return
    if standing == batch.before:
        raise Superseded("another release has made the tables anew, and not as this one knows them: start that one")
    raise Superseded(
        f"the checkpoint stands at position {standing.position}, this ledger had left it at {batch.before.position}:"
        " another ledger writes to this database, so this one stops"
    )


async def _read_books(connection: PoolConnectionProxy) -> Books:
    books = Books()
    live = [state.value for state in State if state.live]
    for query, arguments in ((_CATALOGUE, ()), (_LIVES, (live,))):
        async for row in connection.cursor(query, *arguments):
            at = int(row["time"].timestamp())
            books.take(_decode_event(row["payload"]), row["number"], at, row["position"])
    return books


def _violated(batch: Batch, error: asyncpg.IntegrityConstraintViolationError) -> Violated:
    invariant = error.constraint_name or type(error).__name__
    return Violated(
        invariant,
        f"the pages from position {batch.before.position + 1} to {batch.after.position} break {invariant}: {error}"
        f" ({error.detail or 'no detail'}); none of them was applied, so find out which writer wrote them",
    )


_ADVANCE = """
UPDATE checkpoint
SET position = $4, hash = $5, number = $6, page_time = $7, root = $8
WHERE projection = $1 AND position = $2 AND hash = $3
  AND $9 = (SELECT string_agg(checksum, '' ORDER BY name) FROM migrations)
RETURNING position
"""

_BEGIN_MONTH = "SELECT begin_month($1, $2, $3)"

REGISTERED = """
SELECT number FROM resources
UNION ALL SELECT number FROM companies
UNION ALL SELECT number FROM tariffs
UNION ALL SELECT number FROM closings
"""
"""The events that are read at every start, however old they are."""

_CATALOGUE = f"""
SELECT journal.number, journal.position, journal.time, journal.payload
FROM journal
JOIN ({REGISTERED}) AS registered USING (number)
ORDER BY journal.number
"""  # noqa: S608 (nothing in it comes from outside)

# Every live reservation is followed anew from its first event: nothing but its own events says what it holds.
_LIVES = """
SELECT journal.number, journal.position, journal.time, journal.payload
FROM reservations
JOIN journal ON journal.reservation = reservations.reservation AND journal.reservation <> ''
WHERE reservations.state = ANY ($1::text[])
ORDER BY journal.number
"""
