"""Rounds of load, in turn on every target, by the one client process."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
from msgspec.structs import replace

from loadtests.jobs import Job, Targets
from loadtests.measures import Round
from loadtests.site import cpu_seconds

ANSWER_SECONDS_MAX = 60.0
ANSWER_BYTES_MAX = 1 << 20


class LoadClient:
    """The client process. `watched` are the processes whose processor time is counted, by target and name."""

    def __init__(self, process: asyncio.subprocess.Process, watched: Mapping[str, Mapping[str, int]]) -> None:
        self._process = process
        self._watched = watched

    async def play(self, job: Job) -> Round:
        """Do one job. Raises when the client fails."""
        pids = {"client": self._process.pid, **self._watched.get(job.target, {})}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        await self.tell(job)
        assert self._process.stdout is not None
        async with asyncio.timeout(job.seconds + ANSWER_SECONDS_MAX):
            line = await self._process.stdout.readline()
        played = msgspec.json.decode(line, type=Round)
        answers = max(1, sum(played.outcomes.values()))
        cpu = {name: (cpu_seconds(pid) - before[name]) / answers * 1e6 for name, pid in pids.items()}
        return replace(played, cpu_us={name: round(value, 1) for name, value in cpu.items()})

    async def tell(self, message: Job | Targets) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(message) + b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def load_client(targets: Targets, watched: Mapping[str, Mapping[str, int]]) -> AsyncIterator[LoadClient]:
    """A client process that knows its targets; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtests.client",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=ANSWER_BYTES_MAX,
    )
    client = LoadClient(process, watched)
    try:
        await client.tell(targets)
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def baseline_server(module: str, answer_bytes: int, told: str = "") -> AsyncIterator[tuple[str, int]]:
    """The address and process number of a server to compare with. `told` is its first line of input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        str(answer_bytes),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{told}\n".encode())
        await process.stdin.drain()
        port = int(await process.stdout.readline())
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.stdin.close()
        await process.wait()


def job(target: str, *, seconds: float, seed: int, clients: int, rate: float = 0.0) -> Job:
    """A job as of now."""
    return Job(target=target, seconds=seconds, seed=seed, now=int(time.time()), clients=clients, rate=rate)
