"""Signed notes, as of C2SP: a text, an empty line, and a line with a signature over the text.

    aidc/mudeung-ai                                    the origin: the centre whose log this is
    20852163                                           events in the tree
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=       the root of the tree
    position 48120                                     the last page
    page 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b…   its hash, which seals the chain of pages
    time 2026-03-02T00:01:00Z                          when it was signed

    — aidc/mudeung-ai Az3grlgtzPICa5OS8npVmf1Myq/5…    key id and signature, in base64

The first three lines are those of a C2SP checkpoint, so that tools for transparency logs can read it.
"""

import base64
import binascii
import stat
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

PREFIX = "PRIVATE+KEY+"
ED25519 = b"\x01"
KEY_ID_BYTES = 4
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyFault(Exception):
    """The key that signs checkpoints cannot be used. The message says which file, and what is wrong."""


class Standing(Struct, frozen=True, kw_only=True):
    """Where the books stand: events in the tree, its root, and the log's last page."""

    position: int
    size: int
    root: bytes
    page: str


class Signer:
    """Signs checkpoints of one origin."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        self.origin = origin
        self._key = key
        self._key_id = key_id(origin, key.public_key().public_bytes_raw())

    @classmethod
    def read(cls, path: Path, origin: str) -> "Signer":
        """The signer with a private key `PRIVATE+KEY+origin+id+base64`, which only its owner may read.

        Raises `KeyFault`.
        """
        try:
            if path.stat().st_mode & OTHERS:
                raise KeyFault(f"{path} can be read by others: chmod 600 {path}")
            text = path.read_text(encoding="ascii").strip()
            name, _, content = text.removeprefix(PREFIX).split("+", 2)
            seed = base64.b64decode(content, validate=True)
            if not text.startswith(PREFIX) or seed[:1] != ED25519:
                raise ValueError
            key = Ed25519PrivateKey.from_private_bytes(seed[1:])
        except OSError as error:
            raise KeyFault(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, binascii.Error) as error:
            raise KeyFault(f"{path} holds no private key: make one with `aidc audit keys`") from error
        if name != origin:
            raise KeyFault(f"{path} is the key of {name}, and this is {origin}")
        return cls(origin, key)

    def sign(self, standing: Standing, time: datetime) -> str:
        """The signed note of where the books stand."""
        lines = (
            self.origin,
            str(standing.size),
            base64.b64encode(standing.root).decode(),
            f"position {standing.position}",
            f"page {standing.page}",
            f"time {time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )
        return self.sign_text("\n".join(lines) + "\n")

    def sign_text(self, text: str) -> str:
        """Any text as a signed note. Its second line must tell it from a checkpoint."""
        signature = base64.b64encode(self._key_id + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signature}\n"


def standing_of(note: str) -> Standing:
    """What a checkpoint says, for those who know already who signed it. Raises `KeyFault` if it is none."""
    try:
        _, size, root, position, page, *_ = note.split("\n")
        return Standing(
            position=int(position.removeprefix("position ")),
            size=int(size),
            root=base64.b64decode(root, validate=True),
            page=page.removeprefix("page "),
        )
    except ValueError as error:
        raise KeyFault("this is no signed checkpoint") from error


def key_id(name: str, public: bytes) -> bytes:
    """Tells keys of one name apart."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:KEY_ID_BYTES]
