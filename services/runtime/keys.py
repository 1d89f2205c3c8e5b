"""The keys that sign tokens: a folder with `private.json` (mode 0600) and `public.json` (a JWKS).

Both are sets, oldest first; the newest private key signs. Rotation: `rotate_keys`, wait until the old tokens
have run out, `drop_key`.
"""

import json
import os
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM: Final = "Ed25519"
PRIVATE, PUBLIC = "private.json", "public.json"


class KeysError(Exception):
    """A key set that cannot be read or used. The message says which file, and why."""


def make_keys(folder: Path) -> Path:
    """Make the first key, unless the folder has one; give the path of the public set. Raises `KeysError`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / PRIVATE).exists():
        rotate_keys(folder)
    read_keys(folder / PRIVATE)
    return folder / PUBLIC


def rotate_keys(folder: Path) -> str:
    """Add a key, which signs from now on; tokens of the older ones stay good. Give its key id."""
    keys = read_keys(folder / PRIVATE) if (folder / PRIVATE).exists() else {}
    key = OKPKey.generate_key(ALGORITHM, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    assert key.kid is not None
    _write(folder, {**keys, key.kid: key})
    return key.kid


def drop_key(folder: Path, key_id: str) -> None:
    """Remove a key, and with it all tokens it signed. Raises `KeysError` if it is unknown or the last one."""
    keys = read_keys(folder / PRIVATE)
    if key_id not in keys or len(keys) == 1:
        raise KeysError(f"{folder / PRIVATE} has no key {key_id}, or only that one")
    del keys[key_id]
    _write(folder, keys)


def read_keys(path: Path) -> dict[str, OKPKey]:
    """The Ed25519 keys of a set, by key id, oldest first. Raises `KeysError`, also when there is none."""
    try:
        entries = json.loads(path.read_bytes())["keys"]
        keys = [OKPKey.import_key(entry) for entry in entries if entry.get("crv") == ALGORITHM]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, JoseError) as error:
        raise KeysError(f"{path} is not a readable key set: {error}") from error
    by_id = {key.kid: key for key in keys if key.kid}
    if not by_id:
        raise KeysError(f"{path} has no {ALGORITHM} key with a kid")
    return by_id


def _write(folder: Path, keys: dict[str, OKPKey]) -> None:
    # The public set goes last: nobody signs with a key before it is kept, or verifies with one that is not.
    for name, private in ((PRIVATE, True), (PUBLIC, False)):
        entries = {"keys": [key.as_dict(private=private) for key in keys.values()]}
        _replace(folder / name, entries, mode=0o600 if private else 0o644)


def _replace(path: Path, content: dict[str, Any], mode: int) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
