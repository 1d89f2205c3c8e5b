"""Explaining a refusal: what would be granted instead, at other times and with the smallest changes."""

from msgspec import Struct

from services.allocation.centre import Centre
from services.allocation.commands import CreateReservation
from services.allocation.offering.offers import seeking_alternatives
from services.allocation.offering.smallest import LESS_TIME_HELPS, Prober, Smaller, Wish, probing
from services.allocation.offering.steps import Steps, noting
from services.allocation.rejections import Rejected
from services.allocation.resources import Interval


class Instead(Struct, frozen=True):
    """What would be granted instead of what was refused, asked as given."""

    alternatives: tuple[Interval, ...] = ()
    smallest: tuple[Smaller, ...] = ()


def explaining(centre: Centre, wish: Wish, refusal: Rejected, now: int) -> Steps[Instead]:
    """What would be granted instead, in steps: other times for what is new, and the smallest changes of any wish."""
    if not {each.reason for each in refusal.violations} <= LESS_TIME_HELPS:
        return Instead()
    if not isinstance(wish, CreateReservation) and wish.reservation_id not in centre.reservations:
        return Instead()  # It ended before it was our turn.
    times: list[int] = []
    later: tuple[Interval, ...] = ()
    if isinstance(wish, CreateReservation):
        later = yield from noting(seeking_alternatives(centre, wish, refusal, now), times.append)
    prober = Prober(centre, wish, times[-1] if times else now)
    smallest = yield from probing(prober, refusal, later)
    if times or prober.moved:
        later = tuple(each for each in later if prober.grants_now(prober.lines, *each))
        smallest = tuple(each for each in smallest if prober.grants_now(each.lines, each.start, each.end))
    return Instead(later, smallest)
