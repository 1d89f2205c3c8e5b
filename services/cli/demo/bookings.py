"""The bookings to replay: a trace file of real reservations with their changes, cancellations and no-shows.

Columns that are used: booking_id, tenant, resource_class, requested_on, start_on, units, status, status_on, changes. A
booking of no units asks for nothing and is left out. There is no waiting list yet, so
time spent on one is not replayed.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from pathlib import Path

from services.cli.demo.trace import Part, opened, part_of
from services.cli.outcome import Failed, because

BOOKINGS = 7_000
"""In one part of a trace, which is replayed in about a minute on two cores."""
COLUMN = "booking_id"


class Fate(StrEnum):
    """What became of a booking, in the trace."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


@dataclass(frozen=True, kw_only=True)
class Booking:
    """One booking of a trace, in whole days: asked for, beginning, lasting so many of them, and settled."""

    id: str
    tenant: str
    kind: str
    requested: date
    start: date
    units: int
    fate: Fate
    settled: date
    changes: int


def is_bookings(path: Path) -> bool:
    """Whether a trace is one of bookings, by its first line. Raises `Failed` for a file that cannot be read."""
    try:
        with opened(path) as file:
            return COLUMN in file.readline().strip().split(",")
    except (OSError, EOFError, UnicodeDecodeError) as problem:
        raise Failed(f"cannot read the trace {path}: {because(problem)}") from problem


def read_bookings(path: Path, number: int = 1, count: int = BOOKINGS) -> Part[Booking]:
    """A part of a `.csv` or `.csv.gz` file, by the days on which bookings begin: whole days, until there are `count`.

    Raises `Failed`.
    """
    try:
        with opened(path) as file:
            found = sorted(parse(csv.DictReader(file)), key=lambda each: each.start)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as problem:
        raise Failed(f"cannot read the trace {path}: {because(problem)}") from problem
    except (KeyError, ValueError, TypeError) as problem:
        raise Failed(f"{path} is not a trace of bookings: {problem!r}") from problem
    parts: list[list[Booking]] = []
    for _, day in groupby(found, key=lambda each: each.start):
        if not parts or len(parts[-1]) >= count:
            parts.append([])
        parts[-1] += day
    return part_of(parts, number, path)


def parse(rows: Iterable[dict[str, str]]) -> Iterator[Booking]:
    """Bookings that ask for something. Raises KeyError or ValueError for a row that makes no sense."""
    for row in rows:
        booking = Booking(
            id=row["booking_id"],
            tenant=row["tenant"],
            kind=row["resource_class"],
            requested=date.fromisoformat(row["requested_on"]),
            start=date.fromisoformat(row["start_on"]),
            units=int(row["units"] or 0),
            fate=Fate(row["status"]),
            settled=date.fromisoformat(row["status_on"]),
            changes=int(row["changes"] or 0),
        )
        if booking.units > 0:
            yield booking
