"""What a driver is: something that says how busy a node was since it was last asked."""

from typing import NamedTuple, Protocol

PER_MILLE = 1000

Rates = tuple[int | None, ...]
"""One figure a device, in thousandths, in the order of their slots; None where nobody can tell."""
Counts = tuple[int | None, ...]
"""So many a device, in the order of their slots; None where nobody can tell, empty where nobody counts."""


class NoDriver(Exception):
    """The machine, or the trace, cannot be read. The message says why, and what to do."""


class Reading(NamedTuple):
    """How busy a node was since the reading before, and how full its memories are now. In thousandths.

    `processes` are those that have each accelerator open now: a glance, which a short one may slip through.
    """

    accelerators: Rates
    memory: Rates
    processor: int | None
    host_memory: int | None
    processes: Counts = ()


class Driver(Protocol):
    """Reads one node. The first reading may cover any time before it."""

    source: str
    """Who measures, as the reports say it."""

    def read(self) -> Reading:
        """How busy the node was since the last reading."""
        ...

    def close(self) -> None:
        """Let go of the machine."""
        ...
