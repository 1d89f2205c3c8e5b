"""The rules of booking that need no placement. Each yields a violation for what it forbids, and all are asked.

The equipment or pool that a company names must obey every rule; a companion must only be open and in service, since the
equipment that brought it has answered for the rest.
"""

from collections.abc import Iterator

from services.allocation.calendars.calendar import DAYS_AHEAD, RANGE_SECONDS
from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.limits.barring import conduct_violations, equipment_violations
from services.allocation.limits.batch import batch_violations
from services.allocation.limits.funded import funding_violations
from services.allocation.limits.overburn import allowance, beyond_allowance, charges_of
from services.allocation.limits.tracks import track_violations
from services.allocation.measures import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS
from services.allocation.rejections import Reason, Violation
from services.allocation.resources import Kind, Resource
from services.allocation.tables.meter import meter_violations
from services.allocation.units.want import Want
from services.allocation.wording import spelled

PAST_TOLERANCE_SECONDS = 5
"""A start may lie so far in the past, for clocks and networks that are a little slow."""


def reach(centre: Centre, now: int) -> int:
    """The last second that can be booked. After weeks without an event the calendars still stand where they stood."""
    return min(now + DAYS_AHEAD * DAY_SECONDS, centre.base + RANGE_SECONDS)


def violations(
    centre: Centre,
    company: Company,
    wants: tuple[Want, ...],
    start: int,
    end: int,
    now: int,
    noted: list[Violation] | None = None,
) -> Iterator[Violation]:
    """Everything that forbids these wants for `[start, end)`, other than a lack of free units.

    `noted` learns of every quota that does not cover them, even if the terms let it be overburnt.
    """
    if start < now - PAST_TOLERANCE_SECONDS:
        yield Violation(
            reason=Reason.START_IN_PAST,
            description=f"The start was {spelled(max(now - start, MINUTE_SECONDS))} ago. Choose a later one.",
        )
    if start < company.agreement_start or end > company.agreement_end:
        yield Violation(
            reason=Reason.OUTSIDE_AGREEMENT,
            description=f"The agreement of {company.id} does not cover the whole interval. "
            "Choose a time within it, or ask an operator to extend it.",
            subject=company.id,
        )
    conduct = centre.records.conducts.get(company.id)
    if conduct is not None and conduct.barred:
        yield from conduct_violations(conduct)
    for want in wants:
        resource = want.resource
        if not resource.in_service:
            yield _out_of_service(resource)
        if want.companion_of:
            yield from _companion_open(want)
        else:
            span = want.line.within(start, end)
            yield from grid(want, *span)
            yield from length(want, company, *span)
            yield from _notice(resource, company, start, now)
            yield from _horizon(resource, company, start, now)
            if resource.batch is not None:
                yield from batch_violations(centre, company, resource, span)
            if resource.data_zone == "restricted" and not company.certified:
                yield _not_entitled(resource, company)
            if resource.only_with and all(other.resource.id != resource.only_with for other in wants):
                yield _missing_companion(resource)
        if resource.exclusive_group:
            yield from _group(centre, want, wants)
    yield from equipment_violations(centre, company, wants, (start, end), now)
    if any(want.pool.funded is not None for want in wants):
        yield from funding_violations(wants)
    if company.gpus_max:
        yield from track_violations(company, wants)
    for meter, charges in charges_of(wants).items():
        for violation in meter_violations(centre.meters.get((company.id, meter)), charges, meter):
            yield from beyond_allowance(violation, allowance(centre, meter, now), noted if noted is not None else [])


def alone(centre: Centre, company: Company, wants: tuple[Want, ...], start: int, end: int) -> Iterator[Violation]:
    """What forbids each part of a booking to stand by itself, though nothing is had that was not had before."""
    for want in wants:
        resource = want.resource
        if not want.companion_of:
            span = want.line.within(start, end)
            yield from grid(want, *span)
            if resource.batch is not None:
                yield from batch_violations(centre, company, resource, span)
            if resource.only_with and all(other.resource.id != resource.only_with for other in wants):
                yield _missing_companion(resource)
        if resource.exclusive_group:
            yield from _group(centre, want, wants)


def _out_of_service(resource: Resource) -> Violation:
    return Violation(reason=Reason.OUT_OF_SERVICE, description=f"{resource.id} is out of service.", subject=resource.id)


def _companion_open(want: Want) -> Iterator[Violation]:
    if not want.pool.is_open(want.spans):
        yield Violation(
            reason=Reason.OUTSIDE_OPENING_HOURS,
            description=f"{want.resource.id}, which {want.companion_of} needs, is not on duty for the whole interval.",
            subject=want.resource.id,
        )


