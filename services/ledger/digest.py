"""Digests of the tables: what must come out equal when everything is dropped and folded from the log again (P7)."""

from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.batch import Checkpoint
from services.ledger.journal import read_checkpoint


class Digest(Struct, frozen=True):
    """So many rows of a table, and the sum of the hashes of their texts: the order of rows does not matter."""

    rows: int
    sum: str


async def digests(connection: PoolConnectionProxy) -> tuple[Checkpoint, dict[str, Digest]]:
    """The checkpoint, and the digest of each table that is a fold of the log up to it, in the connection's snapshot."""
    checkpoint = await read_checkpoint(connection)
    tables = [row["tablename"] for row in await connection.fetch(_TABLES)]
    return checkpoint, {table: await _digest(connection, table) for table in tables}


async def _digest(connection: PoolConnectionProxy, table: str) -> Digest:
    row = await connection.fetchrow(_DIGEST.format(table=table))
    assert row is not None
    return Digest(row["rows"], row["sum"])


# `migrations` says when the schema was made, which is not the log's business.
_TABLES = """
SELECT tablename
FROM pg_tables
WHERE schemaname = current_schema() AND tablename <> 'migrations'
ORDER BY tablename
"""

# 128 bits a row, added up as two numbers of 64 bits that cannot overflow. A row's text is its own; the name is ours.
_DIGEST = """
SELECT count(*) AS rows,
       coalesce(sum(('x' || left(hash, 16))::bit(64)::bigint::numeric), 0)
       || ':' || coalesce(sum(('x' || right(hash, 16))::bit(64)::bigint::numeric), 0) AS sum
FROM (SELECT md5({table}::text) AS hash FROM {table}) AS hashed
"""
