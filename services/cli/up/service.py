"""One of the services as a child process: settings by environment, readiness by file, fixed addresses."""

import json
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from services.runtime.embedded.child import Child

ANY_PORT = "127.0.0.1:0"


class Service:
    """`python -m services.{name}.app`. Its addresses are found at the first start and kept from then on.

    It is reached by gRPC, or by browsers (`web`), and its metrics and health by HTTP. `settings` is called at each
    start, when what it speaks of is running.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        settings: Callable[[], Mapping[str, str]],
        grpc: str = "",
        http: str = ANY_PORT,
        web: str = "",
    ) -> None:
        self.name = name
        self.grpc = grpc
        self.http = http
        self.web = web
        self._folder = folder
        self._settings = settings
        self._ready_file = folder / "ready.json"
        self._child = Child(name, folder, signal.SIGTERM)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._child.process.pid

    async def start(self) -> None:
        """Start, and wait until it serves. Raises `StartError`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", f"services.{self.name}.app"]
        await self._child.start(command, self._ready, self._environment())
        addresses = json.loads(self._ready_file.read_text(encoding="utf-8"))
        self.http = addresses["http"]
        self.grpc, self.web = addresses.get("grpc", ""), addresses.get("web", "")

    async def stop(self) -> None:
        """Ask it to end, and see that it does."""
        await self._child.stop()

    async def exited(self) -> int:
        """Wait for its end; give the exit status."""
        return await self._child.exited()

    async def _ready(self) -> bool:
        return self._ready_file.exists()

    def _environment(self) -> dict[str, str]:
        addresses = {"AIDC_METRICS_LISTEN": self.http, "AIDC_READY_FILE": str(self._ready_file)}
        if listen := self.grpc or self.web:
            addresses["AIDC_LISTEN"] = listen
        return {**self._settings(), **addresses, "PYTHONUNBUFFERED": "1"}
