"""A small HTTP server for /metrics and /healthz: no framework, one answer a connection, limits on everything."""

import asyncio
import json
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.openmetrics.exposition import ALLOWUTF8
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from services.runtime.health import Health
from services.runtime.settings import Address, ListenError

CONNECTIONS_MAX = 100
HEADER_BYTES_MAX = 8_192
REQUEST_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 30.0

_log = structlog.get_logger()

# Status line, content type, body.
Answer = tuple[str, str, bytes]


class HttpServer:
    """Serves the metrics of a registry and the health of the process until the block is left."""

    def __init__(self, *, listen: Address, registry: CollectorRegistry, health: Health) -> None:
        # A second series beside every counter and histogram would tell when it began, which nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # It ships no types.
        self.address = listen
        self._registry = registry
        self._health = health
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(
                self._serve, self.address.host, self.address.port, limit=HEADER_BYTES_MAX
            )
        except OSError as error:
            raise ListenError(f"cannot listen on {self.address} for HTTP: {error.strerror or error}") from error
        self.address = Address(self.address.host, self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._open.copy():
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if len(self._open) <= CONNECTIONS_MAX:
                async with asyncio.timeout(REQUEST_SECONDS_MAX):
                    request = await _read_request(reader)
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    writer.write(_encode(self._answer(*request)))
                    await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Whoever is slow or gone needs no answer. Only our own leaving cancels, and a task that ends
            # cancelled would make asyncio 3.11 log an error.
            pass
        finally:
            self._open.discard(task)
            writer.close()

    def _answer(self, method: str, path: str, accept: str) -> Answer:
        match method, path:
            case "GET", "/metrics":
                return self._metrics(accept)
            case "GET", "/healthz":
                return self._healthz()
            case "GET", _:
                return _plain("404 Not Found", "Only /metrics and /healthz are here.")
            case "", _:
                return _plain("400 Bad Request", "This is no HTTP request, or its headers are too long.")
            case _:
                return _plain("405 Method Not Allowed", "Only GET is answered.")

    def _metrics(self, accept: str) -> Answer:
        try:
            if "application/openmetrics-text" in accept:
                # Our names need no escaping, and looking for what would takes a third of the time.
                return "200 OK", OPENMETRICS, openmetrics(self._registry, escaping=ALLOWUTF8)  # type: ignore[no-untyped-call]  # It ships no types.
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest(self._registry)
        except Exception:
            # A collector that fails must show up as a failed scrape, and in the log.
            _log.exception("scrape_failed")
            return _plain("500 Internal Server Error", "The metrics could not be collected.")

    def _healthz(self) -> Answer:
        if self._health.is_serving:
            return "200 OK", "application/json", json.dumps({"status": "serving"}).encode()
        body = {"status": "not_serving", "reason": self._health.reason}
        return "503 Service Unavailable", "application/json", json.dumps(body).encode()


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, str]:
    """Method, path without query, and Accept; an empty method for what is no request."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.split("\r\n")
        method, target, _ = request_line.split(" ")
    except (ValueError, asyncio.LimitOverrunError):
        return "", "", ""
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return method, target.partition("?")[0], headers.get("accept", "")


def _plain(status: str, text: str) -> Answer:
    return status, "text/plain; charset=utf-8", f"{text}\n".encode()


def _encode(answer: Answer) -> bytes:
    status, content_type, body = answer
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n"
    )
    return head.encode() + body
