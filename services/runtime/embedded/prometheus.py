"""Prometheus in a data folder, where the program is installed: watches the services by our rules and keeps what it saw.

It is no part of the centre: nothing depends on it, and there is no wheel of it. It listens on loopback only.
"""

import asyncio
import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self
from urllib.request import ProxyHandler, build_opener

from services.runtime.embedded.child import Child, StartError, free_port

RULES = Path(__file__).parents[3] / "deploy" / "prometheus" / "rules.yml"
SCRAPE_SECONDS = 15
SCRAPE_TIMEOUT_SECONDS = 10
RETENTION = "15d"
SAMPLES_MAX = 30_000
"""Well above what the catalogue of metrics allows, so that a mistake costs a failed scrape and not the disk."""
START_ATTEMPTS_MAX = 3
PROBE_SECONDS = 2.0

_opener = build_opener(ProxyHandler({}))  # It listens on loopback: no proxy is to be asked.


def binary(wanted: str = "") -> Path | None:
    """The program of this name or path, or the installed one; None if there is none."""
    found = shutil.which(wanted or "prometheus")
    return Path(found).absolute() if found else None


class Prometheus:
    """A Prometheus of our own. It may be killed and started again, on the same port and the same data.

    `targets` gives the address of each service's /metrics by the service's name, and is asked at every start. `port`
    is a free one unless given.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        targets: Callable[[], Mapping[str, str]],
        port: int = 0,
        scrape_seconds: int = SCRAPE_SECONDS,
    ) -> None:
        self._program = program
        self._folder = folder.absolute()
        self._targets = targets
        self._wanted = port
        self._port = port
        self._scrape_seconds = scrape_seconds
        self._child = Child("prometheus", self._folder, signal.SIGTERM)
        self._settled = False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._child.process

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def address(self) -> str:
        """Where it listens, `host:port`."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """Where to look with a browser, and what to give Grafana as a data source."""
        return f"http://{self.address}"

    async def start(self) -> None:
        """Start, and wait until it answers queries. Raises `StartError`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for attempt in range(1, START_ATTEMPTS_MAX + 1):
            if not self._settled:
                self._port = self._wanted or free_port()
            try:
                await self._child.start(self._command(), self._ready)
                self._settled = True
                return
            except StartError:
                # Somebody may have taken a free port before Prometheus did.
                if self._settled or attempt == START_ATTEMPTS_MAX:
                    raise

    async def stop(self) -> None:
        await self._child.stop()

    def kill(self) -> None:
        """Kill outright, as a fault would. Its data stays readable."""
        self._child.kill()

    async def exited(self) -> int:
        """Wait for the process to end; give its exit status."""
        return await self._child.exited()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _command(self) -> list[str]:
        return [
            str(self._program),
            f"--config.file={self._configure()}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={self.address}",
            "--enable-feature=exemplar-storage",
        ]

    def _configure(self) -> Path:
        """Write the configuration anew: JSON, which is YAML too."""
        configuration = {
            "global": {
                "scrape_interval": f"{self._scrape_seconds}s",
                "scrape_timeout": f"{min(self._scrape_seconds, SCRAPE_TIMEOUT_SECONDS)}s",
                "evaluation_interval": f"{self._scrape_seconds}s",
            },
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {
                    "job_name": "aidc",
                    "sample_limit": SAMPLES_MAX,
                    "static_configs": [
                        {"targets": [address], "labels": {"service": service}}
                        for service, address in self._targets().items()
                    ],
                }
            ],
        }
        path = self._folder / "prometheus.yml"
        path.write_text(json.dumps(configuration, indent=2), encoding="utf-8")
        return path

    async def _ready(self) -> bool:
        try:
            answer = await asyncio.to_thread(_opener.open, f"{self.url}/-/ready", timeout=PROBE_SECONDS)
        except OSError:
            return False
        answer.close()
        return True
