"""Approval when what was asked for is changed.

What waits for approval can be changed: what only becomes less stays with its votes, and anything else is asked for
anew: the votes so far are void, and the time to decide begins again. What nobody need approve any more is confirmed.
What was approved already becomes less at once; more of it, or another time, is asked for (`asking`).
"""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation.booking import approving
from services.allocation.booking.wish import Wish
from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.events import Events
from services.allocation.limits.tracks import MILLI_OF, asks_leave
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Allocation, Overburn, State
from services.allocation.units.want import Want

PLACES = "Until it is approved it keeps its place, in which another one shall stand. Change them one after the other."
CLASS = "Change its class apart: nobody need approve that."
BEGUN = "It has begun: extend it, give back a part of it, or book anew."


def judged(wish: Wish, company: Company, wants: tuple[Want, ...]) -> list[Want]:
    """What of a wish somebody must agree to anew: more than they approved, or more than needed nobody."""
    if wish.before.state in (State.PENDING, State.HELD):
        return []
    more = wish.more_of
    named = [want for want in wants if not want.companion_of and want.resource.id in more]
    large = bool(named) and asks_leave(company, wants)
    return [
        want
        for want in named
        if want.resource.approval in approving.NEEDED or (large and want.resource.unit in MILLI_OF)
    ]


def violations(
    wish: Wish, company: Company, wants: tuple[Want, ...], asks: list[Want], now: int
) -> Iterator[Violation]:
    """What approval has against a change: for what cannot wait for it, and for what cannot be approved in time."""
    if wish.before.state is State.PENDING:
        yield from approving.approval_violations(company, wants, wish.start, now)
    if not asks:
        return
    if wish.at_once or wish.regroups or (wish.begun and not wish.only_longer):
        hint = PLACES if wish.at_once else CLASS if wish.regroups else BEGUN
        for want in asks:
            yield Violation(
                reason=Reason.NEEDS_APPROVAL,
                description=f"{want.resource.id} is booked with approval. {hint}",
                subject=want.resource.id,
            )
    elif not wish.begun:
        yield from approving.approval_violations(company, wants, wish.start, now)


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
