"""Approval when what was asked for is changed.

What waits for approval can be changed: what only becomes less stays with its votes, and anything else is asked for
anew: the votes so far are void, and the time to decide begins again. What nobody need approve any more is confirmed.
What was approved already only becomes less; more of it is booked, and approved, apart.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation.booking import approving
from services.allocation.booking.wish import Wish
from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.events import Events
from services.allocation.limits.tracks import asks_leave
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Allocation, Overburn, State
from services.allocation.units.demand import Want


def violations(wish: Wish, company: Company, wants: tuple[Want, ...], now: int) -> Iterator[Violation]:
    """What approval has against a change: for what was approved, and for what cannot be approved in time."""
    state = wish.before.state
    if state is State.PENDING:
        yield from approving.approval_violations(company, wants, wish.start, now)
    if state in (State.PENDING, State.HELD) or wish.only_less:
        return
    large = asks_leave(company, wants)
    for want in wants:
        if not want.companion_of and (large or want.resource.approval in approving.NEEDED):
            yield Violation(
                reason=Reason.NEEDS_APPROVAL,
                description=f"{'So much of ' * large}{want.resource.id} is booked with approval. "
                "Give back a part of it, or book anew.",
                subject=want.resource.id,
            )


def after_change(
    centre: Centre, wish: Wish, allocations: tuple[Allocation, ...], overburn: tuple[Overburn, ...], now: int
) -> Events:
    """What becomes of the approval of what waits for it, once it is as wished and stands on these allocations."""
    if wish.before.state is not State.PENDING:
        return ()
    after = replace(
        wish.before,
        start=wish.start,
        end=wish.end,
        lines=wish.lines,
        allocations=allocations,
        note=wish.note,
        participants=wish.participants,
        overburn=overburn,
    )
    approval = approving.approval_of(centre, wish.before.company, allocations)
    if approval is None:
        return (approving.confirmed(after),)
    return () if wish.only_less else (approving.requested(centre, after, approval, now),)
