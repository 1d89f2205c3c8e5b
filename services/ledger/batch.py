"""A batch: consecutive pages that go into Postgres in one transaction."""

import asyncio
from collections import Counter
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from services.eventlog.page import Head, Page, Record
from services.ledger.books import Books
from services.ledger.facts import Fact, facts_of
from services.ledger.moments import moment
from services.ledger.projections import new_projections
from services.ledger.projections.tree import Tree

EVENTS_MAX = 4_000
PAGES_MAX = 200
"""Measured: 2,000 events a batch cost a tenth more; far larger ones gain nothing, and hold up the readers."""


EVENTS_AT_ONCE = 80
"""Less than a millisecond of folding."""


class Checkpoint(Struct, frozen=True, kw_only=True):
    """What the tables equal: the fold of the log up to this page. `number` counts the events so far."""

    position: int
    hash: str
    number: int
    page_time: datetime

    @property
    def head(self) -> Head:
        """The same as the log's readers say it."""
        return Head(position=self.position, hash=self.hash)


class Month(Struct, frozen=True):
    """A month that begins with a page: its first day in UTC, its first position, and its first event's number."""

    first_day: date
    position: int
    number: int


class Batch:
    """Pages folded into rows, from one checkpoint to another."""

    def __init__(self, before: Checkpoint, books: Books) -> None:
        self.before = before
        self.after = before
        self.pages: list[tuple[Any, ...]] = []
        self.months: list[Month] = []
        self.events: Counter[str] = Counter()
        self._books = books
        self._tree = Tree(books.tree)
        self.root = self._tree.root
        self.projections = (*new_projections(books), self._tree)
        self._adds = tuple(projection.add for projection in self.projections)

    @property
    def full(self) -> bool:
        """Whether the next page must wait for the next batch."""
        return len(self.pages) >= PAGES_MAX or self.after.number - self.before.number >= EVENTS_MAX

    def close(self) -> None:
        """No page comes any more: keep the root of the tree as it is now, for the next batch goes on with it."""
        self.root = self._tree.root

    async def add(self, record: Record, page: Page) -> None:
        """Fold the next page. Raises `BrokenLog` if an event of it does not fit the events before it.

        Others have their turn after every few events, above all the one who writes the batch before this: whenever
        Postgres has an answer for it, the next rows must be on their way at once.
        """
        position, hash_, time = record.position, record.hash, moment(page.time)
        if not self.after.position or _first_day(time) > _first_day(self.after.page_time):
            self.months.append(Month(_first_day(time), position, self.after.number + 1))
        facts: list[Fact] = []
        for fact in facts_of(record, page, self.after.number, self._books):
            facts.append(fact)
            if len(facts) % EVENTS_AT_ONCE == 0:
                await asyncio.sleep(0)
        # All of the page fits; only now does any of it become rows.
        self.events.update(fact.type for fact in facts)
        for first in range(0, len(facts), EVENTS_AT_ONCE):
            some = facts[first : first + EVENTS_AT_ONCE]
            for add in self._adds:
                for fact in some:
                    add(fact)
            await asyncio.sleep(0)
        self._tree.grow()
        number = self.after.number + len(facts)
        self.pages.append((position, hash_, page.writer, page.epoch, time, len(facts), number, record.data))
        self.after = Checkpoint(position=position, hash=hash_, number=number, page_time=time)


def _first_day(time: datetime) -> date:
    return time.date().replace(day=1)
