"""What is asked for and granted: the lines of a demand, the units behind them, and the reservation that holds them.

Frozen values cannot form cycles, so the garbage collector need not look at them (`gc=False`): there are hundreds of
thousands.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.resources import Interval
from services.allocation.values.approval import Approval
from services.allocation.values.origin import Origin
from services.allocation.values.people import Participants
from services.allocation.values.transfer import HandedOver, Outcome, Transfer


class Colocation(StrEnum):
    """How close the nodes of one line must stand."""

    ANYWHERE = "anywhere"
    NODE = "node"
    RACK = "rack"
    FABRIC_GROUP = "fabric_group"


class Line(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One line of a demand: so many units of a resource, in a shape, for all of its time or less.

    It begins `starts_after` seconds after the demand, and ends `ends_before` seconds before it. `with_operator` brings
    the operators along that are optional for the equipment.
    """

    resource: str
    units: int
    units_per_node: int = 0  # 0: fill nodes; else a gang of equal parts, one a node
    colocation: Colocation = Colocation.ANYWHERE
    starts_after: int = 0
    ends_before: int = 0
    with_operator: bool = False

    def within(self, start: int, end: int) -> Interval:
        """The time of the line in a demand for `[start, end)`."""
        return start + self.starts_after, end - self.ends_before

    def lasts(self, duration: int) -> int:
        """How many seconds the line is held in a demand of so many."""
        return duration - self.starts_after - self.ends_before


class Allocation(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The named bins behind one line of a reservation, and the spans for which they are held.

    `bins[i]` gives `amounts[i]` units. `meter` names the quota that pays, or is empty; `companion_of` names the
    equipment that brought this line along, or is empty.
    """

    resource: str
    units: int
    spans: tuple[Interval, ...]
    bins: tuple[int, ...]
    amounts: tuple[int, ...]
    meter: str = ""
    companion_of: str = ""

    @property
    def seconds(self) -> int:
        """Seconds held."""
        spans = self.spans
        return spans[0][1] - spans[0][0] if len(spans) == 1 else sum(end - start for start, end in spans)

    @property
    def unit_seconds(self) -> int:
        """Units times seconds held: what the accounts count."""
        return self.units * self.seconds

    def until(self, cut: int) -> tuple[Interval, ...]:
        """The spans that lie before `cut`."""
        return tuple((start, min(end, cut)) for start, end in self.spans if start < cut)

    def since(self, cut: int) -> tuple[Interval, ...]:
        """The spans that lie after `cut`."""
        return tuple((max(start, cut), end) for start, end in self.spans if end > cut)


def used_until(allocations: tuple[Allocation, ...], cut: int) -> tuple[Allocation, ...]:
    """The allocations without what lies after `cut`, in seconds."""
    return tuple(replace(allocation, spans=allocation.until(cut)) for allocation in allocations)


class State(StrEnum):
    """Where a reservation stands in its life. A no-show began and was given back, since nobody came."""

    live: bool
    """Whether the reservation still holds its units."""
    waiting: bool
    """Whether it holds units that are not bound yet: it has not started, and may stand elsewhere when it does."""
    given_back: bool
    """Whether it ended before it began, so that nothing of it stands in the calendars."""

    HELD = "held"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NO_SHOW = "no_show"
    DISPLACED = "displaced"
    DENIED = "denied"

    def __init__(self, word: str) -> None:
        # Worked out once: every decision and every fold asks, many times over.
        self.waiting = word in ("held", "pending", "confirmed")
        self.live = self.waiting or word == "active"
        self.given_back = word in ("cancelled", "expired", "denied")


class Condition(StrEnum):
    """How equipment was left at check-out."""

    UNSAID = ""
    GOOD = "good"
    WORN = "worn"
    DAMAGED = "damaged"


class Override(Struct, frozen=True, gc=False, kw_only=True):
    """Rules that an operator let a booking break, by their reasons, and why."""

    reasons: tuple[str, ...]
    because: str


class Overburn(Struct, frozen=True, gc=False, kw_only=True):
    """Unit-seconds of a booking that lay beyond the quota of a meter when it was decided."""

    meter: str
    unit_seconds: int


class AskedChange(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a reservation shall become once somebody agrees. Until then it stands as it is.

    `allocations` are those that it would stand on, and `beside` what is held for that beyond its own: nobody else can
    take the new place meanwhile, and the old one is not given up. What it gives back is as late as at `asked_at`.
    """

    start: int
    end: int
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]
    beside: tuple[Allocation, ...]
    expires_at: int
    asked_at: int
    approval: Approval
    note: str = ""
    excused: bool = False
    overburn: tuple[Overburn, ...] = ()


