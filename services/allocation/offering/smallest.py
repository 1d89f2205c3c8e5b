"""The smallest changes that would make a yes of a refused wish: a nearer time, fewer units, a looser shape, less time.

Each is put to the real decision before it is told, so that asked as given it is granted. Another pool is never
proposed: it would be another wish.
"""

from collections.abc import Sequence
from math import lcm

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.booking.changing import change_reservation
from services.allocation.booking.creating import create_reservation
from services.allocation.centre import Centre
from services.allocation.commands import ChangeReservation, CreateReservation
from services.allocation.offering.offers import ANOTHER_TIME_HELPS
from services.allocation.offering.steps import Steps, at_once
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Colocation, Line
from services.allocation.resources import Interval
from services.allocation.wording import counted, figure, spelled

TRIES_MAX = 5
"""Decisions tried for one kind of change, so that nobody waits long behind a refusal."""
SHIFTS_MAX = 6
"""Slots that a start is shifted by, to either side."""
ENDS_MAX = 1_000

FEWER_UNITS_HELP = frozenset(
    {
        Reason.NO_CAPACITY,
        Reason.NO_PLACEMENT,
        Reason.MAINTENANCE,
        Reason.QUOTA_EXCEEDED,
        Reason.CONCURRENCY_EXCEEDED,
    }
)
LESS_TIME_HELPS = ANOTHER_TIME_HELPS | {Reason.DURATION_OUT_OF_RANGE}

Wish = CreateReservation | ChangeReservation


class Smaller(Struct, frozen=True, kw_only=True):
    """A wish that would be granted now, and how it differs from the refused one, in a sentence."""

    description: str
    lines: tuple[Line, ...]
    start: int
    end: int


class Prober:
    """Asks the real decision about variants of a wish, a limited number of times of each kind, in steps.

    `now` is the time in seconds of what was asked last. Once it has `moved`, what was found before must be asked again.
    """

    def __init__(self, centre: Centre, wish: Wish, now: int, tries: int = TRIES_MAX) -> None:
        self.centre, self._wish, self.now = centre, wish, now
        self.moved = False
        self._tries = self._left = tries
        self.lines, self.start, self.end = _asked(centre, wish)

    def anew(self) -> "Prober":
        """As often again, for another kind of change."""
        self._left = self._tries
        return self

    def grants(self, lines: tuple[Line, ...], start: int, end: int) -> Steps[bool]:
        """Whether this would be granted; False as well once enough was tried."""
        if not self._left or end <= start or self._hopeless(lines, (start, end)):
            return False
        self._left -= 1
        passed = yield
        if passed is not None:
            self.now, self.moved = passed, True
        return self.grants_now(lines, start, end)

    def grants_now(self, lines: tuple[Line, ...], start: int, end: int) -> bool:
        """Whether this would be granted as everything stands."""
        try:
            if isinstance(self._wish, CreateReservation):
                create_reservation(self.centre, replace(self._wish, lines=lines, start=start, end=end), self.now)
            else:
                change = replace(self._wish, lines=lines, start=start, end=end, duration=None)
                change_reservation(self.centre, change, self.now)
        except Rejected:
            return False
        return True

    def _hopeless(self, lines: tuple[Line, ...], span: Interval) -> bool:
        """Whether a pool that is always open is too full at some time, which takes no decision to see."""
        if not isinstance(self._wish, CreateReservation):
            return False  # What is changed makes room for itself.
        pools = [(self.centre.pools[line.resource], line.units) for line in lines]
        return any(
            pool.timetable is None and pool.most_gone(span) + units > pool.resource.capacity for pool, units in pools
        )


def smallest_changes(centre: Centre, wish: Wish, refusal: Rejected, now: int) -> tuple[Smaller, ...]:
    """At most one change of each kind."""
    return at_once(probing(Prober(centre, wish, now), refusal))


def probing(prober: Prober, refusal: Rejected, later: Sequence[Interval] = ()) -> Steps[tuple[Smaller, ...]]:
    """The same in steps. `later` are intervals that are known to be granted."""
    reasons = {violation.reason for violation in refusal.violations}
    if not reasons <= LESS_TIME_HELPS:
        return ()
    found = [
        (yield from _looser(prober.anew())) if Reason.NO_PLACEMENT in reasons else None,
        (yield from _fewer(prober.anew(), refusal)) if reasons <= FEWER_UNITS_HELP else None,
        (yield from _shifted(prober.anew(), later)) if reasons <= ANOTHER_TIME_HELPS else None,
        (yield from _shorter(prober.anew())),
    ]
    return tuple(each for each in found if each is not None)


def slot_ends(centre: Centre, lines: tuple[Line, ...], after: int, until: int) -> list[int]:
    """The moments in `(after, until)` at which a slot of every line ends, at most so many."""
    pools = [centre.pools[line.resource] for line in lines]
    step = lcm(*(pool.calendar.cell_seconds for pool in pools))
    first = after // step * step + step
    moments = range(first, min(until, first + ENDS_MAX * step), step)
    return [moment for moment in moments if all(pool.on_grid(moment, moment)[1] for pool in pools)]


