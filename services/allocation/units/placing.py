"""Placing a demand: bins behind every line, moving what has not started yet where that is what it takes.

A reservation is granted with a placement, but units are bound only when it starts. So when enough units are free and
only their arrangement is in the way, the reservations that have not begun are arranged anew (`repack`).
"""

from collections.abc import Iterable

from services.allocation.calendars.places import Place
from services.allocation.centre import Centre
from services.allocation.events import AllocationsMoved
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Allocation, Reservation
from services.allocation.units.placed import Placing
from services.allocation.units.present import Present
from services.allocation.units.repack import repack
from services.allocation.units.want import Want
from services.allocation.wording import counted, figure


def place_all(centre: Centre, wants: tuple[Want, ...], now: int, present: Present | None = None) -> Placing:
    """Place every line, or name every line that cannot be. One that is changed stays where it is `present`."""
    allocations: list[Allocation] = []
    violations: list[Violation] = []
    paper = Paper(centre)
    try:
        for want in wants:
            if not want.spans:
                continue  # It is closed throughout, and the rules have said so.
            place = _choose(want, present)
            if place is None:
                arranged = repack(centre, want, now, paper.moved, present=present)
                if arranged is not None:
                    place, moved = arranged
                    paper.move(moved)
            if place is None:
                violations.append(_unplaced(want, present))
                continue
            allocations.append(_allocation(want, place))
            if len(wants) > 1:
                paper.hold(allocations[-1])
    finally:
        moves = paper.clear()
    return Placing(violations=tuple(violations)) if violations else Placing(tuple(allocations), moves)


def _choose(want: Want, present: Present | None) -> Place | None:
    """Units that are free as everything stands: where it is present, or else where they fit best."""
    if present is not None:
        place = present.place(want, want.pool.free_bins(want.spans))
        if place is not None or present.bound:
            return place
    return want.pool.place(want.spans, want.parts, want.line.colocation)


class Paper:
    """What a demand would change, drawn into the calendars while its other lines are placed, and then taken out."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._held: list[tuple[Allocation, int]] = []
        self.moved: dict[str, Reservation] = {}

    def hold(self, allocation: Allocation, sign: int = 1) -> None:
        """Draw an allocation, or with `sign` -1 take it out."""
        self._centre.pools[allocation.resource].hold(allocation, sign)
        self._held.append((allocation, sign))

    def move(self, moved: Iterable[Reservation]) -> None:
        """Draw reservations where they now stand."""
        for after in moved:
            before = self.moved.get(after.id) or self._centre.reservations[after.id]
            for old, new in zip(before.allocations, after.allocations, strict=True):
                if old != new:
                    self.hold(old, -1)
                    self.hold(new)
            self.moved[after.id] = after

    def clear(self) -> tuple[AllocationsMoved, ...]:
        """Leave the calendars as they were, and tell what has to move."""
        for allocation, sign in self._held:
            self._centre.pools[allocation.resource].hold(allocation, -sign)
        return tuple(
            AllocationsMoved(reservation_id=after.id, allocations=after.allocations) for after in self.moved.values()
        )


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


def _unplaced(want: Want, present: Present | None) -> Violation:
    frees, closures = want.pool.free_and_closed(want.spans)
    free = int(frees.min())
    short = frees < want.line.units
    closed = int(closures[short].max()) if short.any() and (frees + closures)[short].min() >= want.line.units else 0
    reason, told = _lack(want, max(free, 0), closed, bound=present is not None and present.bound)
    return Violation(
        reason=reason, description=told, subject=want.resource.id, limit=max(free, 0), asked=want.line.units
    )


def _lack(want: Want, free: int, closed: int, *, bound: bool) -> tuple[Reason, str]:
    """Why a want has no place where so many units are free; `closed` are out, and but for that there were enough."""
    unit, units = want.resource.unit, want.line.units
    name = want.resource.id + (f" (needed by {want.companion_of})" if want.companion_of else "")
    if closed:
        return Reason.MAINTENANCE, (
            f"{counted(closed, unit)} of {name} are out: {want.pool.told(want.spans)}. "
            f"{figure(free, unit)} of the {figure(units, unit)} asked for are left. Choose another time."
        )
    if free < units:
        return Reason.NO_CAPACITY, (
            f"{counted(free, unit)} of {name} are free throughout the interval; {figure(units, unit)} were asked for."
        )
    if bound:
        return Reason.NO_PLACEMENT, (
            f"The {unit.plural} of {name} that it runs on are held by others later, and what has begun keeps its "
            "units. Ask for an earlier end or fewer units, or book anew."
        )
    return Reason.NO_PLACEMENT, (
        f"{counted(free, unit)} of {name} are free, but not {figure(units, unit)} of them in the shape asked for. "
        "Ask for fewer, for another time, or let them stand further apart."
    )
