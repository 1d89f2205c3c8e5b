"""Placing a demand: bins behind every line, moving what has not started yet where that is what it takes.

A reservation is granted with a placement, but units are bound only when it starts. So when enough units are free and
only their arrangement is in the way, the reservations that have not begun are arranged anew (`repack`).
"""

from collections.abc import Iterator

from msgspec import Struct

from services.allocation.centre import Centre
from services.allocation.demand import Want
from services.allocation.events import AllocationsMoved
from services.allocation.placement import Place, free_bins
from services.allocation.rejections import Reason, Violation
from services.allocation.repack import repack
from services.allocation.resources import Allocation


class Placing(Struct, frozen=True):
    """Where a demand would stand, what must move first, or why it cannot be placed."""

    allocations: tuple[Allocation, ...] = ()
    moves: tuple[AllocationsMoved, ...] = ()
    violations: tuple[Violation, ...] = ()


def place_all(centre: Centre, wants: tuple[Want, ...], now: int) -> Placing:
    """Place every line, or name every line that cannot be."""
    allocations: list[Allocation] = []
    moves: list[AllocationsMoved] = []
    violations: list[Violation] = []
    taken: dict[str, tuple[Place, ...]] = {}
    for want in wants:
        if not want.spans:
            continue  # It is closed throughout, and the rules have said so.
        others = taken.get(want.resource.id, ())
        place = want.pool.layout.place(
            free_bins(want.pool.calendar, want.spans, others), want.parts, want.line.colocation
        )
        if place is None and not others and not any(move_of(moves, want.resource.id)):
            arranged = repack(centre, want, now)
            if arranged is not None:
                place, moved = arranged
                moves += moved
        if place is None:
            violations.append(_unplaced(want, others))
            continue
        taken[want.resource.id] = (*others, place)
        allocations.append(_allocation(want, place))
    if violations:
        return Placing(violations=tuple(violations))
    return Placing(allocations=tuple(allocations), moves=tuple(moves))


def move_of(moves: list[AllocationsMoved], resource: str) -> Iterator[AllocationsMoved]:
    """The moves that touch a resource: it is arranged anew at most once for one demand."""
    return (move for move in moves if any(part.resource == resource for part in move.allocations))


def _allocation(want: Want, place: Place) -> Allocation:
    return Allocation(
        resource=want.resource.id,
        units=want.line.units,
        spans=want.spans,
        bins=place.bins,
        amounts=place.amounts,
        meter=want.meter,
        companion_of=want.companion_of,
    )


def _unplaced(want: Want, others: tuple[Place, ...]) -> Violation:
    resource, units = want.resource, want.line.units
    free = min(
        (resource.capacity - want.pool.calendar.most(span) for span in want.spans), default=resource.capacity
    ) - sum(sum(place.amounts) for place in others)
    for_whom = f" (needed by {want.companion_of})" if want.companion_of else ""
    closed = max((want.pool.closed_units(span) for span in want.spans), default=0)
    if closed and free < units <= free + closed:
        return Violation(
            reason=Reason.MAINTENANCE,
            description=f"Announced maintenance takes {closed} {resource.unit} of {resource.id}{for_whom} out; "
            f"{max(free, 0)} of the {units} asked for are left. Choose another time.",
            subject=resource.id,
            limit=max(free, 0),
            asked=units,
        )
    if free < units:
        return Violation(
            reason=Reason.NO_CAPACITY,
            description=f"{max(free, 0)} {resource.unit} of {resource.id}{for_whom} are free throughout the interval; "
            f"{units} were asked for.",
            subject=resource.id,
            limit=max(free, 0),
            asked=units,
        )
    return Violation(
        reason=Reason.NO_PLACEMENT,
        description=f"{free} {resource.unit} of {resource.id}{for_whom} are free, but not {units} of them in the shape "
        "asked for. Ask for fewer, for another time, or let them stand further apart.",
        subject=resource.id,
        limit=free,
        asked=units,
    )
