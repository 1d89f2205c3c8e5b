"""Connections to Postgres: one for the writer, a few for readers, and which failures pass by themselves.

All log in as the owner of the database and take a lesser role at once; only `as_owner` goes back to what the login is.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy

SCHEMA = "ledger"
"""The Postgres schema of the tables that live: whatever generation they are (see `generations`)."""
PROJECTOR, READER = "aidc_projector", "aidc_reader"

READERS_MAX = 8
READ_SECONDS_MAX = 10
WRITE_SECONDS_MAX = 60
CONNECT_SECONDS_MAX = 5
IDLE_SECONDS_MAX = 300


class WrongDsn(Exception):
    """An address by which no database can be reached. The message says what is wrong with it."""


OUTAGES: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # The connection broke while we were using it.
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,  # Disk full, or too many connections.
    asyncpg.OperatorInterventionError,  # Shutting down, starting up, or out of time.
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
"""What may be gone at the next attempt. Anything else is a contradiction or our own mistake."""

GONE: tuple[type[Exception], ...] = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)
"""Somebody dropped the tables under us."""


MISTAKES: tuple[type[Exception], ...] = (
    asyncpg.ClientConfigurationError,
    asyncpg.UndefinedObjectError,
    asyncpg.InvalidParameterValueError,
    asyncpg.CantChangeRuntimeParamError,
)
"""No attempt to connect will go better: an option is misspelt."""
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
UNREADABLE = ("X509", "PEM")
"""Where OpenSSL fails over files, and not over who is at the other end."""

NO_ROLE: tuple[type[Exception], ...] = (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError)
"""A role is not there, or the login may not take it; or a table was not granted to it."""


async def connect_writer(dsn: str, schema: str = SCHEMA, synchronous_commit: str = "on") -> asyncpg.Pool:
    """A pool of one, which connects when it is first needed: commits come one after the other."""
    settings = {"role": PROJECTOR, "search_path": schema, "synchronous_commit": synchronous_commit}
    return await _pool(dsn, 1, WRITE_SECONDS_MAX, settings)


async def connect_readers(dsn: str, schema: str = SCHEMA, seconds_max: int = READ_SECONDS_MAX) -> asyncpg.Pool:
    """A pool whose connections cannot write, and see no company's rows until told whose (see `reading`)."""
    settings = {"role": READER, "default_transaction_read_only": "on", "search_path": schema}
    return await _pool(dsn, READERS_MAX, seconds_max, settings)


async def demand_usable(dsn: str) -> None:
    """Raises `WrongDsn` if a database can never be reached by this address; one that is away is another matter."""
    _demand_files(dsn)
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX)
    except MISTAKES as error:
        raise WrongDsn(f"AIDC_POSTGRES_DSN leads to no database: {error}") from error
    except ssl.SSLError as error:
        if error.library in UNREADABLE:
            raise WrongDsn(f"AIDC_POSTGRES_DSN names a file that is no certificate or key: {error.reason}") from error
    except OUTAGES:
        return
    except asyncpg.PostgresError:
        return  # It is there, and says no; whoever follows hears that too, and waits.
    await connection.close()


def _demand_files(dsn: str) -> None:
    """Raises `WrongDsn` for an option that names a file that is not there."""
    for option, [path, *_] in parse_qs(urlsplit(dsn).query).items():
        if option in FILES and not Path(path).is_file():
            raise WrongDsn(f"AIDC_POSTGRES_DSN has {option}={path}, and there is no such file")


@asynccontextmanager
async def as_owner(pool: asyncpg.Pool) -> AsyncIterator[PoolConnectionProxy]:
    """A transaction of the login itself, which owns the tables: to make, exchange and drop them."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL ROLE NONE")
        yield connection


async def _pool(dsn: str, size: int, seconds_max: int, settings: dict[str, str]) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=seconds_max,
        max_inactive_connection_lifetime=IDLE_SECONDS_MAX,
        server_settings={
            "application_name": "aidc-ledger",
            "timezone": "UTC",
            # The server gives up before we do, so that a transaction cannot outlive its client's patience.
            "statement_timeout": str(seconds_max * 1000 - 500),
            **settings,
        },
    )
