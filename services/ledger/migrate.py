"""Brings a database to this release's schema: each file of `schema/` in order, once.

Everything stands in one Postgres schema, so that dropping that one thing drops every table. Tables of an older release
are dropped whole and made anew, and the log is folded into them: no file need care for what stands there before. Who
cannot wait for that lets the new release make them beside the old ones first (`aidc ledger rebuild`).
"""

import hashlib
from importlib.resources import files
from typing import NamedTuple

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from services.ledger.database import as_owner

LOCK = 0x61696463_6C656467  # "aidcledg": whoever changes the schema holds this advisory lock.
ROLES = "aidc_projector, aidc_reader, aidc_auditor"

_log = structlog.get_logger()


class WrongSchema(Exception):
    """The database holds a schema that this release did not make. The message says which file differs."""


class Migration(NamedTuple):
    """One file, and the SHA-256 of its text."""

    name: str
    text: str
    checksum: str


def migrations() -> list[Migration]:
    """The files of `schema/`, in order."""
    paths = sorted((path for path in files(__package__).joinpath("schema").iterdir()), key=lambda path: path.name)
    texts = [(path.name, path.read_text(encoding="utf-8")) for path in paths if path.name.endswith(".sql")]
    return [Migration(name, text, hashlib.sha256(text.encode()).hexdigest()) for name, text in texts]


async def migrate(pool: asyncpg.Pool) -> str:
    """Make the schema that the pool works in this release's, all of it or nothing; give the checksums of all files.

    Raises `WrongSchema` if what was applied is not what we have.
    """
    async with as_owner(pool) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        schema = await connection.fetchval("SELECT current_setting('search_path')")
        files = migrations()
        applied = await _applied(connection, schema)
        _demand_ours(files, applied)
        if len(applied) < len(files):
            if applied:
                _log.warning("tables_of_an_older_release", missing=len(files) - len(applied))
                await drop(connection, schema)
            await connection.execute(f"CREATE SCHEMA {schema}")
            await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {ROLES}")
            await connection.execute(_TABLE)
            for migration in files:
                await _apply(connection, migration)
    return "".join(migration.checksum for migration in files)


async def _applied(connection: PoolConnectionProxy, schema: str) -> dict[str, str]:
    """The checksums of the files that the tables were made by; none if there are no tables."""
    if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{schema}.migrations"):
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema}")
        return {}
    return {row["name"]: row["checksum"] for row in await connection.fetch("SELECT * FROM migrations")}


def _demand_ours(files: list[Migration], applied: dict[str, str]) -> None:
    known = {migration.name: migration.checksum for migration in files}
    strange = sorted(name for name in applied if name not in known)
    if strange:
        raise WrongSchema(
            f"the database has {', '.join(strange)}, which this release does not know: start the release that made it, "
            "or give the ledger an empty database, which it fills from the log again"
        )
    for name, checksum in applied.items():
        if checksum != known[name]:
            raise WrongSchema(f"schema/{name} differs from what was applied: run `aidc ledger rebuild`")


async def drop(connection: PoolConnectionProxy, schema: str) -> None:
    """Forget a schema with all its tables: the log is the truth, and they are folded from it again."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    _log.info("tables_dropped", schema=schema)


async def _apply(connection: PoolConnectionProxy, migration: Migration) -> None:
    await connection.execute(migration.text)
    await connection.execute(
        "INSERT INTO migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
    )
    _log.info("migration_applied", name=migration.name)


_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
