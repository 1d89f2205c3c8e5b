"""Health is asked without a token, tells the truth while draining, and costs a stranger nothing but his connection."""

import asyncio
import json
from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from prometheus_client import CollectorRegistry, Counter

from services.runtime import http_server
from services.runtime.admission import Limits
from services.runtime.health import Health
from services.runtime.http_server import HttpServer
from services.runtime.lifecycle import background
from services.runtime.server import GrpcServer
from services.runtime.settings import Address, ListenError
from tests.runtime.conftest import SERVICE, Serve

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
FREE = Address("127.0.0.1", 0)


async def check(channel: grpc.aio.Channel, service: str) -> int:
    call = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        HealthCheckRequest.SerializeToString,
        HealthCheckResponse.FromString,
    )
    return (await call(HealthCheckRequest(service=service), timeout=5)).status


@pytest.fixture
async def http() -> AsyncIterator[HttpServer]:
    registry = CollectorRegistry()
    Counter("alloc_things_total", "Things.", registry=registry).inc()
    async with HttpServer(listen=FREE, registry=registry, health=Health()) as server:
        yield server


async def exchange(server: HttpServer, request: bytes) -> tuple[str, str, bytes]:
    """Send bytes, read to the end: status line, headers, body."""
    reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
    writer.write(request)
    try:
        answer = await reader.read()
    except ConnectionResetError:
        answer = b""  # The server closed while some of the request was still on its way.
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, _, headers = head.decode().partition("\r\n")
    return status, headers, body


async def get(server: HttpServer, path: str, accept: str = "*/*") -> tuple[str, str, bytes]:
    return await exchange(server, f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n".encode())


async def test_health_is_known_by_service_and_needs_no_token(serve: Serve):
    """The process and each of its services answer; an unknown service is NOT_FOUND."""
    async with serve() as client:
        assert await check(client.channel, "") == SERVING
        assert await check(client.channel, SERVICE.full_name) == SERVING
        await client.health.not_serving("the log does not answer")
        assert await check(client.channel, SERVICE.full_name) == NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await check(client.channel, "nothing")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_health_is_answered_when_the_server_is_full(serve: Serve):
    """Shedding everything else does not shed health."""
    async with serve(limits=Limits(in_flight_max=0)) as client:
        assert (await client.refused("GetResource")).reason == "OVERLOADED"
        assert await check(client.channel, "") == SERVING


async def test_a_draining_process_stays_not_serving(serve: Serve):
    """Once draining, nothing turns health green again."""
    async with serve() as client:
        await client.health.drain()
        await client.health.serving()
        assert await check(client.channel, "") == NOT_SERVING
        assert not client.health.is_serving


async def test_healthz_says_whether_and_why_not():
    """503 with the reason until the process serves, 200 while it does."""
    health = Health()
    async with HttpServer(listen=FREE, registry=CollectorRegistry(), health=health) as server:
        status, _, body = await get(server, "/healthz")
        assert "503" in status
        assert json.loads(body) == {"status": "not_serving", "reason": "starting"}
        await health.serving()
        status, _, body = await get(server, "/healthz?verbose")
        assert "200" in status
        assert json.loads(body) == {"status": "serving"}


async def test_metrics_come_in_the_format_that_is_asked_for(http: HttpServer):
    """Prometheus text by default, OpenMetrics for who accepts it."""
    status, headers, body = await get(http, "/metrics")
    assert "200" in status
    assert "text/plain" in headers
    assert b"alloc_things_total 1.0\n" in body
    _, headers, body = await get(http, "/metrics", "application/openmetrics-text;version=1.0.0")
    assert "application/openmetrics-text" in headers
    assert body.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"GET /etc/passwd HTTP/1.1\r\n\r\n", "404"),
        (b"GET /%2e%2e/ HTTP/1.1\r\n\r\n", "404"),
        (b"hello\r\n\r\n", "400"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", "400"),
        (b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n", "400"),
    ],
)
async def test_other_requests_are_refused(http: HttpServer, request_bytes: bytes, status: str):
    """Only GET of the two pages is answered; noise and endless headers are not."""
    answer = (await exchange(http, request_bytes))[0]
    assert status in answer or (answer == "" and len(request_bytes) > http_server.HEADER_BYTES_MAX)


async def test_slow_requests_are_hung_up_on(http: HttpServer, monkeypatch: pytest.MonkeyPatch):
    """A connection that says nothing is closed in time."""
    monkeypatch.setattr(http_server, "REQUEST_SECONDS_MAX", 0.05)
    assert await exchange(http, b"GET /metrics HT") == ("", "", b"")


async def test_connections_are_limited(http: HttpServer, monkeypatch: pytest.MonkeyPatch):
    """Past the limit a connection is closed at once, and room comes back when others go."""
    monkeypatch.setattr(http_server, "CONNECTIONS_MAX", 1)
    reader, writer = await asyncio.open_connection(http.address.host, http.address.port)
    writer.write(b"GET /healthz HTTP/1.1\r\n")
    await writer.drain()
    assert await get(http, "/healthz") == ("", "", b"")
    writer.write(b"\r\n")
    assert b"503" in await reader.read()
    assert "503" in (await get(http, "/healthz"))[0]
    writer.close()


async def test_a_failing_collector_is_a_failed_scrape(http: HttpServer):
    """When metrics cannot be collected, the scrape fails without a word about why, and the next one is tried anew."""

    class Broken:
        def collect(self):
            raise ValueError("secret")

        def describe(self):
            return []

    http._registry.register(Broken())
    status, _, body = await get(http, "/metrics")
    assert "500" in status
    assert b"secret" not in body


async def test_a_taken_port_is_said_clearly(http: HttpServer, serve: Serve):
    """A second process cannot share the port, over HTTP or over gRPC, and is told which one it was."""
    with pytest.raises(ListenError, match=str(http.address.port)):
        async with HttpServer(listen=http.address, registry=CollectorRegistry(), health=Health()):
            pass
    async with serve() as client:
        with pytest.raises(ExceptionGroup) as caught:
            async with (
                background() as tasks,
                GrpcServer(
                    listen=client.address,
                    doors=client.doors,
                    methods=[],
                    health=Health(),
                    background=tasks,
                ),
            ):
                pass
        assert caught.group_contains(ListenError, match=str(client.address.port))