class Reservation(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A company's claim, as it stands. `version` grows with every change; `position` is the page of the last one."""

    id: str
    company: str
    state: State
    start: int
    end: int
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]
    created_at: int
    note: str = ""
    reason: str = ""  # why it was cancelled or released
    version: int = 1
    position: int = 0
    expires_at: int = 0  # when it ends by itself unless it is confirmed, or approved, before; 0 once it was
    approval: Approval | None = None  # who must agree to it, and what they said; None if nobody need
    activated_at: int = 0  # 0: not yet
    checked_in_at: int = 0  # 0: nobody has said so
    condition: Condition = Condition.UNSAID  # how the equipment was left
    hand_over: str = ""  # what whoever comes next should know
    outage: str = ""  # the last outage that moved, curtailed or displaced it
    override: Override | None = None  # what an operator let it break
    release_at: int = 0  # warned: when it is given back unless it is used more until then; 0: it is not warned
    transfer: Transfer | None = None  # the last offer to hand it over to another company
    participants: Participants | None = None  # the people of a class; None for a booking that names nobody
    desired: Interval | None = None  # when it was wanted, if it was approved for another time
    overburn: tuple[Overburn, ...] = ()  # what of it lay beyond the quota when it was booked or last changed
    asked: AskedChange | None = None  # the change of it that waits for approval
    handovers: tuple[HandedOver, ...] = ()  # whose it was, the last time of each company that it is not now
    was_booked: bool = False  # pending, it was booked before it had to be asked for anew: handed over
    origin: Origin | None = None  # what it keeps of the booking that it was split off from; None for a whole one

    @property
    def etag(self) -> str:
        """Changes whenever the reservation does."""
        return f'"{self.version}"'

    @property
    def late_from(self) -> int:
        """Whence it counts how late it is given back: its start or, for a part, where the whole began."""
        return self.start if self.origin is None else self.start - self.origin.ahead

    @property
    def binding(self) -> bool:
        """Whether giving it back may cost: it is booked, or was before it had to be asked for anew."""
        return self.state in (State.CONFIRMED, State.ACTIVE) or (self.was_booked and self.state is State.PENDING)

    @property
    def holding(self) -> tuple[Allocation, ...]:
        """What stands in the calendars: all of it; nothing of what was given back before its start, or handed over."""
        return () if self.state.given_back or self.handed_over else self.allocations

    @property
    def beside(self) -> tuple[Allocation, ...]:
        """What is held for a change that waits, beyond what it holds itself."""
        return () if self.asked is None else self.asked.beside

    @property
    def occupied(self) -> tuple[Allocation, ...]:
        """All that stands in the calendars in its name: what it holds, and what is held for a change of it."""
        if self.asked is None and self.transfer is None and not self.state.given_back:
            return self.allocations  # As of nearly all.
        return self.holding if self.asked is None else self.holding + self.asked.beside

    @property
    def as_asked(self) -> "Reservation":
        """As it would be if the change that waits were granted; itself where none waits."""
        asked = self.asked
        if asked is None:
            return self
        return replace(
            self,
            start=asked.start,
            end=asked.end,
            lines=asked.lines,
            allocations=asked.allocations,
            note=asked.note,
            overburn=asked.overburn,
            asked=None,
        )

    @property
    def to_approve(self) -> Approval | None:
        """What somebody must agree to now: the booking, or a change of it."""
        if self.asked is not None:
            return self.asked.approval
        return self.approval if self.state is State.PENDING else None

    @property
    def ends_by(self) -> int:
        """When it, or a change of it that waits, ends by itself unless somebody agrees; 0 where nothing does."""
        return self.expires_at if self.asked is None else self.asked.expires_at

    @property
    def resources(self) -> set[str]:
        """The resources that it is about."""
        return {allocation.resource for allocation in self.allocations + self.beside}

    @property
    def handed_over(self) -> bool:
        """Whether another company has just accepted it, and nothing of it is this one's any more."""
        return self.transfer is not None and self.transfer.outcome is Outcome.ACCEPTED

    @property
    def offered_to(self) -> str:
        """The company that may take it now; empty if it is offered to nobody."""
        transfer = self.transfer
        offered = transfer is not None and transfer.outcome is Outcome.OPEN and self.state is State.CONFIRMED
        return transfer.to if transfer is not None and offered else ""
