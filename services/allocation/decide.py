"""The decisions: what a command makes happen, or every rule that says no. Nothing here changes the centre.

Each decision is one column of refusals, and below it nothing may refuse. Time, in seconds, and identifiers arrive as
arguments, so that the same log gives the same answers for ever.
"""

from collections.abc import Callable, Mapping
from typing import assert_never

from msgspec.structs import replace

from services.allocation import commands, events, officers, rules
from services.allocation.attendance import discipline, idle_release, misuse, no_process, overdue
from services.allocation.attendance.conduct import Conduct
from services.allocation.booking import approving, holding, releasing, transferring
from services.allocation.booking.changing import change_reservation
from services.allocation.booking.demand import Want, complete
from services.allocation.booking.overriding import check_override, left_standing, opened, overridden
from services.allocation.booking.participants import demand_sound, uncovered
from services.allocation.calendars.calendar import DAYS_AHEAD
from services.allocation.centre import Centre
from services.allocation.commands import Command
from services.allocation.disruption.clearing import clear
from services.allocation.disruption.declaring import declare, lift
from services.allocation.disruption.funding_decisions import go_on, set_funding
from services.allocation.events import Event
from services.allocation.finding import find, wrong_state
from services.allocation.limits import reclaiming
from services.allocation.limits.overburn import overburnt
from services.allocation.money import correcting
from services.allocation.money.months import close
from services.allocation.money.tariff import check_tariff
from services.allocation.recurrence import recurring, series_changing
from services.allocation.registration import check_company, check_quota, check_resource
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.reservations import Allocation, Override, State
from services.allocation.units.placing import place_all

Events = tuple[Event, ...]

TICK_RESERVATIONS_MAX = 500
"""A tick moves at most so many reservations, so that it fits one page and nobody waits long behind it."""


def decide(centre: Centre, command: Command, now: int) -> Events:
    """Answer a command at a time in seconds. Raises `Rejected`."""
    match command:
        case commands.CreateReservation():
            return create_reservation(centre, command, now)
        case commands.ConfirmReservation():
            return holding.confirm_reservation(centre, command, now)
        case commands.ChangeReservation():
            return change_reservation(centre, command, now)
        case commands.OfferTransfer():
            return transferring.offer_transfer(centre, command, now)
        case commands.AcceptTransfer():
            return transferring.accept_transfer(centre, command, now)
        case commands.DeclineTransfer():
            return transferring.decline_transfer(centre, command, now)
        case commands.ApproveReservation():
            return approving.approve(centre, command, now)
        case commands.DenyReservation():
            return approving.deny(centre, command, now)
        case commands.CancelReservation():
            return cancel_reservation(centre, command, now)
        case commands.ReleaseReservation():
            return releasing.release_reservation(centre, command, now)
        case commands.BookSeries():
            return recurring.book_series(centre, command, now, create_reservation)
        case commands.ChangeSeries():
            return series_changing.change_series(centre, command, now, create_reservation, cancel_reservation)
        case commands.CancelSeries():
            return recurring.cancel_series(centre, command, now, cancel_reservation)
        case commands.CheckIn():
            return discipline.check_in(centre, command, now)
        case commands.Tick():
            return tick(centre, now)
        case commands.RecordUse():
            return record_use(centre, command, now)
        case commands.DeclareOutage():
            return declare(centre, command, now)
        case commands.LiftOutage():
            return lift(centre, command, now)
        case commands.SetFunding():
            return set_funding(centre, command, now)
        case commands.RegisterResource():
            check_resource(centre, command.resource)
            return (events.ResourceRegistered(resource=command.resource),)
        case commands.RegisterCompany():
            check_company(centre, command.company)
            return (events.CompanyRegistered(company=command.company),)
        case commands.GrantQuota():
            check_quota(centre, command.quota)
            return (events.QuotaGranted(quota=command.quota),)
        case commands.PublishTariff():
            return publish_tariff(centre, command, now)
        case commands.ClosePeriod():
            return (events.PeriodClosed(period=close(command.month, centre.zone, centre.closed, now)),)
        case commands.PostCorrection():
            return correcting.correct(centre, command, now)
        case commands.PublishTerms():
            return discipline.publish_terms(centre, command, now)
        case commands.GrantQualification():
            return discipline.grant_qualification(centre, command)
        case commands.RevokeQualification():
            return discipline.revoke_qualification(centre, command)
        case commands.AssignOfficer():
            return officers.assign_officer(centre, command, now)
        case commands.DismissOfficer():
            return officers.dismiss_officer(centre, command)
        case commands.ForgiveStrike():
            return discipline.forgive_strike(centre, command, now)
        case commands.RecordArrears():
            return overdue.record(centre, command, now)
        case commands.ClearArrears():
            return overdue.clear(centre, command)
        case commands.RecordMisuse():
            return misuse.record(centre, command, now)
        case commands.LiftMisuse():
            return misuse.lift(centre, command)
        case _:
            assert_never(command)


