"""What is funded: no more of a resource is held than there is money and power for."""

from collections.abc import Iterator

from services.allocation.rejections import Reason, Violation
from services.allocation.units.want import Want
from services.allocation.values.funding import Funding
from services.allocation.values.outage import OPEN_END
from services.allocation.wording import counted, figure


def funding_violations(wants: tuple[Want, ...]) -> Iterator[Violation]:
    """The wants that are more than what is funded then. Lines on one resource count together."""
    asked: dict[str, int] = {}
    for want in wants:
        if want.pool.funded is None or not want.spans:
            continue
        units = asked[want.resource.id] = asked.get(want.resource.id, 0) + want.line.units
        unfunded = want.pool.unfunded(want.spans, units)
        if unfunded is not None:
            yield _unfunded(want, units, *unfunded)


def _unfunded(want: Want, units: int, left: int, funding: Funding) -> Violation:
    resource, until = want.resource, want.pool.funded_until(funding)
    unit = resource.unit
    ends = f"until {want.pool.moment(until)}" if until < OPEN_END else "on"
    why = f" ({funding.reason})" if funding.reason else ""
    return Violation(
        reason=Reason.NOT_FUNDED,
        description=f"{figure(funding.units, unit)} of {counted(resource.capacity, unit)} of {resource.id} are funded "
        f"from {want.pool.moment(funding.start)} {ends}{why}; {figure(max(left, 0), unit)} of them are left throughout "
        f"the interval, and {figure(units, unit)} were asked for. Ask for fewer, or for another time.",
        subject=resource.id,
        limit=max(left, 0),
        asked=units,
    )
