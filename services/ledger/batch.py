"""A batch: consecutive pages that go into Postgres in one transaction."""

from collections import Counter
from datetime import datetime
from typing import Any

from msgspec import Struct

from services.eventlog.page import Head, Page, Record
from services.ledger.books import Books
from services.ledger.facts import facts_of, moment
from services.ledger.projections import new_projections
from services.ledger.projections.tree import Tree

EVENTS_MAX = 4_000
PAGES_MAX = 200
"""Measured: 2,000 events a batch cost a tenth more; far larger ones gain nothing, and hold up the readers."""


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


class Batch:
    """Pages folded into rows, from one checkpoint to another."""

    def __init__(self, before: Checkpoint, books: Books) -> None:
        self.before = before
        self.after = before
        self.pages: list[tuple[Any, ...]] = []
        self.events: Counter[str] = Counter()
        self._books = books
        self._tree = Tree(books.tree)
        self._root: bytes | None = None
        self.projections = (*new_projections(books), self._tree)

    @property
    def full(self) -> bool:
        """Whether the next page must wait for the next batch."""
        return len(self.pages) >= PAGES_MAX or self.after.number - self.before.number >= EVENTS_MAX

    def close(self) -> bytes:
        """Take the events into the tree, once no page comes any more; give its root. Batches are closed in order."""
        if self._root is None:
            self._root = self._tree.grow()
        return self._root

    def add(self, record: Record, page: Page) -> None:
        """Fold the next page. Raises `BrokenLog` if an event of it does not fit the events before it."""
        position, hash_, time = record.position, record.hash, moment(page.time)
        facts = facts_of(record, page, self.after.number, self._books)
        for fact in facts:
            self.events[fact.type] += 1
            for projection in self.projections:
                projection.add(fact)
        number = self.after.number + len(facts)
        self.pages.append((position, hash_, page.writer, page.epoch, time, len(facts), number, record.data))
        self.after = Checkpoint(position=position, hash=hash_, number=number, page_time=time)
