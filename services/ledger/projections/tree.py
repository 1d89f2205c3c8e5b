"""The hash tree over all events: the hashes of its complete subtrees (table `tree`).

Leaf hashes stand in the journal, and the lowest levels are left out: they are sixteen leaves away, and without them the
tree has an eighth as many rows as the journal.
"""

from asyncpg.pool import PoolConnectionProxy

from services.ledger.facts import Fact
from services.ledger.proving.merkle import Frontier

STORED_LEVEL_MIN = 4


class Tree:
    """New leaves, and what they complete. The frontier is that of the page before, until `grow`."""

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._leaves: list[bytes] = []
        self._rows: list[tuple[int, int, bytes]] = []

    def add(self, fact: Fact) -> None:
        self._leaves.append(fact.leaf.hash)

    def grow(self) -> None:
        """Take the leaves of a page into the tree, the pages in order."""
        self._rows += [row for row in self._frontier.extend(self._leaves) if row[0] >= STORED_LEVEL_MIN]
        self._leaves.clear()

    @property
    def root(self) -> bytes:
        """The hash of the whole tree up to the last page."""
        return self._frontier.root

    async def write(self, connection: PoolConnectionProxy) -> None:
        if self._rows:
            await connection.copy_records_to_table("tree", records=self._rows)
