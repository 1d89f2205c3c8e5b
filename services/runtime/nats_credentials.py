"""A credentials file of NATS: a JWT that says who we are, and the seed of the key that proves it."""

import base64
import binascii
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PART = r"-+BEGIN {}-+\s*(\S+)\s*-+END {}-+"
JWT = re.compile(PART.format("NATS USER JWT", "NATS USER JWT"))
SEED = re.compile(PART.format("USER NKEY SEED", "USER NKEY SEED"))
FILE_BYTES_MAX = 65_536
USER_SEED = b"\x95\x00"
"""What the seed of a user's key begins with: `SU` in base32."""
KEY_BYTES, SUM_BYTES = 32, 2


class Credentials:
    """Who we are to NATS. Nothing of it is shown."""

    def __init__(self, jwt: str, key: Ed25519PrivateKey) -> None:
        self.jwt = jwt.encode()
        self._key = key

    @classmethod
    def parse(cls, text: str) -> "Credentials":
        """Read a file of them. Raises ValueError without a word of it, or OSError."""
        with Path(text).open("rb") as file:
            held = file.read(FILE_BYTES_MAX).decode("ascii", "replace")
        jwt, seed = JWT.search(held), SEED.search(held)
        key = _key(seed[1]) if seed else None
        if jwt is None or key is None:
            raise ValueError(f"names {text}, which holds no user JWT with the seed of its key, as `nsc` writes them")
        return cls(jwt[1], key)

    def sign(self, nonce: str) -> bytes:
        """What shows NATS that we hold the key, in base64."""
        return base64.b64encode(self._key.sign(nonce.encode()))


def _key(seed: str) -> Ed25519PrivateKey | None:
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except binascii.Error:
        return None
    body, sum_ = raw[:-SUM_BYTES], raw[-SUM_BYTES:]
    sound = len(body) == len(USER_SEED) + KEY_BYTES and body.startswith(USER_SEED)
    if not sound or binascii.crc_hqx(body, 0).to_bytes(SUM_BYTES, "little") != sum_:
        return None
    return Ed25519PrivateKey.from_private_bytes(body[len(USER_SEED) :])
