"""A credentials file, against a real nats-server that knows its users by signed JWTs alone."""

import asyncio
import base64
import json
from binascii import crc_hqx
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.eventlog import Unknown
from services.eventlog.connection import Connection
from services.runtime.embedded.child import free_port
from services.runtime.embedded.nats import binary
from services.runtime.nats_credentials import Credentials

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3
UNLIMITED = {"subs": -1, "data": -1, "payload": -1}
ACCOUNT_LIMITS = {**UNLIMITED, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
START_SECONDS = 20


class Key:
    """A key of NATS, and what it is called."""

    def __init__(self, kind: int) -> None:
        self._kind = kind
        self._key = Ed25519PrivateKey.generate()
        self.name = _written(bytes([kind]) + self._key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        """The secret, as it stands in a credentials file."""
        first, second = 18 << 3 | self._kind >> 5, (self._kind & 31) << 3
        return _written(bytes([first, second]) + self._key.private_bytes_raw())

    def claims(self, subject: "Key", kind: str, **nats: Any) -> str:
        """A JWT about somebody, signed by this one."""
        body = {"jti": "test", "iat": 1, "iss": self.name, "name": kind, "sub": subject.name}
        body |= {"nats": {**nats, "type": kind, "version": 2}}
        signed = ".".join(_plain(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body))
        return f"{signed}.{_plain(self._key.sign(signed.encode()))}"


def _written(body: bytes) -> str:
    return base64.b32encode(body + crc_hqx(body, 0).to_bytes(2, "little")).decode().rstrip("=")


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def file_of(jwt: str, seed: str) -> str:
    """A credentials file, as `nsc` writes it."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n*** keep it secret ***\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )


@asynccontextmanager
async def server(folder: Path, operator: Key, account: Key) -> AsyncIterator[str]:
    """A server that trusts an operator, who knows an account."""
    address = f"127.0.0.1:{free_port()}"
    of_account = operator.claims(account, "account", limits=ACCOUNT_LIMITS)
    config = folder / "nats.conf"
    config.write_text(
        f'listen: "{address}"\nmax_payload: 1MB\noperator: {operator.claims(operator, "operator")}\n'
        f"resolver: MEMORY\nresolver_preload: {{ {account.name}: {of_account} }}\n"
    )
    process = await asyncio.create_subprocess_exec(str(binary()), "-c", str(config), stderr=asyncio.subprocess.PIPE)
    try:
        assert process.stderr
        async with asyncio.timeout(START_SECONDS):
            while b"Server is ready" not in (line := await process.stderr.readline()):
                assert line
        yield f"nats://{address}"
    finally:
        process.kill()
        await process.communicate()


async def test_a_user_is_let_in_by_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's challenge is signed by the key of the JWT; another's key opens nothing."""
    monkeypatch.setattr("services.eventlog.connection.CONNECT_SECONDS_MAX", 1.0)
    operator, account, user, other = Key(OPERATOR), Key(ACCOUNT), Key(USER), Key(USER)
    jwt = account.claims(user, "user", **UNLIMITED)
    async with server(tmp_path, operator, account) as url:
        connection = await Connection.open(url, name="test", credentials=read(tmp_path, file_of(jwt, user.seed)))
        await connection.close()
        with pytest.raises(Unknown, match=r"(?i)authorization"):
            await Connection.open(url, name="test", credentials=read(tmp_path, file_of(jwt, other.seed)))


def read(folder: Path, text: str) -> Credentials:
    """What a file with this text gives."""
    path = folder / "user.creds"
    path.write_text(text)
    return Credentials.parse(str(path))


def test_a_damaged_file_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    """A letter too few or another one in the seed, a part that is missing, or an account's seed."""
    seed, jwt = Key(USER).seed, "a.b.c"
    middle = "A" if seed[20] != "A" else "B"
    for text in (
        file_of(jwt, seed[:-1]),
        file_of(jwt, seed[:20] + middle + seed[21:]),
        file_of(jwt, Key(ACCOUNT).seed),
        file_of(jwt, "not base32!"),
        file_of(jwt, seed).replace("USER JWT", "JWT"),
    ):
        with pytest.raises(ValueError, match="holds no user JWT") as refused:
            read(tmp_path, text)
        assert seed[2:20] not in str(refused.value)
