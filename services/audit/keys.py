"""The keys of checkpoints, in the form of Go's `note` package: public for everybody, private for the ledger.

aidc/mudeung-ai+f3a91c02+AW…                  public
PRIVATE+KEY+aidc/mudeung-ai+f3a91c02+AW…      private
"""

import base64
import binascii
import os
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from services.audit.faults import Fault, because

ED25519 = b"\x01"
KEY_ID_BYTES = 4
PRIVATE, PUBLIC = "checkpoint.key", "checkpoint.pub"


class PublicKey(Struct, frozen=True):
    """A key that checkpoints may be signed with: the name of its log, its id, and itself."""

    name: str
    id: bytes
    key: Ed25519PublicKey


def make_keys(folder: Path, name: str) -> Path:
    """Make a pair for a log, unless the folder has one; give the path of the private key, which has mode 0600."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / PRIVATE
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        named = f"{name}+{_key_id(name, public).hex()}"
        # The private key goes last: where it is, the public one is too.
        _write(folder / PUBLIC, f"{named}+{_encode(public)}\n", 0o644)
        _write(path, f"PRIVATE+KEY+{named}+{_encode(key.private_bytes_raw())}\n", 0o600)
    return path


def read_public_keys(path: Path) -> list[PublicKey]:
    """The public keys in a file, one a line: several after a change of keys. Raises `Fault`."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"cannot read the public key {path}: {because(error)}; --key says where it is") from error
    keys = [_public_key(line, path) for line in lines if line]
    if not keys:
        raise Fault(f"{path} holds no public key")
    return keys


def _public_key(line: str, path: Path) -> PublicKey:
    try:
        name, identifier, content = line.split("+", 2)
        public = base64.b64decode(content, validate=True)
        if public[:1] != ED25519 or _key_id(name, public[1:]).hex() != identifier:
            raise ValueError
        return PublicKey(name, bytes.fromhex(identifier), Ed25519PublicKey.from_public_bytes(public[1:]))
    except (ValueError, binascii.Error) as error:
        raise Fault(f"{path} holds a line that is no public key of checkpoints") from error


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:KEY_ID_BYTES]


def _encode(key: bytes) -> str:
    return base64.b64encode(ED25519 + key).decode()


def _write(path: Path, text: str, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