def _asked(centre: Centre, wish: Wish) -> tuple[tuple[Line, ...], int, int]:
    if isinstance(wish, CreateReservation):
        return wish.lines, wish.start, wish.end
    before = centre.reservations[wish.reservation_id]
    start = before.start if wish.start is None else wish.start
    end = before.end if wish.end is None else wish.end
    lines = before.lines if wish.lines is None else wish.lines
    return lines, start, end if wish.duration is None else start + wish.duration


def _looser(prober: Prober) -> Steps[Smaller | None]:
    """The same units, standing anywhere."""
    near = [line.resource for line in prober.lines if line.colocation is not Colocation.ANYWHERE]
    lines = tuple(replace(line, colocation=Colocation.ANYWHERE) for line in prober.lines)
    if not near or not (yield from prober.grants(lines, prober.start, prober.end)):
        return None
    return Smaller(
        description=f"Let the units of {' and '.join(near)} stand anywhere.",
        lines=lines,
        start=prober.start,
        end=prober.end,
    )


def _fewer(prober: Prober, refusal: Rejected) -> Steps[Smaller | None]:
    """The most units of one line that would be granted."""
    free = {violation.subject: violation.limit for violation in refusal.violations}
    for number, line in enumerate(prober.lines):
        resource = prober.centre.pools[line.resource].resource
        step = lcm(resource.units_step, line.units_per_node or 1)
        most = yield from _most_units(prober, number, step, min(line.units - 1, free.get(line.resource, line.units)))
        if most:
            lines = _with_units(prober.lines, number, most)
            return Smaller(
                description=f"Ask for {counted(most, resource.unit)} of {line.resource} instead of "
                f"{figure(line.units, resource.unit)}.",
                lines=lines,
                start=prober.start,
                end=prober.end,
            )
    return None


def _most_units(prober: Prober, number: int, step: int, hint: int) -> Steps[int]:
    """The most units of a line, up to a hint, that would be granted; 0 if none would."""
    line = prober.lines[number]
    least = prober.centre.pools[line.resource].resource.units_min
    least = -(-least // line.units_per_node) * line.units_per_node if line.units_per_node else least
    granted, refused = -1, (hint - least) // step + 1
    middle = refused - 1  # What is free altogether comes first.
    while granted < middle < refused:
        lines = _with_units(prober.lines, number, least + middle * step)
        if (yield from prober.grants(lines, prober.start, prober.end)):
            granted = middle
        else:
            refused = middle
        middle = (granted + refused) // 2
    return least + granted * step if granted >= 0 else 0


def _with_units(lines: tuple[Line, ...], number: int, units: int) -> tuple[Line, ...]:
    return (*lines[:number], replace(lines[number], units=units), *lines[number + 1 :])


def _shifted(prober: Prober, later: Sequence[Interval]) -> Steps[Smaller | None]:
    """The same at the nearest time, earlier or later."""
    step = min(prober.centre.pools[line.resource].resource.slot_seconds for line in prober.lines)
    first = -(-prober.start // step) * step - prober.start  # On the grid of the day, wherever the wish began.
    length = prober.end - prober.start
    known = min((start - prober.start for start, end in later if (start, end - start) > (prober.start, 0)), default=0)
    shifts = sorted(
        (first + number * step for number in range(-SHIFTS_MAX, SHIFTS_MAX + 1)), key=lambda each: (abs(each), each)
    )
    for shift in shifts:
        if known and abs(shift) >= known:
            break
        start = prober.start + shift
        if shift and (yield from prober.grants(prober.lines, start, start + length)):
            known = shift
            break
    if not known:
        return None
    when = f"{spelled(abs(known))} {'later' if known > 0 else 'earlier'}"
    start = prober.start + known
    return Smaller(description=f"Start {when}.", lines=prober.lines, start=start, end=start + length)


def _shorter(prober: Prober) -> Steps[Smaller | None]:
    """From the same start, the longest that would be granted."""
    ends = slot_ends(prober.centre, prober.lines, prober.start, prober.end)
    end = yield from longest(prober, ends)
    if not end:
        return None
    return Smaller(
        description=f"End {spelled(prober.end - end)} earlier.", lines=prober.lines, start=prober.start, end=end
    )


def longest(prober: Prober, ends: Sequence[int]) -> Steps[int]:
    """The latest of some ends, in order of time, that would be granted; 0 if none would."""
    granted, refused = -1, len(ends)
    while refused - granted > 1:
        middle = (granted + refused) // 2
        if (yield from prober.grants(prober.lines, prober.start, ends[middle])):
            granted = middle
        else:
            refused = middle
    return ends[granted] if granted >= 0 else 0
