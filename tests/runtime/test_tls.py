"""Doors with TLS: who is let in, who is not, and what is said of a certificate that is no good."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.runtime.doors import Doors
from services.runtime.health import Health
from services.runtime.identity import TokenVerifier, make_keys
from services.runtime.lifecycle import background
from services.runtime.server import GrpcServer
from services.runtime.settings import Address
from services.runtime.telemetry import DoorTelemetry
from services.runtime.tls import Tls, TlsError
from tests.runtime.certificates import self_signed

CHECK = "/grpc.health.v1.Health/Check"
SHUT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@asynccontextmanager
async def door(folder: Path, tls: Tls) -> AsyncIterator[Address]:
    """A gRPC server with a certificate, and health behind it."""
    doors = Doors(verifier=TokenVerifier(make_keys(folder / "keys")), telemetry=DoorTelemetry(CollectorRegistry()))
    listen = Address("127.0.0.1", 0)
    async with (
        background() as tasks,
        GrpcServer(listen=listen, doors=doors, methods=[], health=Health(), background=tasks, tls=tls) as server,
    ):
        yield server.address


async def knock(address: Address, roots: Path | None) -> grpc.StatusCode:
    """How a client fares that trusts these roots, or speaks plain text."""
    options = (("grpc.enable_retries", 0),)
    if roots is None:
        channel = grpc.aio.insecure_channel(str(address), options=options)
    else:
        trusting = grpc.ssl_channel_credentials(await asyncio.to_thread(roots.read_bytes))
        channel = grpc.aio.secure_channel(str(address), trusting, options=options)
    async with channel:
        try:
            await channel.unary_unary(CHECK)(b"", timeout=5)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def test_a_server_with_a_certificate_speaks_tls(tmp_path: Path):
    """A client that trusts the certificate is served; one that speaks plain text or trusts another is not."""
    tls, other = self_signed(tmp_path / "ours"), self_signed(tmp_path / "other")
    async with door(tmp_path, tls) as address:
        assert await knock(address, tls.certificate) is grpc.StatusCode.OK
        assert await knock(address, None) in SHUT
        assert await knock(address, other.certificate) in SHUT


async def test_an_expired_certificate_convinces_nobody(tmp_path: Path):
    """A client that trusts it refuses it all the same."""
    tls = self_signed(tmp_path / "ours", days=-1)
    async with door(tmp_path, tls) as address:
        assert await knock(address, tls.certificate) in SHUT


@pytest.mark.parametrize(
    ("version", "spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_old_versions_are_not_spoken(tmp_path: Path, version: ssl.TLSVersion, spoken: bool):
    """TLS 1.2 and 1.3 are; a client that knows nothing newer than 1.1 is told so, though it would take any cipher."""
    tls = self_signed(tmp_path / "ours")
    client = ssl.create_default_context(cafile=str(tls.certificate))
    client.set_alpn_protocols(["h2"])
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version = client.maximum_version = version
    async with door(tmp_path, tls) as address:
        assert await shakes_hands(address, client) is spoken


async def shakes_hands(address: Address, client: ssl.SSLContext) -> bool:
    """Whether a server speaks TLS with such a client. Raises what is the client's own fault."""
    try:
        _, writer = await asyncio.open_connection(address.host, address.port, ssl=client)
    except ConnectionError:
        return False
    writer.close()
    return True


async def test_half_of_a_pair_is_refused(tmp_path: Path):
    """Whoever gives a certificate and forgets the key does not get a door that speaks plain text."""
    tls = self_signed(tmp_path / "ours")
    for certificate, key in ((tls.certificate, None), (None, tls.key)):
        with pytest.raises(TlsError, match="belong together"):
            Tls.of(certificate, key)
    assert Tls.of(None, None) is None
    assert Tls.of(tls.certificate, tls.key) == tls


async def test_files_that_do_not_fit_each_other_are_refused(tmp_path: Path):
    """Another's key, a file that is no certificate, one that is not there: at the start, by name."""
    tls, other = self_signed(tmp_path / "ours"), self_signed(tmp_path / "other")
    for certificate, key in ((tls.certificate, other.key), (tls.key, tls.key), (tmp_path / "absent", tls.key)):
        with pytest.raises(TlsError, match=f"cannot use {certificate} with {key} for TLS"):
            Tls.of(certificate, key)


@pytest.mark.parametrize(
    ("days", "said"), [(30, []), (13, ["certificate_expires_soon"]), (-1, ["certificate_expired"])]
)
async def test_the_end_of_a_certificate_is_told(tmp_path: Path, days: int, said: list[str]):
    """Two weeks ahead, and when it is over: in our log, with the file and the date."""
    tls = self_signed(tmp_path / "ours", days)
    with capture_logs() as lines:
        Tls.of(tls.certificate, tls.key)
    assert [line["event"] for line in lines] == said
    assert all(line["certificate"] == str(tls.certificate) for line in lines)
