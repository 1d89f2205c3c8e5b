"""The life of a service process: start, serve until told to stop, drain within a grace, and say why it ended.

Crash-only: the first background task that fails ends the process with status 1 and one clear line in the log.
"""

import asyncio
import json
import os
import signal
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
import uvloop

GRACE_SECONDS = 15.0

_log = structlog.get_logger()


class Stop:
    """Whether the process has been asked to stop, and a way to wait for it or to ask."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason = ""
        self.awaited = False
        """Whether the service has come so far that it would notice."""

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    def request(self, reason: str) -> None:
        """Ask the service to drain and end. Only the first reason counts."""
        if not self.requested:
            self.reason = reason
            self._event.set()

    async def wait(self) -> None:
        self.awaited = True
        await self._event.wait()


class Background:
    """Tasks that live as long as the service."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, task: Coroutine[Any, Any, Any], name: str) -> None:
        """Run a task; if it raises, the service ends."""
        self._tasks.append(self._group.create_task(task, name=name))

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def background() -> AsyncIterator[Background]:
    """One task group for a service: a failing task ends the block, and leaving the block ends the tasks."""
    async with asyncio.TaskGroup() as group:
        tasks = Background(group)
        yield tasks
        tasks.cancel()


def announce(path: Path, addresses: Mapping[str, str]) -> None:
    """Write where the service is reached to a ready file, whole or not at all, for its owner only (mode 0600)."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(dict(addresses), file)
    fresh.replace(path)


def run(main: Callable[[Stop], Awaitable[None]], grace_seconds: float = GRACE_SECONDS) -> int:
    """Run a service on uvloop until `main` returns; give the exit status.

    The first SIGTERM or SIGINT requests a stop, after which `main` has the grace to return; the second one,
    or the end of the grace, cancels it; so does the first while it is still starting, when there is nothing to
    drain. Status 0 is an orderly end, 1 anything else.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(main, grace_seconds))


async def _run(main: Callable[[Stop], Awaitable[None]], grace_seconds: float) -> int:
    stop = Stop()
    service = asyncio.ensure_future(main(stop))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _signalled, number, stop, service, grace_seconds)
    try:
        await service
    except asyncio.CancelledError:
        if stop.requested and not stop.awaited:
            _log.info("service_ended", reason=f"{stop.reason} while starting")
            return 0
        _log.error("service_cut_short", reason=stop.reason, grace_seconds=grace_seconds)
        return 1
    except BaseException as error:
        for cause in _leaves(error):
            _log.error("service_failed", **_describe(cause))
        return 1
    _log.info("service_ended", reason=stop.reason)
    return 0


def _signalled(number: signal.Signals, stop: Stop, service: asyncio.Future[None], grace_seconds: float) -> None:
    if stop.requested or not stop.awaited:
        stop.request(signal.Signals(number).name)
        service.cancel()
        return
    stop.request(signal.Signals(number).name)
    asyncio.get_running_loop().call_later(grace_seconds, service.cancel)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for member in error.exceptions for leaf in _leaves(member)]
    return [error]


def _describe(error: BaseException) -> dict[str, Any]:
    described = {"error": type(error).__name__, "message": str(error)}
    # Our own exceptions explain themselves; anything else is a surprise, and its trace is wanted.
    if not type(error).__module__.startswith("services."):
        described["trace"] = "".join(traceback.format_exception(error))
    return described
