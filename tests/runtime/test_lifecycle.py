"""A service starts, serves until it is told to stop, drains, and says in one line why it could not go on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.runtime.lifecycle import announce

PRELUDE = """
import asyncio, sys
from services.eventlog import BrokenLog
from services.runtime import lifecycle, logs

def ready():
    print("ready", flush=True)

logs.configure("test")
"""

SERVES = """
async def main(stop):
    ready()
    await stop.wait()
    print("drained", flush=True)
sys.exit(lifecycle.run(main))
"""

NEVER_DRAINS = """
async def main(stop):
    ready()
    await stop.wait()
    await asyncio.Event().wait()
sys.exit(lifecycle.run(main, grace_seconds=0.2))
"""

NEVER_STARTS = """
async def main(stop):
    ready()
    await asyncio.Event().wait()
    await stop.wait()
sys.exit(lifecycle.run(main))
"""

FAILS_IN_BACKGROUND = """
async def follow():
    raise {error}

async def main(stop):
    async with lifecycle.background() as tasks:
        tasks.start(follow(), name="follow")
        await stop.wait()
sys.exit(lifecycle.run(main))
"""

ENDS = """
async def forever():
    await asyncio.Event().wait()

async def main(stop):
    async with lifecycle.background() as tasks:
        tasks.start(forever(), name="forever")
sys.exit(lifecycle.run(main))
"""


def start(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def end(process: subprocess.Popen[str]) -> tuple[str, list[dict]]:
    """What it printed, and its log lines."""
    out, err = process.communicate(timeout=20)
    return out, [json.loads(line) for line in err.splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_well(number: signal.Signals):
    """SIGTERM and SIGINT let the service drain; the status is 0."""
    process = start(SERVES)
    process.stdout.readline()
    process.send_signal(number)
    out, lines = end(process)
    assert (process.returncode, out) == (0, "drained\n")
    assert [(line["event"], line["reason"]) for line in lines] == [("service_ended", number.name)]


def test_the_grace_has_an_end():
    """A service that does not drain is cut short after its grace, with status 1."""
    process = start(NEVER_DRAINS)
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, lines = end(process)
    assert process.returncode == 1
    assert [line["event"] for line in lines] == ["service_cut_short"]


def test_a_start_that_takes_its_time_is_given_up_at_once():
    """Whoever waits for a server that does not answer has nothing to drain, and ends in order when told to stop."""
    process = start(NEVER_STARTS)
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, lines = end(process)
    assert process.returncode == 0
    assert [(line["event"], line["reason"]) for line in lines] == [("service_ended", "SIGTERM while starting")]


def test_our_own_error_ends_the_process_in_one_clear_line():
    """A background task that fails with one of our exceptions stops the process, status 1, without a trace."""
    process = start(FAILS_IN_BACKGROUND.format(error="BrokenLog('page 7 was altered')"))
    _, [line] = end(process)
    assert process.returncode == 1
    assert (line["event"], line["error"], line["message"]) == (
        "service_failed",
        "BrokenLog",
        "page 7 was altered",
    )
    assert "trace" not in line


def test_a_surprise_ends_the_process_with_its_trace():
    """Any other exception stops the process too, and its trace is in the same line."""
    process = start(FAILS_IN_BACKGROUND.format(error="KeyError('x')"))
    _, [line] = end(process)
    assert process.returncode == 1
    assert "in follow" in line["trace"]


def test_background_tasks_end_with_the_service():
    """Leaving the block cancels what still runs, and that is no failure."""
    process = start(ENDS)
    end(process)
    assert process.returncode == 0


def test_log_lines_are_one_json_object_each():
    """Line breaks and colour codes in a value stay inside their line; libraries' logs have the same shape."""
    program = """
import logging, structlog
structlog.get_logger().info("asked", note="a\\n[INFO] forged \\x1b[31m", long="x" * 10_000)
logging.getLogger("nats").error("lost %s", "it")
logging.getLogger("asyncio").debug("chatter")
"""
    _, [asked, lost] = end(start(program))
    assert asked["note"] == "a\n[INFO] forged \x1b[31m"
    assert len(asked["long"]) < 10_000
    assert (asked["service"], asked["level"]) == ("test", "info")
    assert (lost["service"], lost["level"], lost["event"], lost["logger"]) == ("test", "error", "lost it", "nats")


def test_a_ready_file_is_whole_and_private(tmp_path: Path):
    """The addresses appear at once, for the owner only, over an older file too."""
    path = tmp_path / "ready.json"
    path.write_text("old")
    os.chmod(path, 0o644)
    announce(path, {"grpc": "127.0.0.1:1"})
    assert json.loads(path.read_text()) == {"grpc": "127.0.0.1:1"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
