"""Generations of the tables: a new one is made beside the one that lives, and takes its place at one stroke.

A generation is a Postgres schema. The living one is called `ledger`, and everybody finds it by that name at every
transaction; the next one is made as `ledger_next`. To change places is to change names, in one transaction that waits
for those who read and lets nobody begin: so no answer comes from both. Whoever writes goes on in the new one, whose
checkpoint is the same, or finds that it has other tables than those it knows, and stops.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from services.ledger.database import SCHEMA, as_owner
from services.ledger.migrate import drop

NEXT, PAST = f"{SCHEMA}_next", f"{SCHEMA}_past"
LOCK = 0x61696463_6E657874  # "aidcnext": whoever makes a generation holds this advisory lock.
READERS_WAIT_SECONDS = 2
"""How long those who come may be kept waiting for those who read, before the next attempt to change places."""
ATTEMPTS_MAX = 30

_log = structlog.get_logger()


class Busy(Exception):
    """Another process makes a generation at this moment."""


@asynccontextmanager
async def making(owner: asyncpg.Pool) -> AsyncIterator[None]:
    """Be the only one who makes a generation. What was left by one who was killed is dropped. Raises `Busy`."""
    async with owner.acquire() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            raise Busy("another rebuild is at work on this database; wait for it, or end it")
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE NONE")
            for remains in (NEXT, PAST):
                await drop(connection, remains)
        yield


async def is_living(owner: asyncpg.Pool) -> bool:
    """Whether there is a generation at all."""
    async with as_owner(owner) as connection:
        return bool(await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{SCHEMA}.checkpoint"))


@asynccontextmanager
async def standing_still(owner: asyncpg.Pool) -> AsyncIterator[PoolConnectionProxy]:
    """A transaction during which nothing is written to the living generation; everybody may read it."""
    async with as_owner(owner) as connection:
        await connection.execute(f"LOCK TABLE {SCHEMA}.checkpoint IN EXCLUSIVE MODE")
        yield connection


async def take_over(connection: PoolConnectionProxy) -> None:
    """Put the next generation into the living one's place, within a transaction in which that stands still.

    Raises `asyncpg.LockNotAvailableError` if somebody reads for too long; then everything is as before.
    """
    await connection.execute(f"SET LOCAL lock_timeout = '{READERS_WAIT_SECONDS}s'")
    await connection.execute(f"LOCK TABLE {SCHEMA}.checkpoint IN ACCESS EXCLUSIVE MODE")
    await connection.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {PAST}; ALTER SCHEMA {NEXT} RENAME TO {SCHEMA}")


async def begin(owner: asyncpg.Pool) -> None:
    """Let the next generation be the first one that lives."""
    async with as_owner(owner) as connection:
        await connection.execute(f"ALTER SCHEMA {NEXT} RENAME TO {SCHEMA}")


async def forget_past(owner: asyncpg.Pool) -> None:
    """Drop the generation that lived before; if somebody still holds on to it, the next rebuild does."""
    try:
        async with as_owner(owner) as connection:
            await connection.execute(f"SET LOCAL lock_timeout = '{READERS_WAIT_SECONDS}s'")
            await drop(connection, PAST)
    except asyncpg.LockNotAvailableError:
        _log.warning("past_not_dropped", schema=PAST)
