"""A nats-server with the users and permissions of `deploy/nats/`, alone and without certificates."""

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from services.runtime.embedded.child import free_port
from services.runtime.embedded.nats import binary

DEPLOYED = Path(__file__).parents[2] / "deploy" / "nats"
START_SECONDS_MAX = 20.0
SERVICES = ("scheduler", "reader")
NODES = ("gpu-0", "gpu-1")
"""Of the small catalogue."""
CENTRE = "mudeung-ai"
"""The centre that the configuration names."""


class PermittedNats:
    """Started and stopped like the embedded one. `url_of` tells where a user connects."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = (free_port(), free_port())
        self.monitor_url = f"http://127.0.0.1:{self._ports[1]}"
        self.url = self.url_of("reader")
        self.process: Process | None = None

    def url_of(self, user: str) -> str:
        """Where a user connects, password included: a service, or the agent of a node."""
        if user in SERVICES:
            return f"nats://{user}:{user}-password@127.0.0.1:{self._ports[0]}"
        path = self._folder / "agents" / f"{user.removeprefix('agent-')}.url"
        return path.read_text(encoding="utf-8").strip().replace("tls://", "nats://")

    async def add_nodes(self, *nodes: str) -> None:
        """Make the users of these nodes, as an operator does."""
        told = ("--into", str(self._folder), "--centre", CENTRE, "--server", f"127.0.0.1:{self._ports[0]}")
        program = str(DEPLOYED / "nodes.py")
        process = await asyncio.create_subprocess_exec(sys.executable, program, *told, *nodes, stdout=DEVNULL)
        assert await process.wait() == 0

    async def start(self) -> None:
        """Start, and wait until it is ready."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await self.add_nodes(*NODES)
        path = self._folder / "nats.conf"
        path.write_text(self._configuration(), encoding="utf-8")
        passwords = {f"{user.upper()}_PASSWORD": f"{user}-password" for user in SERVICES}
        self.process = await asyncio.create_subprocess_exec(
            str(binary()), "-c", str(path), stdout=DEVNULL, stderr=PIPE, env=passwords
        )
        assert self.process.stderr is not None
        said = b""
        async with asyncio.timeout(START_SECONDS_MAX):
            while b"Server is ready" not in said:
                line = await self.process.stderr.readline()
                assert line, said.decode()
                said += line

    async def stop(self) -> None:
        """Stop it."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.communicate()

    def _configuration(self) -> str:
        """What is deployed, but for addresses, certificates and the other two servers."""
        text = (DEPLOYED / "nats.conf").read_text(encoding="utf-8")
        text = re.sub(r"^(tls|cluster) \{\n.*?^\}\n", "", text, flags=re.MULTILINE | re.DOTALL)
        changes = {
            "<nats-1>": "nats-1",
            "0.0.0.0:4222": f"127.0.0.1:{self._ports[0]}",
            "127.0.0.1:8222": f"127.0.0.1:{self._ports[1]}",
            "/var/lib/nats": str(self._folder / "store"),
            "200GB": "1GB",
            '"20s"': '"500ms"',  # Nobody waits a minute for a reader that was stopped.
        }
        for deployed, here in changes.items():
            assert deployed in text, deployed
            text = text.replace(deployed, here)
        return text
