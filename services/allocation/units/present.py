"""Where a reservation stands while it is being changed: its own units are free to it, and preferred to all others."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from services.allocation.calendars.places import Place
from services.allocation.reservations import Allocation, Reservation
from services.allocation.units.want import Want

Key = tuple[str, str]
"""A resource, and the equipment that brings it along or nothing."""


class Present(Struct, frozen=True):
    """The units of a reservation. Those of one that has begun are `bound`: nothing else will do."""

    reservation: Reservation
    bound: bool

    def place(self, want: Want, free: NDArray[np.signedinteger]) -> Place | None:
        """Its own units for a want, as far as they are free; None where they are not, or not enough."""
        old = standing_of(self.reservation).get((want.resource.id, want.companion_of))
        if old is not None and old.units == want.line.units and self._fits(want, old, free):
            return Place(old.bins, old.amounts)
        mine = [each for each in self.reservation.allocations if each.resource == want.resource.id]
        if sum(each.units for each in mine) < want.line.units:
            return None
        own = np.zeros_like(free)
        for each in mine:
            own[list(each.bins)] += np.array(each.amounts, dtype=own.dtype)
        return want.pool.layout.place(np.minimum(free, own), want.parts, want.line.colocation)

    def _fits(self, want: Want, old: Allocation, free: NDArray[np.signedinteger]) -> bool:
        """Whether the old units are free, and stand in the shape that is asked for."""
        named = [line for line in self.reservation.lines if line.resource == want.resource.id]
        if not want.companion_of and [(line.units_per_node, line.colocation) for line in named] != [
            (want.line.units_per_node, want.line.colocation)
        ]:
            return False
        return bool((free[list(old.bins)] >= np.array(old.amounts)).all())


def standing_of(reservation: Reservation) -> dict[Key, Allocation]:
    """What a reservation holds last of each resource, by what brought it."""
    ordered = sorted(reservation.allocations, key=lambda allocation: allocation.spans[-1] if allocation.spans else ())
    return {(allocation.resource, allocation.companion_of): allocation for allocation in ordered}
