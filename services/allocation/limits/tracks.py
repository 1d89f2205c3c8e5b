"""The tracks of the agreements: how many accelerators a company books at a time, alone or with a manager's approval."""

from collections.abc import Iterable, Iterator

from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.measures import MILLI
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Allocation
from services.allocation.resources import Unit
from services.allocation.units.want import Want
from services.allocation.values.leave import Leave

MILLI_OF = {Unit.GPU: MILLI, Unit.MILLI_GPU: 1}
"""What a unit is worth in thousandths of an accelerator; the others have none."""


def leave_of(centre: Centre, company: Company, allocations: Iterable[Allocation]) -> Leave | None:
    """The approval that a booking of these needs because of its size; None if it needs none."""
    if not company.gpus_unapproved:
        return None
    own = (each for each in allocations if not each.companion_of)
    milli = sum(each.units * MILLI_OF.get(centre.pools[each.resource].resource.unit, 0) for each in own)
    return (
        Leave(id=company.id, approval_hours=company.gpus_approval_hours)
        if milli > company.gpus_unapproved * MILLI
        else None
    )


def asks_leave(company: Company, wants: Iterable[Want]) -> bool:
    """Whether a demand is so large that a manager must agree to it."""
    return bool(company.gpus_unapproved) and _milli(wants) > company.gpus_unapproved * MILLI


def track_violations(company: Company, wants: Iterable[Want]) -> Iterator[Violation]:
    """What forbids a demand for more accelerators than the company's track has."""
    most, asked = company.gpus_max * MILLI, _milli(wants)
    if asked > most:
        yield Violation(
            reason=Reason.CONCURRENCY_EXCEEDED,
            description=f"{company.id} books at most {company.gpus_max} GPUs at a time by its track; {asked / MILLI:g} "
            "were asked for. Ask for fewer.",
            subject=company.id,
            limit=most,
            asked=asked,
        )


def _milli(wants: Iterable[Want]) -> int:
    """Thousandths of an accelerator that a demand names. What equipment brings along is the equipment's."""
    return sum(want.line.units * MILLI_OF.get(want.resource.unit, 0) for want in wants if not want.companion_of)