def grid(want: Want, start: int, end: int) -> Iterator[Violation]:
    """The interval starts with a slot and ends with one; a closed day and closed hours have reasons of their own."""
    pool, resource = want.pool, want.resource
    both_fit = pool.on_grid(start, end)
    if all(both_fit):
        return
    for fits, moment, word in zip(both_fit, (start, end), ("start", "end"), strict=True):
        if fits:
            continue
        inside = moment if word == "start" else moment - 1
        if pool.is_open(((inside, inside + 1),)):
            yield Violation(
                reason=Reason.OFF_GRID,
                description=f"The {word} is not a slot boundary of {resource.id}, whose slots last "
                f"{resource.slot_minutes} minutes.",
                subject=resource.id,
                limit=resource.slot_seconds,
            )
        elif day := pool.closed_day(inside):
            yield Violation(
                reason=Reason.CLOSED_DAY,
                description=f"{resource.id} is closed on {day}. Choose another day.",
                subject=resource.id,
            )
        else:
            yield Violation(
                reason=Reason.OUTSIDE_OPENING_HOURS,
                description=f"The {word} lies outside the opening hours of {resource.id}; GetCalendar shows them.",
                subject=resource.id,
            )


def length(want: Want, company: Company, start: int, end: int) -> Iterator[Violation]:
    """It is not longer than the resource, or for compute the company, allows."""
    resource = want.resource
    most = resource.slots_max * resource.slot_seconds if resource.slots_max else 0
    if most and (held := sum([b - a for a, b in want.spans])) > most:
        yield Violation(
            reason=Reason.DURATION_OUT_OF_RANGE,
            description=f"{resource.id} is booked for at most {resource.slots_max} slots of "
            f"{resource.slot_minutes} minutes at a time.",
            subject=resource.id,
            limit=most,
            asked=held,
        )
    longest = company.reservation_days_max * DAY_SECONDS
    if resource.kind is Kind.COMPUTE and end - start > longest:
        yield Violation(
            reason=Reason.DURATION_OUT_OF_RANGE,
            description=f"{company.id} books compute for at most {company.reservation_days_max} days at a time; "
            f"{(end - start) / DAY_SECONDS:.1f} days were asked for.",
            subject=resource.id,
            limit=longest,
            asked=end - start,
        )


def notice_hours(resource: Resource, company: Company) -> int:
    """How long before the start one must book: the resource's own terms, or for compute the company's."""
    return resource.notice_hours or (company.notice_hours if resource.kind is Kind.COMPUTE else 0)


def horizon_days(resource: Resource, company: Company) -> int:
    """How far ahead one may book, 0 for as far as the calendar: like `notice_hours`."""
    return resource.horizon_days or (company.horizon_days if resource.kind is Kind.COMPUTE else 0)


def _notice(resource: Resource, company: Company, start: int, now: int) -> Iterator[Violation]:
    hours = notice_hours(resource, company)
    if start < now + hours * HOUR_SECONDS - PAST_TOLERANCE_SECONDS and hours:
        yield Violation(
            reason=Reason.NOTICE_TOO_SHORT,
            description=f"{resource.id} is booked at least {hours} hours ahead by {company.id}.",
            subject=resource.id,
            limit=hours * HOUR_SECONDS,
            asked=max(0, start - now),
        )


def _horizon(resource: Resource, company: Company, start: int, now: int) -> Iterator[Violation]:
    days = horizon_days(resource, company)
    if days and start > now + days * DAY_SECONDS:
        yield Violation(
            reason=Reason.BEYOND_HORIZON,
            description=f"{resource.id} is booked at most {days} days ahead by {company.id}.",
            subject=resource.id,
            limit=days * DAY_SECONDS,
            asked=start - now,
        )


def _not_entitled(resource: Resource, company: Company) -> Violation:
    return Violation(
        reason=Reason.NOT_ENTITLED,
        description=f"{resource.id} lies in the restricted data zone, which needs a security certificate; "
        f"{company.id} has none in force.",
        subject=resource.id,
    )


def _missing_companion(resource: Resource) -> Violation:
    return Violation(
        reason=Reason.COMPANION_MISSING,
        description=f"{resource.id} is booked only together with {resource.only_with}. Add that line.",
        subject=resource.only_with,
    )


def _group(centre: Centre, want: Want, wants: tuple[Want, ...]) -> Iterator[Violation]:
    """Members of an exclusive group are never held together, and two different ones need a changeover between."""
    resource = want.resource
    group = resource.exclusive_group
    others = [other.resource.id for other in wants if other is not want and other.resource.exclusive_group == group]
    if others or centre.groups[group].is_held(want.spans):
        rivals = f" with {', '.join(others)}" if others else ""
        yield Violation(
            reason=Reason.EXCLUSIVE_GROUP_BUSY,
            description=f"{resource.id} shares {group}{rivals}, and only one of its members can be held at a time.",
            subject=group,
        )
    elif gap := centre.groups[group].changeover(resource.id, want.spans):
        yield Violation(
            reason=Reason.CHANGEOVER_TOO_SHORT,
            description=f"{group} needs {gap // 60} minutes between {resource.id} and its other members.",
            subject=group,
            limit=gap,
        )
