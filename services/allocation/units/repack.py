"""Re-packing: making room by moving reservations that have not started, on paper, before anybody noticed.

For identical bins this is interval colouring: taken in order of their start, every interval finds a bin as long as no
moment holds more than there are (the greedy colouring of an interval graph is optimal). What is active stays where it
is; it began before everything that may move, so the argument holds. For shares and gangs it is a good heuristic.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.calendars.placement import parts_of
from services.allocation.calendars.places import Part, Place
from services.allocation.calendars.pool import Pool
from services.allocation.centre import Centre
from services.allocation.reservations import Allocation, Colocation, Line, Reservation
from services.allocation.resources import Interval
from services.allocation.units.present import Present
from services.allocation.units.want import Want

WAITING_MAX = 2_000
"""A pool in which more reservations wait is not arranged anew: looking through them would hold everybody up."""
MOVED_MAX = 200
"""At most so many reservations are arranged anew for one demand, so that a decision stays short."""


class Piece(Struct, frozen=True):
    """One allocation that may move, or the demand itself (without a reservation)."""

    spans: tuple[Interval, ...]
    parts: tuple[Part, ...]
    colocation: Colocation
    reservation: Reservation | None = None
    number: int = 0

    @property
    def order(self) -> tuple[int, int]:
        """By start, and the larger first among equals."""
        return self.spans[0][0], -self.units

    @property
    def units(self) -> int:
        """How much it takes."""
        return sum(part.nodes * part.bins * part.amount for part in self.parts)


def repack(
    centre: Centre,
    want: Want,
    now: int,
    moved: Mapping[str, Reservation],
    left_out: AbstractSet[str] = frozenset(),
    present: Present | None = None,
) -> tuple[Place, list[Reservation]] | None:
    """A place for the want and the reservations that make it by moving, or None. The calendar is left as it was.

    `moved` are the reservations that other lines of the same demand have moved already, as they stand by now;
    those that are `left_out` are in no calendar at the moment, nor is the `present` one, which is being changed. If
    that has begun, it keeps its units and the others make way.
    """
    pool = want.pool
    if not may_repack(want):
        return None
    if present is not None:
        left_out = left_out | {present.reservation.id}
    movable = _movable(centre, want, now, moved, left_out)
    if not movable or len(movable) > MOVED_MAX:
        return None
    asked = Piece(want.spans, want.parts, want.line.colocation)
    for piece in movable:
        pool.calendar.hold(_before(piece), -1)
    placed: list[tuple[Piece, Allocation]] = []
    try:
        bound = present if present is not None and present.bound else None
        for piece in sorted([*movable, asked], key=lambda piece: (piece is not asked or bound is None, piece.order)):
            free = pool.free_bins(piece.spans)
            if piece is asked and bound is not None:
                place = bound.place(want, free)
            else:
                place = pool.layout.place(free, piece.parts, piece.colocation)
            if place is None:
                return None
            after = _after(pool, piece, place)
            pool.calendar.hold(after)
            placed.append((piece, after))
    finally:
        for _, after in placed:
            pool.calendar.hold(after, -1)
        for piece in movable:
            pool.calendar.hold(_before(piece))
    return _result(placed)


def may_repack(want: Want) -> bool:
    """Whether arranging the pool anew could help at all: enough is free, and not too much waits."""
    pool = want.pool
    return len(pool.waiting) <= WAITING_MAX and all(
        pool.most_gone(span) + want.line.units <= pool.resource.capacity for span in want.spans
    )


def _movable(
    centre: Centre, want: Want, now: int, moved: Mapping[str, Reservation], left_out: AbstractSet[str]
) -> list[Piece]:
    """Every allocation of the resource that has not started and is tied to the wanted spans by overlaps."""
    names = [name for name in want.pool.waiting if name not in left_out]
    waiting = [
        (reservation, number)
        for reservation in (moved.get(name) or centre.reservations[name] for name in names)
        if reservation.start > now and reservation.asked is None  # What is asked of it is asked of these units.
        for number, allocation in enumerate(reservation.allocations)
        if allocation.resource == want.resource.id
    ]
    first, last = want.spans[0][0], want.spans[-1][1]
    tied: list[tuple[Reservation, int]] = []
    grew = True
    while grew:
        near = [(other, number) for other, number in waiting if other.start < last and first < other.end]
        grew = len(near) > len(tied)
        tied = near
        first = min([first, *(other.start for other, _ in near)])
        last = max([last, *(other.end for other, _ in near)])
    return [piece_of(want.pool, other, number) for other, number in tied[: MOVED_MAX + 1]]


def piece_of(pool: Pool, reservation: Reservation, number: int) -> Piece:
    """One allocation of a reservation, as it would be placed anew."""
    allocation = reservation.allocations[number]
    line = next(
        (line for line in reservation.lines if line.resource == allocation.resource and not allocation.companion_of),
        Line(resource=allocation.resource, units=allocation.units),
    )
    if line.units != allocation.units:
        # A companion was a part of this line, and what is left has no shape of its own.
        line = Line(resource=line.resource, units=allocation.units, colocation=line.colocation)
    return Piece(allocation.spans, parts_of(pool.resource, line), line.colocation, reservation, number)


def _before(piece: Piece) -> Allocation:
    assert piece.reservation is not None
    return piece.reservation.allocations[piece.number]


def _after(pool: Pool, piece: Piece, place: Place) -> Allocation:
    if piece.reservation is not None:
        return replace(_before(piece), bins=place.bins, amounts=place.amounts)
    return Allocation(
        resource=pool.resource.id,
        units=sum(place.amounts),
        spans=piece.spans,
        bins=place.bins,
        amounts=place.amounts,
    )


def _result(placed: Iterable[tuple[Piece, Allocation]]) -> tuple[Place, list[Reservation]]:
    place = Place((), ())
    changed: dict[str, Reservation] = {}
    for piece, after in placed:
        if piece.reservation is None:
            place = Place(after.bins, after.amounts)
        elif after != _before(piece):
            reservation = changed.get(piece.reservation.id, piece.reservation)
            allocations = list(reservation.allocations)
            allocations[piece.number] = after
            changed[reservation.id] = replace(reservation, allocations=tuple(allocations))
    return place, list(changed.values())
