"""Who books nothing new at all, for misuse or bills; and who books no equipment, for strikes or want of training."""

from collections.abc import Iterator

from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.measures import HOUR_SECONDS
from services.allocation.rejections import Reason, Violation
from services.allocation.resources import Interval, Kind
from services.allocation.units.want import Want
from services.allocation.values.conduct import Conduct


def conduct_violations(conduct: Conduct) -> Iterator[Violation]:
    """That a company books nothing new: while it has not paid, or what it had was revoked."""
    if conduct.revoked:
        yield Violation(
            reason=Reason.REVOKED,
            description=f"All that {conduct.company} had was revoked for misuse, and it books nothing more until an "
            "operator lifts that.",
            subject=conduct.company,
        )
    months = [each.month for each in conduct.arrears if each.suspends]
    if months:
        yield Violation(
            reason=Reason.ARREARS,
            description=f"{conduct.company} is suspended from booking until it has paid what is long overdue: "
            f"{', '.join(months)}. Once that is paid, an operator clears it.",
            subject=conduct.company,
        )


def equipment_violations(
    centre: Centre, company: Company, wants: tuple[Want, ...], span: Interval, now: int
) -> Iterator[Violation]:
    """The rules of discipline that forbid these wants for an interval."""
    machines = [want.resource for want in wants if want.resource.kind is Kind.EQUIPMENT and not want.companion_of]
    if not machines:
        return
    conduct = centre.records.conduct(company.id)
    operated = any(want.resource.kind is Kind.OPERATORS for want in wants)
    for resource in machines:
        if now < conduct.suspended_until:
            yield Violation(
                reason=Reason.SUSPENDED,
                description=f"{company.id} is suspended from booking equipment for another "
                f"{-(-(conduct.suspended_until - now) // HOUR_SECONDS)} hours, for letting bookings lapse. "
                "An operator may forgive a strike.",
                subject=resource.id,
                limit=conduct.suspended_until,
                asked=now,
            )
        if resource.training_required and not operated and not conduct.qualified(resource.id, *span):
            yield Violation(
                reason=Reason.NOT_QUALIFIED,
                description=f"{company.id} has nobody trained for {resource.id} for the whole interval. "
                "Ask an operator for a training, or book an operator along.",
                subject=resource.id,
            )
