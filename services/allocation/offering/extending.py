"""Extension offers: until when a reservation could be extended now, and steps on the way there."""

from msgspec.structs import replace

from services.allocation.booking.changing import change_reservation
from services.allocation.centre import Centre
from services.allocation.commands import ChangeReservation
from services.allocation.measures import DAY_SECONDS
from services.allocation.offering.offers import Found
from services.allocation.offering.smallest import Prober, longest, slot_ends
from services.allocation.offering.steps import Steps, at_once
from services.allocation.rejections import Rejected, Violation
from services.allocation.reservations import Reservation
from services.allocation.rules import reach

EXTENSION_DAYS_MAX = 31
"""Extensions are looked for as far ahead as this, or as the terms of the centre allow for what has begun."""

TRIES_MAX = 32
"""Decisions tried in one search."""


def extensions(centre: Centre, reservation: Reservation, count: int, latest: int, now: int) -> Found:
    """At most `count` intervals from its start on, the last of them to the latest end that would be granted now.

    When there is none, the rules that stand in the way of one more slot. `latest` is the latest end that is wanted, in
    seconds.
    """
    return at_once(extending(centre, reservation, count, latest, now))


def extending(centre: Centre, reservation: Reservation, count: int, latest: int, now: int) -> Steps[Found]:
    """The same in steps."""
    until = min(reservation.end + EXTENSION_DAYS_MAX * DAY_SECONDS, reach(centre, now), latest)
    ends = slot_ends(centre, reservation.lines, reservation.end, until + 1)
    wish = ChangeReservation(reservation_id=reservation.id, company=reservation.company)
    prober = Prober(centre, wish, now, TRIES_MAX)
    end = yield from longest(prober, ends)
    if not end:
        violations = _obstacles(centre, replace(wish, end=ends[0]), prober.now) if ends else ()
        return Found(intervals=(), violations=violations)
    granted = [each for each in ends if each <= end]
    chosen = sorted({granted[(number + 1) * len(granted) // count - 1] for number in range(count)} & set(granted))
    asked = list(chosen)
    for each in chosen:
        if each != end and not (yield from prober.grants(prober.lines, prober.start, each)):
            asked.remove(each)
    if prober.moved:
        asked = [each for each in asked if prober.grants_now(prober.lines, prober.start, each)]
    return Found(intervals=tuple((reservation.start, each) for each in asked))


def _obstacles(centre: Centre, wish: ChangeReservation, now: int) -> tuple[Violation, ...]:
    try:
        change_reservation(centre, wish, now)
    except Rejected as refusal:
        return refusal.violations
    return ()
