"""What came of placing a demand."""

from msgspec import Struct

from services.allocation.events import AllocationsMoved
from services.allocation.rejections import Violation
from services.allocation.reservations import Allocation


class Placing(Struct, frozen=True, gc=False):
    """Where a demand would stand, what must move first, or why it cannot be placed."""

    allocations: tuple[Allocation, ...] = ()
    moves: tuple[AllocationsMoved, ...] = ()
    violations: tuple[Violation, ...] = ()
