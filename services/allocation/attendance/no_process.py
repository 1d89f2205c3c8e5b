"""Compute on which no process ever ran is given back as a no-show: without a warning, by what its nodes reported.

What nobody reported is unknown, and never unused; equipment has its check-in instead. The rest is charged as the
booking's rate card says of whoever does not come. Some are exempt by the terms.
"""

from services.allocation import events
from services.allocation.attendance.strikes import cut
from services.allocation.attendance.unattended import concerns
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.measures import MINUTE_SECONDS
from services.allocation.reservations import Reservation
from services.allocation.values.terms import NoProcessRule
from services.allocation.values.use import Record


def missed(centre: Centre, reservation: Reservation, record: Record, now: int) -> Events:
    """The end of a reservation of whose disuse a record tells, if the rule of the day gives it back; else nothing."""
    rule = rule_for(centre, reservation, now)
    if rule is None or record.unused_seconds < rule.minutes * MINUTE_SECONDS or now >= reservation.end:
        return ()
    reason = f"no process ran on it for {rule.minutes} minutes from its start, as its nodes report"
    return (
        events.ReservationMissed(
            reservation_id=reservation.id, released_at=cut(centre, reservation, now), reason=reason
        ),
    )


def rule_for(centre: Centre, reservation: Reservation, now: int) -> NoProcessRule | None:
    """The rule of the day for a reservation; None if there is none, or none for this company, or not for all of it."""
    rule = centre.records.terms_at(now).no_process
    return rule if rule is not None and concerns(centre, reservation, rule.exempt) else None