def create_reservation(centre: Centre, command: commands.CreateReservation, now: int) -> Events:
    """Grant every line of the demand, or say everything that stands in the way."""
    company = centre.companies.get(command.company)
    if company is None:
        raise refuse(Reason.COMPANY_NOT_FOUND, f"There is no company {command.company!r}.", command.company)
    check_override(command)
    if command.participants is not None:
        demand_sound(command.participants)
    wants = wants_of(centre, command, now)
    noted: list[Violation] = []
    violations = list(rules.violations(centre, company, wants, command.start, command.end, now, noted))
    if command.override is not None and (longer := opened(command, wants, violations)) is not wants:
        wants = longer
        violations = list(rules.violations(centre, company, wants, command.start, command.end, now, noted))
    violations += approving.too_late(company, wants, command.start, now)
    if command.participants is not None:
        violations += uncovered(command.participants, wants)
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


def publish_tariff(centre: Centre, command: commands.PublishTariff, now: int) -> Events:
    """Let a rate card apply from the time that it names on, or from now on if it names none."""
    tariff = replace(command.tariff, valid_from=command.tariff.valid_from or now)
    check_tariff(tariff, centre.cards.published, centre.pools.keys(), now)
    return (events.TariffPublished(tariff=tariff),)


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


def cancel_reservation(centre: Centre, command: commands.CancelReservation, now: int) -> Events:
    """Give a reservation back before it starts."""
    reservation = find(centre, command)
    if not reservation.state.waiting:
        raise wrong_state(reservation, "cancelled before it starts", "An active one can be released.")
    if reservation.start <= now:
        # Time has come, though no tick has said so yet.
        raise refuse(Reason.WRONG_STATE, "The reservation begins just now; it can be released.", reservation.id)
    late = not command.excused and discipline.late_cancel(centre, reservation, now)
    return (
        *(discipline.late_strike(centre, reservation, now) if late else ()),
        *transferring.withdrawn(reservation),
        events.ReservationCancelled(reservation_id=reservation.id, reason=command.reason, excused=command.excused),
    )


def record_use(centre: Centre, command: commands.RecordUse, now: int) -> Events:
    """Write down what was measured of a reservation that is kept, and what follows if it stands idle or unused."""
    reservation = centre.reservations.get(command.reservation_id)
    if reservation is None:
        raise refuse(Reason.RESERVATION_NOT_FOUND, "There is no such reservation any more.", command.reservation_id)
    record = command.record
    return (
        events.UseMeasured(
            reservation_id=reservation.id,
            company=reservation.company,
            since=record.since,
            until=record.until,
            resources=record.resources,
            in_use=record.in_use,
        ),
        *(no_process.missed(centre, reservation, record, now) or idle_release.judged(centre, reservation, record, now)),
    )


def tick(centre: Centre, now: int) -> Events:
    """What time makes of every reservation that is due; then the way of outages is cleared, as far as a page goes."""
    due = centre.agenda.due(now, TICK_RESERVATIONS_MAX)
    stranded = centre.outages.stranded
    # What an outage cut short while nobody ticked has not been used to its end.
    late = [each for each in due if each.id in stranded and each.state is State.ACTIVE] if stranded else []
    if late or not due:
        in_the_way = late or [centre.reservations[each] for each in stranded]
        made = misuse.revoke(centre, now) if centre.revoked else ()
        made = made or clear(centre, in_the_way, now) or go_on(centre, now)
        return made or overdue.reach(centre, now) or reclaiming.review(centre, now)
    turned: list[Event] = []
    conducts: dict[str, Conduct] = {}
    for reservation in due:
        if discipline.missed(centre, reservation, now):
            turned += discipline.give_up(centre, conducts, reservation, now)
            continue
        if idle_release.due(reservation, now):
            turned += idle_release.release(centre, reservation, now)
            continue
        turned += transferring.lapsed(reservation)
        if reservation.start <= now or reservation.state is not State.CONFIRMED:
            turned.append(_TURNS[reservation.state](reservation_id=reservation.id))
    return tuple(turned)


_TURNS: Mapping[State, Callable[..., Event]] = {
    State.HELD: events.ReservationExpired,
    State.PENDING: approving.undecided,
    State.CONFIRMED: events.ReservationActivated,
    State.ACTIVE: events.ReservationCompleted,
}
"""What time makes of a live reservation."""
