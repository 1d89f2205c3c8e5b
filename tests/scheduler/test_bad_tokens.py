"""Tokens that prove nothing, against the real server: nobody gets in by them, and nothing is written down."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime import keys
from services.runtime.identity import make_keys
from tests.runtime.test_identity import encoded, newest, signed
from tests.scheduler.serving import ALPHA, SERVICE, Desk, Refused, demand

METHOD = f"/{SERVICE.full_name}/CreateReservation"
REVOKED_SECONDS_MAX = 60
EVIL = "http://127.0.0.1:{port}/keys"

Forger = Callable[[Path], str]


def claims(**change: Any) -> dict[str, Any]:
    """What ALPHA's token claims now, and what is changed about it; times in seconds from now."""
    now = int(time.time())
    times = {name: now + change.pop(name, default) for name, default in {"iat": 0, "nbf": 0, "exp": 900}.items()}
    return {"iss": "aidc", "aud": "aidc", "sub": "kim", "role": "company", "company": "ALPHA"} | times | change


def claiming(**change: Any) -> Forger:
    """A token of the true key that claims something else."""
    return lambda folder: signed(folder, claims(**change))


def headed(**header: Any) -> Forger:
    """A token of the true key with something more in its header."""
    return lambda folder: signed(folder, claims(), header)


def unsigned(folder: Path) -> str:
    """A token that says it needs no signature."""
    return f"{encoded({'alg': 'none', 'kid': newest(folder).kid})}.{encoded(claims())}."


def by_the_public_key(folder: Path) -> str:
    """An HMAC, with what everybody may know for its secret."""
    key = OctKey.import_key((folder / keys.PUBLIC).read_bytes())
    return jwt.encode({"alg": "HS256", "kid": newest(folder).kid}, claims(), key)


def of_another_curve(folder: Path) -> str:
    """A signature of another kind under the id of a true key."""
    key = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    return jwt.encode({"alg": "ES256", "kid": newest(folder).kid}, claims(), key)


def of_a_stranger(folder: Path) -> str:
    """A sound token of a key that is not in the set."""
    make_keys(folder / "stranger")
    return signed(folder / "stranger", claims())


def of_a_stranger_in_disguise(folder: Path) -> str:
    """The same, under the id of a true key."""
    make_keys(folder / "stranger")
    return signed(folder / "stranger", claims(), {"kid": newest(folder).kid})


FORGED: dict[str, Forger] = {
    "expired": claiming(exp=-31),
    "not yet valid": claiming(nbf=31),
    "issued in the future": claiming(iat=86_400, exp=87_000),
    "lives for ever": claiming(exp=10**9),
    "no signature": unsigned,
    "signed with the public key": by_the_public_key,
    "signed on another curve": of_another_curve,
    "an extension that nobody knows": headed(crit=["exp"], exp=1),
    "a certificate elsewhere": headed(x5u="https://evil.example/certificate"),
    "a key of its own": headed(jwk={"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
    "another issuer": claiming(iss="evil"),
    "another audience": claiming(aud="billing"),
    "several audiences": claiming(aud=["aidc", "billing"]),
    "an unknown key": of_a_stranger,
    "an unknown key in disguise": of_a_stranger_in_disguise,
    "a role that there is not": claiming(role="root"),
    "an operator with a company": claiming(role="operator"),
    "noise": lambda _: "a.b.c",
    "endless": lambda folder: signed(folder, claims()) + "x" * 8_192,
}


async def turned_away(desk: Desk, *authorization: str) -> Refused:
    """A booking with these `authorization` headers, which must be refused without a trace."""
    pages, decided = list(desk.log.pages), desk.writer.decided
    metadata = tuple(("authorization", value) for value in authorization)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await desk.channel.unary_unary(METHOD)(demand().SerializeToString(), metadata=metadata, timeout=10)
    assert (desk.log.pages, desk.writer.decided) == (pages, decided)
    return Refused(error.value)


@pytest.mark.parametrize("forger", FORGED.values(), ids=FORGED)
async def test_a_forged_token_lets_nobody_in(desk: Desk, forger: Forger) -> None:
    """Whatever is wrong with it, the answer is UNAUTHENTICATED and repeats nothing of the token."""
    token = forger(desk.keys)
    refused = await turned_away(desk, f"Bearer {token}")
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert token[:20] not in str(refused.status)


async def test_a_sound_token_lets_in(desk: Desk) -> None:
    """The forgeries above are refused for what is forged: without it the same token books."""
    token = signed(desk.keys, claims())
    call = desk.channel.unary_unary(METHOD)
    assert await call(demand().SerializeToString(), metadata=(("authorization", f"Bearer {token}"),), timeout=10)


@pytest.mark.parametrize(
    "authorization",
    [[], ["Basic a2ltOmtpbQ=="], ["Bearer {token}", "Bearer {token}"], ["{token}"], ["Bearer"], ["Bearer  {token}"]],
    ids=["none", "another scheme", "two", "no scheme", "no token", "two spaces"],
)
async def test_one_bearer_token_is_asked_for(desk: Desk, authorization: list[str]) -> None:
    """No token, two of them, or one that is said in another manner: UNAUTHENTICATED."""
    token = signed(desk.keys, claims())
    refused = await turned_away(desk, *(each.replace("{token}", token) for each in authorization))
    assert refused.code is grpc.StatusCode.UNAUTHENTICATED


async def test_no_key_is_fetched(desk: Desk) -> None:
    """A token that says where its key lies is refused, and nobody looks there."""
    visitors = []
    server = await asyncio.start_server(lambda reader, writer: visitors.append(writer), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for name in ("jku", "x5u"):
            token = signed(desk.keys, claims(), {name: EVIL.format(port=port)})
            assert (await turned_away(desk, f"Bearer {token}")).code is grpc.StatusCode.UNAUTHENTICATED
    assert not visitors


async def test_streams_end_when_their_key_is_revoked(desk: Desk) -> None:
    """Whoever watches or books on a stream when the key of its token is dropped is shown out within a minute."""
    watch = desk.channel.unary_stream(f"/{SERVICE.full_name}/WatchReservations")
    watching = watch(
        api.WatchReservationsRequest(parent="companies/ALPHA").SerializeToString(),
        metadata=desk.bearer(ALPHA),
        timeout=2 * REVOKED_SECONDS_MAX,
    )
    booking = desk.stream(timeout=2 * REVOKED_SECONDS_MAX)
    await booking.send(demand(1))
    assert await booking.results(1)
    await watching.read()
    [old] = keys.read_keys(desk.keys / keys.PRIVATE)
    keys.rotate_keys(desk.keys)
    keys.drop_key(desk.keys, old)
    async with asyncio.timeout(REVOKED_SECONDS_MAX):
        with pytest.raises(Refused) as refused:
            await booking.read()
        assert refused.value.code is grpc.StatusCode.UNAUTHENTICATED
        assert await end_of(watching) is grpc.StatusCode.UNAUTHENTICATED
    assert await desk.call("CreateReservation", demand(2))


async def end_of(call: Any) -> grpc.StatusCode | None:
    """How a stream ends, when it is read to its end."""
    with suppress(grpc.aio.AioRpcError):
        while await call.read() is not grpc.aio.EOF:
            pass
    code: grpc.StatusCode | None = await call.code()
    return code
