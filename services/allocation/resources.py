"""What there is to book: resources, and how they are made up.

Everything here is a frozen value. Times are seconds since 1970-01-01 UTC, intervals half-open.
"""

from enum import StrEnum

from msgspec import Struct

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
    training_required: bool = False  # for whoever runs it without an operator
    weather_dependent: bool = False  # told only: an operator excuses a cancellation
    setup_minutes: int = 0  # told only: it lies inside the slot
    teardown_minutes: int = 0  # likewise
    fee_krw_per_slot: int = 0  # told only: rate cards say what is due
    free_cancel_hours: int = 0  # giving it back later costs, and is a strike
    no_show_grace_minutes: int = 0  # how long equipment waits for a check-in; 0: nobody need
    attributes: dict[str, str] = {}  # what else the catalogue tells, such as the room

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
