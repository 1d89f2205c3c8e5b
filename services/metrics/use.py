"""Use as it is now: the newest report of each node, against who stands on its bins by the log.

Only what was reported lately counts; the rest of a pool is not idle, it is unknown. How much was used and idle in all
is in the log, and counted in `usage`.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec import Struct

from services.allocation.attendance.use import IDLE_PER_MILLE, rates_of_bins
from services.allocation.reservations import Reservation
from services.allocation.resources import Resource
from services.eventlog.use import NodeUse
from services.metrics.usage import Usage

FRESH_SECONDS = 90
"""A node that has said nothing for longer is not known."""
IDLE_SECONDS = 900
"""Units that a reservation has left alone for so long are idle."""

Bin = tuple[str, int]
"""A resource and a bin of it."""


class PoolUse(NamedTuple):
    """Units of one resource: known, at work, held and left alone, and at work without anybody holding them."""

    measured: int
    used: float
    idle_held: int
    stray: float


class BinUse(Struct):
    """What was last heard of a bin. Times are seconds by the node's clock, `arrived` is monotonic."""

    rate: int
    end: int
    arrived: float
    worked_at: int  # when it last did anything, or was first heard of

    def left_alone(self, start: int) -> bool:
        """Whether it has been left alone for long enough, under a reservation that began at a time."""
        return self.end - max(self.worked_at, start) >= IDLE_SECONDS


class UseNow:
    """The newest report of each bin, and since when it has done nothing."""

    def __init__(self, usage: Usage, clock: Callable[[], float]) -> None:
        self._usage = usage
        self._clock = clock
        self._bins: dict[Bin, BinUse] = {}
        self._places: dict[str, list[tuple[Resource, int]]] = {}
        self._pools = 0
        self._latest = 0

    def take(self, report: NodeUse) -> None:
        """Take one report in. One that is older than what is known of its node says nothing about now."""
        self._learn_places()
        for resource, node in self._places.get(report.node, ()):
            rates = rates_of_bins(resource, report.accelerators, report.processor)
            for place, rate in enumerate(rates):
                if rate is not None:
                    self._take_bin((resource.id, node * resource.bins_per_node + place), rate, report)

    def figures(self) -> dict[str, PoolUse]:
        """What is known of each resource of which anything is."""
        arrived, ended = self._clock() - FRESH_SECONDS, self._latest - FRESH_SECONDS
        held: set[Bin] = set()
        idle: dict[str, int] = {}
        for reservation in self._usage.active():
            for where, units in _units_now(reservation, self._usage.now):
                held.add(where)
                seen = self._bins.get(where)
                if seen and seen.arrived >= arrived and seen.end >= ended and seen.left_alone(reservation.start):
                    idle[where[0]] = idle.get(where[0], 0) + units
        sums: dict[str, list[int]] = {}
        for where, seen in self._bins.items():
            if seen.arrived >= arrived and seen.end >= ended:
                pool = sums.setdefault(where[0], [0, 0, 0])
                pool[0] += 1
                pool[1] += seen.rate
                if seen.rate >= IDLE_PER_MILLE and where not in held:
                    pool[2] += seen.rate
        return {name: self._of_pool(name, sums[name], idle.get(name, 0)) for name in sums}

    def _of_pool(self, name: str, sums: list[int], idle: int) -> PoolUse:
        bins, rates, stray = sums
        capacity = self._usage.pools[name].resource.bin_capacity
        return PoolUse(
            measured=capacity * bins, used=capacity * rates / 1000, idle_held=idle, stray=capacity * stray / 1000
        )

    def _take_bin(self, where: Bin, rate: int, report: NodeUse) -> None:
        seen = self._bins.get(where)
        if seen is None:
            seen = self._bins[where] = BinUse(0, 0, 0.0, report.start)
        if report.end <= seen.end:
            return
        seen.rate, seen.end, seen.arrived = min(max(rate, 0), 1000), report.end, self._clock()
        if rate >= IDLE_PER_MILLE:
            seen.worked_at = report.end
        self._latest = max(self._latest, report.end)

    def _learn_places(self) -> None:
        pools = self._usage.pools
        if len(pools) > self._pools:
            for pool in list(pools.values())[self._pools :]:
                for index, node in enumerate(pool.resource.nodes):
                    self._places.setdefault(node.id, []).append((pool.resource, index))
            self._pools = len(pools)


def _units_now(reservation: Reservation, now: int) -> Iterator[tuple[Bin, int]]:
    """The bins that an active reservation holds now; between two spans of time it holds none."""
    for allocation in reservation.allocations:
        spans = allocation.spans
        if len(spans) == 1 or any(start <= now < end for start, end in spans):
            for index, units in zip(allocation.bins, allocation.amounts, strict=True):
                yield (allocation.resource, index), units
