"""What is kept in Postgres: each projection turns facts into the rows of its own tables, one file each.

A projection lives for one batch. `add` takes the facts of whole pages in log order; `write` runs inside the journal's
transaction, and may run again with the same rows if that transaction failed. What ends up in the tables depends on the
facts alone, never on where a batch ended.
"""

from typing import Protocol

from asyncpg.pool import PoolConnectionProxy

from services.ledger.books import Books
from services.ledger.facts import Fact
from services.ledger.projections.accounts import Accounts
from services.ledger.projections.allocations import Allocations
from services.ledger.projections.catalogue import Catalogue
from services.ledger.projections.events import Events
from services.ledger.projections.late_fees import LateFees
from services.ledger.projections.reservations import Reservations
from services.ledger.projections.use import Use


class Projection(Protocol):
    """Rows in the making."""

    def add(self, fact: Fact) -> None:
        """Take the next fact."""
        ...

    async def write(self, connection: PoolConnectionProxy) -> None:
        """Put the rows into the tables, within the transaction of the connection."""
        ...


def new_projections(books: Books) -> tuple[Projection, ...]:
    """One of each, for one batch, in the order in which they write."""
    places = books.places
    return (Events(), Catalogue(places), Reservations(), Allocations(places), Accounts(), LateFees(), Use())
