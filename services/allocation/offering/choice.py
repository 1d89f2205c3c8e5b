"""A choice among offers: what is looked for, and what is found. Nouns without rules."""

from enum import StrEnum

from msgspec import Struct

from services.allocation.commands import CreateReservation
from services.allocation.money.costing import Price
from services.allocation.rejections import Violation
from services.allocation.reservations import Line
from services.allocation.values.people import Participants


class Order(StrEnum):
    """Which offer is the better one."""

    EARLIEST = "earliest"  # the earlier start; of one start what is fullest
    CHEAPEST = "cheapest"  # the lower price; of one price the earlier start
    CLOSEST = "closest"  # what is nearer to the desired start, and to the most that was asked for


class Choice(Struct, frozen=True, kw_only=True):
    """What is looked for: the most and the least units of each line, and the longest and shortest time for them.

    All within `[earliest, latest)`. With `refused`, so many stretches of windows are told that are refused, and why.
    """

    company: str
    lines: tuple[Line, ...]
    fewest: tuple[int, ...]
    shortest: int
    longest: int
    earliest: int
    latest: int
    count: int
    order: Order = Order.EARLIEST
    desired: int = 0  # a start; 0: as early as may be
    refused: int = 0
    hold_seconds: int = 0  # The first offer is to be held for so long.
    participants: Participants | None = None  # There is to be room for everybody of a class.

    def command(self, lines: tuple[Line, ...], start: int, duration: int) -> CreateReservation:
        """The wish for one of its variants."""
        return CreateReservation(
            reservation_id="",
            company=self.company,
            start=start,
            end=start + duration,
            lines=lines,
            hold_seconds=self.hold_seconds,
            participants=self.participants,
        )


class Offered(Struct, frozen=True, kw_only=True):
    """What would be granted, and its price."""

    lines: tuple[Line, ...]
    start: int
    end: int
    price: Price | None  # None: all of it is free


class RefusedWindows(Struct, frozen=True, kw_only=True):
    """Windows of the most that was asked for, from the first start to the last, that the same rules refuse."""

    first_start: int
    last_start: int
    violations: tuple[Violation, ...]


class Explained(Struct, frozen=True, kw_only=True):
    """Which windows are refused, and why, of all that start from `first` to `last`; both are 0 if none was asked."""

    windows: tuple[RefusedWindows, ...] = ()
    first: int = 0
    last: int = 0


class Chosen(Struct, frozen=True, kw_only=True):
    """Offers of different starts, the best first; refused windows; and without any offer, what stood in the way.

    Where not everything was looked at that could be better, `searched_until` is the start before which it was.
    """

    offers: tuple[Offered, ...]
    explained: Explained = Explained()
    violations: tuple[Violation, ...] = ()
    searched_until: int = 0
