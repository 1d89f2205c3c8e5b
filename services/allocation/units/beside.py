"""What is held beside a reservation for a change of it that waits: what its new place has and its own has not.

The old place is kept until the change is granted, so for a while both are held, and each unit of both once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from services.allocation.prices import unit_time
from services.allocation.prices.unit_time import Stretch, Stretches
from services.allocation.reservations import Allocation


def beside_of(before: Iterable[Allocation], after: Iterable[Allocation]) -> tuple[Allocation, ...]:
    """What is held of every bin after a change beyond what was held of it before."""
    parts: dict[tuple[str, int], list[Stretch]] = defaultdict(list)
    for each in before:
        for place, amount in zip(each.bins, each.amounts, strict=True):
            parts[each.resource, place] += [(start, end, amount) for start, end in each.spans]
    had = {place: unit_time.summed(held) for place, held in parts.items()}
    return tuple(more for each in after for more in _beyond(had, each))


def _beyond(had: dict[tuple[str, int], Stretches], wanted: Allocation) -> Iterator[Allocation]:
    """What an allocation holds beyond what was had. What it needs of that is had no more."""
    alike: dict[Stretches, list[int]] = {}
    for place, amount in zip(wanted.bins, wanted.amounts, strict=True):
        holds = unit_time.summed((start, end, amount) for start, end in wanted.spans)
        own = had.get((wanted.resource, place), ())
        had[wanted.resource, place] = unit_time.less(own, holds)
        if more := unit_time.less(holds, own):
            alike.setdefault(more, []).append(place)
    for stretches, places in alike.items():
        for amount in sorted({units for _, _, units in stretches}):
            yield replace(
                wanted,
                units=amount * len(places),
                spans=tuple((start, end) for start, end, units in stretches if units == amount),
                bins=tuple(places),
                amounts=(amount,) * len(places),
            )
