"""Unit-time: how many units of a resource are held when, as stretches of constant units. Pure.

It tells what a change gives back: units of a resource are alike, so no bins are named.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise

from services.allocation.reservations import Allocation

Stretch = tuple[int, int, int]
"""Start and end in seconds, and the units held between them."""
Stretches = tuple[Stretch, ...]
"""In order of time, none of them empty; two that touch differ in their units."""


def held(allocations: Iterable[Allocation]) -> dict[str, Stretches]:
    """What allocations hold of each resource that was asked for; what comes along is in the fee of what brought it."""
    changes: dict[str, dict[int, int]] = {}
    for allocation in allocations:
        if not allocation.companion_of:
            edges = changes.setdefault(allocation.resource, {})
            for start, end in allocation.spans:
                edges[start] = edges.get(start, 0) + allocation.units
                edges[end] = edges.get(end, 0) - allocation.units
    return {resource: found for resource, edges in changes.items() if (found := _merged(_levels(edges, {}, _first)))}


def summed(stretches: Iterable[Stretch]) -> Stretches:
    """What all of these, in any order, hold together."""
    return _merged(_levels(_changes(stretches), {}, _first))


def common(first: Stretches, second: Stretches) -> Stretches:
    """What both hold."""
    return _merged(_levels(_changes(first), _changes(second), min))


def less(first: Stretches, second: Stretches) -> Stretches:
    """What the first holds and the second does not."""
    return _merged(_levels(_changes(first), _changes(second), lambda had, has: max(0, had - has)))


def as_allocations(resource: str, stretches: Stretches) -> tuple[Allocation, ...]:
    """The same as something that has a price: an allocation for each number of units, on no bins."""
    by_units: dict[int, list[tuple[int, int]]] = {}
    for start, end, units in stretches:
        by_units.setdefault(units, []).append((start, end))
    return tuple(
        Allocation(resource=resource, units=units, spans=tuple(spans), bins=(), amounts=())
        for units, spans in by_units.items()
    )


def _first(had: int, _: int) -> int:
    return had


def _changes(stretches: Iterable[Stretch]) -> dict[int, int]:
    changes: dict[int, int] = {}
    for start, end, units in stretches:
        changes[start] = changes.get(start, 0) + units
        changes[end] = changes.get(end, 0) - units
    return changes


def _levels(first: dict[int, int], second: dict[int, int], units: Callable[[int, int], int]) -> Iterable[Stretch]:
    """The units between each two moments at which one of them changes."""
    had = has = 0
    for start, end in pairwise(sorted(first.keys() | second.keys())):
        had, has = had + first.get(start, 0), has + second.get(start, 0)
        yield start, end, units(had, has)


def _merged(levels: Iterable[Stretch]) -> Stretches:
    merged: list[Stretch] = []
    for start, end, units in levels:
        if not units:
            continue
        if merged and merged[-1][1:] == (start, units):
            start = merged.pop()[0]
        merged.append((start, end, units))
    return tuple(merged)
