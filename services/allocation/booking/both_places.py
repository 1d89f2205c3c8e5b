"""Two places at once: what forbids holding the new place of a change that waits beside the one that stands."""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation.calendars.pool import Pool
from services.allocation.centre import Centre
from services.allocation.events import AllocationsMoved
from services.allocation.limits.overburn import allowance, beyond_allowance, charges_of
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Allocation, Line, Reservation
from services.allocation.tables.meter import meter_violations
from services.allocation.units.placing import Paper
from services.allocation.units.want import Want

BOTH = "Until the change is approved, both places count."


def in_the_way(
    centre: Centre, before: Reservation, beside: tuple[Allocation, ...], moves: tuple[AllocationsMoved, ...], now: int
) -> Iterator[Violation]:
    """What forbids holding the new place beside the old one, which stands in the calendars."""
    # What was held for an earlier change makes way for this one.
    former = replace(before, allocations=before.beside, asked=None)
    centre.holdings.hold(former, -1)
    try:
        yield from _over_quota(centre, before, beside, now)
        yield from _unfunded(centre, beside)
        yield from _rooms(centre, before, beside)
        yield from _crowded(centre, beside, moves)
    finally:
        centre.holdings.hold(former)


def _over_quota(centre: Centre, before: Reservation, beside: tuple[Allocation, ...], now: int) -> Iterator[Violation]:
    """Both places count until one of them is given up: else one would keep two for the price of one."""
    wants = tuple(_want(centre.pools[each.resource], each) for each in beside)
    for meter, charges in charges_of(wants).items():
        for each in meter_violations(centre.meters.get((before.company, meter)), charges, meter):
            for violation in beyond_allowance(each, allowance(centre, meter, now), []):
                yield replace(violation, description=f"{violation.description} {BOTH}")


def _want(pool: Pool, held: Allocation) -> Want:
    line = Line(resource=held.resource, units=held.units)
    return Want(pool, pool.resource, line, (), held.spans, held.meter)


def _unfunded(centre: Centre, beside: tuple[Allocation, ...]) -> Iterator[Violation]:
    for each in beside:
        unfunded = centre.pools[each.resource].unfunded(each.spans, each.units)
        if unfunded is not None:
            yield Violation(
                reason=Reason.NOT_FUNDED,
                description=f"{each.resource} is not funded for the new place and the old one, which both are held "
                "until it is approved. Ask for fewer, or for another time.",
                subject=each.resource,
                limit=max(unfunded[0], 0),
                asked=each.units,
            )


def _rooms(centre: Centre, before: Reservation, beside: tuple[Allocation, ...]) -> Iterator[Violation]:
    """One member of an exclusive group is held at a time, and the old place is held as well."""
    for each in beside:
        resource = centre.pools[each.resource].resource
        for own in before.allocations if resource.exclusive_group else ():
            other = centre.pools[own.resource].resource
            if other.exclusive_group != resource.exclusive_group:
                continue
            changeover = max(resource.changeover_minutes, other.changeover_minutes) * 60
            gap = changeover if other is not resource else 0
            if _meet(each, own, 0) or _meet(each, own, gap):
                yield Violation(
                    reason=Reason.CHANGEOVER_TOO_SHORT if not _meet(each, own, 0) else Reason.EXCLUSIVE_GROUP_BUSY,
                    description=f"{resource.exclusive_group} is held for {other.id} until the change is approved, "
                    f"and {resource.id} needs it for itself. Choose a time apart from that.",
                    subject=resource.exclusive_group,
                    limit=gap,
                )


def _meet(first: Allocation, second: Allocation, gap: int) -> bool:
    """Whether two are held at the same time, or less than a gap apart."""
    return any(a < d + gap and c < b + gap for a, b in first.spans for c, d in second.spans)


def _crowded(
    centre: Centre, beside: tuple[Allocation, ...], moves: tuple[AllocationsMoved, ...]
) -> Iterator[Violation]:
    """Whoever would make way for the new place may have been sent to the old one, which is not given up yet."""
    paper = Paper(centre)
    try:
        paper.move(replace(centre.reservations[each.reservation_id], allocations=each.allocations) for each in moves)
        for each in beside:
            paper.hold(each)
        for each in (*beside, *(moved for move in moves for moved in move.allocations)):
            pool = centre.pools[each.resource]
            peak = pool.calendar.peak(each.spans)
            if any(peak[place] > pool.calendar.bin_capacity for place in each.bins):
                yield Violation(
                    reason=Reason.NO_PLACEMENT,
                    description=f"{each.resource} has no room for the new place beside the old one, which is kept "
                    "until the change is approved. Ask for another time, or for fewer.",
                    subject=each.resource,
                    asked=each.units,
                )
                return
    finally:
        paper.clear()
