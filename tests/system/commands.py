"""`aidc` commands as a person or a program runs them: a process, an exit status, and JSON on stdout."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

COMMAND_SECONDS_MAX = 40.0
AIDC = (sys.executable, "-m", "services.cli.main")


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its answer."""
        return json.loads(self.out)


async def aidc(*arguments: str, settings: Mapping[str, str] | None = None) -> Ended:
    """Run one command to its end."""
    process = await asyncio.create_subprocess_exec(
        *AIDC,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **(settings or {})},
    )
    async with asyncio.timeout(COMMAND_SECONDS_MAX):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())
