"""Series once more, told simply: a rule by the day, in a zone whose clock never changes. It shares no code either."""

from dataclasses import dataclass, field

from services.allocation.reservations import Line
from tests.allocation.naive import Naive
from tests.allocation.naive_booking import DAY, HOUR, NEVER

SEOUL = 9 * HOUR


@dataclass
class Entry:
    """What a series says of one day: asked for like this, and booked under a name, or skipped without one."""

    name: str
    start: int
    length: int
    lines: tuple[Line, ...]
    people: int = 0


@dataclass
class Repeated:
    """A series: from its first time on, so many days."""

    company: str
    lines: tuple[Line, ...]
    length: int
    first: int
    count: int
    people: int = 0  # Each day is a class of so many, or none.
    entries: dict[int, Entry] = field(default_factory=dict)
    gone_from: int = NEVER

    def times(self) -> list[int]:
        """Every time of the rule."""
        return [self.first + number * DAY for number in range(self.count)]


@dataclass
class Wish:
    """A change: from when on, by how much later, for how long, of what, for how many days more, and for whom."""

    since: int
    hours: float
    length: int | None
    lines: tuple[Line, ...] | None
    more: int
    overwrites: bool
    people: int = 0  # 0: as many as they are


@dataclass
class Ask:
    """What a change asks of one day: a booking under a name to be another, or without one a new booking."""

    company: str
    name: str
    lines: tuple[Line, ...]
    start: int
    end: int
    entry: Entry
    people: int = 0


def day_of(moment: int) -> int:
    """The local day."""
    return (moment + SEOUL) // DAY


def changed(series: Repeated, wish: Wish) -> Repeated:
    """The series as it is asked for."""
    return Repeated(
        series.company,
        series.lines if wish.lines is None else wish.lines,
        series.length if wish.length is None else wish.length,
        series.first + int(wish.hours * HOUR),
        series.count + wish.more,
        wish.people or series.people,
        gone_from=series.gone_from,
    )


Lines = tuple[Line, ...]


@dataclass
class Plan:
    """The days that are left alone, the bookings that are given back, and what is asked of the other days."""

    left: dict[int, Entry] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    possible: bool = False


def plan(naive: Naive, lines_of: dict[str, Lines], series: Repeated, wish: Wish, now: int) -> Plan:
    """What a change means for each day."""
    after, found, homeless = changed(series, wish), Plan(), []
    rule_changes = bool(wish.hours or wish.more)
    by_day = {day_of(start): start for start in after.times()}
    for day, entry in series.entries.items():
        stays = not rule_changes or day in by_day
        if not to_come(naive, series, entry, max(wish.since, now + 1)):
            found.left[day] = entry
            continue
        found.possible = True
        if entry.name and stays:
            found.asks.append(_of(naive, lines_of, entry, wish, by_day[day] if wish.hours else None))
        elif entry.name:
            homeless.append(entry)
        elif rule_changes and stays:
            found.asks.append(anew(after, by_day[day]))
        elif not rule_changes and wish.lines is None and wish.length is None and not wish.people:
            found.left[day] = entry
        elif not rule_changes:
            found.asks.append(anew(after, entry.start))
    fresh = [
        start for day, start in by_day.items() if day not in series.entries and _may_begin(series, wish, start, now)
    ]
    fresh = fresh if rule_changes else []
    found.asks += [_of(naive, lines_of, entry, wish, start) for entry, start in zip(homeless, fresh, strict=False)]
    found.dropped = [entry.name for entry in homeless[len(fresh) :]]
    found.asks += [anew(after, start) for start in fresh[len(homeless) :]]
    found.possible |= bool(fresh)
    return found


def _may_begin(series: Repeated, wish: Wish, start: int, now: int) -> bool:
    return start > now and day_of(start) >= day_of(max(wish.since, now)) and start < series.gone_from


def to_come(naive: Naive, series: Repeated, entry: Entry, since: int) -> bool:
    """Whether a day can still be changed."""
    if not entry.name:
        return entry.start >= since
    return waits(naive, series, entry) and naive.bookings[entry.name].start >= since


def waits(naive: Naive, series: Repeated, entry: Entry) -> bool:
    """Whether what is booked has not begun, and is still the company's."""
    booking = naive.bookings[entry.name]
    return booking.state in ("held", "pending", "confirmed") and booking.company == series.company


def anew(after: Repeated, start: int) -> Ask:
    """What is asked of a day that is not booked."""
    entry = Entry("", start, after.length, after.lines, after.people)
    return Ask(after.company, "", after.lines, start, start + after.length, entry, after.people)


def _of(naive: Naive, lines_of: dict[str, Lines], entry: Entry, wish: Wish, start: int | None) -> Ask:
    """What is asked of a booking: the series' wish, but for what was changed of it alone."""
    booking, lines = naive.bookings[entry.name], lines_of[entry.name]
    stands, end = booking.start, booking.end
    if naive.waits(entry.name):  # It is what it shall be.
        lines, stands, end = naive.asked[entry.name].wish
    length = end - stands
    begins, lasts = stands, length
    if start is not None and (wish.overwrites or stands == entry.start):
        begins = start
    if wish.length is not None and (wish.overwrites or length == entry.length):
        lasts = wish.length
    if wish.lines is not None and (wish.overwrites or lines == entry.lines):
        lines = wish.lines
    wanted = Entry(
        entry.name,
        entry.start if start is None else start,
        entry.length if wish.length is None else wish.length,
        entry.lines if wish.lines is None else wish.lines,
        wish.people or entry.people,
    )
    follows = wish.people and (wish.overwrites or booking.people == entry.people)
    return Ask(
        booking.company, entry.name, lines, begins, begins + lasts, wanted, wish.people if follows else booking.people
    )


def at(entry: Entry, start: int) -> Entry:
    """The same at another time of its day."""
    return Entry(entry.name, start, entry.length, entry.lines, entry.people)
