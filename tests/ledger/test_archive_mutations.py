"""Soundness of archives by mutation: whatever byte is changed, the offline verifier finds it, and no row comes back."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from services.audit.archive import verify_archive
from services.audit.faults import Fault
from services.ledger.archives.exchange import restore
from services.ledger.archives.form import CHECKPOINT, EVENTS, LINK, NOTE, PAGES, TABLES, ArchiveFault, read_manifest
from services.ledger.archives.writing import sha256_of
from tests.audit.test_mutations import changed
from tests.ledger.months import Months, months

__all__ = ["months"]

STRIDE = 41
"""Of the large files every so many bytes are changed."""

Rows = list[dict[str, Any]]


def mutants(path: Path, stride: int = STRIDE) -> Iterator[bytes]:
    """The file with one byte changed: each in turn of a text, one of so many of a table."""
    data = path.read_bytes()
    if path.suffix == ".txt":
        yield from changed(data)
        return
    for place in range(0, len(data), stride):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


async def test_every_changed_byte_is_found(months: Months) -> None:
    """No byte of the signed texts, and none of a sample of the tables', can be changed or taken out."""
    folder = await months.archive("2026-04")
    for name in (NOTE, CHECKPOINT, *TABLES):
        path, honest = folder / name, (folder / name).read_bytes()
        for mutant in mutants(path):
            path.write_bytes(mutant)
            with pytest.raises(Fault):
                verify_archive(folder, months.public)
        path.write_bytes(honest)
    verify_archive(folder, months.public)


async def test_nothing_altered_comes_back(months: Months) -> None:
    """Whatever file of an archive was altered, the tables stay as they were and say that the month is away."""
    folder = await months.archive("2026-04", and_detach=True)
    before = await months.ledger.digests()
    for name in TABLES:
        forged = shutil.copytree(folder, months.folder / f"forged {name}")
        data = bytearray((forged / name).read_bytes())
        data[len(data) // 2] ^= 1
        (forged / name).write_bytes(data)
        with pytest.raises(ArchiveFault, match=f"{name} was altered"):
            await restore(months.ledger.writer, months.ledger.readers, forged)
    assert await months.ledger.digests() == before
    assert await months.ledger.rows("SELECT month::text FROM archived") == [("2026-04-01",)]


def another_word(rows: Rows) -> None:
    """In one event, which its page tells otherwise."""
    rows[3]["payload"] = rows[3]["payload"].replace("Company", "Compony")


def another_leaf(rows: Rows) -> None:
    rows[2]["leaf"] = bytes(32)


def one_less(rows: Rows) -> None:
    del rows[-1]


def swapped(rows: Rows) -> None:
    rows[1], rows[2] = rows[2], rows[1]


def another_time(rows: Rows) -> None:
    rows[1]["time"] = rows[-1]["time"]


def another_company(rows: Rows) -> None:
    """In an event that names its own."""
    row = next(row for row in rows if row["type"] == "reservation_confirmed")
    row["company"] = "CMP-0002" if row["company"] == "CMP-0001" else "CMP-0001"


def another_owner(rows: Rows) -> None:
    """In an event that names none: an earlier one of its reservation does."""
    begun = {row["reservation"] for row in rows if row["type"] == "reservation_confirmed"}
    row = next(row for row in rows if row["type"] == "reservation_activated" and row["reservation"] in begun)
    row["company"] = "CMP-0002" if row["company"] == "CMP-0001" else "CMP-0001"


def nobodys(rows: Rows) -> None:
    next(row for row in rows if row["company"])["company"] = ""


def another_reservation(rows: Rows) -> None:
    next(row for row in rows if row["reservation"])["reservation"] += "x"


def another_page(rows: Rows) -> None:
    rows[1]["data"] = rows[1]["data"].replace(b"CMP-0002", b"CMP-0003")


def another_writer(rows: Rows) -> None:
    """In the page's own bytes, which no leaf of the tree holds: the chain does."""
    page = msgspec.json.decode(rows[1]["data"])
    rows[1] |= {"data": rows[1]["data"].replace(page["writer"].encode(), b"tost"), "writer": "tost"}


FORGERIES: list[tuple[str, Callable[[Rows], None]]] = [
    (EVENTS, another_word),
    (EVENTS, another_leaf),
    (EVENTS, one_less),
    (EVENTS, swapped),
    (EVENTS, another_time),
    (EVENTS, another_company),
    (EVENTS, another_owner),
    (EVENTS, nobodys),
    (EVENTS, another_reservation),
    (PAGES, another_page),
    (PAGES, another_writer),
    (PAGES, one_less),
    (PAGES, swapped),
    (LINK, one_less),
    (LINK, swapped),
]


async def test_not_even_who_signs_can_forge_an_event(months: Months) -> None:
    """Files that are altered and signed anew with the right key do not fit the pages, the chain, or what was signed."""
    folder = await months.archive("2026-03")
    for number, (name, forge) in enumerate(FORGERIES):
        forged = shutil.copytree(folder, months.folder / f"forged {number}")
        table = pq.read_table(forged / name)
        rows = table.to_pylist()
        forge(rows)
        assert rows != table.to_pylist(), forge.__name__
        pq.write_table(type(table).from_pylist(rows, schema=table.schema), forged / name)
        manifest = read_manifest((forged / NOTE).read_text())
        signed = replace(manifest, hashes={**manifest.hashes, name: sha256_of(forged / name)})
        (forged / NOTE).write_text(months.signer.sign_text(signed.text(datetime.now(UTC))))
        with pytest.raises(Fault):
            pytest.fail(f"{name}: {forge.__name__} is not found: {verify_archive(forged, months.public)}")


async def test_a_checkpoint_of_another_place_does_not_cover(months: Months) -> None:
    """Every other checkpoint that was truly signed is refused as the proof of a month."""
    folder = await months.archive("2026-03")
    own = (folder / CHECKPOINT).read_bytes()
    others = [path for path in months.checkpoints.rglob("*.txt") if path.read_bytes() != own]
    assert others
    for other in others:
        shutil.copy(other, folder / CHECKPOINT)
        with pytest.raises(Fault):
            verify_archive(folder, months.public)
