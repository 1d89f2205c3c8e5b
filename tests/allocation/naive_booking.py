"""What the naive model speaks of: bookings as half-hours in bags, and what is out. It shares no code with the rules."""

from collections import Counter
from dataclasses import dataclass, field

CELL = 1800
DAY, HOUR = 86_400, 3600
HOLDS_MAX = 5
GIVEN_BACK = ("cancelled", "expired", "denied")
NEVER = 2**40


@dataclass
class Booking:
    """A reservation: for every resource, what it holds in every half-hour, and which of that is paid on which meter."""

    company: str
    start: int
    end: int
    held: Counter[tuple[str, int]]
    paid: Counter[tuple[str, int]]
    own: tuple[str, ...] = ()
    state: str = "confirmed"
    expires: int = 0
    activated_at: int = 0
    checked_in: bool = False
    votes: dict[str, bool] = field(default_factory=dict)
    cut: int = NEVER  # nothing is held or paid from here on
    wants: tuple[tuple[str, int, str], ...] = ()
    agreed: tuple[int, int] | None = None  # the other time that those who agreed agreed to
    offered_to: str = ""  # the company that may take it over
    offered_until: int = 0
    ahead: int = 0  # how much earlier than it begins the booking began that it was split off from
    was_booked: bool = False  # before it was handed over and asked for anew
    people: int = 0  # of a class
    present: int = 0


@dataclass
class Out:
    """Nodes that are out for a while, by their resource; an outage without end ends never."""

    kind: str
    start: int
    end: int
    nodes: dict[str, set[int]]


@dataclass
class Gift:
    """Unit-seconds that an operator gave a company out of a reserve, for its quota that begins then."""

    company: str
    start: int
    unit_seconds: int
    reversed: bool = False


@dataclass
class Bill:
    """A bill that is overdue: what followed from it already, after how many months."""

    krw: int
    since: int
    reached: set[int] = field(default_factory=set)
    suspends: bool = False
