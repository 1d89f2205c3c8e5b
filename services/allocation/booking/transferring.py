"""Handing a reservation over to another company, which must agree: offered, then accepted or declined, or it lapses.

What is handed over keeps its id, its times and its units; only whose it is changes, and with it who pays. So the rules
that look at the company are asked of the one that takes it, while everything stays where it is if one of them says no.
What somebody must approve was approved for the company that asked and its purpose: it is asked for anew in the name of
the one that takes it, and keeps its place until that is decided.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation import commands, events, rules
from services.allocation.booking.approving import approval_of, requested
from services.allocation.centre import Centre
from services.allocation.events import Event, Events
from services.allocation.finding import find, missing, no_company, wrong_state
from services.allocation.limits.overburn import overburnt
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.reservations import Reservation, State
from services.allocation.units.demand import complete
from services.allocation.units.present import standing_of
from services.allocation.units.want import Want
from services.allocation.values.origin import unnamed
from services.allocation.values.transfer import Outcome

OF_THE_COMPANY = frozenset(
    {
        Reason.OUTSIDE_AGREEMENT,
        Reason.NOT_ENTITLED,
        Reason.SUSPENDED,
        Reason.ARREARS,
        Reason.REVOKED,
        Reason.NOT_QUALIFIED,
        Reason.DURATION_OUT_OF_RANGE,
        Reason.BEYOND_HORIZON,
        Reason.NO_QUOTA,
        Reason.QUOTA_EXCEEDED,
        Reason.CONCURRENCY_EXCEEDED,
    }
)
"""The rules that one company may obey and another not. The others were asked when the units were granted."""


def offer_transfer(centre: Centre, command: commands.OfferTransfer, now: int) -> Events:
    """Let another company take a reservation over, or no longer."""
    reservation = find(centre, command)
    if command.to == command.company:
        return (_ended(reservation, Outcome.WITHDRAWN),)
    if command.to not in centre.companies:
        raise no_company(command.to)
    _check_free(reservation, now)
    if reservation.offered_to:
        raise refuse(
            Reason.WRONG_STATE,
            f"It is offered to {reservation.offered_to}. Withdraw that offer first: offer it to {reservation.company}.",
            reservation.id,
        )
    expires_at = min(now + command.seconds, reservation.start)
    return (events.TransferOffered(reservation_id=reservation.id, to=command.to, expires_at=expires_at),)


def accept_transfer(centre: Centre, command: commands.AcceptTransfer, now: int) -> Events:
    """Take a reservation over, or say every rule that the new company would break."""
    reservation = _offered(centre, command, now)
    to = reservation.offered_to
    _check_free(reservation, now)
    wants, noted = tuple(_standing(centre, reservation)), list[Violation]()
    with centre.holdings.without(reservation):
        broken = tuple(_violations(centre, reservation, wants, now, noted))
        overburn = overburnt(centre, to, wants) if noted else ()
    if broken:
        raise Rejected(broken)
    # Nothing below may refuse.
    taken = replace(reservation, company=to, note="", override=None, approval=None, overburn=overburn)
    approval = approval_of(centre, to, reservation.allocations)
    return (
        events.TransferAccepted(reservation_id=reservation.id, to=to),
        events.ReservationTransferred(
            reservation_id=reservation.id,
            company=to,
            former=reservation.company,
            start=reservation.start,
            end=reservation.end,
            lines=reservation.lines,
            allocations=reservation.allocations,
            overburn=overburn,
        ),
        *((requested(centre, taken, approval, now),) if approval is not None else ()),
    )


def decline_transfer(centre: Centre, command: commands.DeclineTransfer, now: int) -> Events:
    """Do not take what is offered."""
    return (_ended(_offered(centre, command, now), Outcome.DECLINED, command.reason),)


def withdrawn(reservation: Reservation) -> Events:
    """What becomes of an open offer when its company gives the reservation back. Nothing where there is none."""
    return (_ended(reservation, Outcome.WITHDRAWN),) if reservation.offered_to else ()


def lapsed(reservation: Reservation) -> Events:
    """What becomes of an open offer whose time is over. Nothing where there is none."""
    return (_ended(reservation, Outcome.LAPSED),) if reservation.offered_to else ()


def seen_by(reservation: Reservation, company: str) -> Reservation | None:
    """A reservation as a company may see it: its own whole, of what it is offered what it would get, of others nothing.

    An empty company is the centre, which sees everything.
    """
    if company in ("", reservation.company):
        return reservation
    return offer_of(reservation) if reservation.offered_to == company else None


def told_to(reservation: Reservation, company: str) -> Reservation | None:
    """What a company is told of a change: what it may see, and once that an offer to it is over."""
    transfer = reservation.transfer
    if transfer is None or company in ("", reservation.company) or transfer.to != company:
        return seen_by(reservation, company)
    over = transfer.version == reservation.version and transfer.outcome is not Outcome.ACCEPTED
    return offer_of(reservation) if over or transfer.outcome is Outcome.OPEN else None


def offer_of(reservation: Reservation) -> Reservation:
    """A reservation as whoever may take it sees it. P8: what its company said, was told and stands on is its own."""
    return replace(
        reservation,
        note="",
        reason="",
        override=None,
        approval=None,
        allocations=(),
        outage="",
        participants=None,
        overburn=(),
        asked=None,
        origin=unnamed(reservation.origin),
    )


def _offered(centre: Centre, command: commands.AcceptTransfer | commands.DeclineTransfer, now: int) -> Reservation:
    """The reservation that is offered, to whoever asks. To everybody else it is a missing one."""
    was = centre.reservations.get(command.reservation_id)
    if command.receiver not in ("", command.company) and was is not None and was.offered_to != command.receiver:
        raise missing(command)
    reservation = find(centre, command)
    if command.receiver == reservation.company:
        raise refuse(Reason.WRONG_STATE, "It is yours. Whoever it is offered to may take it over.", reservation.id)
    if not reservation.offered_to:
        raise wrong_state(reservation, "taken over while it is offered", "It is offered to nobody.")
    if reservation.transfer is not None and reservation.transfer.expires_at <= now:
        # Time has come, though no tick has said so yet.
        raise refuse(Reason.WRONG_STATE, "The time to accept it is just over.", reservation.id)
    return reservation


def _check_free(reservation: Reservation, now: int) -> None:
    """Raises `Rejected` for what cannot be another company's any more."""
    if reservation.state is not State.CONFIRMED:
        raise wrong_state(reservation, "handed over while it is confirmed", "It has begun, ended, or is not decided.")
    if reservation.asked is not None:
        told = "A change of it waits for approval. Withdraw that first: ask for what it is."
        raise refuse(Reason.WRONG_STATE, told, reservation.id)
    if reservation.start <= now or reservation.checked_in_at:
        raise refuse(Reason.WRONG_STATE, "Its use has begun, so it stays whose it is.", reservation.id)


def _violations(
    centre: Centre, reservation: Reservation, wants: tuple[Want, ...], now: int, noted: list[Violation]
) -> Iterator[Violation]:
    """The rules that the company that it is offered to would break with these units at these times."""
    to = reservation.offered_to
    found = rules.violations(centre, centre.companies[to], wants, reservation.start, reservation.end, now, noted)
    yield from (each for each in found if each.reason in OF_THE_COMPANY)


def _standing(centre: Centre, reservation: Reservation) -> Iterator[Want]:
    """The demand with the times that it really holds: those that an operator once opened are paid for as well."""
    standing = standing_of(reservation)
    for want in complete(centre, reservation.lines, reservation.start, reservation.end):
        held = standing.get((want.resource.id, want.companion_of))
        yield want if held is None else replace(want, spans=held.spans)


def _ended(reservation: Reservation, outcome: Outcome, reason: str = "") -> Event:
    if not reservation.offered_to:
        raise refuse(Reason.WRONG_STATE, "It is offered to nobody.", reservation.id)
    return events.TransferEnded(reservation_id=reservation.id, outcome=outcome, reason=reason)
