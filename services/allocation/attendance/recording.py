"""Writing down what was measured of a reservation, and what follows from it."""

from services.allocation import commands, events
from services.allocation.attendance import idle_release, no_process
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.rejections import Reason, refuse


def record_use(centre: Centre, command: commands.RecordUse, now: int) -> Events:
    """Write down what was measured of a reservation that is kept, and what follows if it stands idle or unused."""
    reservation = centre.reservations.get(command.reservation_id)
    if reservation is None:
        raise refuse(Reason.RESERVATION_NOT_FOUND, "There is no such reservation any more.", command.reservation_id)
    record = command.record
    missed = no_process.missed(centre, reservation, record, now)
    return (
        events.UseMeasured(
            reservation_id=reservation.id,
            company=reservation.company,
            since=record.since,
            until=record.until,
            resources=record.resources,
            in_use=record.in_use,
        ),
        *(missed or idle_release.warning(centre, reservation, record, now)),
    )
