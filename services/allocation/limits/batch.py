"""Pools of batch work: how many reservations a company may have there at once, and how many long ones at one time."""

from collections.abc import Iterator

from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.measures import HOUR_SECONDS
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Reservation
from services.allocation.resources import Interval, Resource


def batch_violations(centre: Centre, company: Company, resource: Resource, span: Interval) -> Iterator[Violation]:
    """What forbids a company one more reservation of a pool of batch work for a span."""
    limits, work = resource.batch, centre.pools[resource.id].work
    if limits is None:
        return
    live = work.live(company.id, centre.reservations)
    if len(live) >= limits.reservations_max:
        yield Violation(
            reason=Reason.CONCURRENCY_EXCEEDED,
            description=f"A company has at most {limits.reservations_max} reservations of {resource.id} that are not "
            f"over, and {company.id} has {len(live)}. Wait for one to end, or cancel one.",
            subject=resource.id,
            limit=limits.reservations_max,
            asked=len(live) + 1,
        )
    long = limits.long_hours * HOUR_SECONDS
    if span[1] - span[0] <= long:
        return
    others = [each for each in live if each.end - each.start > long and each.start < span[1] and span[0] < each.end]
    if len(others) >= limits.long_at_once_max:
        yield _too_many_long(resource, limits.long_hours, limits.long_at_once_max, others)


def _too_many_long(resource: Resource, hours: int, most: int, others: list[Reservation]) -> Violation:
    return Violation(
        reason=Reason.CONCURRENCY_EXCEEDED,
        description=f"Of reservations of {resource.id} of more than {hours} hours a company has at most {most} at a "
        f"time, and holds {', '.join(each.id for each in others)} then. Ask for less time, or for another.",
        subject=resource.id,
        limit=most,
        asked=len(others) + 1,
    )
