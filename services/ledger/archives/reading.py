"""Reads an archive back: every file against what was signed about it, every page against its neighbours, every event
against its page, and all of it against the checkpoint."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from services.allocation.events import ReservationEvent, UseMeasured
from services.eventlog.page import Page, decode_page
from services.ledger.archives.form import (
    CHECKPOINT,
    EVENTS,
    FILES,
    LINK,
    NOTE,
    PAGES,
    SCHEMAS,
    TABLES,
    ArchiveFault,
    Manifest,
    read_manifest,
)
from services.ledger.archives.writing import EVENTS_AT_ONCE, PAGES_AT_ONCE, sha256_of
from services.ledger.facts import EVENT_TYPES
from services.ledger.moments import moment
from services.ledger.proving.leaves import Leaf, leaves_of
from services.ledger.proving.merkle import Frontier
from services.ledger.proving.notes import KeyFault, Standing, standing_of

Row = tuple[Any, ...]
COMPANY = SCHEMAS[EVENTS].get_field_index("company")


class Piece(NamedTuple):
    """Some pages, their events, and the subtrees that these complete: level, index and hash."""

    pages: list[Row]
    events: list[Row]
    complete: list[tuple[int, int, bytes]]


class Archive:
    """A folder that says that it is an archive, and holds the very files that it lists. `note_sha256` names it."""

    def __init__(self, folder: Path) -> None:
        """Raises `ArchiveFault`."""
        self.folder = folder
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise ArchiveFault(f"{folder} is no whole archive: {', '.join(missing)} is missing")
        note = (folder / NOTE).read_bytes()
        self.note_sha256 = sha256(note).hexdigest()
        self.manifest: Manifest = read_manifest(_text(note, NOTE))
        for name in TABLES:
            if sha256_of(folder / name) != self.manifest.hashes[name]:
                raise ArchiveFault(f"{folder / name} was altered: it is not the file that was signed")
        self.checkpoint_note = _text((folder / CHECKPOINT).read_bytes(), CHECKPOINT)
        self.last_hash = ""

    def pieces(self) -> Iterator[Piece]:
        """Everything that goes into the tables, in order; at the end it is proved. Raises `ArchiveFault`."""
        run = self.manifest.run
        peaks = [level for level in range(run.first_number.bit_length(), -1, -1) if run.first_number - 1 >> level & 1]
        if len(peaks) != len(self.manifest.left):
            raise ArchiveFault(f"{NOTE} does not have the peaks of a tree of {run.first_number - 1} events")
        chain = _Chain(self.manifest, Frontier(run.first_number - 1, dict(zip(peaks, self.manifest.left, strict=True))))
        events = (row for batch in _batches(self.folder / EVENTS, EVENTS_AT_ONCE) for row in batch)
        try:
            for pages in _batches(self.folder / PAGES, PAGES_AT_ONCE):
                yield chain.take(pages, events)
            if (chain.position, chain.number) != (run.last_position, run.last_number) or next(events, None) is not None:
                raise ArchiveFault(f"the files do not hold the pages and events that {NOTE} counts")
            self.last_hash = chain.hash
            for link in _batches(self.folder / LINK, PAGES_AT_ONCE):
                for position, data in link:
                    chain.tree.extend([leaf.hash for leaf in chain.follow(position, data)[1]])
            self._demand_signed(chain)
        except msgspec.MsgspecError as error:
            raise ArchiveFault(f"page {chain.position + 1} cannot be read: {error}") from error

    def _demand_signed(self, chain: "_Chain") -> None:
        try:
            signed = standing_of(self.checkpoint_note)
        except KeyFault as error:
            raise ArchiveFault(f"{CHECKPOINT}: {error}") from error
        reached = Standing(position=chain.position, size=chain.number, root=chain.tree.root, page=chain.hash)
        if signed != reached:
            raise ArchiveFault(f"what was signed at position {signed.position} is not what the pages lead to")


class _Chain:
    """Where the reading stands."""

    def __init__(self, manifest: Manifest, tree: Frontier) -> None:
        self.position = manifest.run.first_position - 1
        self.number = tree.size
        self.hash = manifest.before
        self.tree = tree

    def take(self, pages: list[Row], events: Iterator[Row]) -> Piece:
        """The next pages, with as many events as they say."""
        taken: list[Row] = []
        complete: list[tuple[int, int, bytes]] = []
        for row in pages:
            position, data, number = row[0], row[-1], self.number
            page, leaves = self.follow(position, data)
            complete += self.tree.extend([leaf.hash for leaf in leaves])
            stated = (position, self.hash, page.writer, page.epoch, moment(page.time), len(leaves), self.number, data)
            if row != stated:
                raise ArchiveFault(f"{PAGES} tells page {position} differently from its bytes")
            for want in _rows_of(page, leaves, number):
                event = next(events, ())
                if (*event[:COMPANY], *event[COMPANY + 1 :]) != want:
                    raise ArchiveFault(f"{EVENTS} has another event {want[0]} than page {position}")
                taken.append(event)
        return Piece(pages, taken, complete)

    def follow(self, position: int, data: bytes) -> tuple[Page, list[Leaf]]:
        """One page, which must be the next one, with its leaves; these go into the tree by whoever asked."""
        page = decode_page(data)
        if position != self.position + 1 or page.previous != self.hash:
            raise ArchiveFault(f"page {self.position + 1} is missing, altered, or not the successor of the one before")
        leaves = leaves_of(position, data)
        self.position, self.hash, self.number = position, sha256(data).hexdigest(), self.number + len(leaves)
        return page, leaves


def _rows_of(page: Page, leaves: list[Leaf], number: int) -> Iterator[Row]:
    """What the journal must say of a page's events, but for the company, which earlier events may have told."""
    known = [event for entry in page.entries for event in entry.events]
    for event, leaf in zip(known, leaves, strict=True):
        entry = page.entries[leaf.entry]
        reservation = event.reservation_id if isinstance(event, ReservationEvent | UseMeasured) else ""
        yield (
            *(number + leaf.index + 1, leaf.position, leaf.entry, leaf.index, moment(entry.time)),
            *(entry.actor, entry.request_id, EVENT_TYPES[type(event)], reservation, leaf.event.decode(), leaf.hash),
        )


def _batches(path: Path, at_once: int) -> Iterator[list[Row]]:
    """The rows of a file."""
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(SCHEMAS[path.name]):
                raise ArchiveFault(f"{path} does not have the columns of an archive")
            for batch in file.iter_batches(at_once):
                yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    except (pa.ArrowException, OSError) as error:
        raise ArchiveFault(f"{path} cannot be read: {error}") from error


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ArchiveFault(f"{name} is no text") from error
