"""Reads everything stored again: each page against its hash and the one before, each event against its page, the tree
against the events, and what was signed against the tree."""

from collections.abc import AsyncGenerator
from hashlib import sha256

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.eventlog.page import GENESIS, decode_page
from services.ledger.archived import Archive, archives
from services.ledger.proving.leaves import leaves_of
from services.ledger.proving.merkle import Frontier
from services.ledger.proving.nodes import are_stored, read_frontier
from services.ledger.proving.notary import read_standing
from services.ledger.proving.notes import Standing
from services.ledger.reading import snapshot

PAGES_AT_ONCE = 16


class Finding(Struct, frozen=True, kw_only=True):
    """How far the reading is. `fault` is the first thing that is wrong, and ends it; `root` is there at the end.

    `archived` are months that lie in archives: they were passed over, and are verified where they are.
    """

    position: int
    end: int
    events: int
    fault: str = ""
    done: bool = False
    root: bytes = b""
    checkpoints: int = 0
    archived: tuple[str, ...] = ()


class Fault(Exception):
    """Something stored is not what it must be. The message names the position."""


async def verify_log(readers: asyncpg.Pool) -> AsyncGenerator[Finding, None]:
    """Read up to where the books stand now, and say how far it is after every few pages."""
    async with snapshot(readers) as connection:
        end = await read_standing(connection)
    reading = _Reading(readers, end)
    try:
        while reading.position < end.position:
            await reading.go_on()
            yield Finding(position=reading.position, end=end.position, events=reading.tree.size)
        signed = await reading.finish()
    except (Fault, msgspec.MsgspecError) as fault:
        position, events = reading.position, reading.tree.size
        yield Finding(position=position, end=end.position, events=events, fault=str(fault), done=True)
        return
    yield Finding(
        position=end.position,
        end=end.position,
        events=end.size,
        done=True,
        root=reading.tree.root,
        checkpoints=signed,
        archived=tuple(reading.archived),
    )


class _Reading:
    def __init__(self, readers: asyncpg.Pool, end: Standing) -> None:
        self.position = 0
        self.tree = Frontier()
        self.archived: list[str] = []
        self._readers = readers
        self._end = end
        self._page = GENESIS
        self._signed = 0

    async def go_on(self) -> None:
        """Take the next pages. Raises `Fault`."""
        async with snapshot(self._readers) as connection:
            gone = await archives(connection, self.position + 1, self._end.position)
            if gone and gone[0].first_position == self.position + 1:
                await self._pass_over(connection, gone[0])
                return
            end = gone[0].first_position - 1 if gone else self._end.position
            rows = await connection.fetch(_PAGES, self.position, end, PAGES_AT_ONCE)
            if not rows:
                raise Fault(f"page {self.position + 1} is missing")
            events = await connection.fetch(_EVENTS, self.tree.size, rows[-1]["number"])
            signed = await connection.fetch(_SIGNED, self.position, rows[-1]["position"])
        notes = {row["position"]: (row["size"], bytes(row["root"]), row["page"]) for row in signed}
        complete, before = [], self.tree.size
        for row in rows:
            complete += self._take(row, events[self.tree.size - before :])
            if self.position in notes:
                self._signed += 1
                if notes[self.position] != (self.tree.size, self.tree.root, self._page):
                    raise Fault(f"what was signed at position {self.position} is not what stands there")
        await self._demand_stored(complete)

    async def _pass_over(self, connection: PoolConnectionProxy, archive: Archive) -> None:
        """Go on behind a month that left: what follows must fit its last page and the tree that stayed."""
        self.archived.append(f"{archive.month:%Y-%m}")
        self.position, self._page = archive.last_position, archive.last_hash
        self.tree = await read_frontier(connection, archive.last_number)

    def _take(self, row: asyncpg.Record, events: list[asyncpg.Record]) -> list[tuple[int, int, bytes]]:
        """Check one page and its events; give the subtrees that they complete."""
        position, data = self.position + 1, row["data"]
        if row["position"] != position:
            raise Fault(f"page {position} is missing")
        if sha256(data).hexdigest() != row["hash"] or decode_page(data).previous != self._page:
            raise Fault(f"page {position} was altered, or does not follow the one before it")
        leaves = leaves_of(position, data)
        if len(leaves) != row["events"] or row["number"] != self.tree.size + len(leaves) or len(events) < len(leaves):
            raise Fault(f"page {position} does not have the events that are counted for it")
        for leaf, event in zip(leaves, events, strict=False):
            stands = (event["position"], event["entry"], event["index"], bytes(event["leaf"]))
            if stands != (position, leaf.entry, leaf.index, leaf.hash):
                raise Fault(f"the journal has another event {leaf.index} of page {position}")
            if msgspec.json.decode(event["payload"]) != msgspec.json.decode(leaf.event):
                raise Fault(f"the journal tells event {leaf.index} of page {position} differently")
        self.position, self._page = position, row["hash"]
        return self.tree.extend([leaf.hash for leaf in leaves])

    async def _demand_stored(self, complete: list[tuple[int, int, bytes]]) -> None:
        async with snapshot(self._readers) as connection:
            if not await are_stored(connection, complete):
                raise Fault(f"the stored tree is not that of the events up to position {self.position}")

    async def finish(self) -> int:
        """Check the end; give the number of signed checkpoints that were compared. Raises `Fault`."""
        if (self.tree.size, self.tree.root, self._page) != (self._end.size, self._end.root, self._end.page):
            raise Fault(f"the checkpoint at position {self._end.position} is not what the pages add up to")
        async with snapshot(self._readers) as connection:
            beyond = await connection.fetchval("SELECT max(position) FROM notary.checkpoints")
            if beyond is not None and beyond > (await read_standing(connection)).position:
                raise Fault(f"position {beyond} was signed, and the books end at {self._end.position}")
        return self._signed


_PAGES = """
SELECT position, hash, events, number, data
FROM pages
WHERE position > $1 AND position <= $2
ORDER BY position
LIMIT $3
"""

_EVENTS = """
SELECT number, position, entry, index, leaf, payload
FROM journal
WHERE number > $1 AND number <= $2
ORDER BY number
"""

_SIGNED = """
SELECT position, size, root, page
FROM notary.checkpoints
WHERE position > $1 AND position <= $2
"""
