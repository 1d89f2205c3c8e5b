"""What an event of a reservation moves in the books: the difference between what is held before it and after. Pure."""

from msgspec import Struct

from services.allocation.kept import holds_alike
from services.allocation.prices.periods import Periods
from services.allocation.prices.pricing import FREE, amounts
from services.allocation.reservations import Allocation, Reservation


class Flow(Struct, frozen=True, gc=False):
    """Unit-seconds of one resource that an event moves: newly reserved, used, or given back unused."""

    resource: str
    reserved: int = 0
    used: int = 0
    released: int = 0


def flows(before: Reservation | None, after: Reservation, periods: Periods) -> list[Flow]:
    """What moves in the books between two states of a reservation. Nothing when only the place or the state changed.

    The books are kept by `periods`: what moves to another month is given back in one and reserved in the other.
    """
    if before is None:
        return [Flow(each.resource, reserved=amount) for each in after.allocations if (amount := each.unit_seconds)]
    if after.state.live:
        return [] if holds_alike(before, after) else _between(before.occupied, after.occupied, periods)
    if before.allocations is after.allocations and after.holding and before.asked is None:
        return [Flow(each.resource, used=amount) for each in after.allocations if (amount := each.unit_seconds)]
    released = {flow.resource: flow.released for flow in _between(before.occupied, after.occupied, periods)}
    used: dict[str, int] = {}
    for (resource, _), amount in _worth(after.holding, periods).items():
        used[resource] = used.get(resource, 0) + amount
    return [Flow(name, used=used.get(name, 0), released=released.get(name, 0)) for name in {**used, **released}]


def _between(before: tuple[Allocation, ...], after: tuple[Allocation, ...], periods: Periods) -> list[Flow]:
    held, holds = _worth(before, periods), _worth(after, periods)
    found: dict[str, Flow] = {}
    for key in {**held, **holds}:
        if more := holds.get(key, 0) - held.get(key, 0):
            flow = found.get(key[0]) or Flow(key[0])
            found[key[0]] = Flow(key[0], flow.reserved + max(0, more), 0, flow.released + max(0, -more))
    return list(found.values())


def _worth(allocations: tuple[Allocation, ...], periods: Periods) -> dict[tuple[str, int], int]:
    """Unit-seconds held of each resource in each month."""
    held = amounts(allocations, lambda _: FREE, periods)
    return {(each.resource, each.month): each.unit_seconds for each in held if each.unit_seconds}
