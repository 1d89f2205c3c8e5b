"""Reads the hash tree from Postgres: a few rows for any proof, however large the tree."""

from collections.abc import Collection, Sequence

from asyncpg.pool import PoolConnectionProxy

from services.ledger.archived import demand_events
from services.ledger.projections.tree import STORED_LEVEL_MIN
from services.ledger.proving.merkle import Frontier, Range, Subtree, fold, hash_node, subtrees


async def range_hashes(connection: PoolConnectionProxy, ranges: Sequence[Range]) -> list[bytes]:
    """The hash of each range of leaves, which must be in the tree. Raises `Archived` if it takes leaves that left."""
    parts = [list(subtrees(leaves)) for leaves in ranges]
    known = await _read(connection, {part for listed in parts for part in listed})
    return [fold(known[part] for part in listed) for listed in parts]


async def read_frontier(connection: PoolConnectionProxy, size: int) -> Frontier:
    """The right edge of the tree over the first `size` leaves."""
    peaks = list(subtrees(Range(0, size)))
    known = await _read(connection, peaks)
    return Frontier(size, {peak.level: known[peak] for peak in peaks})


async def are_stored(connection: PoolConnectionProxy, complete: Sequence[tuple[int, int, bytes]]) -> bool:
    """Whether the tree in the tables has these subtrees (level, index, hash); the lowest levels are not stored."""
    wanted = [node for node in complete if node[0] >= STORED_LEVEL_MIN]
    rows = await connection.fetch(_STORED, [level for level, _, _ in wanted], [index for _, index, _ in wanted])
    return {(row["level"], row["index"], bytes(row["hash"])) for row in rows} == set(wanted)


async def _read(connection: PoolConnectionProxy, wanted: Collection[Subtree]) -> dict[Subtree, bytes]:
    stored = [subtree for subtree in wanted if subtree.level >= STORED_LEVEL_MIN]
    low = [subtree for subtree in wanted if subtree.level < STORED_LEVEL_MIN]
    rows = await connection.fetch(_STORED, [part.level for part in stored], [part.index for part in stored])
    found = {Subtree(row["level"], row["index"]): bytes(row["hash"]) for row in rows}
    starts, ends = [part.index << part.level for part in low], [part.index + 1 << part.level for part in low]
    leaves = {row["place"]: bytes(row["leaf"]) for row in await connection.fetch(_LEAVES, starts, ends)}
    if missing := [
        place for first, end in zip(starts, ends, strict=True) for place in range(first, end) if place not in leaves
    ]:
        await demand_events(connection, [place + 1 for place in missing])
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
