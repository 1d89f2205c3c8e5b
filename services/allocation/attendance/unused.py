"""On which reservations nothing has run since their start: by unbroken reports of every bin that they hold. Pure.

What has a process, or works, is in use; what nobody reports, or whose driver cannot tell, may be, and so is as well. A
scheduler that starts while a reservation runs has not seen its beginning, and never calls it unused.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from services.allocation.resources import Resource, Unit

GAP_SECONDS_MAX = 120
"""Whatever is not reported for longer than this may have been at work meanwhile."""
WORKING_PER_MILLE = 50
"""A bin that is this busy is at work, though nobody saw a process: a short one, or one in a container."""

Bin = tuple[str, int, int]
"""A resource, one of its nodes, and a place in it."""
Counts = Sequence[int | None]
"""How many processes each of some things ran; None where nobody can tell."""


class Watch(Struct):
    """Nothing ran on a bin from its beginning until then, in seconds."""

    begin: int
    until: int


class Unused:
    """The reservations on which nothing has run yet, each with its bins."""

    def __init__(self) -> None:
        self._watches: dict[str, dict[Bin, Watch]] = {}
        self._used: set[str] = set()

    def watch(self, reservation: str, bins: Iterable[tuple[Bin, int]]) -> None:
        """Watch the bins of a reservation, each from its beginning on, unless something has run on it before."""
        if reservation in self._used:
            return
        before = self._watches.get(reservation, {})
        self._watches[reservation] = {place: before.get(place) or Watch(begin, begin) for place, begin in bins}

    def see(self, reservation: str, place: Bin, start: int, end: int, processes: int | None, rate: int | None) -> None:
        """Take in what was reported of a bin between two times, in seconds; `rate` is in thousandths of the time."""
        watch = self._watches.get(reservation, {}).get(place)
        if watch is None or end <= watch.begin:
            return
        if start < watch.begin:
            # In part about whoever was there before: it says nothing, but nothing is missing either.
            watch.until = max(watch.until, end)
            return
        idle = processes == 0 and rate is not None and rate < WORKING_PER_MILLE
        if not idle or start > watch.until + GAP_SECONDS_MAX:
            self._used.add(reservation)
            del self._watches[reservation]
            return
        watch.until = max(watch.until, end)

    def seconds(self, reservation: str) -> int:
        """For how long from its start nothing ran on a reservation; 0 if something did, or may have."""
        watches = self._watches.get(reservation)
        return min(watch.until - watch.begin for watch in watches.values()) if watches else 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._watches)

    def forget(self, reservation: str) -> None:
        """Let go of a reservation."""
        self._watches.pop(reservation, None)
        self._used.discard(reservation)


def processes_of_bins(resource: Resource, processes: Counts) -> Counts:
    """How many processes each bin of a node ran: as its accelerators, or all of them together. None knows of cores."""
    if resource.unit is not Unit.CORE and processes:
        if len(processes) == resource.bins_per_node:
            return processes
        known = [count for count in processes if count is not None]
        if resource.bins_per_node == 1 and len(known) == len(processes):
            return (sum(known),)
    return (None,) * resource.bins_per_node
