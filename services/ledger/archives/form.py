"""What an archive consists of: its files, their columns, and the signed words about them."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

import pyarrow as pa  # type: ignore[import-untyped]
from msgspec import Struct

NOTE, CHECKPOINT = "archive.txt", "checkpoint.txt"
PAGES, EVENTS, LINK = "pages.parquet", "events.parquet", "link.parquet"
TABLES = (PAGES, EVENTS, LINK)
FILES = (*TABLES, CHECKPOINT, NOTE)

_moment = pa.timestamp("us", tz="UTC")
SCHEMAS: Mapping[str, pa.Schema] = {
    PAGES: pa.schema(
        [
            ("position", pa.int64()),
            ("hash", pa.string()),
            ("writer", pa.string()),
            ("epoch", pa.int64()),
            ("time", _moment),
            ("events", pa.int32()),
            ("number", pa.int64()),
            ("data", pa.large_binary()),
        ]
    ),
    EVENTS: pa.schema(
        [
            ("number", pa.int64()),
            ("position", pa.int64()),
            ("entry", pa.int32()),
            ("index", pa.int32()),
            ("time", _moment),
            ("actor", pa.string()),
            ("request_id", pa.string()),
            ("type", pa.string()),
            ("company", pa.string()),
            ("reservation", pa.string()),
            ("payload", pa.string()),
            ("leaf", pa.binary(32)),
        ]
    ),
    LINK: pa.schema([("position", pa.int64()), ("data", pa.large_binary())]),
}
"""The columns of each file; those of pages and events are the tables' own, in their order."""


class ArchiveFault(Exception):
    """An archive is not what it must be. The message says what, and where."""


class Run(Struct, frozen=True, kw_only=True):
    """A month of the log: pages and events from one to another; without events the last number is the smaller."""

    month: date
    first_position: int
    last_position: int
    first_number: int
    last_number: int

    @property
    def name(self) -> str:
        """`2026-03`."""
        return f"{self.month:%Y-%m}"

    @property
    def suffix(self) -> str:
        """`2026_03`, as partitions are called."""
        return f"{self.month:%Y_%m}"


class Manifest(Struct, frozen=True, kw_only=True):
    """What is signed about an archive. `before` is the hash of the page before, `left` the peaks of the tree before."""

    origin: str
    run: Run
    before: str
    left: tuple[bytes, ...]
    hashes: Mapping[str, str]

    def text(self, time: datetime) -> str:
        """The words that are signed."""
        lines = (
            self.origin,
            f"archive {self.run.name}",
            f"pages {self.run.first_position} {self.run.last_position}",
            f"events {self.run.first_number} {self.run.last_number}",
            f"before {self.before}",
            f"left {','.join(peak.hex() for peak in self.left) or '-'}",
            *(f"{name} {self.hashes[name]}" for name in TABLES),
            f"time {time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )
        return "\n".join(lines) + "\n"


_TEXT = re.compile(
    r"(?P<origin>[^\s+]+)\narchive (?P<month>\d{4}-\d\d)\npages (?P<p1>\d{1,18}) (?P<p2>\d{1,18})\n"
    r"events (?P<n1>\d{1,18}) (?P<n2>\d{1,18})\nbefore (?P<before>[0-9a-f]{64})\n"
    r"left (?P<left>-|[0-9a-f]{64}(?:,[0-9a-f]{64})*)\n"
    rf"{re.escape(PAGES)} (?P<pages>[0-9a-f]{{64}})\n{re.escape(EVENTS)} (?P<events>[0-9a-f]{{64}})\n"
    rf"{re.escape(LINK)} (?P<link>[0-9a-f]{{64}})\ntime \S+\n"
)


def read_manifest(note: str) -> Manifest:
    """The manifest of a signed note; whoever reads it believes the signature, or holds it against one he knows.

    Raises `ArchiveFault`.
    """
    read = _TEXT.fullmatch(note.partition("\n\n")[0] + "\n")
    try:
        if read is None:
            raise ValueError
        month = date.fromisoformat(f"{read['month']}-01")
    except ValueError:
        raise ArchiveFault(f"{NOTE} is not that of an archive") from None
    return Manifest(
        origin=read["origin"],
        run=Run(
            month=month,
            first_position=int(read["p1"]),
            last_position=int(read["p2"]),
            first_number=int(read["n1"]),
            last_number=int(read["n2"]),
        ),
        before=read["before"],
        left=tuple(bytes.fromhex(peak) for peak in read["left"].split(",") if peak != "-"),
        hashes={PAGES: read["pages"], EVENTS: read["events"], LINK: read["link"]},
    )
