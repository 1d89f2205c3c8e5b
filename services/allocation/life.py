"""The life of a reservation: which event may follow which state, and what the reservation is after it. Pure.

Everybody who reads the log follows reservations by this one function: the scheduler to decide, the ledger to account,
the metrics to count. What an event moves in the books is the difference between before and after (`flows`).

An event of a reservation needs three things: its struct in `events`, a row in `MOVES`, and a function in `_AFTER`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.allocation import events
from services.allocation.booking.transfer import Outcome, Transfer
from services.allocation.events import ReservationEvent
from services.allocation.money.periods import Periods
from services.allocation.money.pricing import FREE, amounts
from services.allocation.reservations import Allocation, Reservation, State

MOVES: Mapping[type, Mapping[State | None, State]] = {
    events.ReservationConfirmed: {
        None: State.CONFIRMED,
        State.HELD: State.CONFIRMED,
        State.PENDING: State.CONFIRMED,
    },
    events.ReservationHeld: {None: State.HELD},
    events.ReservationExpired: {State.HELD: State.EXPIRED},
    events.ReservationChanged: {
        State.HELD: State.HELD,
        State.PENDING: State.PENDING,
        State.CONFIRMED: State.CONFIRMED,
        State.ACTIVE: State.ACTIVE,
    },
    events.ReservationRequested: {
        None: State.PENDING,
        State.HELD: State.PENDING,
        State.PENDING: State.PENDING,
        State.CONFIRMED: State.PENDING,
    },
    events.VoteCast: {State.PENDING: State.PENDING},
    events.ReservationDenied: {State.PENDING: State.DENIED},
    events.AllocationsMoved: {
        State.HELD: State.HELD,
        State.PENDING: State.PENDING,
        State.CONFIRMED: State.CONFIRMED,
        State.ACTIVE: State.ACTIVE,
    },
    events.ReservationActivated: {State.CONFIRMED: State.ACTIVE},
    events.ReservationCompleted: {State.ACTIVE: State.COMPLETED},
    events.ReservationCancelled: {
        State.HELD: State.CANCELLED,
        State.PENDING: State.CANCELLED,
        State.CONFIRMED: State.CANCELLED,
    },
    events.ReservationReleased: {State.ACTIVE: State.COMPLETED},
    events.ReservationCheckedIn: {State.CONFIRMED: State.CONFIRMED, State.ACTIVE: State.ACTIVE},
    events.ReservationMissed: {State.ACTIVE: State.NO_SHOW},
    events.ReservationWarned: {State.ACTIVE: State.ACTIVE},
    events.ReservationCurtailed: {State.ACTIVE: State.ACTIVE},
    events.ReservationDisplaced: {
        State.HELD: State.DISPLACED,
        State.PENDING: State.DISPLACED,
        State.CONFIRMED: State.DISPLACED,
        State.ACTIVE: State.DISPLACED,
    },
    events.TransferOffered: {State.CONFIRMED: State.CONFIRMED},
    events.TransferEnded: {State.CONFIRMED: State.CONFIRMED},
    events.TransferAccepted: {State.CONFIRMED: State.CONFIRMED},
    events.ReservationTransferred: {State.CONFIRMED: State.CONFIRMED},
}
"""Every legal move: what a state becomes by an event. None is a reservation that is not live, or not there yet."""


class IllegalMove(Exception):
    """An event that cannot follow the events before it. The message says which reservation, state and event."""


class Flow(Struct, frozen=True, gc=False):
    """Unit-seconds of one resource that an event moves: newly reserved, used, or given back unused."""

    resource: str
    reserved: int = 0
    used: int = 0
    released: int = 0


def follow(before: Reservation | None, event: ReservationEvent, at: int, position: int) -> Reservation:
    """The reservation after an event, at a time in seconds, on the page at `position`. Raises `IllegalMove`."""
    kind = type(event)
    state = MOVES[kind].get(before.state if before is not None else None)
    if state is None:
        was = f"is {before.state}" if before is not None else "is not live"
        raise IllegalMove(f"reservation {event.reservation_id} {was}: {kind.__struct_config__.tag} cannot follow")
    return _AFTER[kind](before, event, state, at, position)


def next_change(reservation: Reservation, grace: int = 0) -> int:
    """When time alone will change a live reservation, in seconds. It is missed without a check-in within the grace."""
    match reservation.state:
        case State.HELD | State.PENDING:
            return reservation.expires_at
        case State.ACTIVE if grace and not reservation.checked_in_at:
            return min(reservation.end, reservation.activated_at + grace)
        case State.ACTIVE if reservation.release_at:
            return min(reservation.end, reservation.release_at)
        case State.ACTIVE:
            return reservation.end
        case _ if reservation.transfer is not None and reservation.offered_to:
            return reservation.transfer.expires_at
        case _:
            return reservation.start


def flows(before: Reservation | None, after: Reservation, periods: Periods) -> list[Flow]:
    """What moves in the books between two states of a reservation. Nothing when only the place or the state changed.

    The books are kept by `periods`: what moves to another month is given back in one and reserved in the other.
    """
    if before is None:
        return [Flow(each.resource, reserved=amount) for each in after.allocations if (amount := each.unit_seconds)]
    if after.state.live:
        return _between(before.holding, after.holding, periods) if before.holding is not after.holding else []
    if before.allocations is after.allocations and after.holding:
        return [Flow(each.resource, used=amount) for each in after.allocations if (amount := each.unit_seconds)]
    released = {flow.resource: flow.released for flow in _between(before.holding, after.holding, periods)}
    used: dict[str, int] = {}
    for (resource, _), amount in _worth(after.holding, periods).items():
        used[resource] = used.get(resource, 0) + amount
    return [Flow(name, used=used.get(name, 0), released=released.get(name, 0)) for name in {**used, **released}]


def _between(before: tuple[Allocation, ...], after: tuple[Allocation, ...], periods: Periods) -> list[Flow]:
    held, holds = _worth(before, periods), _worth(after, periods)
    found: dict[str, Flow] = {}
    for key in {**held, **holds}:
        if more := holds.get(key, 0) - held.get(key, 0):
            flow = found.get(key[0]) or Flow(key[0])
            found[key[0]] = Flow(key[0], flow.reserved + max(0, more), 0, flow.released + max(0, -more))
    return list(found.values())


def _worth(allocations: tuple[Allocation, ...], periods: Periods) -> dict[tuple[str, int], int]:
    """Unit-seconds held of each resource in each month."""
    held = amounts(allocations, lambda _: FREE, periods)
    return {(each.resource, each.month): each.unit_seconds for each in held if each.unit_seconds}


def _begun(
    before: None,
    event: events.ReservationConfirmed | events.ReservationHeld | events.ReservationRequested,
    state: State,
    at: int,
    position: int,
) -> Reservation:
    return Reservation(
        id=event.reservation_id,
        company=event.company,
        state=state,
        start=event.start,
        end=event.end,
        lines=event.lines,
        allocations=event.allocations,
        created_at=at,
        note=event.note,
        position=position,
        expires_at=0 if isinstance(event, events.ReservationConfirmed) else event.expires_at,
        approval=event.approval if isinstance(event, events.ReservationRequested) else None,
        override=None if isinstance(event, events.ReservationHeld) else event.override,
        participants=event.participants,
        overburn=event.overburn,
    )


def _requested(
    before: Reservation | None, event: events.ReservationRequested, state: State, at: int, position: int
) -> Reservation:
    if before is None:
        return _begun(before, event, state, at, position)
    return replace(
        before,
        version=before.version + 1,
        position=position,
        state=state,
        expires_at=event.expires_at,
        approval=event.approval,
        was_booked=before.binding,
    )


def _voted(before: Reservation, event: events.VoteCast, state: State, at: int, position: int) -> Reservation:
    assert before.approval is not None, "what is pending waits for an approval"
    approval = before.approval.with_vote(event.vote)
    return replace(before, version=before.version + 1, position=position, approval=approval)


def _confirmed(
    before: Reservation | None, event: events.ReservationConfirmed, state: State, at: int, position: int
) -> Reservation:
    """From here on it no longer ends by itself before its start."""
    if before is None:
        return _begun(before, event, state, at, position)
    approval = before.approval
    unmoved = event.allocations == before.allocations
    return replace(
        before,
        version=before.version + 1,
        position=position,
        state=state,
        start=event.start,
        end=event.end,
        allocations=before.allocations if unmoved else event.allocations,
        expires_at=0,
        desired=event.desired,
        overburn=event.overburn,
        # Who let go of what had to be approved was approved by nobody.
        approval=approval if approval is not None and approval.granted else None,
        was_booked=False,
    )


def _changed(
    before: Reservation, event: events.ReservationChanged, state: State, at: int, position: int
) -> Reservation:
    # The very same allocations, where nothing but the note changed: nothing moves in the calendars and the books then.
    same = (before.start, before.end, before.allocations) == (event.start, event.end, event.allocations)
    return replace(
        before,
        version=before.version + 1,
        position=position,
        start=event.start,
        end=event.end,
        lines=event.lines,
        allocations=before.allocations if same else event.allocations,
        note=event.note,
        overburn=event.overburn,
        expires_at=min(before.expires_at, event.start),  # Nobody can take an offer that has begun.
    )


def _moved(before: Reservation, event: events.AllocationsMoved, state: State, at: int, position: int) -> Reservation:
    return replace(
        before,
        version=before.version + 1,
        position=position,
        allocations=event.allocations,
        outage=event.outage or before.outage,
    )


def _stepped(before: Reservation, event: ReservationEvent, state: State, at: int, position: int) -> Reservation:
    """Only the state is another one."""
    return replace(before, version=before.version + 1, position=position, state=state)


def _cancelled(
    before: Reservation,
    event: events.ReservationCancelled | events.ReservationDenied,
    state: State,
    at: int,
    position: int,
) -> Reservation:
    return replace(before, version=before.version + 1, position=position, state=state, reason=event.reason)


def _released(
    before: Reservation, event: events.ReservationReleased, state: State, at: int, position: int
) -> Reservation:
    cut = event.released_at
    return replace(
        before,
        version=before.version + 1,
        position=position,
        state=state,
        reason=event.reason,
        end=cut,
        allocations=used_until(before.allocations, cut),
        condition=event.condition,
        hand_over=event.hand_over,
    )


def _activated(
    before: Reservation, event: events.ReservationActivated, state: State, at: int, position: int
) -> Reservation:
    return replace(before, version=before.version + 1, position=position, state=state, activated_at=at)


def _checked_in(
    before: Reservation, event: events.ReservationCheckedIn, state: State, at: int, position: int
) -> Reservation:
    people = before.participants
    if people is None:
        return replace(before, version=before.version + 1, position=position, checked_in_at=at)
    return replace(
        before,
        version=before.version + 1,
        position=position,
        checked_in_at=before.checked_in_at or at,  # The first of them used it.
        participants=replace(people, present=event.present, present_ids=(*people.present_ids, *event.ids)),
    )


def _missed(before: Reservation, event: events.ReservationMissed, state: State, at: int, position: int) -> Reservation:
    return replace(
        before,
        version=before.version + 1,
        position=position,
        state=state,
        reason=event.reason,
        end=event.released_at,
        allocations=used_until(before.allocations, event.released_at),
    )


def _warned(before: Reservation, event: events.ReservationWarned, state: State, at: int, position: int) -> Reservation:
    return replace(before, version=before.version + 1, position=position, release_at=event.release_at)


def _curtailed(
    before: Reservation, event: events.ReservationCurtailed, state: State, at: int, position: int
) -> Reservation:
    return replace(
        before,
        version=before.version + 1,
        position=position,
        end=event.until,
        allocations=tuple(each for each in used_until(before.allocations, event.until) if each.spans),
        outage=event.outage,
    )


def _displaced(
    before: Reservation, event: events.ReservationDisplaced, state: State, at: int, position: int
) -> Reservation:
    cut = event.displaced_at
    return replace(
        before,
        version=before.version + 1,
        position=position,
        state=state,
        # One that never began keeps the times that it lost.
        end=cut if cut > before.start else before.end,
        allocations=tuple(each for each in used_until(before.allocations, cut) if each.spans),
        outage=event.outage,
    )


def _offered(before: Reservation, event: events.TransferOffered, state: State, at: int, position: int) -> Reservation:
    version = before.version + 1
    offer = Transfer(to=event.to, offered_at=at, expires_at=event.expires_at, version=version)
    return replace(before, version=version, position=position, transfer=offer)


def _offer_ended(before: Reservation, event: events.TransferEnded, state: State, at: int, position: int) -> Reservation:
    return _with_outcome(before, event.outcome, position)


def _accepted(before: Reservation, event: events.TransferAccepted, state: State, at: int, position: int) -> Reservation:
    return _with_outcome(before, Outcome.ACCEPTED, position)


def _with_outcome(before: Reservation, outcome: Outcome, position: int) -> Reservation:
    if before.transfer is None or before.transfer.outcome is not Outcome.OPEN:
        raise IllegalMove(f"reservation {before.id} is offered to nobody: an offer of it cannot be {outcome}")
    version = before.version + 1
    offer = replace(before.transfer, outcome=outcome, version=version)
    return replace(before, version=version, position=position, transfer=offer)


def _transferred(
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
        transfer=None,
        overburn=event.overburn,
    )


def used_until(allocations: tuple[Allocation, ...], cut: int) -> tuple[Allocation, ...]:
    """The allocations without what lies after `cut`, in seconds."""
    return tuple(replace(allocation, spans=allocation.until(cut)) for allocation in allocations)


_AFTER: Mapping[type, Callable[[Any, Any, State, int, int], Reservation]] = {
    events.ReservationConfirmed: _confirmed,
    events.ReservationHeld: _begun,
    events.ReservationExpired: _stepped,
    events.ReservationChanged: _changed,
    events.ReservationRequested: _requested,
    events.VoteCast: _voted,
    events.ReservationDenied: _cancelled,
    events.AllocationsMoved: _moved,
    events.ReservationActivated: _activated,
    events.ReservationCompleted: _stepped,
    events.ReservationCancelled: _cancelled,
    events.ReservationReleased: _released,
    events.ReservationCheckedIn: _checked_in,
    events.ReservationMissed: _missed,
    events.ReservationWarned: _warned,
    events.ReservationCurtailed: _curtailed,
    events.ReservationDisplaced: _displaced,
    events.TransferOffered: _offered,
    events.TransferEnded: _offer_ended,
    events.TransferAccepted: _accepted,
    events.ReservationTransferred: _transferred,
}
