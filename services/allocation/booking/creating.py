"""Booking: a demand is granted whole, held for a while, or waits for an approval; or everything in its way is said."""

from msgspec.structs import replace

from services.allocation import commands, events, rules
from services.allocation.booking import approving, holding
from services.allocation.booking.overriding import check_override, left_standing, opened, overridden
from services.allocation.booking.participants import check_participants, seat_violations
from services.allocation.calendars.calendar import DAYS_AHEAD
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import no_company
from services.allocation.limits.overburn import overburnt
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.reservations import Allocation, Override
from services.allocation.units.demand import complete
from services.allocation.units.placing import place_all
from services.allocation.units.want import Want


def create_reservation(centre: Centre, command: commands.CreateReservation, now: int) -> Events:
    """Grant every line of the demand, or say everything that stands in the way."""
    company = centre.companies.get(command.company)
    if company is None:
        raise no_company(command.company)
    check_override(command)
    if command.participants is not None:
        check_participants(command.participants)
    wants = wants_of(centre, command, now)
    noted: list[Violation] = []
    violations = list(rules.violations(centre, company, wants, command.start, command.end, now, noted))
    if command.override is not None and (longer := opened(command, wants, violations)) is not wants:
        wants = longer
        violations = list(rules.violations(centre, company, wants, command.start, command.end, now, noted))
    violations += approving.approval_violations(company, wants, command.start, now)
    if command.participants is not None:
        violations += seat_violations(command.participants, wants)
    if command.hold_seconds:
        violations += holding.hold_violations(centre, command.company, command.start, now)
    placing = place_all(centre, wants, now)
    violations += placing.violations
    if violations and (standing := left_standing(command, violations)):
        raise Rejected(standing)
    # Nothing below may refuse.
    made = _granted(centre, command, placing.allocations, overridden(command, violations), now)
    if noted:
        made = replace(made, overburn=overburnt(centre, command.company, wants))
    return *placing.moves, made


def _granted(
    centre: Centre,
    command: commands.CreateReservation,
    allocations: tuple[Allocation, ...],
    override: Override | None,
    now: int,
) -> events.ReservationConfirmed | events.ReservationHeld | events.ReservationRequested:
    """A demand that nothing stands in the way of: booked, held for a while, or waiting for somebody's approval."""
    if command.hold_seconds:
        return events.ReservationHeld(
            reservation_id=command.reservation_id,
            company=command.company,
            start=command.start,
            end=command.end,
            lines=command.lines,
            allocations=allocations,
            expires_at=min(now + command.hold_seconds, command.start),
            note=command.note,
            participants=command.participants,
        )
    approval = approving.approval_of(centre, command.company, allocations)
    if approval is not None:
        return events.ReservationRequested(
            reservation_id=command.reservation_id,
            company=command.company,
            start=command.start,
            end=command.end,
            lines=command.lines,
            allocations=allocations,
            expires_at=approving.deadline(centre, command.company, allocations, command.start, now),
            approval=approval,
            note=command.note,
            override=override,
            participants=command.participants,
        )
    return events.ReservationConfirmed(
        reservation_id=command.reservation_id,
        company=command.company,
        start=command.start,
        end=command.end,
        lines=command.lines,
        allocations=allocations,
        note=command.note,
        override=override,
        participants=command.participants,
    )


def wants_of(centre: Centre, command: commands.CreateReservation, now: int) -> tuple[Want, ...]:
    """The completed demand. Raises `Rejected` for lines or an interval that make no sense."""
    limit = rules.reach(centre, now)
    if not 0 <= command.start < command.end:
        raise refuse(Reason.INVALID_INTERVAL, "The end must lie after the start.")
    if command.start < centre.base or command.end > limit:
        reason = Reason.START_IN_PAST if command.start < centre.base else Reason.BEYOND_HORIZON
        told = f"The calendar reaches {DAYS_AHEAD} days ahead, and not into the past."
        raise Rejected([Violation(reason=reason, description=told, limit=limit, fixed=True)])
    return complete(centre, command.lines, command.start, command.end)
