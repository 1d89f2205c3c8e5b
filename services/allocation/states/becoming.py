"""What a reservation is after each event of its life, once the event may follow. Pure.

Every function is given the reservation before (None where it begins), the event, the state after it, the time in
seconds and the position of its page.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from services.allocation import events
from services.allocation.events import ReservationEvent
from services.allocation.reservations import Reservation, State, used_until
from services.allocation.states import asking, handing_over


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


def _confirmed(
    before: Reservation | None, event: events.ReservationConfirmed, state: State, at: int, position: int
) -> Reservation:
    """From here on it no longer ends by itself before its start."""
    if before is None:
        begun = _begun(before, event, state, at, position)
        return begun if event.origin is None else _parted(begun, event)
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


def _parted(begun: Reservation, event: events.ReservationConfirmed) -> Reservation:
    """It was booked, and approved, as a part of another one."""
    return replace(begun, origin=event.origin, created_at=event.booked_at, approval=event.approval)


def _changed(
    before: Reservation, event: events.ReservationChanged, state: State, at: int, position: int
) -> Reservation:
    # The very same allocations, where nothing but the note changed: nothing moves in the calendars and the books then.
    same = (before.start, before.end, before.allocations) == (event.start, event.end, event.allocations)
    asked, granted = before.asked, event.asked_at
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
        participants=event.participants or before.participants,
        approval=asked.approval if granted and asked is not None else before.approval,
        # A change waits on where nothing moves; anything else grants it, or has ended it before.
        asked=replace(asked, note=event.note) if same and asked is not None else None,
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


AFTER: Mapping[type, Callable[[Any, Any, State, int, int], Reservation]] = {
    events.ReservationConfirmed: _confirmed,
    events.ReservationHeld: _begun,
    events.ReservationExpired: _stepped,
    events.ReservationChanged: _changed,
    events.ReservationRequested: _requested,
    events.ChangeRequested: asking.asked,
    events.ChangeEnded: asking.ended,
    events.VoteCast: asking.voted,
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
    events.TransferOffered: handing_over.offered,
    events.TransferEnded: handing_over.offer_ended,
    events.TransferAccepted: handing_over.accepted,
    events.ReservationTransferred: handing_over.transferred,
}
"""What makes of a reservation what it is after an event, by the kind of event."""
