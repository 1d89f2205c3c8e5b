"""Whether two states of a reservation hold the same: nearly every event leaves in the calendars what stood there."""

from services.allocation.reservations import Reservation


def holds_alike(before: Reservation, after: Reservation) -> bool:
    """Whether the same stands in the calendars in its name: it, and what is held for a change of it."""
    if (
        before.allocations is after.allocations
        and before.transfer is after.transfer
        and before.asked is after.asked
        and before.state.given_back is after.state.given_back
    ):
        return True
    return before.holding is after.holding and before.beside is after.beside
