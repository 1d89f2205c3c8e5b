"""A nats-server with settings that the log must refuse. For a sound one there is `services.runtime.embedded`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.runtime.embedded.child import free_port

START_SECONDS = 20


@asynccontextmanager
async def lazy_server(folder: Path, binary: Path, *settings: str) -> AsyncIterator[tuple[str, str]]:
    """A server that syncs every two minutes, with more settings as wanted: where to connect, and its monitoring."""
    config = folder / "lazy.conf"
    store = json.dumps(str(folder / "lazy"))
    address, monitor = (f"127.0.0.1:{free_port()}" for _ in range(2))
    lines = [f'listen: "{address}"', f'http: "{monitor}"', f"jetstream {{ store_dir: {store} }}"]
    config.write_text("\n".join([*lines, *settings]))
    process = await asyncio.create_subprocess_exec(
        str(binary), "-c", str(config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            assert process.stderr
            while b"Server is ready" not in await process.stderr.readline():
                assert process.returncode is None
        yield f"nats://{address}", f"http://{monitor}"
    finally:
        process.kill()
        await process.communicate()
