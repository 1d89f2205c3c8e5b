"""Signed checkpoints: read one, and believe it only if a key that is trusted signed these very bytes."""

import base64
import binascii
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from msgspec import Struct

from services.audit.faults import Fault, because
from services.audit.keys import KEY_ID_BYTES, PublicKey

NOTE_BYTES_MAX = 4_096
TEXT = re.compile(
    r"(?P<origin>[^\s+]+)\n(?P<size>0|[1-9]\d{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"position (?P<position>0|[1-9]\d{0,17})\npage (?P<page>[0-9a-f]{64})\n"
    r"time (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\n"
)
SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})\n")


class Checkpoint(Struct, frozen=True, kw_only=True):
    """What was signed: so many events with this root, the last page, and when. `source` says where it was read."""

    origin: str
    size: int
    root: bytes
    position: int
    page: str
    time: str
    source: str


def read_checkpoint(note: str, keys: Sequence[PublicKey], source: str) -> Checkpoint:
    """The checkpoint in a note. Raises `Fault` unless one of the keys signed it."""
    read = TEXT.fullmatch(read_signed(note, keys, source))
    if read is None:
        raise Fault(f"{source} is no signed checkpoint")
    return Checkpoint(
        origin=read["origin"],
        size=int(read["size"]),
        root=_decode(read["root"], source),
        position=int(read["position"]),
        page=read["page"],
        time=read["time"],
        source=source,
    )


def read_signed(note: str, keys: Sequence[PublicKey], source: str) -> str:
    """The text of a note, which begins with its origin. Raises `Fault` unless that origin's key signed it."""
    text, _, signature = note.partition("\n\n")
    signed = SIGNATURE.fullmatch(signature)
    if signed is None:
        raise Fault(f"{source} is no signed note")
    content = _decode(signed["signature"], source)
    key = next((key for key in keys if (key.name, key.id) == (signed["name"], content[:KEY_ID_BYTES])), None)
    if key is None or key.name != text.partition("\n")[0]:
        raise Fault(f"{source} is signed with a key that is not among yours")
    try:
        key.key.verify(content[KEY_ID_BYTES:], f"{text}\n".encode())
    except InvalidSignature as error:
        raise Fault(f"{source} was altered: its signature does not fit") from error
    return f"{text}\n"


def read_folder(folder: Path, keys: Sequence[PublicKey]) -> list[Checkpoint]:
    """Every checkpoint of a folder, or of one file. Raises `Fault` if one of them cannot be believed, or two differ."""
    paths = sorted(folder.rglob("*.txt")) if folder.is_dir() else [folder]
    checkpoints = [_read_file(path, keys) for path in paths]
    by_position: dict[int, Checkpoint] = {}
    for checkpoint in checkpoints:
        other = by_position.setdefault(checkpoint.position, checkpoint)
        if (other.size, other.root, other.page) != (checkpoint.size, checkpoint.root, checkpoint.page):
            raise Fault(f"{other.source} and {checkpoint.source} differ: the log was forked", checkpoint.position)
    return checkpoints


def _read_file(path: Path, keys: Sequence[PublicKey]) -> Checkpoint:
    try:
        with path.open("rb") as file:
            note = file.read(NOTE_BYTES_MAX).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"cannot read the checkpoint {path}: {because(error)}") from error
    return read_checkpoint(note, keys, str(path))


def _decode(text: str, source: str) -> bytes:
    """Base64 that has only one form: its unused bits are zero."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Fault(f"{source} is no signed checkpoint") from error
    if base64.b64encode(content).decode() != text:
        raise Fault(f"{source} is no signed checkpoint")
    return content
