"""The nouns of the centre: resources, companies, quotas, demands and what is granted to them.

Everything here is a frozen value. Times are seconds since 1970-01-01 UTC, intervals half-open. Frozen values cannot
form cycles, so the garbage collector need not look at them (`gc=False`): there are hundreds of thousands.
"""

from enum import StrEnum

from msgspec import Struct

from services.allocation.booking.approval import Approval
from services.allocation.booking.people import Participants
from services.allocation.booking.transfer import Outcome, Transfer

Interval = tuple[int, int]


class Kind(StrEnum):
    """What sort of thing a resource is."""

    COMPUTE = "compute"
    EQUIPMENT = "equipment"
    OPERATORS = "operators"


class Unit(StrEnum):
    """What a resource counts."""

    NODE = "node"
    GPU = "gpu"
    MILLI_GPU = "milli-gpu"
    CORE = "core"
    SEAT = "seat"
    OPERATOR = "operator"

    @property
    def plural(self) -> str:
        """For sentences; of thousandths of a GPU people speak as of GPUs."""
        return "GPUs" if self in (Unit.GPU, Unit.MILLI_GPU) else f"{self.value}s"


class Node(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One server, seat or person: a name, and where it stands."""

    id: str
    rack: str = ""
    zone: str = ""
    fabric_group: str = ""
    valid_from: int = 0  # it arrives then; 0: it is there
    valid_until: int = 0  # it retires then; 0: it stays


class OpeningHours(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A weekly timetable in minutes after local midnight; `closes` past 1,440 runs into the next day.

    `weekdays` counts Monday as 0. Slots start at `opens`, and again at the end of the break.
    """

    weekdays: tuple[int, ...]
    opens: int
    closes: int
    break_starts: int = 0
    break_ends: int = 0


class Closure(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Nodes of one zone (or all, when empty) taken out for a while, for a reason."""

    start: int
    end: int
    zone: str = ""
    reason: str = ""


class Companion(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a piece of equipment cannot run without: so many units of another resource, for the same slots.

    With `edges` only for the first and the last of them: somebody who starts the run, and ends it. `optional` are
    operators who come along for whoever asks for one.
    """

    resource: str
    units: int
    edges: bool = False
    optional: bool = False


class BatchLimits(Struct, frozen=True, gc=False, kw_only=True):
    """What one company may have on a pool of batch work: so many reservations, of more than so many hours fewer."""

    reservations_max: int
    long_hours: int
    long_at_once_max: int


class Resource(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Anything bookable: identical nodes of `bins_per_node` bins, each of `bin_capacity` units."""

    id: str
    kind: Kind
    unit: Unit
    nodes: tuple[Node, ...]
    slot_minutes: int
    time_zone: str
    bins_per_node: int = 1
    bin_capacity: int = 1
    units_min: int = 1
    units_step: int = 1
    slots_max: int = 0  # 0: the company's own terms decide
    notice_hours: int = 0
    horizon_days: int = 0  # 0: the company's own terms decide
    hours: OpeningHours | None = None  # None: always open
    closed_days: tuple[str, ...] = ()  # ISO dates in the resource's zone
    closures: tuple[Closure, ...] = ()
    companions: tuple[Companion, ...] = ()
    only_with: str = ""
    exclusive_group: str = ""
    changeover_minutes: int = 0
    quota_required: bool = False
    approval: str = ""  # who approves a booking: a `Rule`; empty is auto
    approval_hours: int = 0  # how long they may take; 0: until the start
    approval_voters: int = 1
    approval_quorum: int = 1  # how many of them must agree
    human_subjects: bool = False  # an approval names the review that allows it
    batch: BatchLimits | None = None  # limits of each company, besides its own terms
    data_zone: str = "open"
    in_service: bool = True
    display_name: str = ""
    local_name: str = ""
    # Told by the catalogue and kept, but not enforced yet; the README lists them.
    training_required: bool = False
    weather_dependent: bool = False
    setup_minutes: int = 0
    teardown_minutes: int = 0
    fee_krw_per_slot: int = 0
    free_cancel_hours: int = 0
    no_show_grace_minutes: int = 0
    attributes: dict[str, str] = {}

    @property
    def units_per_node(self) -> int:
        """Units in one node."""
        return self.bins_per_node * self.bin_capacity

    @property
    def capacity(self) -> int:
        """Units installed."""
        return len(self.nodes) * self.units_per_node

    @property
    def slot_seconds(self) -> int:
        """Length of one bookable slot, in seconds."""
        return self.slot_minutes * 60

    def bin_name(self, index: int) -> str:
        """The name that people use for a bin, such as `a100-dev-003/5`."""
        node, place = divmod(index, self.bins_per_node)
        return self.nodes[node].id if self.bins_per_node == 1 else f"{self.nodes[node].id}/{place}"


class Company(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A tenant and the terms of its agreement with the centre."""

    id: str
    display_name: str
    local_name: str = ""
    programme: str = ""
    industry: str = ""
    agreement_start: int
    agreement_end: int
    notice_hours: int = 0  # compute
    horizon_days: int = 30  # compute
    reservation_days_max: int = 7  # compute
    certified: bool = False  # may use resources of a restricted data zone
    gpus_unapproved: int = 0  # more of them in one booking need a manager's approval; 0: none do
    gpus_max: int = 0  # in one booking; 0: as many as it has quota for
    gpus_approval_hours: int = 0  # how long that approval may take; 0: until the start
    attributes: dict[str, str] = {}


EQUIPMENT_METER = "equipment"
"""The one meter that every piece of equipment counts on; a compute pool's meter is the pool's own id."""
CORRECTIONS = "corrections"
"""Where the books keep what is about no resource."""


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


class State(StrEnum):
    """Where a reservation stands in its life. A no-show began and was given back, since nobody came."""

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

    @property
    def live(self) -> bool:
        """Whether the reservation still holds its units."""
        return self in _LIVE

    @property
    def waiting(self) -> bool:
        """Whether it holds units that are not bound yet: it has not started, and may stand elsewhere when it does."""
        return self in _WAITING


# Tuples, for a member of an enumeration is found in them faster than in a set.
_WAITING = (State.CONFIRMED, State.PENDING, State.HELD)
_LIVE = (State.ACTIVE, *_WAITING)
_GIVEN_BACK = (State.CANCELLED, State.EXPIRED, State.DENIED)


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

    @property
    def etag(self) -> str:
        """Changes whenever the reservation does."""
        return f'"{self.version}"'

    @property
    def holding(self) -> tuple[Allocation, ...]:
        """What stands in the calendars: all of it; nothing of what was given back before its start, or handed over."""
        return () if self.state in _GIVEN_BACK or self.handed_over else self.allocations

    @property
    def resources(self) -> set[str]:
        """The resources that it is about."""
        return {allocation.resource for allocation in self.allocations}

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


class Quota(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a company may hold on one meter in one period: unit-seconds in all, and units at once."""

    company: str
    meter: str
    start: int
    end: int
    unit_seconds: int
    concurrent_units_max: int = 0  # 0: no limit at once
    reclaimed: int = 0  # unit-seconds that it had and lost, since too little was used
