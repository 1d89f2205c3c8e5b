"""Observing: every node read by its driver, and what it says put into a report about the time since the last one."""

from collections.abc import Callable, Mapping

from services.agent.driver import Driver
from services.eventlog.use import NodeUse

REPORT_SECONDS_MAX = 60
"""What no driver remembers is not told: a report never covers more than this, however long the agent was held up."""


class Observer:
    """Reads some nodes. `clock` is the time on the wall, in seconds."""

    def __init__(self, drivers: Mapping[str, Driver], clock: Callable[[], float]) -> None:
        self._drivers = drivers
        self._clock = clock
        self._said_until = int(clock())
        for driver in drivers.values():
            driver.read()  # What lies before the start is told by nobody.

    def look(self) -> list[NodeUse]:
        """A report of every node about the time since the last look; none if the clock has not gone on."""
        end = int(self._clock())
        start, self._said_until = max(self._said_until, end - REPORT_SECONDS_MAX), end
        if start >= end:
            return []
        return [_report(node, driver, start, end) for node, driver in self._drivers.items()]


def _report(node: str, driver: Driver, start: int, end: int) -> NodeUse:
    reading = driver.read()
    return NodeUse(
        node=node,
        start=start,
        end=end,
        source=driver.source,
        accelerators=reading.accelerators,
        memory=reading.memory,
        processor=reading.processor,
        host_memory=reading.host_memory,
        processes=reading.processes,
    )
