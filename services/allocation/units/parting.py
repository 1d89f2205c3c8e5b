"""Parting what a reservation holds in two, by time or by units. Nothing moves: every unit stays where and when it is.

Each side must be a demand by itself: its lines, completed, come to exactly its share of what is held. Where equipment
brings something along that cannot be shared out so, the two sides would need more, or other times, than there is.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from services.allocation.calendars.places import Place
from services.allocation.centre import Centre
from services.allocation.prices.unit_time import Stretches, summed
from services.allocation.rejections import Reason, Rejected, Violation
from services.allocation.reservations import Allocation, Line, Reservation
from services.allocation.resources import Interval
from services.allocation.units.demand import complete
from services.allocation.units.present import Key, standing_of
from services.allocation.units.want import Want

Timed = tuple[Line, Interval]
"""A line, and the time for which it is held."""


class Side(Struct, frozen=True):
    """One of two parts: when it is, its lines, what these come to, and what it holds."""

    start: int
    end: int
    lines: tuple[Line, ...]
    wants: tuple[Want, ...]
    allocations: tuple[Allocation, ...] = ()


def timed(reservation: Reservation) -> list[Timed]:
    """The lines of a reservation with their times."""
    return [(line, line.within(reservation.start, reservation.end)) for line in reservation.lines]


def parted(
    centre: Centre, whole: Reservation, stays: list[Timed], leaves: list[Timed], at: int | None
) -> tuple[Side, Side]:
    """What stays and what leaves, neither of them empty: by time where it is said `at` which.

    Raises `Rejected` with every rule that says no.
    """
    sides = _completed(centre, (stays, leaves))
    uneven = list(_uneven(complete(centre, whole.lines, whole.start, whole.end), *sides))
    if uneven:
        raise Rejected(uneven)
    shares: tuple[list[Allocation], list[Allocation]] = ([], [])
    faults = []
    for key, held in standing_of(whole).items():
        rest, gone = (next((want for want in side.wants if _key(want) == key), None) for side in sides)
        found = _shared(held, rest, gone, at)
        if found is None:
            faults.append(_stands_otherwise(key))
            continue
        for share, allocation in zip(shares, found, strict=True):
            share += [allocation] if allocation is not None else []
    if faults:
        raise Rejected(faults)
    stay, go = (replace(side, allocations=tuple(share)) for side, share in zip(sides, shares, strict=True))
    return stay, go


def _completed(centre: Centre, demands: Iterable[list[Timed]]) -> tuple[Side, Side]:
    """Both demands completed. Raises `Rejected` with what is wrong with either."""
    sides: list[Side] = []
    violations: list[Violation] = []
    for demand in demands:
        start, end = min(begin for _, (begin, _) in demand), max(until for _, (_, until) in demand)
        lines = tuple(
            replace(line, starts_after=begin - start, ends_before=end - until) for line, (begin, until) in demand
        )
        try:
            sides.append(Side(start, end, lines, complete(centre, lines, start, end)))
        except Rejected as refusal:
            violations += [each for each in refusal.violations if each not in violations]
    if violations:
        raise Rejected(violations)
    rest, gone = sides
    return rest, gone


def _key(want: Want) -> Key:
    return want.resource.id, want.companion_of


def _uneven(whole: tuple[Want, ...], rest: Side, gone: Side) -> Iterator[Violation]:
    """What the two sides need together in another way than the whole does."""
    needed, shared = _needs(whole), _needs(rest.wants + gone.wants)
    for name, brought_by in sorted(needed.keys() | shared.keys()):
        if needed.get((name, brought_by), ()) == shared.get((name, brought_by), ()):
            continue
        if brought_by:
            told = f"{brought_by} brings {name} along at other times, or more of it, in two parts than in one."
            yield Violation(reason=Reason.COMPANION_MISSING, description=f"{told} Split it elsewhere.", subject=name)
        else:
            told = f"{name} was named for equipment that needs it, and is not the same without. Let both go together."
            yield Violation(reason=Reason.INVALID_LINES, description=told, subject=name)


def _needs(wants: tuple[Want, ...]) -> Mapping[Key, Stretches]:
    """Units over time of each resource, by what brings it along."""
    found: dict[Key, list[tuple[int, int, int]]] = {}
    for want in wants:
        found.setdefault(_key(want), []).extend((start, end, want.line.units) for start, end in want.spans)
    return {key: summed(stretches) for key, stretches in found.items()}


def _shared(
    held: Allocation, rest: Want | None, gone: Want | None, at: int | None
) -> tuple[Allocation | None, Allocation | None] | None:
    """What is held, shared out: to one side, by time, or by units. None where the units do not stand so."""
    if rest is None or gone is None:
        return (held, None) if gone is None else (None, held)
    if at is not None:
        return replace(held, spans=held.until(at)), replace(held, spans=held.since(at))
    stays, leaves = _places(held, rest, gone)
    if stays is None or leaves is None:
        return None
    return _placed(held, stays), _placed(held, leaves)


def _placed(held: Allocation, place: Place) -> Allocation:
    return replace(held, units=sum(place.amounts), bins=place.bins, amounts=place.amounts)


def _places(held: Allocation, rest: Want, gone: Want) -> tuple[Place | None, Place | None]:
    """The units of either side in its shape, of those that are held: whichever is chosen first, the other gets all
    that is left.
    """
    layout = rest.pool.layout
    own = np.zeros(layout.nodes * layout.bins_per_node, dtype=np.int32)
    own[list(held.bins)] = held.amounts
    leaves = layout.place(own, gone.parts, gone.line.colocation)
    stays = layout.place(_without(own, leaves), rest.parts, rest.line.colocation) if leaves is not None else None
    if stays is None:
        stays = layout.place(own, rest.parts, rest.line.colocation)
        leaves = layout.place(_without(own, stays), gone.parts, gone.line.colocation) if stays is not None else None
    return stays, leaves


def _without(own: NDArray[np.int32], place: Place) -> NDArray[np.int32]:
    left = own.copy()
    left[list(place.bins)] -= np.array(place.amounts, dtype=np.int32)
    return left


def _stands_otherwise(key: Key) -> Violation:
    told = (
        f"The units of {key[0]} stand so that the two parts would not have their shapes. Split off whole servers, or "
        "change the reservation first."
    )
    return Violation(reason=Reason.INVALID_UNITS, description=told, subject=key[0])
