"""Why reserved unit-seconds came back: what of begun reservations others could have again, and what was lost. Pure.

What is cancelled, changed or handed over before its start is in neither: it is released, and nobody was kept from it.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from services.allocation import events
from services.allocation.events import ReservationEvent
from services.allocation.reservations import Reservation, State

SYSTEM = "system"
"""Who decides what nobody asked for, as entries of the log name it."""


class Reclaimed(StrEnum):
    """What gave the rest of a begun reservation back to everybody."""

    EARLY = "early"  # released or shortened by whoever held it, or for them
    IDLE = "idle"  # it was warned, and went on standing idle
    NO_SHOW = "no_show"  # nobody checked in, or no process ever ran
    REVOKED = "revoked"  # taken back for misuse


class Lost(StrEnum):
    """What took away what a company had booked, through nothing that it did."""

    OUTAGE = "outage"
    FUNDING = "funding"


Cause = Reclaimed | Lost


def cause_of(before: Reservation | None, event: ReservationEvent, actor: str) -> Cause | None:
    """Why an event, decided on behalf of an actor, gives back what it does; None where that is in neither figure."""
    find = _CAUSES.get(type(event))
    return find(before, event, actor) if find is not None and before is not None else None


def _released(before: Reservation, event: events.ReservationReleased, actor: str) -> Cause:
    if actor != SYSTEM:
        return Reclaimed.EARLY
    return Reclaimed.IDLE if before.release_at else Reclaimed.REVOKED


def _changed(before: Reservation, event: events.ReservationChanged, actor: str) -> Cause | None:
    return Reclaimed.EARLY if before.state is State.ACTIVE else None


def _missed(before: Reservation, event: events.ReservationMissed, actor: str) -> Cause:
    return Reclaimed.NO_SHOW


def _taken(before: Reservation, event: events.ReservationCurtailed | events.ReservationDisplaced, actor: str) -> Cause:
    return Lost.OUTAGE if event.outage else Lost.FUNDING


_CAUSES: Mapping[type[ReservationEvent], Callable[[Reservation, Any, str], Cause | None]] = {
    events.ReservationReleased: _released,
    events.ReservationChanged: _changed,
    events.ReservationMissed: _missed,
    events.ReservationCurtailed: _taken,
    events.ReservationDisplaced: _taken,
}
