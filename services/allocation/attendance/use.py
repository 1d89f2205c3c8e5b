"""The use that is made of what is held: what nodes report, joined to the reservations that stand on them. Pure.

Held, measured, busy and idle are told apart: what no agent reported is not idle, it is unknown. Units of a bin that
several reservations share are counted at the bin's own rate for each, since nobody can tell whose work it was.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from services.allocation.attendance.unused import Bin, Counts, Unused, processes_of_bins
from services.allocation.reservations import Reservation
from services.allocation.resources import Interval, Resource, Unit
from services.allocation.values.use import MeasuredUse, Record

IDLE_PER_MILLE = 50
"""A bin that works for less of the time than this is idle."""
CHECK_IN_SECONDS = 900
"""A reservation is in use if some unit of it worked within so many seconds of its start."""
AHEAD_SECONDS_MAX = 60
"""How far a node's clock may be ahead of ours."""

Rates = Sequence[int | None]
"""How busy each of some things was, in thousandths of the time; None where nobody can tell."""


class Sums(Struct):
    """Unit-seconds, those of work in thousandths."""

    measured: int = 0
    busy_milli: int = 0
    idle: int = 0


class Part(Struct, frozen=True):
    """So many units of a reservation in one bin of a node, for its spans."""

    reservation: str
    resource: str
    node: int
    place: int
    units: int
    spans: tuple[Interval, ...]


class Tally(Struct):
    """One reservation, and what was measured of it since the last record."""

    start: int
    since: int
    sums: dict[str, Sums]
    until: int = 0
    seen_early: bool = False
    in_use: bool = False
    judged: bool = False


