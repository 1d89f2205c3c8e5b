"""`aidc up` as people run it: whatever dies inside is started again, at the same address and with all bookings."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.system.commands import AIDC, aidc
from tests.system.harness import SECONDS_MAX, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOCK = "2026-03-03T09:00:00+09:00@1"
PROGRAMS = {
    "scheduler": "services.scheduler.app",
    "ledger": "services.ledger.app",
    "metrics": "services.metrics.app",
    "nats-server": "bin/nats-server",
    "postgres": "bin/postgres",
}
"""What the command line of each part contains."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def up(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """`aidc up` on a folder, ready, and stopped with Ctrl-C."""
    folder = tmp_path_factory.mktemp("up") / "data"
    process = await asyncio.create_subprocess_exec(
        *(*AIDC, "up", "--data", str(folder), "--clock", CLOCK, "--json"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        async with asyncio.timeout(2 * SECONDS_MAX):
            assert await process.stdout.readline(), "it ended before it was ready"
        yield process, folder
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(SECONDS_MAX):
            await process.communicate()
    assert process.returncode == 0
    assert not (folder / "endpoints.json").exists()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("part", PROGRAMS)
async def test_killed_part_comes_back(up: tuple[asyncio.subprocess.Process, Path], part: str) -> None:
    """P10: after kill -9 of any part a booking is granted and accounted for, at the addresses of before."""
    process, folder = up
    data = ("--data", str(folder), "--as", "CMP-0022", "--json")
    endpoints = json.loads((folder / "endpoints.json").read_text())
    hour = list(PROGRAMS).index(part) + 9
    victim = children(process.pid)[part]
    os.kill(victim, signal.SIGKILL)
    booked = await aidc("book", "cpu-batch:4", "--start", f"2026-03-05 {hour:02}:00", "--duration", "1h", *data)
    assert booked.status == 0, booked.err
    await eventually(lambda: children(process.pid).get(part, victim) != victim, f"{part} is back")
    shown = await aidc("show", booked.json["name"], *data)
    assert [entry["event"] for entry in shown.json["history"]] == ["reservation_confirmed"]
    assert json.loads((folder / "endpoints.json").read_text()) == endpoints


def children(parent: int) -> dict[str, int]:
    """The parts that a process runs, by name."""
    numbers = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    lines = {int(number): command_line(int(number)) for number in numbers}
    return {part: number for number, line in lines.items() for part, program in PROGRAMS.items() if program in line}


def command_line(number: int) -> str:
    """How a process was started; empty once it has ended."""
    try:
        return Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
