"""Strikes: for what nobody came to, and for what was given back too late for anybody else; and what they bring.

What is decided here is told by events of its own, so that a strike or a suspension is as plain in the log as a booking.
"""

from collections.abc import Set as AbstractSet
from functools import reduce

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import ConductEvent, Events
from services.allocation.measures import HOUR_SECONDS
from services.allocation.prices import unit_time
from services.allocation.rejections import Reason, refuse
from services.allocation.reservations import Allocation, Reservation, State
from services.allocation.tables.records import judged
from services.allocation.values.conduct import Cause, Conduct, Strike, suspension


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
    return max(0, reservation.late_from - now) < max(hours, default=0) * HOUR_SECONDS


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
