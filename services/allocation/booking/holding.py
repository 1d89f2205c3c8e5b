"""Held offers: for some minutes nobody else can take the units, until the company confirms, cancels or lets go."""

from collections.abc import Iterator

from services.allocation.booking import approving
from services.allocation.centre import Centre
from services.allocation.commands import ConfirmReservation
from services.allocation.events import Events
from services.allocation.finding import find, wrong_state
from services.allocation.rejections import Reason, Violation, refuse
from services.allocation.reservations import State

HOLD_SECONDS_MAX = 15 * 60
"""An offer is held at most so long."""
HOLDS_MAX = 5
"""A company lets at most so many offers be held at once, so that nobody hoards what others could book."""


def hold_violations(centre: Centre, company: str, start: int, now: int) -> Iterator[Violation]:
    """What forbids holding one more offer for a company, other than what forbids booking it."""
    held = len(centre.lists.held.get(company, ()))
    if held >= HOLDS_MAX:
        yield Violation(
            reason=Reason.TOO_MANY_HOLDS,
            description=f"{held} offers are held for {company}, and {HOLDS_MAX} is the most. Confirm or cancel one of "
            "them, or wait until one expires.",
            subject=company,
            limit=HOLDS_MAX,
            asked=held + 1,
        )
    if start <= now:
        yield Violation(
            reason=Reason.START_IN_PAST,
            description="A held offer must begin later than now, so that it can be confirmed before. Book it at once, "
            "or choose a later start.",
        )


def confirm_reservation(centre: Centre, command: ConfirmReservation, now: int) -> Events:
    """Take a held offer, as long as it is held. What was granted when it was made is not asked again.

    Where somebody must approve the booking, it waits for that from here on.
    """
    reservation = find(centre, command)
    if reservation.state is not State.HELD:
        raise wrong_state(reservation, "confirmed while it is held", "Search again, or book it anew.")
    if reservation.expires_at <= now:
        # Time has come, though no tick has said so yet.
        raise refuse(Reason.WRONG_STATE, "The offer expires just now. Search again.", reservation.id)
    approval = approving.approval_of(centre, reservation.company, reservation.allocations)
    if approval is not None:
        return (approving.requested(centre, reservation, approval, now),)
    return (approving.confirmed(reservation),)
