"""The log as an export: whole pages for those who may see all, one company's events among hashes for that company."""

from collections.abc import AsyncGenerator
from itertools import groupby

import asyncpg
from msgspec import Struct

from services.ledger.archived import demand_pages, demand_run
from services.ledger.proving.leaves import Leaf, leaves_of
from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.views import NotFound

PAGES_AT_ONCE = 16
EVENTS_AT_ONCE = 2_000


class WholePage(Struct, frozen=True):
    """A page and its exact bytes."""

    position: int
    data: bytes


class Redacted(Struct, frozen=True):
    """Leaf hashes of events that belong to others, one after the other."""

    hashes: bytes


async def whole_pages(readers: asyncpg.Pool, end: int) -> AsyncGenerator[WholePage, None]:
    """Every page up to a position. Raises `Archived`."""
    position = 0
    while position < end:
        async with snapshot(readers) as connection:
            await demand_pages(connection, position + 1, end)
            rows = await connection.fetch(_PAGES, position, end, PAGES_AT_ONCE)
        for row in rows:
            yield WholePage(row["position"], row["data"])
        position += len(rows)


async def company_leaves(readers: asyncpg.Pool, company: str, size: int) -> AsyncGenerator[Leaf | Redacted, None]:
    """The first `size` leaves, whole where they concern the company. Raises `NotFound` or `Archived`.

    The hashes of the others' leaves go out as well, so all rows are read, and what is the company's own is told here.
    """
    async with company_snapshot(readers, company) as connection:
        if not await connection.fetchval("SELECT true FROM companies WHERE company = $1", company):
            raise NotFound(company)
    for number in range(0, size, EVENTS_AT_ONCE):
        async with snapshot(readers) as connection:
            await demand_run(connection, number + 1, size)
            rows = await connection.fetch(_EVENTS, company, number, min(number + EVENTS_AT_ONCE, size))
            own_pages = {row["position"] for row in rows if row["own"]}
            pages = {row["position"]: row["data"] for row in await connection.fetch(_DATA, list(own_pages))}
        leaves: dict[int, list[Leaf]] = {}
        for own, run in groupby(rows, key=lambda row: bool(row["own"])):
            if not own:
                yield Redacted(b"".join(row["leaf"] for row in run))
                continue
            for row in run:
                position = row["position"]
                if position not in leaves:
                    leaves = {position: leaves_of(position, pages[position])}
                yield leaves[position][row["index"]]


_PAGES = """
SELECT position, data
FROM pages
WHERE position > $1 AND position <= $2
ORDER BY position
LIMIT $3
"""

_DATA = "SELECT position, data FROM pages WHERE position = ANY($1)"

_EVENTS = """
SELECT position, index, leaf, company = $1 AS own
FROM journal
WHERE number > $2 AND number <= $3
ORDER BY number
"""
