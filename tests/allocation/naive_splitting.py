"""The rules of splitting a booking once more, told simply. It shares no code with what it checks."""

from dataclasses import dataclass

from msgspec.structs import replace

from services.allocation.rejections import Reason
from services.allocation.reservations import Line
from services.allocation.resources import Unit
from tests.allocation.naive import Naive
from tests.allocation.naive_booking import CELL, Booking

Wish = tuple[tuple[Line, ...], int, int]
Piece = tuple[Line, int, int]
"""A line, and from when to when it is held."""


@dataclass
class Parts:
    """What stays and what leaves, as a wish each, or every reason against that."""

    rest: Wish = ((), 0, 0)
    part: Wish = ((), 0, 0)
    reasons: frozenset[Reason] = frozenset()
    uneven: bool = False  # the two need something else than the whole, and a reason that says so is enough


def parts(
    naive: Naive, name: str, lines: tuple[Line, ...], cut: int | tuple[str, int], override: tuple[str, ...], now: int
) -> Parts:
    """What a booking would become when it is split at a time, or when so many units of a resource leave.

    What an operator let it break, its parts may break too.
    """
    booking = naive.bookings[name]
    free = booking.state == "confirmed" and booking.start > now and not (booking.checked_in or booking.people)
    if not free or booking.offered_to or naive.waits(name):
        return _refused(Reason.WRONG_STATE)
    whole = [(line, booking.start + line.starts_after, booking.end - line.ends_before) for line in lines]
    if isinstance(cut, int):
        stays, leaves = _by_time(naive, booking, whole, cut)
        if not (stays and leaves):
            return _refused(Reason.INVALID_INTERVAL)
    else:
        resource, units = cut
        if units > next(line.units for line in lines if line.resource == resource):
            return _refused(Reason.INVALID_UNITS)
        stays, leaves = _by_units(whole, resource, units)
        if not stays:
            return _refused(Reason.INVALID_LINES)
    if min(start for _, start, _ in stays) != booking.start:
        return _refused(Reason.INVALID_LINES)
    return _judged(naive, name, _wish(stays), _wish(leaves), override)


def _refused(reason: Reason) -> Parts:
    return Parts(reasons=frozenset({reason}))


def _by_time(naive: Naive, booking: Booking, whole: list[Piece], at: int) -> tuple[list[Piece], list[Piece]]:
    """By half-hours: neither part has any before its first that is open, or after its last."""
    stays, leaves = [], []
    for line, start, end in whole:
        cells = naive.spans(line.resource, start, end) if line.resource in booking.own else set(range(start, end, CELL))
        before, after = [cell for cell in cells if cell < at], [cell for cell in cells if cell >= at]
        if before:
            stays.append((line, start, max(before) + CELL if after else end))
        if after:
            leaves.append((line, min(after) if before else start, end))
    return stays, leaves


def _by_units(whole: list[Piece], resource: str, units: int) -> tuple[list[Piece], list[Piece]]:
    stays, leaves = [], []
    for line, start, end in whole:
        gone = units if line.resource == resource else 0
        stays += [(replace(line, units=line.units - gone), start, end)] if gone < line.units else []
        leaves += [(replace(line, units=gone), start, end)] if gone else []
    return stays, leaves


def _wish(pieces: list[Piece]) -> Wish:
    first, last = min(start for _, start, _ in pieces), max(end for _, _, end in pieces)
    lines = tuple(replace(line, starts_after=start - first, ends_before=last - end) for line, start, end in pieces)
    return lines, first, last


def _judged(naive: Naive, name: str, rest: Wish, part: Wish, override: tuple[str, ...]) -> Parts:
    """Both, and what forbids either of them; the part once the rest is what it is."""
    if any(_shapeless(naive, line) for line in rest[0] + part[0]):
        return _refused(Reason.INVALID_UNITS)
    booking = naive.bookings[name]
    kept, gone = (naive.booking(booking.company, *wish) for wish in (rest, part))
    if (kept.held + gone.held, kept.paid + gone.paid) != (booking.held, booking.paid):
        return Parts(uneven=True)
    del naive.bookings[name]
    found = _alone(naive, booking.company, rest)
    naive.bookings[name] = kept
    found |= _alone(naive, booking.company, part)
    naive.bookings[name] = booking
    return Parts(rest, part, frozenset(found - set(override)))


def _shapeless(naive: Naive, line: Line) -> bool:
    """Whether nobody could ask for so many units."""
    resource = naive.resources[line.resource]
    least, step = resource.units_min, resource.units_step
    if line.units < least or (line.units - least) % step:
        return True
    over = line.units % (resource.bins_per_node * resource.bin_capacity)
    return resource.unit is Unit.MILLI_GPU and over > resource.bin_capacity and over % resource.bin_capacity > 0


def _alone(naive: Naive, company: str, wish: Wish) -> set[Reason]:
    """What forbids a booking to stand by itself, though all of it was had before."""
    lines, start, end = wish
    found = set()
    for resource, _, parent in naive.wants(lines):
        if not parent:
            line = next(each for each in lines if each.resource == resource)
            window = (start + line.starts_after, end - line.ends_before)
            found |= naive.boundaries(naive.resources[resource], *window) | naive.batch(company, resource, *window)
        found |= naive.groups(resource, lines, naive.cells_of(resource, parent, lines, start, end))
    return found
