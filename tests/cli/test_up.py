"""`aidc up`, for real: a whole centre in a folder, found by the other commands, and nothing left behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

STOP_SECONDS_MAX = 30.0
WATCHER = f"""#!{sys.executable}
import http.server, sys

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

[listen] = [word.partition("=")[2] for word in sys.argv if word.startswith("--web.listen-address=")]
http.server.HTTPServer(("127.0.0.1", int(listen.rpartition(":")[2])), Ready).serve_forever()
"""
"""What stands for a Prometheus, which is no wheel: it is started as one, and says that it is ready."""
CLOCK = "2026-03-03T09:00:00+09:00@1"
BOOK = ("book", "cpu-batch:4", "--start", "2026-03-05 09:00", "--duration", "2h", "--as", "CMP-0022", "--json")
pytestmark = pytest.mark.timeout(180)


def aidc(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", *arguments], capture_output=True, text=True, check=False
    )


class Running:
    """A centre that runs on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watcher = folder.with_name("watcher")
        self.watcher.write_text(WATCHER)
        self.watcher.chmod(0o700)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        options = ("--data", str(self.folder), "--clock", CLOCK, "--prometheus", str(self.watcher), "--json")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "up", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        ready = self.process.stdout.readline()
        assert ready, self.process.communicate()[1]

    def end(self, number: signal.Signals) -> int:
        """Send a signal; give the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=STOP_SECONDS_MAX)
        return self.process.returncode

    def endpoints(self) -> dict[str, object]:
        """What it wrote about itself."""
        return dict(json.loads((self.folder / "endpoints.json").read_text()))

    def left_behind(self) -> list[str]:
        """Command lines and settings of processes that work on the folder."""
        return [text.replace(b"\0", b" ").decode(errors="replace")[:120] for text in self._processes()]

    def exposed(self) -> list[str]:
        """Which of its secrets stand in an argument, a variable or a log, by their names."""
        texts = [*self._processes(), *(path.read_bytes() for path in self.folder.rglob("*.log"))]
        return [name for name, secret in self._secrets() if any(secret.encode() in text for text in texts)]

    def _secrets(self) -> Iterator[tuple[str, str]]:
        """Passwords, private keys and tokens."""
        yield from ((path.name, path.read_text()) for path in self.folder.rglob("*-password"))
        keys = json.loads((self.folder / "keys" / "private.json").read_text())["keys"]
        yield from (("private key", key["d"]) for key in keys)
        yield "checkpoint key", (self.folder / "keys" / "checkpoint.key").read_text().split()[-1]
        kinds = self.endpoints()
        yield from (
            (f"token of {holder}", token)
            for kind in ("tokens", "committee", "officers")
            for holder, token in kinds[kind].items()  # type: ignore[attr-defined]  # a JSON object
        )

    def _processes(self) -> list[bytes]:
        """Arguments and variables of every process that works on the folder, but for our own."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                texts = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue
            if str(self.folder).encode() in texts and process.name != str(os.getpid()):
                found.append(texts)
        return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A centre, running; stopped at the end if a test has not."""
    centre = Running(tmp_path / "data")
    centre.start()
    yield centre
    if centre.process is not None and centre.process.poll() is None:
        centre.end(signal.SIGTERM)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and the kernel's help is Linux's own")
def test_a_centre_runs_in_a_folder_survives_a_kill_and_leaves_nothing(running: Running) -> None:
    """Found by the others, refused twice on one folder, recovered after kill -9 with what was booked, then gone.

    Meanwhile nothing secret stands in an argument, a variable or a log.
    """
    data = ("--data", str(running.folder))
    endpoints = running.endpoints()
    assert {"scheduler", "ledger", "metrics", "nats", "postgres", "tokens"} <= endpoints.keys()
    board = f"http://{endpoints['board']}"
    assert httpx.get(f"{board}/", follow_redirects=True).url == f"{board}/sign-in?next=%2F"
    assert httpx.get(f"http://{endpoints['prometheus']}/-/ready").status_code == 200
    written = json.loads((running.folder / "prometheus" / "prometheus.yml").read_text())
    [job] = written["scrape_configs"]
    assert [each["labels"]["service"] for each in job["static_configs"]] == ["scheduler", "ledger", "metrics", "board"]
    assert len(endpoints["tokens"]) == 202  # type: ignore[arg-type]  # a JSON object
    for path in (running.folder / "endpoints.json", running.folder / "keys" / "private.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(running.folder.stat().st_mode) == 0o700

    booked = aidc(*BOOK, *data)
    assert booked.returncode == 0, booked.stderr
    name = json.loads(booked.stdout)["name"]
    assert len(json.loads(aidc("resources", "--json", *data).stdout)["resources"]) == 91
    second = aidc("up", *data)
    assert second.returncode == 1
    assert "is in use" in second.stderr

    assert len(running.left_behind()) >= 7
    assert running.exposed() == []

    running.end(signal.SIGKILL)
    gone_by = time.monotonic() + STOP_SECONDS_MAX
    while running.left_behind() and time.monotonic() < gone_by:
        time.sleep(0.1)  # The kernel tells the children; nothing tells us.
    assert not running.left_behind()

    running.start()
    shown = json.loads(aidc("show", name, "--as", "CMP-0022", "--json", *data).stdout)
    assert (shown["name"], shown["state"]) == (name, "STATE_CONFIRMED")
    assert [entry["event"] for entry in shown["history"]] == ["reservation_confirmed"]
    rebuilt = json.loads(aidc("ledger", "rebuild", "--json", *data).stdout)
    assert (rebuilt["differing"], rebuilt["digests"]["companies"]["rows"]) == ([], 200)
    assert running.end(signal.SIGINT) == 0
    assert not (running.folder / "endpoints.json").exists()
    assert not running.left_behind()
    assert "no centre runs" in aidc("list", *data).stderr


def test_a_prometheus_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A mistyped path is told at once, and no folder is made for it."""
    refused = aidc("up", "--data", str(tmp_path / "data"), "--prometheus", "/nowhere/prometheus")
    assert refused.returncode == 1
    assert "there is no program /nowhere/prometheus" in refused.stderr
    assert not (tmp_path / "data").exists()
