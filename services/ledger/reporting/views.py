"""From when an answer is: as of a time, and as known at a log position.

Every answer is read in one snapshot together with the checkpoint, so it equals the fold of the log at the position that
it states: late perhaps, a mixture never (P6). What is asked for as of earlier is told without what came later.
"""

from datetime import UTC, datetime, timedelta

from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.ledger.archived import demand_pages
from services.ledger.batch import Checkpoint
from services.ledger.journal import read_checkpoint

BEGINNING, FOREVER = datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class NotFound(Exception):
    """There is nothing of this name, or nothing that may be seen."""


class View(Struct, frozen=True, kw_only=True):
    """From when an answer is: what was true at `as_of`, as known at the log position `known_at`; None is now."""

    as_of: datetime | None = None
    known_at: int | None = None


NOW = View()


def after(view: View) -> datetime:
    """The first moment that does not count any more. Times of the log are whole microseconds."""
    return FOREVER if view.as_of is None or view.as_of >= FOREVER else view.as_of + timedelta(microseconds=1)


async def known(connection: PoolConnectionProxy, view: View) -> Checkpoint:
    """Where the tables stand, or stood at the position asked for, which they must hold. Raises `Archived`."""
    standing = await read_checkpoint(connection)
    if view.known_at is None or view.known_at == standing.position:
        return standing
    assert view.known_at < standing.position, "the caller has waited for it"
    row = await connection.fetchrow(_PAGE, view.known_at)
    if row is None:
        await demand_pages(connection, view.known_at, view.known_at)
    assert row is not None, "positions have no gaps"
    return Checkpoint(**row)


async def demand_company(connection: PoolConnectionProxy, company: str) -> None:
    """Raises `NotFound` for a company that never was registered."""
    if not await connection.fetchval("SELECT true FROM companies WHERE company = $1", company):
        raise NotFound(company)


_PAGE = "SELECT position, hash, number, time AS page_time FROM pages WHERE position = $1"
