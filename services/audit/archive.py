"""Verifies an archive: one month's pages and events in a folder, against the key that signed what is in it.

Every page is chained to the page that the checkpoint names, every event is a leaf below the root that it names, and
each row of the events' file says what its page says. Whom an event concerns is worked out from the events (`owners`);
only of a reservation that began in an earlier month it must be believed once, and rests on the signature.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from msgspec import Struct

from services.audit.faults import Fault, because
from services.audit.keys import PublicKey
from services.audit.leaves import Page, page_leaves, read_page
from services.audit.notes import Checkpoint, read_checkpoint, read_signed
from services.audit.owners import Owners, reservation_of
from services.audit.tree import Tree

NOTE, CHECKPOINT = "archive.txt", "checkpoint.txt"
TABLES = PAGES, EVENTS, LINK = "pages.parquet", "events.parquet", "link.parquet"
ROWS_AT_ONCE = 256
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE_COLUMNS = ("position", "hash", "writer", "epoch", "time", "events", "number", "data")
EVENT_COLUMNS = (
    *("number", "position", "entry", "index", "time", "actor", "request_id"),
    *("type", "company", "reservation", "payload", "leaf"),
)
TEXT = re.compile(
    r"(?P<origin>[^\s+]+)\narchive (?P<month>\d{4}-\d\d)\npages (?P<p1>[1-9]\d{0,17}) (?P<p2>[1-9]\d{0,17})\n"
    r"events (?P<n1>[1-9]\d{0,17}) (?P<n2>0|[1-9]\d{0,17})\nbefore (?P<before>[0-9a-f]{64})\n"
    r"left (?P<left>-|[0-9a-f]{64}(?:,[0-9a-f]{64})*)\n"
    rf"(?P<tables>(?:[a-z]+\.parquet [0-9a-f]{{64}}\n){{{len(TABLES)}}})"
    r"time (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\n"
)

Row = dict[str, Any]


class ArchiveVerdict(Struct, frozen=True, kw_only=True):
    """All is well: what the archive holds, what signs for it, and how many checkpoints kept elsewhere say the same."""

    month: str
    first_position: int
    last_position: int
    events: int
    checkpoint: Checkpoint
    agreeing: int


def verify_archive(folder: Path, keys: Sequence[PublicKey], kept: Sequence[Checkpoint] = ()) -> ArchiveVerdict:
    """Verify the archive in a folder. Raises `Fault` at the first bad place."""
    missing = [name for name in (NOTE, CHECKPOINT, *TABLES) if not (folder / name).is_file()]
    if missing:
        raise Fault(f"{folder} is no whole archive: {', '.join(missing)} is missing")
    said = TEXT.fullmatch(read_signed(_text(folder / NOTE), keys, NOTE))
    if said is None:
        raise Fault(f"{NOTE} is not that of an archive")
    signed = dict(line.split(" ") for line in said["tables"].splitlines())
    for name in TABLES:
        if signed.get(name) != _sha256_of(folder / name):
            raise Fault(f"{name} was altered: it is not the file that was signed")
    closing = read_checkpoint(_text(folder / CHECKPOINT), keys, CHECKPOINT)
    if closing.origin != said["origin"]:
        raise Fault(f"the archive is of {said['origin']}, its checkpoint of {closing.origin}")
    reading = _Reading(said, [closing, *kept])
    reading.read(folder, int(said["p2"]), int(said["n2"]))
    if (closing.position, closing.size) != (reading.position, reading.tree.size):
        raise Fault(f"{LINK} does not lead to the checkpoint", reading.position)
    return ArchiveVerdict(
        month=said["month"],
        first_position=int(said["p1"]),
        last_position=int(said["p2"]),
        events=int(said["n2"]) - int(said["n1"]) + 1,
        checkpoint=closing,
        agreeing=reading.agreeing - 1,
    )


class _Reading:
    """Where the reading stands: the page, its hash, and the tree up to there."""

    def __init__(self, said: re.Match[str], signed: Sequence[Checkpoint]) -> None:
        self.position = int(said["p1"]) - 1
        self.page = said["before"]
        self.tree = Tree()
        self.agreeing = 0
        self._owners = Owners()
        self._by_position: dict[int, list[Checkpoint]] = {}
        for checkpoint in signed:
            if checkpoint.origin != said["origin"]:
                raise Fault(f"{checkpoint.source} is of {checkpoint.origin}, the archive of {said['origin']}")
            self._by_position.setdefault(checkpoint.position, []).append(checkpoint)
        size = int(said["n1"]) - 1
        peaks = [bytes.fromhex(peak) for peak in said["left"].split(",") if peak != "-"]
        if size.bit_count() != len(peaks):
            raise Fault(f"{NOTE} does not have the left edge of a tree of {size} events")
        for level in range(size.bit_length() - 1, -1, -1):
            if size >> level & 1:
                self.tree.add(peaks.pop(0), 1 << level)

    def read(self, folder: Path, last: int, events: int) -> None:
        """Read the month, which ends at a position and an event, and the link behind it. Raises `Fault`."""
        rows = _rows(folder / EVENTS, EVENT_COLUMNS)
        for row in _rows(folder / PAGES, PAGE_COLUMNS):
            first = self.tree.size + 1
            page, leaves = self._follow(row["position"], row["data"])
            told = (row["hash"], row["epoch"], row["time"], row["events"], row["number"], row["writer"])
            if told != (self.page, page.epoch, _moment(page.time), len(leaves), self.tree.size, page.writer):
                raise Fault(f"{PAGES} tells this page differently from its bytes", self.position)
            for want in _events_of(page, leaves, self.position, first):
                row, event = next(rows, {}), msgspec.json.decode(want["payload"])
                about = (event["type"], self._owners.company_of(event, row.get("company", "")), reservation_of(event))
                if row != {**want, **dict(zip(("type", "company", "reservation"), about, strict=True))}:
                    raise Fault(f"{EVENTS} has another event {want['number']}", self.position)
        if (self.position, self.tree.size) != (last, events) or next(rows, None) is not None:
            raise Fault(f"the files do not hold the pages and events that {NOTE} counts", self.position)
        for row in _rows(folder / LINK, ("position", "data")):
            self._follow(row["position"], row["data"])

    def _follow(self, position: int, data: bytes) -> tuple[Page, list[bytes]]:
        """The next page, with the hashes of its leaves."""
        if position != self.position + 1:
            raise Fault("this page is missing, or another stands in its place", self.position + 1)
        page = read_page(data, position)
        if page.previous != self.page:
            raise Fault("this page, or the one before it, was altered: their hashes differ", position)
        leaves = list(page_leaves(page, position))
        for leaf in leaves:
            self.tree.add(leaf)
        self.position, self.page = position, sha256(data).hexdigest()
        for checkpoint in self._by_position.get(position, ()):
            if (checkpoint.size, checkpoint.root, checkpoint.page) != (self.tree.size, self.tree.root, self.page):
                raise Fault(f"{checkpoint.source} was signed for other pages up to here", position)
            self.agreeing += 1
        return page, leaves


def _events_of(page: Page, leaves: list[bytes], position: int, number: int) -> Iterator[Row]:
    """What must be said of a page's events, but for whom they concern."""
    index = 0
    for place, entry in enumerate(page.entries):
        for event in entry.events:
            payload = bytes(event)
            yield {
                "number": number + index,
                "position": position,
                "entry": place,
                "index": index,
                "time": _moment(entry.time),
                "actor": entry.actor,
                "request_id": entry.request_id,
                "payload": payload.decode(),
                "leaf": leaves[index],
            }
            index += 1


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def _rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(columns)):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise Fault(f"cannot read {path.name}: {because(error)}") from error


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"cannot read {path.name}: {because(error)}") from error
