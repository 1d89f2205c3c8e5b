"""Discipline: who came, who did not, what follows, and who may run a piece of equipment by themselves.

What is decided here is told by events of its own, so that a strike or a suspension is as plain in the log as a booking.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import reduce

from services.allocation import commands, events
from services.allocation.booking.participants import arrived
from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.events import ConductEvent, Event
from services.allocation.finding import find, wrong_state
from services.allocation.prices import unit_time
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.reservations import Allocation, Reservation, State
from services.allocation.resources import Interval, Kind
from services.allocation.tables.records import judged
from services.allocation.units.demand import Want
from services.allocation.values.conduct import QUALIFICATIONS_MAX, Cause, Conduct, Strike, suspension
from services.allocation.values.terms import faults
from services.allocation.wording import spelled

Events = tuple[Event, ...]
MINUTE_SECONDS = 60
HOUR_SECONDS = 3600


def check_in(centre: Centre, command: commands.CheckIn, now: int) -> Events:
    """Say that somebody has come: from a little before the start until the end."""
    reservation = find(centre, command)
    if reservation.state not in (State.CONFIRMED, State.ACTIVE):
        raise wrong_state(reservation, "checked in to while it is confirmed or active", "Book another time.")
    people = reservation.participants
    if people is None and (command.present or command.ids):
        raise refuse(Reason.INVALID_PARTICIPANTS, "Nobody is named in this booking: check in once.", reservation.id)
    if people is None and reservation.checked_in_at:
        raise refuse(Reason.WRONG_STATE, "Somebody has checked in to this reservation before.", reservation.id)
    early = centre.records.terms_at(now).check_in_early_minutes * MINUTE_SECONDS
    if now < reservation.start - early:
        raise refuse(
            Reason.TOO_EARLY,
            f"One checks in at most {spelled(early)} before the start, which is in "
            f"{spelled(reservation.start - now)}. Come again then.",
            reservation.id,
            limit=early,
            asked=reservation.start - now,
        )
    if people is None:
        return (events.ReservationCheckedIn(reservation_id=reservation.id),)
    after = arrived(people, reservation.id, command.present, command.ids)
    came = tuple(each for each in after.present_ids if each not in people.present_ids)
    return (events.ReservationCheckedIn(reservation_id=reservation.id, present=after.present, ids=came),)


def late_cancel(centre: Centre, reservation: Reservation, now: int) -> bool:
    """Whether it is too late to give a reservation back for free. What is not confirmed yet always is free."""
    return _late(centre, reservation, {allocation.resource for allocation in _own(reservation)}, now)


def late_change(centre: Centre, reservation: Reservation, allocations: tuple[Allocation, ...], now: int) -> bool:
    """Whether holding these instead gives back, too late to be free, anything that it held.

    Once it has begun it is no strike where somebody came, or nobody need say so.
    """
    if reservation.start <= now and (reservation.checked_in_at or not centre.agenda.grace(reservation)):
        return False
    had, has = unit_time.held(reservation.allocations), unit_time.held(allocations)
    given_back = {name for name in had if unit_time.less(had[name], has.get(name, ()))}
    return _late(centre, reservation, given_back, now)


def _late(centre: Centre, reservation: Reservation, given_back: AbstractSet[str], now: int) -> bool:
    if not reservation.binding:
        return False
    hours = [centre.pools[name].resource.free_cancel_hours for name in given_back]
    return max(0, reservation.start - now) < max(hours, default=0) * HOUR_SECONDS


def late_strike(centre: Centre, reservation: Reservation, now: int) -> tuple[ConductEvent, ...]:
    """The strike for giving a reservation back too late, and what it brings; one, in however many steps it is done."""
    conduct = centre.records.conduct(reservation.company)
    if any((each.reservation_id, each.cause) == (reservation.id, Cause.LATE_CANCEL) for each in conduct.strikes):
        return ()
    return strike(centre, conduct, reservation, Cause.LATE_CANCEL, now)


def strike(
    centre: Centre, conduct: Conduct, reservation: Reservation, cause: Cause, now: int
) -> tuple[ConductEvent, ...]:
    """A strike, and the suspension that it brings by the terms of the day. `conduct` is the record before it."""
    after = conduct.struck(Strike(reservation_id=reservation.id, cause=cause, at=now))
    until = suspension(after, centre.records.terms_at(now))
    given = events.StrikeGiven(company=conduct.company, reservation_id=reservation.id, cause=cause)
    if until <= max(now, conduct.suspended_until):
        return (given,)
    return given, events.SuspensionSet(company=conduct.company, until=until)


def cut(centre: Centre, reservation: Reservation, now: int) -> int:
    """Where an active reservation ends that ends now. What has begun counts as used: nobody else could take it."""
    cell = max(centre.pools[part.resource].calendar.cell_seconds for part in reservation.allocations)
    return min(reservation.end, max(reservation.start, -(-now // cell) * cell))


def missed(centre: Centre, reservation: Reservation, now: int) -> bool:
    """Whether nobody came to an active reservation in time."""
    if reservation.state is not State.ACTIVE:
        return False
    grace = centre.agenda.grace(reservation)
    return bool(grace) and not reservation.checked_in_at and now >= reservation.activated_at + grace


def give_up(centre: Centre, conducts: dict[str, Conduct], reservation: Reservation, now: int) -> Events:
    """Give an active reservation back that nobody came to. `conducts` are the records so far, and grow by this one."""
    before = conducts.get(reservation.company) or centre.records.conduct(reservation.company)
    struck = strike(centre, before, reservation, Cause.NO_SHOW, now)
    conducts[reservation.company] = reduce(lambda conduct, event: judged(conduct, event, now), struck, before)
    released_at = cut(centre, reservation, now)
    return events.ReservationMissed(reservation_id=reservation.id, released_at=released_at), *struck


def may_book(
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


def publish_terms(centre: Centre, command: commands.PublishTerms, now: int) -> Events:
    """New terms, from now or later on."""
    found = list(faults(centre.records.terms, command.terms, now))
    if found:
        raise Rejected(Violation(reason=Reason.INVALID_TERMS, description=f"The terms: {fault}.") for fault in found)
    return (events.TermsPublished(terms=command.terms),)


def grant_qualification(centre: Centre, command: commands.GrantQualification) -> Events:
    """A training, for one piece of equipment, with an end."""
    wish = command.qualification
    if wish.company not in centre.companies:
        raise refuse(Reason.COMPANY_NOT_FOUND, f"There is no company {wish.company!r}.", wish.company)
    pool = centre.pools.get(wish.resource)
    if pool is None:
        raise refuse(Reason.RESOURCE_NOT_FOUND, f"There is no resource {wish.resource!r}.", wish.resource)
    conduct = centre.records.conduct(wish.company)
    if not pool.resource.training_required:
        raise refuse(Reason.INVALID_QUALIFICATION, f"{wish.resource} needs no training.", wish.resource)
    if wish.start >= wish.end:
        raise refuse(Reason.INVALID_QUALIFICATION, "A qualification must end after it starts.", wish.resource)
    if len(conduct.qualifications) >= QUALIFICATIONS_MAX:
        raise refuse(
            Reason.INVALID_QUALIFICATION, f"A company holds at most {QUALIFICATIONS_MAX} qualifications.", wish.company
        )
    if conduct.qualified(wish.resource, wish.start, wish.end):
        raise refuse(Reason.ALREADY_EXISTS, f"{wish.company} is qualified for all that time already.", wish.resource)
    return (events.QualificationGranted(qualification=wish),)


def revoke_qualification(centre: Centre, command: commands.RevokeQualification) -> Events:
    """No longer trained; what is booked already stands."""
    conduct = centre.records.conduct(command.company)
    if not any(each.resource == command.resource for each in conduct.qualifications):
        raise refuse(
            Reason.NO_SUCH_RECORD, f"{command.company} holds no qualification for {command.resource}.", command.resource
        )
    return (events.QualificationRevoked(company=command.company, resource=command.resource, reason=command.reason),)


def forgive_strike(centre: Centre, command: commands.ForgiveStrike, now: int) -> Events:
    """A strike taken back, and the suspension as far as the other strikes do not carry it."""
    conduct = centre.records.conduct(command.company)
    after = conduct.forgiven(command.reservation_id)
    if after.strikes == conduct.strikes:
        raise refuse(
            Reason.NO_SUCH_RECORD,
            f"{command.company} has no strike for {command.reservation_id}.",
            command.reservation_id,
        )
    forgiven = events.StrikeForgiven(
        company=command.company, reservation_id=command.reservation_id, reason=command.reason
    )
    until = suspension(after, centre.records.terms_at(now))
    if conduct.suspended_until <= now or until >= conduct.suspended_until:
        return (forgiven,)
    return forgiven, events.SuspensionSet(company=command.company, until=until if until > now else 0)


def _own(reservation: Reservation) -> list[Allocation]:
    """What was asked for, without what came along."""
    return [allocation for allocation in reservation.allocations if not allocation.companion_of]
