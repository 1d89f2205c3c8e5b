"""Late fees once more, told simply: hour by hour and unit by unit, in lists. It shares no code with what it checks."""

from collections import Counter
from dataclasses import dataclass, field, replace

from services.allocation import events
from services.allocation.events import Event
from services.allocation.reservations import Allocation

HOUR = 3600
FEE = 2_000
"""What an hour of a unit costs that is given back late: half its price."""

Cell = tuple[str, int]
"""A resource, and an hour."""


@dataclass
class Owed:
    """What one company gave back late at one time: in each hour so many units that nobody has booked since."""

    company: str
    cells: Counter[Cell]


@dataclass
class Held:
    """What a reservation holds."""

    company: str
    start: int
    state: str
    cells: Counter[Cell] = field(default_factory=Counter)


class NaiveFees:
    """Who owes what, after each event. `free_hours` are those before a start in which a company gives back late."""

    def __init__(self, free_hours: dict[tuple[str, str], int], returned_percent: int) -> None:
        self._free_hours = free_hours
        self._returned = FEE * returned_percent // 100
        self._held: dict[str, Held] = {}
        self._owed: list[Owed] = []
        self.charged: Counter[str] = Counter()
        self.returned: Counter[str] = Counter()

    def take(self, event: Event, at: int) -> None:
        """Fold the next event, at a time in seconds."""
        match event:
            case events.ReservationConfirmed():
                now = Held(event.company, event.start, "confirmed", cells(event.allocations))
                self._held[event.reservation_id] = now
                self._book(now.cells)
            case events.ReservationChanged():
                before = self._held[event.reservation_id]
                now = Held(before.company, event.start, before.state, cells(event.allocations))
                self._held[event.reservation_id] = now
                self._book(now.cells - before.cells)
                self._give_back(before, before.cells - now.cells, at, excused=event.excused)
            case events.ReservationCancelled():
                before = self._held.pop(event.reservation_id)
                self._give_back(before, before.cells, at, excused=event.excused)
            case events.ReservationActivated():
                self._held[event.reservation_id].state = "active"
            case events.AllocationsMoved():
                assert cells(event.allocations) == self._held[event.reservation_id].cells
            case events.ReservationReleased():
                before = replace(self._held[event.reservation_id])
                self._cut(event.reservation_id, event.released_at)
                gone = before.cells - self._held.pop(event.reservation_id).cells
                self._give_back(before, gone, at, excused=not event.late)
            case events.ReservationCurtailed():
                self._cut(event.reservation_id, event.until)
            case events.ReservationDisplaced():
                self._cut(event.reservation_id, event.displaced_at)
            case _:
                pass

    def _cut(self, name: str, until: int) -> None:
        held = self._held[name]
        held.cells = Counter({cell: units for cell, units in held.cells.items() if cell[1] * HOUR < until})

    def _give_back(self, before: Held, gone: Counter[Cell], at: int, *, excused: bool) -> None:
        if excused:
            return
        ahead = max(0, before.start - at)  # What has begun is given back as if just before.
        late = Counter(
            {cell: units for cell, units in gone.items() if ahead < self._free_hours[before.company, cell[0]] * HOUR}
        )
        self.charged[before.company] += FEE * late.total()
        self._owed.append(Owed(before.company, late))

    def _book(self, taken: Counter[Cell]) -> None:
        for cell, units in taken.items():
            left = units
            for owed in self._owed:
                matched = min(left, owed.cells[cell])
                owed.cells[cell] -= matched
                self.returned[owed.company] += matched * self._returned
                left -= matched


def cells(allocations: tuple[Allocation, ...]) -> Counter[Cell]:
    """Units by resource and hour, without what comes along."""
    found: Counter[Cell] = Counter()
    for allocation in allocations:
        for start, end in allocation.spans if not allocation.companion_of else ():
            for hour in range(start // HOUR, end // HOUR):
                found[allocation.resource, hour] += allocation.units
    return found
