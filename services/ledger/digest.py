"""Digests of the tables: what must come out equal when everything is dropped and folded from the log again (P7)."""

from collections.abc import Sequence

from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.archived import Archive

THINNED = ("pages", "journal")
"""What months leave when they are archived."""


class Digest(Struct, frozen=True):
    """So many rows of a table, and the sum of the hashes of their texts: the order of rows does not matter."""

    rows: int
    sum: str


async def columns(connection: PoolConnectionProxy) -> dict[str, list[str]]:
    """Each table that is a fold of the log, with its columns and their types."""
    return {row["name"]: row["columns"] for row in await connection.fetch(_COLUMNS)}


async def digests(connection: PoolConnectionProxy) -> dict[str, Digest]:
    """The digest of each of these tables, in the connection's snapshot."""
    return {table: await digest(connection, table) for table in await columns(connection)}


async def digest(connection: PoolConnectionProxy, table: str, without: Sequence[Archive] = ()) -> Digest:
    """The digest of one table; of pages and journal without what lies in archives, if any are named."""
    row = await connection.fetchrow(_DIGEST.format(table=table, condition=_outside(table, without)))
    assert row is not None
    return Digest(row["rows"], row["sum"])


def _outside(table: str, without: Sequence[Archive]) -> str:
    match table:
        case "pages":
            gaps = [f"position NOT BETWEEN {gone.first_position} AND {gone.last_position}" for gone in without]
        case "journal":
            gaps = [f"number NOT BETWEEN {gone.first_number} AND {gone.last_number}" for gone in without]
        case _:
            gaps = []
    return " AND ".join(["true", *gaps])


# `migrations` says when the schema was made and `archived` what left it, which is not the log's business.
_COLUMNS = """
SELECT relname AS name, array_agg(attname || ' ' || format_type(atttypid, atttypmod) ORDER BY attnum) AS columns
FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND relname NOT IN ('migrations', 'archived')
GROUP BY relname
ORDER BY relname
"""

# 128 bits a row, added up as two numbers of 64 bits that cannot overflow. A row's text is its own; the name is ours.
_DIGEST = """
SELECT count(*) AS rows,
       coalesce(sum(('x' || left(hash, 16))::bit(64)::bigint::numeric), 0)
       || ':' || coalesce(sum(('x' || right(hash, 16))::bit(64)::bigint::numeric), 0) AS sum
FROM (SELECT md5({table}::text) AS hash FROM {table} WHERE {condition}) AS hashed
"""
