"""What a reservation is after each event of handing it over to another company. Pure.

The functions are as those of `becoming`.
"""

from msgspec.structs import replace

from services.allocation import events
from services.allocation.reservations import Reservation, State
from services.allocation.states.moves import IllegalMove
from services.allocation.values.origin import unnamed
from services.allocation.values.transfer import HandedOver, Outcome, Transfer


def offered(before: Reservation, event: events.TransferOffered, state: State, at: int, position: int) -> Reservation:
    """Another company may take it."""
    version = before.version + 1
    offer = Transfer(to=event.to, offered_at=at, expires_at=event.expires_at, version=version)
    return replace(before, version=version, position=position, transfer=offer)


def offer_ended(before: Reservation, event: events.TransferEnded, state: State, at: int, position: int) -> Reservation:
    """The offer is over, and it stays whose it is."""
    return _with_outcome(before, event.outcome, position)


def accepted(before: Reservation, event: events.TransferAccepted, state: State, at: int, position: int) -> Reservation:
    """The other company takes it: nothing of it is the former one's from here on."""
    return _with_outcome(before, Outcome.ACCEPTED, position)


def _with_outcome(before: Reservation, outcome: Outcome, position: int) -> Reservation:
    if before.transfer is None or before.transfer.outcome is not Outcome.OPEN:
        raise IllegalMove(f"reservation {before.id} is offered to nobody: an offer of it cannot be {outcome}")
    version = before.version + 1
    offer = replace(before.transfer, outcome=outcome, version=version)
    return replace(before, version=version, position=position, transfer=offer)


def transferred(
    before: Reservation, event: events.ReservationTransferred, state: State, at: int, position: int
) -> Reservation:
    """The same units and times in the name of another company. What was said between the former one and the centre
    stays there.
    """
    if not before.handed_over:
        raise IllegalMove(f"reservation {before.id} is transferred, and {event.company} has not accepted it")
    return replace(
        before,
        version=before.version + 1,
        position=position,
        company=event.company,
        allocations=before.allocations if event.allocations == before.allocations else event.allocations,
        note="",
        override=None,
        approval=None,
        desired=None,
        participants=None,
        origin=unnamed(before.origin),
        transfer=None,
        handovers=(
            *(each for each in before.handovers if each.former not in (before.company, event.company)),
            HandedOver(before.company, event.company, at),
        ),
        overburn=event.overburn,
    )
