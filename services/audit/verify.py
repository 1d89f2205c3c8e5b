"""One verification from files to a sentence: what `aidc audit verify` and `python -m services.audit` do."""

from collections.abc import Iterator
from pathlib import Path

from services.audit.archive import verify_archive
from services.audit.export import verify_export
from services.audit.faults import Fault
from services.audit.forms import LINE_BYTES_MAX, WHOLE_CENTRE
from services.audit.keys import read_public_keys
from services.audit.notes import read_folder
from services.audit.reading import Verdict
from services.audit.receipt import verify_receipt


def verify_export_file(export: Path, key: Path, checkpoints: Path | None, older: bool) -> str:
    """Verify an export; give the good news. Raises `Fault`."""
    keys = read_public_keys(key)
    kept = read_folder(checkpoints, keys) if checkpoints else []
    return _told(verify_export(_lines(export), keys, kept, older))


def verify_archive_folder(archive: Path, key: Path, checkpoints: Path | None) -> str:
    """Verify an archive; give the good news. Raises `Fault`."""
    keys = read_public_keys(key)
    kept = read_folder(checkpoints, keys) if checkpoints else []
    found = verify_archive(archive, keys, kept)
    return (
        f"Verified {found.events:,} events of {found.checkpoint.origin} in {found.month}, positions"
        f" {found.first_position:,} to {found.last_position:,}, covered by what was signed at {found.checkpoint.time};"
        f" {found.agreeing:,} checkpoints kept elsewhere agree."
    )


def verify_receipt_file(receipt: Path, key: Path, checkpoints: Path | None) -> str:
    """Verify a receipt; give the good news. Raises `Fault`."""
    keys = read_public_keys(key)
    kept = read_folder(checkpoints, keys) if checkpoints else []
    lines = list(_lines(receipt))
    found, checkpoint = verify_receipt(b"".join(lines), keys, kept)
    return (
        f"{found.reservation} was confirmed: it is event {found.place + 1:,} of {checkpoint.size:,} in the log of"
        f" {checkpoint.origin}, at position {found.leaf.position:,}, signed at {checkpoint.time}."
    )


def _told(verdict: Verdict) -> str:
    checkpoint = verdict.checkpoint
    what = f"all {verdict.events:,} events of {checkpoint.origin}"
    if verdict.scope != WHOLE_CENTRE:
        what = f"{verdict.own_events:,} events of {verdict.scope} among {verdict.events:,} of {checkpoint.origin}"
    told = (
        f"Verified {what} up to position {checkpoint.position:,}, signed at {checkpoint.time};"
        f" {verdict.agreeing:,} checkpoints kept elsewhere agree."
    )
    if verdict.later:
        told += f" {verdict.later:,} later ones lie beyond the export."
    return told


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file with their ends."""
    try:
        with path.open("rb") as file:
            while line := file.readline(LINE_BYTES_MAX):
                yield line
    except OSError as error:
        raise Fault(f"cannot read {path}: {error.strerror}") from error
