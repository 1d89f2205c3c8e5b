"""Misuse: what a company has is used for something else than it was given for. All of it is taken back, at once.

After the government's GPU programme, in which misuse takes the GPUs back for others. What was used stays charged; what
is taken back costs nothing and is not compensated, for others will pay for it. It is no strike: the company books
nothing at all until an operator lifts it, and nobody overrides that.
"""

from itertools import islice

from services.allocation import commands, events
from services.allocation.attendance.strikes import cut
from services.allocation.booking.transferring import withdrawn
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import no_company
from services.allocation.rejections import Reason, refuse
from services.allocation.reservations import Reservation
from services.allocation.values.conduct import Conduct, Misuse

REVOKED_MAX = 200
"""A tick takes back at most so many reservations, so that it fits one page and nobody waits long behind it."""


def record(centre: Centre, command: commands.RecordMisuse, now: int) -> Events:
    """Say that a company misuses what it has; the terms say whether that takes everything back."""
    if command.company not in centre.companies:
        raise no_company(command.company)
    if not command.reason.strip():
        told = "A misuse says what happened: the company and its auditors will read it."
        raise refuse(Reason.INVALID_MISUSE, told, command.company)
    if centre.records.conduct(command.company).misuse is not None:
        told = f"A misuse by {command.company} is recorded already. Lift it first to record another."
        raise refuse(Reason.ALREADY_EXISTS, told, command.company)
    return (
        events.MisuseRecorded(
            company=command.company,
            reason=command.reason,
            reference=command.reference,
            revokes=centre.records.terms_at(now).misuse_revokes,
        ),
    )


def lift(centre: Centre, command: commands.LiftMisuse) -> Events:
    """Let a company book again; what was taken back stays so."""
    if centre.records.conduct(command.company).misuse is None:
        raise refuse(
            Reason.NO_SUCH_RECORD, f"No misuse by {command.company} is recorded, or it was lifted.", command.company
        )
    return (events.MisuseLifted(company=command.company, reason=command.reason),)


def revoke(centre: Centre, now: int) -> Events:
    """Take back what companies that misuse it still have, as far as a page goes."""
    conducts = centre.records.conducts
    some = islice(centre.consequences.to_revoke(), REVOKED_MAX)
    return tuple(event for each in some for event in _taken_back(centre, each, conducts[each.company], now))


def _taken_back(centre: Centre, reservation: Reservation, conduct: Conduct, now: int) -> Events:
    assert conduct.misuse is not None, "nothing is revoked without a misuse"
    reason = reason_of(conduct.misuse)
    if not reservation.state.waiting:
        released_at = cut(centre, reservation, now)
        return (events.ReservationReleased(reservation_id=reservation.id, released_at=released_at, reason=reason),)
    return (
        *withdrawn(reservation),
        events.ReservationCancelled(reservation_id=reservation.id, reason=reason, excused=True),
    )


def reason_of(misuse: Misuse) -> str:
    """Such as `revoked for misuse: mining (AUD-4)`."""
    return f"revoked for misuse: {misuse.reason}" + (f" ({misuse.reference})" if misuse.reference else "")
