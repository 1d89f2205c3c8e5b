"""What a flexible demand may come down to: fewer units, less time. A few steps of each, the fullest first."""

from collections.abc import Iterator, Sequence
from math import gcd, lcm

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.centre import Centre
from services.allocation.offering.net import moments, on_grid
from services.allocation.offering.steps import Steps
from services.allocation.rejections import Rejected
from services.allocation.reservations import Line
from services.allocation.units.demand import complete
from services.allocation.units.want import Want

VARIANTS_MAX = 12
"""Each variant costs about as much as a search."""
UNITS_STEPS_MAX = 3
"""So many steps of units, and four of the duration, where both are flexible."""
LENGTHS_SCANNED_MAX = 100
STARTS_SCANNED_MAX = 2_000
"""Lengths that no slots add up to, from so many moments on, are none."""


class Variant(Struct, frozen=True, kw_only=True):
    """Lines for so many seconds, completed; `short` tells how much less that is than the most, in seconds of it."""

    lines: tuple[Line, ...]
    duration: int
    wants: tuple[Want, ...]
    short: int


def varying(
    centre: Centre,
    lines: tuple[Line, ...],
    fewest: Sequence[int],
    lengths: tuple[int, int],
    earliest: int,
) -> Steps[list[Variant]]:
    """At most `VARIANTS_MAX`, from the most to the least of both, which are always among them.

    `fewest` has the least units of each line, `lengths` the shortest and the longest duration. What makes no sense on
    its own is left out; raises `Rejected` when the most, for the shortest time, makes none. Durations are such that
    slots begin and end with them some time after the earliest start.
    """
    shortest, longest = lengths
    most = complete(centre, lines, centre.base, centre.base + shortest)
    rungs = [_rungs(centre, line, least) for line, least in zip(lines, fewest, strict=True)]
    steps_of_units = min(max(rungs) + 1, UNITS_STEPS_MAX if longest > shortest else VARIANTS_MAX)
    durations = yield from _durations(most, lengths, earliest, VARIANTS_MAX // steps_of_units)
    found = [
        variant
        for step in range(steps_of_units)
        for duration in durations
        for variant in _variant(centre, _lines(centre, lines, rungs, step, steps_of_units), duration, lines, lengths[1])
    ]
    return sorted(found, key=lambda each: each.short)


def _rungs(centre: Centre, line: Line, least: int) -> int:
    """How many steps a line can come down."""
    return max(0, line.units - least) // _step(centre, line)


def _step(centre: Centre, line: Line) -> int:
    return lcm(centre.pools[line.resource].resource.units_step, line.units_per_node or 1)


def _lines(centre: Centre, lines: tuple[Line, ...], rungs: list[int], step: int, steps: int) -> tuple[Line, ...]:
    """All lines, so many of some equal steps further down."""
    return tuple(
        replace(line, units=line.units - most * step // max(1, steps - 1) * _step(centre, line))
        for line, most in zip(lines, rungs, strict=True)
    )


def _durations(wants: tuple[Want, ...], lengths: tuple[int, int], earliest: int, count: int) -> Steps[list[int]]:
    """At most so many durations that whole slots add up to, spread evenly, the longest first."""
    shortest, longest = lengths
    cell = gcd(*(want.pool.calendar.cell_seconds for want in wants))
    starts = moments(wants, earliest, earliest + STARTS_SCANNED_MAX * cell)
    step = cell * -(-(longest - shortest + cell) // (cell * LENGTHS_SCANNED_MAX))
    scanned = dict.fromkeys((*range(longest // cell * cell, shortest - 1, -step), shortest))
    lasting = []
    for length in scanned:
        yield
        if len(on_grid(wants, starts, length)):
            lasting.append(length)
    if len(lasting) <= count:
        return lasting or [longest]
    return [lasting[number * (len(lasting) - 1) // max(1, count - 1)] for number in range(count)]


def _variant(
    centre: Centre, lines: tuple[Line, ...], duration: int, asked: tuple[Line, ...], longest: int
) -> Iterator[Variant]:
    start = centre.base
    missing = max((full.units - line.units) / full.units for full, line in zip(asked, lines, strict=True))
    try:
        wants = complete(centre, lines, start, start + duration)
    except Rejected:
        return
    yield Variant(
        lines=lines, duration=duration, wants=wants, short=max(0, longest - duration) + int(missing * longest)
    )
