"""Which months lie in archives, for whoever reads the past: what is not here must not look as if it had never been."""

from collections.abc import Iterable
from datetime import date, datetime

from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.allocation.reservations import State
from services.ledger.database import READER
from services.ledger.projections.tree import STORED_LEVEL_MIN

BLOCK = 1 << STORED_LEVEL_MIN
"""So many leaves have one hash in the table `tree`; proofs about their neighbours need them one by one."""
LIVE = [state.value for state in State if state.live]


class Archive(Struct, frozen=True, kw_only=True):
    """One month that left the tables. `folder` is empty for those who may not know it."""

    month: date
    first_position: int
    last_position: int
    first_number: int
    last_number: int
    last_hash: str
    archived_at: datetime
    folder: str = ""
    manifest: str = ""

    @property
    def name(self) -> str:
        """Such as `2026-03`."""
        return f"{self.month:%Y-%m}"

    @property
    def words(self) -> str:
        """Where it is, and how it comes back."""
        where = f" to {self.folder}: `aidc ledger restore {self.folder}` brings it back" if self.folder else ""
        return f"{self.name} was archived on {self.archived_at:%Y-%m-%d}{where}"


class Archived(Exception):
    """What was asked for needs months that lie in archives. The message says which, and how they come back."""

    def __init__(self, needed: Iterable[Archive]) -> None:
        self.needed = tuple(needed)
        super().__init__("; ".join(archive.words for archive in self.needed))


async def archives(connection: PoolConnectionProxy, first: int, last: int) -> list[Archive]:
    """The archives of pages between two positions, both included."""
    return await _read(connection, "first_position <= $2 AND last_position >= $1", first, last)


async def every_archive(connection: PoolConnectionProxy) -> list[Archive]:
    """All archives of the tables that the connection works in; of an older release's, which knew of none, none."""
    if not await connection.fetchval("SELECT to_regclass('archived') IS NOT NULL"):
        return []
    return await _read(connection, "true")


async def demand_pages(connection: PoolConnectionProxy, first: int, last: int) -> None:
    """Raises `Archived` unless the tables hold all pages from one position to another."""
    if needed := await archives(connection, first, last):
        raise Archived(needed)


async def demand_run(connection: PoolConnectionProxy, first: int, last: int) -> None:
    """Raises `Archived` unless the tables hold all events from one number to another."""
    if needed := await _read(connection, "first_number <= $2 AND last_number >= $1", first, last):
        raise Archived(needed)


async def demand_events(connection: PoolConnectionProxy, numbers: Iterable[int]) -> None:
    """Raises `Archived` if one of these events is in an archive; called for events that are missing."""
    if needed := await _read(connection, _HOLDS, list(numbers)):
        raise Archived(needed)


async def demand_life(connection: PoolConnectionProxy, reservation: str) -> None:
    """Raises `Archived` if events of a reservation may be in an archive.

    Of one that lives all events stayed, and so did those of a month that left while it lived.
    """
    if needed := await _read(connection, _LIFE, reservation, LIVE):
        raise Archived(needed)


async def _read(connection: PoolConnectionProxy, condition: str, *arguments: object) -> list[Archive]:
    # Columns and conditions are this file's own.
    rows = await connection.fetch(f"SELECT {_PUBLIC} {_FROM.format(condition)}", *arguments)
    if rows and await connection.fetchval("SELECT current_user <> $1", READER):
        rows = await connection.fetch(f"SELECT * {_FROM.format(condition)}", *arguments)
    return [Archive(**row) for row in rows]


_FROM = "FROM archived WHERE {} ORDER BY month"

_PUBLIC = "month, first_position, last_position, first_number, last_number, last_hash, archived_at"

_HOLDS = "EXISTS (SELECT FROM unnest($1::bigint[]) AS number WHERE number BETWEEN first_number AND last_number)"

# A company that handed its reservation over no longer sees it; its entries in the books tell from when to when it was
# its own. What stayed for the sake of proofs, in the blocks of leaves that a month shares with its neighbours, is not
# a life.
_LIFE = f"""
(EXISTS (
    SELECT FROM reservations
    WHERE reservation = $1 AND state <> ALL ($2::text[]) AND confirmed_number <= last_number
      AND greatest(changed_number, (SELECT max(number) FROM measured_use WHERE reservation = $1)) >= first_number
) OR NOT EXISTS (SELECT FROM reservations WHERE reservation = $1) AND EXISTS (
    SELECT FROM transfers WHERE reservation = $1 HAVING min(number) <= last_number AND max(number) >= first_number
)) AND NOT EXISTS (
    SELECT FROM journal
    WHERE reservation = $1 AND reservation <> ''
      AND number > (first_number - 1 + {BLOCK - 1}) / {BLOCK} * {BLOCK} AND number <= last_number / {BLOCK} * {BLOCK}
)
"""  # noqa: S608 (nothing in it comes from outside)
