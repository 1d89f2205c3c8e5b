"""The node agent as a process: `aidc agent`, or `aidc-agent` with the settings of the environment.

It needs nobody's leave to start and stops nothing by ending: a node that does not report is unknown, not idle.
"""

import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.agent.driver import Driver, NoDriver
from services.agent.host import HostCounters
from services.agent.nvml import HostDriver, NvmlDriver
from services.agent.observer import Observer
from services.agent.recorded import Copied, Drawn, read_trace
from services.agent.reporter import Outlet, Reporter
from services.eventlog.beside import USE, SideStream
from services.eventlog.connection import Connection
from services.runtime import lifecycle, logs, settings
from services.runtime.lifecycle import Stop
from services.runtime.nats_credentials import Credentials
from services.runtime.settings import Centre, NatsUrl

INTERVAL_SECONDS = 15.0
INTERVAL_SECONDS_MIN, INTERVAL_SECONDS_MAX = 1.0, 20.0
"""A driver remembers some twenty seconds; asked less often, it would tell of a part."""

_log = structlog.get_logger()


class Interval(float):
    """Seconds between two reports."""

    @classmethod
    def parse(cls, text: str) -> "Interval":
        """Read a number of seconds. Raises ValueError."""
        try:
            seconds = cls(text)
        except ValueError:
            raise ValueError("is not a number of seconds") from None
        if not INTERVAL_SECONDS_MIN <= seconds <= INTERVAL_SECONDS_MAX:
            raise ValueError(f"is not from {INTERVAL_SECONDS_MIN:g} to {INTERVAL_SECONDS_MAX:g} seconds")
        return seconds


class Count(int):
    """So many accelerators, 0 or more."""

    @classmethod
    def parse(cls, text: str) -> "Count":
        """Read a count. Raises ValueError."""
        if not text.isdecimal():
            raise ValueError("is not a whole number of 0 or more")
        return cls(text)


class NodeName(str):
    """A node's id, which stands in a NATS subject too."""

    @classmethod
    def parse(cls, text: str) -> "NodeName":
        """Read a name. Raises ValueError."""
        if not text or any(letter in " \t\r\n*>" for letter in text):
            raise ValueError("is no name of a node: it must be a word without spaces, * and >")
        return cls(text)


INTERVAL = Interval(INTERVAL_SECONDS)
THIS_NODE = NodeName("")
"""This machine, by its host name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is read from AIDC_ and its name in capitals. `accelerators` 0 is a node that has none."""

    nats_url: NatsUrl
    centre: Centre = "mudeung-ai"
    nats_credentials: Credentials | None = None
    node: NodeName = THIS_NODE
    interval_seconds: Interval = INTERVAL
    accelerators: Count | None = None
    recorded: Path | None = None
    seed: int | None = None
    record: Path | None = None


def drivers_of(told: Settings) -> dict[str, Driver]:
    """The nodes to read, by name. Raises `NoDriver`."""
    node = str(told.node) or socket.gethostname().partition(".")[0]
    if told.recorded is not None:
        traces = read_trace(told.recorded)
        if not told.node:
            return {**traces}
        if len(traces) > 1:
            raise NoDriver(f"{told.recorded} plays {len(traces)} nodes under their own names: leave --node out")
        return dict(zip([node], traces.values(), strict=True))
    if told.seed is not None:
        return {node: Drawn(told.seed, node, 8 if told.accelerators is None else told.accelerators)}
    if told.accelerators == 0:
        return {node: HostDriver(HostCounters())}
    driver = NvmlDriver(HostCounters())
    if told.accelerators not in (None, len(driver.names)):
        raise NoDriver(f"{told.accelerators} accelerators are expected and {len(driver.names)} are there")
    return {node: driver}


async def run(told: Settings, stop: Stop) -> None:
    """Report until told to stop. Raises `NoDriver`, or `Unknown` if NATS never lets us in."""
    drivers = drivers_of(told)
    try:
        connection = await Connection.open(
            told.nats_url, name=f"aidc agent {next(iter(drivers))}", credentials=told.nats_credentials
        )
        try:
            outlet: Outlet = SideStream(connection, told.centre, USE)
            if told.record is not None:
                outlet = Copied(outlet, told.record)
            reporter = Reporter(Observer(drivers, time.time), outlet, len(drivers))
            _log.info("reporting", nodes=len(drivers), interval_seconds=told.interval_seconds)
            async with lifecycle.background() as tasks:
                tasks.start(reporter.run(told.interval_seconds), name="reports")
                await stop.wait()
        finally:
            await connection.close()
    finally:
        for driver in drivers.values():
            driver.close()


def main() -> None:
    """Run the agent until it is told to stop; exit 0 then, and 1 otherwise."""
    logs.configure("agent")
    try:
        told = settings.load(Settings, os.environ)
    except settings.SettingsError as error:
        _log.error("settings_wrong", problems=error.problems)
        sys.exit(1)
    sys.exit(lifecycle.run(lambda stop: run(told, stop)))


if __name__ == "__main__":
    main()