def rates_of_bins(resource: Resource, accelerators: Rates, processor: int | None) -> Rates:
    """How busy each bin of a node was: as its accelerators, one a bin or all in one, or as its processor."""
    if resource.unit is Unit.CORE:
        return (processor,) * resource.bins_per_node
    if len(accelerators) == resource.bins_per_node:
        return accelerators
    known = [rate for rate in accelerators if rate is not None]
    whole = resource.unit is Unit.NODE or len(accelerators) == resource.units_per_node
    if resource.bins_per_node == 1 and whole and known:
        return (sum(known) // len(known),)
    return (None,) * resource.bins_per_node


class UseBook:
    """Who stands where, and what was measured of each since it was last recorded."""

    def __init__(self) -> None:
        self.unused = Unused()
        self._places: dict[str, list[tuple[Resource, int]]] = {}
        self._parts: dict[tuple[str, int], list[Part]] = {}
        self._nodes: dict[str, set[tuple[str, int]]] = {}
        self._tallies: dict[str, Tally] = {}
        self._reported_until: dict[str, int] = {}

    def register(self, resource: Resource) -> None:
        """Learn the nodes of a resource."""
        for index, node in enumerate(resource.nodes):
            self._places.setdefault(node.id, []).append((resource, index))

    def stand(self, reservation: Reservation, resources: dict[str, Resource]) -> None:
        """Let a reservation stand on its units, or on others than before, or for other spans."""
        self._leave(reservation.id)
        parts = list(_parts_of(reservation, resources))
        for part in parts:
            self._parts.setdefault((part.resource, part.node), []).append(part)
            self._nodes.setdefault(reservation.id, set()).add((part.resource, part.node))
        self.unused.watch(reservation.id, _begins(parts))
        if reservation.id not in self._tallies:
            self._tallies[reservation.id] = Tally(reservation.start, reservation.start, {})

    def forget(self, reservation: str) -> None:
        """Let go of a reservation."""
        self._leave(reservation)
        self._tallies.pop(reservation, None)
        self.unused.forget(reservation)

    def __contains__(self, reservation: str) -> bool:
        return reservation in self._tallies

    def take(
        self,
        node: str,
        start: int,
        end: int,
        accelerators: Rates,
        processor: int | None,
        now: int,
        processes: Counts = (),
    ) -> bool:
        """Count what a node reports about a time in seconds, once; False if it is not believed or not known."""
        if node not in self._places or start >= end or end > now + AHEAD_SECONDS_MAX:
            return False
        start = max(start, self._reported_until.get(node, 0))  # What is told twice counts once.
        if start >= end:
            return False
        self._reported_until[node] = end
        for resource, index in self._places[node]:
            rates, counts = rates_of_bins(resource, accelerators, processor), processes_of_bins(resource, processes)
            for part in self._parts.get((resource.id, index), ()):
                place, rate = (part.resource, part.node, part.place), rates[part.place]
                self._count(part, rate, start, end)
                self.unused.see(part.reservation, place, start, end, counts[part.place], rate)
        return True

    def due(self, recorded_before: int) -> list[str]:
        """Reservations of which something was measured up to this time or later, and nothing recorded since it."""
        return [name for name, tally in self._tallies.items() if tally.sums and tally.since <= recorded_before]

    def draft(self, reservation: str) -> Record | None:
        """What there is to record of a reservation; None if nothing was measured. `settle` it once it is recorded."""
        tally = self._tallies.get(reservation)
        if tally is None or not tally.sums:
            return None
        return Record(
            since=tally.since,
            until=tally.until,
            resources=tuple(
                MeasuredUse(resource=name, measured=sums.measured, busy=sums.busy_milli // 1000, idle=sums.idle)
                for name, sums in sorted(tally.sums.items())
            ),
            in_use=self._judge(tally),
            unused_seconds=self.unused.seconds(reservation),
        )

    def settle(self, reservation: str, record: Record) -> None:
        """A draft is recorded: only what came later remains."""
        tally = self._tallies[reservation]
        for use in record.resources:
            sums = tally.sums[use.resource]
            sums.measured -= use.measured
            sums.busy_milli -= use.busy * 1000
            sums.idle -= use.idle
        # What is left over below a unit-second of work waits for more.
        tally.sums = {name: sums for name, sums in tally.sums.items() if sums.measured}
        tally.since = record.until
        tally.judged = tally.judged or record.until >= tally.start + CHECK_IN_SECONDS

    def _judge(self, tally: Tally) -> bool | None:
        if tally.judged or not tally.seen_early or tally.until < tally.start + CHECK_IN_SECONDS:
            return None
        return tally.in_use

    def _count(self, part: Part, rate: int | None, start: int, end: int) -> None:
        seconds = sum(max(0, min(b, end) - max(a, start)) for a, b in part.spans)
        if rate is None or not seconds:
            return
        tally = self._tallies[part.reservation]
        sums = tally.sums.setdefault(part.resource, Sums())
        worked = min(max(rate, 0), 1000)
        sums.measured += part.units * seconds
        sums.busy_milli += part.units * seconds * worked
        sums.idle += part.units * seconds if worked < IDLE_PER_MILLE else 0
        tally.until = max(tally.until, end)
        if start < tally.start + CHECK_IN_SECONDS:
            tally.seen_early = True
            tally.in_use = tally.in_use or worked >= IDLE_PER_MILLE

    def _leave(self, reservation: str) -> None:
        for key in self._nodes.pop(reservation, ()):
            self._parts[key] = [part for part in self._parts[key] if part.reservation != reservation]


def _begins(parts: Iterable[Part]) -> Iterator[tuple[Bin, int]]:
    """Every bin, with the second from which it is held."""
    return (((part.resource, part.node, part.place), part.spans[0][0]) for part in parts if part.spans)


def _parts_of(reservation: Reservation, resources: dict[str, Resource]) -> Iterator[Part]:
    """Every bin of a reservation."""
    for allocation in reservation.allocations:
        bins_per_node = resources[allocation.resource].bins_per_node
        for index, units in zip(allocation.bins, allocation.amounts, strict=True):
            node, place = divmod(index, bins_per_node)
            yield Part(reservation.id, allocation.resource, node, place, units, allocation.spans)
