"""What the fold of the log counts in: accounts, quotas, measured use, reservations by state. Values, no decisions."""

from msgspec import Struct

from services.allocation.reservations import State
from services.allocation.resources import Interval, Resource
from services.allocation.tables import period
from services.allocation.tables.covering import covered
from services.metrics.taken_back import Reclaimed

LIVE_STATES = tuple(state for state in State if state.live)


class Account(Struct):
    """Unit-seconds of one company on one resource since the first page. What is neither used nor released is held.

    `..._at` is the position of the page that last moved the figure; 0 before any did.
    """

    reserved: int = 0
    used: int = 0
    released: int = 0
    reserved_at: int = 0
    used_at: int = 0
    released_at: int = 0

    @property
    def held(self) -> int:
        """Reserved, and neither used nor given back yet."""
        return self.reserved - self.used - self.released


class Period(period.Period):
    """A quota and the unit-seconds of its meter that are booked within its period."""

    def book(self, units: int, spans: tuple[Interval, ...], sign: int = 1) -> None:
        """Count the part of the spans that lies in the period, or with `sign` -1 stop counting it."""
        self.booked += sign * units * covered(self.quota, spans)

    def spent_at(self, now: int) -> int | None:
        """When the quota will be booked up, in seconds, if booking goes on as since the period began; None if never."""
        if self.booked <= 0:
            return None
        return self.quota.start + (now - self.quota.start) * self.quota.unit_seconds // self.booked


class Measured(Struct):
    """Unit-seconds of one company on one resource whose use is known, those of work, and those that lay idle.

    `at` is the position of the page that last moved them.
    """

    seconds: int = 0
    busy: int = 0
    idle: int = 0
    at: int = 0


class Tally(Struct):
    """Unit-seconds, and the position of the page that last moved them; 0 before any did."""

    unit_seconds: int = 0
    at: int = 0

    def add(self, unit_seconds: int, page: int) -> None:
        """Count some more, moved by a page."""
        self.unit_seconds += unit_seconds
        self.at = page


class PoolUsage(Struct):
    """A resource, its live reservations by state, how many ever entered each state, and the page of the last one.

    `taken_up` counts the reservations that were, or were not, in use soon after their start, where that is known;
    `reclaimed` is what was given back of those that had begun.
    """

    resource: Resource
    live: dict[State, int]
    entered: dict[State, int]
    entered_at: dict[State, int]
    taken_up: dict[bool, int]
    reclaimed: dict[Reclaimed, Tally]
