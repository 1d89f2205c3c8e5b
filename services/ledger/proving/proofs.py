"""Proofs that anyone can check offline: that an event is in the log, and that the log has only grown."""

import asyncpg
from msgspec import Struct

from services.ledger.archived import demand_life, demand_pages
from services.ledger.proving.leaves import Leaf, leaves_of
from services.ledger.proving.merkle import consistency, inclusion
from services.ledger.proving.nodes import range_hashes
from services.ledger.proving.notary import Notary, Seal
from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.views import NotFound


class Inclusion(Struct, frozen=True, kw_only=True):
    """That a leaf stands at a place of the tree, counted from 0, whose root is sealed."""

    leaf: Leaf
    place: int
    hashes: list[bytes]
    seal: Seal


class Prover:
    """Proves from the ledger's tables, and has the notary sign what the proofs lead to."""

    def __init__(self, readers: asyncpg.Pool, notary: Notary) -> None:
        self._readers = readers
        self._notary = notary

    async def checkpoint(self) -> Seal:
        """Where the books stand, signed."""
        async with snapshot(self._readers) as connection:
            return await self._notary.seal(connection)

    async def of_reservation(self, company: str, reservation: str) -> Inclusion:
        """That a company's reservation was confirmed. Raises `NotFound` or `Archived`."""
        async with company_snapshot(self._readers, company) as connection:
            row = await connection.fetchrow(_CONFIRMATION, company, reservation)
            if row is None:
                await demand_life(connection, reservation)
        if row is None:
            raise NotFound(reservation)
        return await self._include(row["position"], row["index"], row["number"])

    async def of_event(self, company: str, position: int, index: int) -> Inclusion:
        """That an event is in the log; if a company is given, only one of its own. Raises `NotFound` or `Archived`."""
        whose = company_snapshot(self._readers, company) if company else snapshot(self._readers)
        async with whose as connection:
            number = await connection.fetchval(_NUMBER, position, index)
            if number is None:
                await demand_pages(connection, position, position)
        if number is None:
            raise NotFound(f"{position}/{index}")
        return await self._include(position, index, number)

    async def of_growth(self, first: int, second: int) -> list[bytes]:
        """That the tree of `second` leaves begins with that of `first`. Raises `NotFound` if it is not so large yet."""
        async with snapshot(self._readers) as connection:
            if second > await connection.fetchval("SELECT number FROM checkpoint"):
                raise NotFound(str(second))
            return await range_hashes(connection, consistency(first, second))

    async def _include(self, position: int, index: int, number: int) -> Inclusion:
        """The proof of an event that the caller may see: its neighbours in the tree are everybody's."""
        async with snapshot(self._readers) as connection:
            seal = await self._notary.seal(connection)
            await demand_pages(connection, position, position)
            data = await connection.fetchval("SELECT data FROM pages WHERE position = $1", position)
            return Inclusion(
                leaf=leaves_of(position, data)[index],
                place=number - 1,
                hashes=await range_hashes(connection, inclusion(number - 1, seal.standing.size)),
                seal=seal,
            )


_CONFIRMATION = """
SELECT position, index, number
FROM journal
WHERE reservation = $2 AND reservation <> '' AND company = $1 AND type = 'reservation_confirmed'
ORDER BY number
LIMIT 1
"""

# The last event of the page has the page's number, so the others follow from it.
_NUMBER = """
SELECT journal.number
FROM pages
JOIN journal ON journal.number = pages.number - pages.events + 1 + $2
WHERE pages.position = $1 AND $2 >= 0 AND $2 < pages.events
"""
