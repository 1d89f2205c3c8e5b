"""The board as a process: pages on one address, metrics and health on another.

It keeps nothing and decides nothing: it may be killed, and run as often as one likes. /healthz says whether it serves
pages; whether the services answer is theirs to say, and a page says it to people.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from prometheus_client import CollectorRegistry, ProcessCollector

from services.board.doors.calls import open_doors
from services.board.entrance.patience import PatientProtocol
from services.board.web import Board
from services.runtime import lifecycle, logs
from services.runtime.health import Health
from services.runtime.http_server import HttpServer
from services.runtime.lifecycle import Stop
from services.runtime.settings import Address, ListenError, NewFile, SettingsError, load
from services.runtime.tls import Roots, Tls

LISTEN, METRICS_LISTEN = Address("127.0.0.1", 7604), Address("127.0.0.1", 7614)
CONNECTIONS_MAX = 512
KEEP_ALIVE_SECONDS = 15
HEADER_BYTES_MAX = 16_384
GRACE_SECONDS = 3
BACKLOG = 128

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the board is told at its start, by AIDC_ variables."""

    scheduler: Address
    ledger: Address
    listen: Address = LISTEN
    metrics_listen: Address = METRICS_LISTEN
    tls_roots: Roots | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    ready_file: NewFile | None = None


class Server(uvicorn.Server):
    """Uvicorn without signals of its own: the life of the process is ours."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        self.opened.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


async def run(settings: Settings, stop: Stop) -> None:
    """Serve pages until told to stop. Raises `ListenError`."""
    registry, health = CollectorRegistry(), Health()
    ProcessCollector(registry=registry)
    listening = listen(settings.listen)
    async with (
        open_doors(str(settings.scheduler), str(settings.ledger), settings.tls_roots) as doors,
        HttpServer(listen=settings.metrics_listen, registry=registry, health=health) as http,
        lifecycle.background() as tasks,
    ):
        board = Board(doors, registry)
        server = Server(configured(board, settings))
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        tasks.start(opened(server, settings, health, Address(*listening.getsockname()[:2]), http.address), name="ready")
        await stop.wait()
        await health.drain()
        board.live.end()
        server.should_exit = True
        await serving


def listen(address: Address) -> socket.socket:
    """A socket on an address. Raises `ListenError`."""
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        raise ListenError(f"cannot listen on {address} for pages: {reason}") from error


def configured(board: Board, settings: Settings) -> uvicorn.Config:
    """Uvicorn with our limits. Raises `TlsError`."""
    tls = Tls.of(settings.tls_certificate, settings.tls_key)
    return uvicorn.Config(
        board.app(),
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )


async def opened(server: Server, settings: Settings, health: Health, web: Address, http: Address) -> None:
    """Say where the board is once it serves."""
    await server.opened.wait()
    await health.serving()
    if settings.ready_file is not None:
        lifecycle.announce(settings.ready_file, {"web": str(web), "http": str(http)})
    _log.info("serving", web=str(web), http=str(http))


def main() -> None:
    """Run the board until it is told to stop; exit 0 then, and 1 otherwise."""
    logs.configure("board")
    try:
        settings = load(Settings, os.environ)
    except SettingsError as error:
        _log.error("settings_wrong", problems=error.problems)
        sys.exit(1)
    sys.exit(lifecycle.run(lambda stop: run(settings, stop)))


if __name__ == "__main__":
    main()
