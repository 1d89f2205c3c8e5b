"""The server itself: encrypted when told so, and not to be exhausted by calls that are given up."""

import asyncio
import datetime
import ipaddress
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import CollectorRegistry

from services.runtime.doors import Doors
from services.runtime.health import Health
from services.runtime.identity import TokenVerifier, make_keys
from services.runtime.lifecycle import background
from services.runtime.server import GrpcServer, Tls
from services.runtime.settings import Address
from services.runtime.telemetry import DoorTelemetry
from tests.runtime.conftest import Serve, eventually

CHECK = "/grpc.health.v1.Health/Check"


def self_signed(folder: Path) -> Tls:
    """A certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    tls = Tls(folder / "certificate.pem", folder / "key.pem")
    tls.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    tls.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return tls


async def test_a_server_with_a_certificate_speaks_tls(tmp_path: Path):
    """A client that trusts the certificate is served; one that speaks plain text is not."""
    tls = self_signed(tmp_path)
    doors = Doors(verifier=TokenVerifier(make_keys(tmp_path / "keys")), telemetry=DoorTelemetry(CollectorRegistry()))
    listen = Address("127.0.0.1", 0)
    async with (
        background() as tasks,
        GrpcServer(listen=listen, doors=doors, methods=[], health=Health(), background=tasks, tls=tls) as server,
    ):
        trusting = grpc.ssl_channel_credentials(tls.certificate.read_bytes())
        async with grpc.aio.secure_channel(str(server.address), trusting) as channel:
            await channel.unary_unary(CHECK)(b"", timeout=5)
        async with grpc.aio.insecure_channel(str(server.address)) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(CHECK)(b"", timeout=2)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_calls_that_are_given_up_leave_nothing_behind(serve: Serve):
    """A client that starts and cancels hundreds of calls leaves no call, no slot and no task."""

    async def handler(call, request):
        await asyncio.Event().wait()

    async with serve({"GetResource": handler}) as client:
        before = len(asyncio.all_tasks())
        for _ in range(10):
            calls = [asyncio.ensure_future(client.send("GetResource")) for _ in range(50)]
            await eventually(lambda: client.doors.admission.calls > 0)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            await eventually(lambda: client.doors.admission.calls == 0)
        await eventually(lambda: not client.doors.visits and len(asyncio.all_tasks()) <= before)
