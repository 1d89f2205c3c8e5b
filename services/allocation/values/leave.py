"""Leave: the approval that a booking needs for its size."""

from msgspec import Struct

from services.allocation.values.approval import Rule


class Leave(Struct, frozen=True, gc=False, kw_only=True):
    """That a manager must agree to a booking, and how long that may take: as a resource says it of itself."""

    id: str  # of the company
    approval_hours: int
    approval: str = Rule.MANAGER
    approval_voters: int = 1
    approval_quorum: int = 1
