"""Compute that stands idle is given back, after a warning: by what its nodes reported, and never for want of reports.

A reservation that used less than the terms ask over their window is warned. Unless it is used more until then, it is
released; whoever begins to work again, and whose reports fail to come, is left alone. Some are exempt by the terms.
"""

from services.allocation import events
from services.allocation.attendance.strikes import cut
from services.allocation.attendance.unattended import concerns
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.measures import HOUR_SECONDS
from services.allocation.reservations import Reservation, State
from services.allocation.tables.recent_use import sample_of, used_percent, with_sample
from services.allocation.values.terms import IdleRule
from services.allocation.values.use import Record

FRESH_SECONDS = 2 * HOUR_SECONDS
"""The last record must be no older than this when something is given back; records are made every hour."""


def warning(centre: Centre, reservation: Reservation, record: Record, now: int) -> Events:
    """What follows from a record of use that is about to be written: a warning, the end of one, or nothing."""
    rule = rule_for(centre, reservation, now)
    if rule is None:
        return withdrawn(reservation)
    fresh = sample_of(record.since, record.until, record.resources)
    window = rule.window_hours * HOUR_SECONDS
    samples = with_sample(centre.recent_use.samples(reservation), fresh, window)
    percent = used_percent(reservation, samples, window)
    if percent is None or percent >= rule.below_percent:
        return withdrawn(reservation)
    release_at = now + rule.warn_hours * HOUR_SECONDS
    if reservation.release_at or release_at >= reservation.end:
        return ()
    return (events.ReservationWarned(reservation_id=reservation.id, release_at=release_at, used_percent=percent),)


def due(reservation: Reservation, now: int) -> bool:
    """Whether a warned reservation is to be given back by now."""
    return 0 < reservation.release_at <= now < reservation.end and reservation.state is State.ACTIVE


def release(centre: Centre, reservation: Reservation, now: int) -> Events:
    """Give back what was warned, if it stands idle to this day by fresh reports; else let the warning be over."""
    rule, samples = rule_for(centre, reservation, now), centre.recent_use.samples(reservation)
    if rule is None or not samples or samples[-1].until < now - FRESH_SECONDS:
        return withdrawn(reservation)
    percent = used_percent(reservation, samples, rule.window_hours * HOUR_SECONDS)
    if percent is None or percent >= rule.below_percent:
        return withdrawn(reservation)
    reason = (
        f"at most {percent} % of it was used over {rule.window_hours} hours, less than {rule.below_percent} %, "
        f"and {rule.warn_hours} hours after a warning as before"
    )
    return (
        events.ReservationReleased(
            reservation_id=reservation.id, released_at=cut(centre, reservation, now), reason=reason, late=True
        ),
    )


def withdrawn(reservation: Reservation) -> Events:
    """That a warning is over, if there is one."""
    if not reservation.release_at or reservation.state is not State.ACTIVE:
        return ()
    return (events.ReservationWarned(reservation_id=reservation.id, release_at=0),)


def rule_for(centre: Centre, reservation: Reservation, now: int) -> IdleRule | None:
    """The rule of the day for a reservation; None if there is none, or none for this company, or not for all of it."""
    rule = centre.records.terms_at(now).idle
    return rule if rule is not None and concerns(centre, reservation, rule.exempt) else None
