"""What a registration must satisfy, so that nothing later has to doubt it."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.companies import EQUIPMENT_METER
from services.allocation.events import Events
from services.allocation.finding import no_company
from services.allocation.measures import DAY_MINUTES, DAY_SECONDS
from services.allocation.rejections import Reason, check_sound, refuse
from services.allocation.resources import Kind, OpeningHours, Resource
from services.allocation.values.approval import Rule
from services.allocation.values.correction import CORRECTIONS

BINS_MAX = 20_000
BIN_CAPACITY_MAX = 16_000
SLOT_MINUTES_MIN, SLOT_MINUTES_MAX = 5, DAY_MINUTES
CHANGEOVER_MINUTES_MAX = 7 * DAY_MINUTES
DAYS_MAX = 180
VOTERS_MAX = 25
UNIT_SECONDS_MAX = 2**53


def register_resource(centre: Centre, command: commands.RegisterResource) -> Events:
    """Make a resource bookable. Raises `Rejected` where it exists, contradicts itself, or names what does not exist."""
    resource = command.resource
    if resource.id in centre.pools:
        raise refuse(Reason.ALREADY_EXISTS, f"{resource.id} is registered already.", resource.id)
    faults = [*_shape_faults(resource), *_time_faults(resource), *_reference_faults(centre, resource)]
    check_sound(Reason.INVALID_RESOURCE, resource.id, faults)
    return (events.ResourceRegistered(resource=resource),)


def register_company(centre: Centre, command: commands.RegisterCompany) -> Events:
    """Let a company book. Raises `Rejected` where it exists or its terms make no sense."""
    company = command.company
    if company.id in centre.companies:
        raise refuse(Reason.ALREADY_EXISTS, f"{company.id} is registered already.", company.id)
    faults = []
    if company.agreement_start >= company.agreement_end:
        faults.append("the agreement must end after it starts")
    if not 0 <= company.horizon_days <= DAYS_MAX or not 0 < company.reservation_days_max <= DAYS_MAX:
        faults.append(f"the horizon and the longest reservation must be at most {DAYS_MAX} days")
    if not 0 <= company.notice_hours <= DAYS_MAX * 24:
        faults.append(f"the notice must be at most {DAYS_MAX} days")
    least, most = company.gpus_unapproved, company.gpus_max
    if min(least, most, company.gpus_approval_hours) < 0 or (most and least > most):
        faults.append("GPUs without approval are no more than GPUs at all, and neither is negative")
    if company.gpus_approval_hours > DAYS_MAX * 24:
        faults.append(f"an approval takes at most {DAYS_MAX} days")
    check_sound(Reason.INVALID_RESOURCE, company.id, faults)
    return (events.CompanyRegistered(company=company),)


def grant_quota(centre: Centre, command: commands.GrantQuota) -> Events:
    """Give a company a quota. Raises `Rejected` without a company or meter, and where it overlaps an earlier one."""
    quota = command.quota
    if quota.company not in centre.companies:
        raise no_company(quota.company)
    pool = centre.pools.get(quota.meter)
    faults = []
    if quota.meter != EQUIPMENT_METER and (pool is None or pool.resource.kind is not Kind.COMPUTE):
        faults.append(f"the meter must be {EQUIPMENT_METER!r} or a compute pool")
    if quota.start >= quota.end or quota.end - quota.start > 10 * 366 * DAY_SECONDS:
        faults.append("the period must end after it starts, within ten years")
    if quota.start % 3600 or quota.end % 3600:
        faults.append("the period must start and end on a full hour")
    if not 0 <= quota.unit_seconds <= UNIT_SECONDS_MAX or not 0 <= quota.concurrent_units_max <= UNIT_SECONDS_MAX:
        faults.append("the amounts must not be negative or absurdly large")
    meter = centre.meters.get((quota.company, quota.meter))
    for period in meter.periods if meter else ():
        if period.quota.start < quota.end and quota.start < period.quota.end:
            raise refuse(
                Reason.ALREADY_EXISTS,
                f"{quota.company} holds a quota of {quota.meter} for part of that period already.",
                quota.meter,
            )
    check_sound(Reason.INVALID_QUOTA, quota.meter, faults)
    return (events.QuotaGranted(quota=quota),)


def _shape_faults(resource: Resource) -> Iterator[str]:
    if not resource.nodes or len({node.id for node in resource.nodes}) != len(resource.nodes):
        yield "it needs at least one node, each with a name of its own"
    if any(node.valid_until and node.valid_until <= node.valid_from for node in resource.nodes):
        yield "a node retires after it arrives"
    if resource.bins_per_node < 1 or not 1 <= resource.bin_capacity <= BIN_CAPACITY_MAX:
        yield f"a node needs at least one bin, of 1 to {BIN_CAPACITY_MAX} units"
    elif len(resource.nodes) * resource.bins_per_node > BINS_MAX:
        yield f"at most {BINS_MAX} bins make up one resource"
    if resource.units_min < 1 or resource.units_step < 1:
        yield "the least and the step of units must be at least 1"
    if resource.id == EQUIPMENT_METER:
        yield "that is the name of the meter that all equipment counts on"
    if resource.id == CORRECTIONS:
        yield "that is where the books keep what is about no resource"
    yield from _approval_faults(resource)
    if resource.batch is not None and (
        resource.kind is not Kind.COMPUTE
        or min(resource.batch.reservations_max, resource.batch.long_hours, resource.batch.long_at_once_max) < 1
    ):
        yield "limits of batch work are at least 1 each, and of compute"
    if resource.data_zone not in ("open", "restricted"):
        yield "the data zone is open or restricted"


def _approval_faults(resource: Resource) -> Iterator[str]:
    if resource.approval and resource.approval not in Rule.__members__.values():
        yield f"it is approved by {', '.join(Rule)}, not by {resource.approval!r}"
    if not 0 <= resource.approval_hours <= DAYS_MAX * 24:
        yield f"an approval takes at most {DAYS_MAX} days"
    if not 1 <= resource.approval_quorum <= resource.approval_voters <= VOTERS_MAX:
        yield f"of 1 to {VOTERS_MAX} voters at least one must agree, and not more than there are"
    if resource.approval == Rule.MANAGER and resource.approval_voters > 1:
        yield "a manager decides alone"


def _time_faults(resource: Resource) -> Iterator[str]:
    try:
        ZoneInfo(resource.time_zone)
    except (KeyError, ValueError, OSError):
        yield f"there is no time zone {resource.time_zone!r}"
    if not SLOT_MINUTES_MIN <= resource.slot_minutes <= SLOT_MINUTES_MAX or SLOT_MINUTES_MAX % resource.slot_minutes:
        yield f"a slot lasts {SLOT_MINUTES_MIN} to {SLOT_MINUTES_MAX} minutes and divides a day"
    elif resource.kind is Kind.COMPUTE and 60 % resource.slot_minutes:
        yield "a slot of compute divides an hour"
    if resource.kind is Kind.COMPUTE and (resource.hours or resource.closed_days):
        yield "compute is always open; announce closures instead"
    if resource.hours is not None and not _sound(resource.hours):
        yield "the opening hours must follow each other within two days, with the break inside"
    for day in resource.closed_days:
        if not _is_date(day):
            yield f"{day!r} is not a date of the form 2026-03-01"
    if any(closure.start >= closure.end for closure in resource.closures):
        yield "a closure must end after it starts"
    bounds = (
        (resource.slots_max, 1000),
        (resource.notice_hours, DAYS_MAX * 24),
        (resource.horizon_days, DAYS_MAX),
        (resource.changeover_minutes, CHANGEOVER_MINUTES_MAX),
    )
    if any(not 0 <= figure <= most for figure, most in bounds):
        yield f"slots, notice, horizon (at most {DAYS_MAX} days) and changeover must not be negative or absurdly long"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _sound(hours: OpeningHours) -> bool:
    days = set(hours.weekdays)
    opens, closes = hours.opens, hours.closes
    break_fits = hours.break_starts == hours.break_ends or (opens <= hours.break_starts < hours.break_ends <= closes)
    return (
        bool(days)
        and days <= set(range(7))
        and 0 <= opens < DAY_MINUTES
        and opens < closes <= opens + DAY_MINUTES
        and break_fits
    )


def _reference_faults(centre: Centre, resource: Resource) -> Iterator[str]:
    """Companions must exist when the equipment is registered, and must be able to give what is needed."""
    for companion in resource.companions:
        pool = centre.pools.get(companion.resource)
        if pool is None:
            yield f"its companion {companion.resource} is not registered; register it first"
        elif not pool.resource.units_min <= companion.units <= pool.resource.capacity or (
            (companion.units - pool.resource.units_min) % pool.resource.units_step
        ):
            yield f"{companion.units} is not an amount in which {companion.resource} is booked"
        elif companion.optional and pool.resource.kind is not Kind.OPERATORS:
            yield f"only operators are optional, and {companion.resource} has none"
    if resource.companions and resource.kind is not Kind.EQUIPMENT:
        yield "only equipment has companions"
