"""A server process of ours: started, awaited, stopped, and never left behind."""

import asyncio
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

START_SECONDS = 30.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.02
LOG_BYTES_MAX = 16 << 20
LOG_TAIL_CHARACTERS = 1_500
NO_SETTINGS: Mapping[str, str] = {}
WHERE_CODE_IS = ("PYTHONPATH", "PYTHONSAFEPATH")
WITH_PARENT = Path(__file__).with_name("with_parent.py")


class StartError(Exception):
    """A server that did not start. The message carries the end of its log."""


class Child:
    """One process that works in a folder, alone.

    The folder's lock is inherited by the process, so it holds for as long as the server lives, even if we are
    killed and started again meanwhile. The kernel sends the stop signal to the process when we die.
    """

    def __init__(self, name: str, folder: Path, stop_signal: signal.Signals) -> None:
        self.name = name
        self._folder = folder
        self._log = folder / f"{name}.log"
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, f"{self.name} was not started"
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(
        self,
        command: Sequence[str],
        ready: Callable[[], Awaitable[bool]],
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        """Run a command with these variables in its environment and wait until it is ready. Raises `StartError`."""
        assert not self.running, f"{self.name} is running"
        deadline = time.monotonic() + START_SECONDS
        lock = await self._lock(deadline)
        try:
            self._process = self._spawn(command, lock, settings)
        finally:
            os.close(lock)
        try:
            while not await ready():
                self._check(deadline)
                await asyncio.sleep(POLL_SECONDS)
        except BaseException:
            self.kill()
            raise

    async def stop(self) -> None:
        """Ask the process to end, and kill it if it has not after 15 s."""
        if not self.running:
            return
        self.process.send_signal(self._stop_signal)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.exited()
        except TimeoutError:
            self.kill()

    def kill(self) -> None:
        """Kill the process outright (SIGKILL), as a fault would."""
        self.process.kill()
        self.process.wait()

    async def exited(self) -> int:
        """Wait for the process to end; give its exit status, negative for a signal."""
        # No platform-independent event tells of a child's end.
        while (status := self.process.poll()) is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        return status

    async def _lock(self, deadline: float) -> int:
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise StartError(f"{self.name}: another one works in {self._folder}") from None
            await asyncio.sleep(POLL_SECONDS)

    def _spawn(self, command: Sequence[str], lock: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".log.old"))
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*_dies_with_parent(self._stop_signal), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment(), **settings},
                pass_fds=[lock],
                # Ctrl-C goes to the supervisor alone, which stops its servers in order.
                start_new_session=True,
            )

    def _check(self, deadline: float) -> None:
        if self.running and time.monotonic() < deadline:
            return
        state = "did not get ready" if self.running else f"ended with status {self.process.returncode}"
        raise StartError(f"{self.name} {state}: {last_words(self._log.read_text(errors='replace'))} ({self._log})")


def last_words(log: str) -> str:
    """Why a program ended, by its log: the message of its last line if that is an event of ours, else its end."""
    tail = log[-LOG_TAIL_CHARACTERS:].strip()
    try:
        event = json.loads(tail.rpartition("\n")[2])
        return str(event.get("message") or "; ".join(event["problems"]))
    except (ValueError, LookupError, AttributeError):
        return tail


def environment() -> Mapping[str, str]:
    """What a server inherits: no settings and no secrets of ours, only where Python finds the code that we run."""
    code = {name: os.environ[name] for name in WHERE_CODE_IS if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **code}


def free_port() -> int:
    """A loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def kept_secret(path: Path) -> str:
    """The secret in a file that only its owner may read; made on first use."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text()


def _dies_with_parent(stop_signal: signal.Signals) -> list[str]:
    """What to write before a command so that it does not outlive us; nothing where the kernel cannot see to it."""
    if sys.platform != "linux":
        return []
    # Isolated and without site-packages, Python is there in some ten milliseconds.
    return [sys.executable, "-I", "-S", str(WITH_PARENT), str(int(stop_signal)), str(os.getpid())]
