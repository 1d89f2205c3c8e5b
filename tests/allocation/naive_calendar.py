"""What there is, what is held of it and what is free, told simply: half-hours in sets, counted one by one."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.allocation.companies import Company, Quota
from services.allocation.rejections import Reason
from services.allocation.reservations import Line
from services.allocation.resources import Kind, Resource
from services.allocation.values.terms import Terms
from tests.allocation.naive_booking import CELL, GIVEN_BACK, HOUR, NEVER, Bill, Booking, Gift, Out


class NaiveCalendar:
    """What is booked, and what is left."""

    def __init__(
        self, resources: Iterable[Resource], companies: Iterable[Company], quotas: Iterable[Quota], terms: Terms
    ) -> None:
        self.resources = {each.id: each for each in resources}
        self.companies = {each.id: each for each in companies}
        self.quotas = list(quotas)
        self.terms = terms
        self.strikes: dict[str, list[int]] = {}
        self.late: set[str] = set()
        self.suspended: dict[str, int] = {}
        self.bills: dict[str, dict[str, Bill]] = {}  # by company and month
        self.surcharged: dict[str, int] = {}  # KRW
        self.misused: set[str] = set()
        self.exempted: set[tuple[str, int]] = set()  # companies, and the reviews that pass them by
        self.reviewed: set[tuple[str, int]] = set()
        self.gifts: dict[str, Gift] = {}  # out of the reserves, by the correction's id
        self.bookings: dict[str, Booking] = {}
        self.asked: dict[str, Any] = {}  # the changes that wait: see `naive_asking`
        self.beside: dict[str, Booking] = {}  # and what is held for each beside what stands
        self.outages: dict[str, Out] = {}
        self.away: list[Out] = []  # what has not arrived or has retired
        self.funding: dict[str, dict[int, int]] = {}  # units by resource, from a time on
        self._open: dict[str, dict[int, str]] = {name: dict(self._cells(each)) for name, each in self.resources.items()}

    def _cells(self, resource: Resource) -> Iterator[tuple[int, str]]:
        """Every open half-hour of some weeks, marked if a slot starts or ends there."""
        zone, hours = ZoneInfo(resource.time_zone), resource.hours
        if resource.kind is Kind.COMPUTE:
            return
        for number in range(40):
            day = datetime(2026, 2, 20, tzinfo=zone) + timedelta(days=number)
            resting = hours is not None and day.weekday() not in hours.weekdays
            if resting or day.date().isoformat() in resource.closed_days:
                continue
            midnight = int(day.timestamp())
            opens, closes = (hours.opens, hours.closes) if hours else (0, 1440)
            pauses = (hours.break_starts, hours.break_ends) if hours and hours.break_ends else (closes, closes)
            for first, last in ((opens, pauses[0]), (pauses[1], closes)):
                moment = midnight + first * 60
                while moment + resource.slot_minutes * 60 <= midnight + last * 60:
                    for cell in range(moment, moment + resource.slot_minutes * 60, CELL):
                        ends = cell + CELL == moment + resource.slot_minutes * 60
                        yield cell, ("s" if cell == moment else "") + ("e" if ends else "")
                    moment += resource.slot_minutes * 60

    def spans(self, name: str, start: int, end: int) -> set[int]:
        """The half-hours of an interval in which a resource is held."""
        cells = range(start, end, CELL)
        return set(cells) if self.resources[name].kind is Kind.COMPUTE else {c for c in cells if c in self._open[name]}

    def wants(self, lines: Iterable[Line]) -> list[tuple[str, int, str]]:
        """Resource, units, and the equipment that brings it, with companions."""
        asked = {line.resource: line.units for line in lines}
        operated = {line.resource for line in lines if line.with_operator}
        found: list[tuple[str, int, str]] = []
        brought: Counter[str] = Counter()
        for name in reversed([name for name in self.resources if name in asked]):
            own = asked[name] - brought[name]
            if own > 0:
                found.append((name, own, ""))
                for companion in self.resources[name].companions:
                    if companion.optional and name not in operated:
                        continue
                    found.append((companion.resource, companion.units * own, name))
                    brought[companion.resource] += companion.units * own
        return found

    def cells_of(self, name: str, parent: str, lines: Iterable[Line], start: int, end: int) -> set[int]:
        """The half-hours for which a want is held: those of its line, or of the equipment that brings it."""
        line = next(each for each in lines if each.resource == (parent or name))
        cells = self.spans(parent or name, start + line.starts_after, end - line.ends_before)
        if parent and any(each.resource == name and each.edges for each in self.resources[parent].companions):
            slot, ordered = self.resources[parent].slot_minutes * 60 // CELL, sorted(cells)
            return {*ordered[:slot], *ordered[-slot:]}
        return cells

    def booking(self, company: str, lines: Iterable[Line], start: int, end: int) -> Booking:
        """The booking that a wish would be."""
        held: Counter[tuple[str, int]] = Counter()
        paid: Counter[tuple[str, int]] = Counter()
        for name, units, parent in self.wants(lines):
            meter = self._meter(self.resources[name]) if not parent else ""
            for cell in self.cells_of(name, parent, lines, start, end):
                held[name, cell] += units
                if meter:
                    paid[meter, cell] += units
        own = tuple(name for name, _, parent in self.wants(lines) if not parent)
        return Booking(company, start, end, held, paid, own, wants=tuple(self.wants(lines)))

    @staticmethod
    def _meter(resource: Resource) -> str:
        if resource.kind is Kind.COMPUTE:
            return resource.id if resource.quota_required else ""
        return "equipment" if resource.kind is Kind.EQUIPMENT and not resource.only_with else ""

    def live(self) -> list[Booking]:
        """Everything that holds anything, now or in the past."""
        beside = [each for name, each in self.beside.items() if self.waits(name)]
        return [each for each in self.bookings.values() if each.state not in GIVEN_BACK] + beside

    def waits(self, name: str) -> bool:
        """Whether a change of a booking waits."""
        booking = self.bookings.get(name)
        return name in self.asked and booking is not None and booking.state in ("confirmed", "active")

    def drop(self, name: str) -> None:
        """Let no change of a booking wait any more."""
        self.asked.pop(name, None)
        self.beside.pop(name, None)

    def out(self, name: str, cell: int) -> int:
        """Units of a resource that are out at any time of a half-hour."""
        return len(self._nodes(name, cell, self.outages.values())) * self.resources[name].units_per_node

    def absent(self, name: str, cell: int) -> int:
        """Units that have not arrived or have retired at any time of a half-hour, and are not out as well."""
        nodes = self._nodes(name, cell, self.away) - self._nodes(name, cell, self.outages.values())
        return len(nodes) * self.resources[name].units_per_node

    def _nodes(self, name: str, cell: int, outs: Iterable[Out]) -> set[int]:
        """Nodes that some outages take out at any time of a half-hour. Compute is counted in whole hours."""
        first, step = self.counted(name, cell)
        return {
            node
            for each in outs
            if each.start < each.end and each.start < first + step and first < each.end
            for node in each.nodes.get(name, ())
        }

    def counted(self, name: str, cell: int) -> tuple[int, int]:
        """The cell of a resource's calendar that a half-hour lies in: where it begins, and how long it is."""
        step = HOUR if self.resources[name].kind is Kind.COMPUTE else CELL
        return cell // step * step, step

    def used(self, name: str, cell: int) -> int:
        """Units of a resource held in a half-hour. Compute is counted in whole hours."""
        first, step = self.counted(name, cell)
        return sum(max(each.held[name, part] for part in range(first, first + step, CELL)) for each in self.live())

    def funded(self, name: str, cell: int) -> int:
        """Units that are funded in a half-hour: by the last step before it, and any number where there was none."""
        begun = [start for start in self.funding.get(name, {}) if start <= cell]
        return self.funding[name][max(begun)] if begun else NEVER

    def unfunded(self, name: str, wanted: dict[int, int]) -> bool:
        """Whether so many more units in some half-hours would be more than is funded."""
        return any(self.used(name, cell) + units > self.funded(name, cell) for cell, units in wanted.items())

    def short(self, name: str, wanted: dict[int, int]) -> Reason | None:
        """What is in the way of so many units in each cell: others, or, where they would be free else, outages."""
        there = {cell: self.resources[name].capacity - self.absent(name, cell) for cell in wanted}
        free = {cell: there[cell] - self.used(name, cell) - units for cell, units in wanted.items()}
        short = [cell for cell in wanted if free[cell] - self.out(name, cell) < 0]
        if not short:
            return None
        return Reason.MAINTENANCE if all(free[cell] >= 0 for cell in short) else Reason.NO_CAPACITY

    def cell(self, booking: Booking) -> int:
        """The coarsest step of what a booking holds: an hour, or half an hour where all of it has such slots."""
        slots = [self.resources[name].slot_minutes for name, _ in booking.held]
        return HOUR if any(minutes % 60 == 0 for minutes in slots) else CELL
