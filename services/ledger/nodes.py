"""Reads the hash tree from Postgres: a few rows for any proof, however large the tree."""

from collections.abc import Collection, Sequence

from asyncpg.pool import PoolConnectionProxy

from services.ledger.merkle import Frontier, Range, Subtree, fold, hash_node, subtrees
from services.ledger.projections.tree import STORED_LEVEL_MIN


async def range_hashes(connection: PoolConnectionProxy, ranges: Sequence[Range]) -> list[bytes]:
    """The hash of each range of leaves, all of which must be in the tables."""
    parts = [list(subtrees(leaves)) for leaves in ranges]
    known = await _read(connection, {part for listed in parts for part in listed})
    return [fold(known[part] for part in listed) for listed in parts]


async def read_frontier(connection: PoolConnectionProxy, size: int) -> Frontier:
    """The right edge of the tree over the first `size` leaves."""
    peaks = list(subtrees(Range(0, size)))
    known = await _read(connection, peaks)
    return Frontier(size, {peak.level: known[peak] for peak in peaks})


async def _read(connection: PoolConnectionProxy, wanted: Collection[Subtree]) -> dict[Subtree, bytes]:
    stored = [subtree for subtree in wanted if subtree.level >= STORED_LEVEL_MIN]
    low = [subtree for subtree in wanted if subtree.level < STORED_LEVEL_MIN]
    rows = await connection.fetch(_STORED, [part.level for part in stored], [part.index for part in stored])
    found = {Subtree(row["level"], row["index"]): bytes(row["hash"]) for row in rows}
    starts, ends = [part.index << part.level for part in low], [part.index + 1 << part.level for part in low]
    leaves = {row["place"]: bytes(row["leaf"]) for row in await connection.fetch(_LEAVES, starts, ends)}
    found |= {
        part: _hash([leaves[place] for place in range(first, end)])
        for part, first, end in zip(low, starts, ends, strict=True)
    }
    return found


def _hash(leaves: list[bytes]) -> bytes:
    """The hash of a complete subtree."""
    while len(leaves) > 1:
        leaves = [hash_node(left, right) for left, right in zip(leaves[::2], leaves[1::2], strict=True)]
    return leaves[0]


_STORED = """
SELECT level, index, hash
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, index)
JOIN tree USING (level, index)
"""

_LEAVES = """
SELECT journal.number - 1 AS place, leaf
FROM unnest($1::bigint[], $2::bigint[]) AS wanted (first, last)
JOIN journal ON journal.number > wanted.first AND journal.number <= wanted.last
"""
