"""The rules once more, told simply: half-hours in sets, counted one by one. It shares no code with what it checks."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from services.allocation.companies import Company, Quota
from services.allocation.rejections import Reason
from services.allocation.reservations import Line
from services.allocation.resources import Kind, Resource, Unit
from services.allocation.values.terms import Terms

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


class Naive:
    """What is booked, and what the rules say about one more wish."""

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
        self.bookings: dict[str, Booking] = {}
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

    def crowded(self, lines: Iterable[Line], people: int) -> set[Reason]:
        """Whether some line that is asked for has a share for everybody of a class; nobody is one for whom all do."""
        shares = [units // self.resources[name].units_min for name, units, parent in self.wants(lines) if not parent]
        return {Reason.TOO_FEW_SEATS} if all(share < people for share in shares) else set()

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
        return [each for each in self.bookings.values() if each.state not in GIVEN_BACK]

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

    def reasons(self, company: str, lines: tuple[Line, ...], start: int, end: int, now: int) -> set[Reason]:
        """Every reason against a wish, other than how its units would have to stand."""
        terms = self.companies[company]
        found = set()
        if start < now - 5 or (start <= now and self.approvers(company, lines)):
            found.add(Reason.START_IN_PAST)
        if start < terms.agreement_start or end > terms.agreement_end:
            found.add(Reason.OUTSIDE_AGREEMENT)
        wish = self.booking(company, lines, start, end)
        before: Counter[tuple[str, int]] = Counter()  # what the wants before take of each resource
        asked: Counter[tuple[str, int]] = Counter()
        for name, units, parent in self.wants(lines):
            if not parent:
                line = next(each for each in lines if each.resource == name)
                window = (start + line.starts_after, end - line.ends_before)
                found |= self._own_terms(self.resources[name], terms, *window, start, now)
                found |= self.batch(company, name, *window)
            if not parent and self.resources[name].kind is Kind.EQUIPMENT and now < self.suspended.get(company, 0):
                found.add(Reason.SUSPENDED)
            cells = self.cells_of(name, parent, lines, start, end)
            found |= self.groups(name, lines, cells)
            if parent and not cells <= self.spans(name, start, end) and self.resources[name].kind is not Kind.COMPUTE:
                found.add(Reason.OUTSIDE_OPENING_HOURS)
            asked.update({(name, cell): units for cell in cells})
            if self.unfunded(name, {cell: asked[name, cell] for cell in cells}):
                found.add(Reason.NOT_FUNDED)
            short = self.short(name, {cell: before[name, cell] + units for cell in cells})
            if short is None:
                before.update({(name, cell): units for cell in cells})
            else:
                found.add(short)
        if terms.gpus_max and self.gpus(lines) > terms.gpus_max:
            found.add(Reason.CONCURRENCY_EXCEEDED)
        return found | self._quota(wish)

    def approvers(self, company: str, lines: Iterable[Line]) -> list[Resource]:
        """What was asked for that somebody must approve, and a stand-in for more GPUs than a company may take."""
        asked = [self.resources[name] for name, _, parent in self.wants(lines) if not parent]
        found = [each for each in asked if each.approval in ("manager", "committee")]
        terms = self.companies[company]
        if terms.gpus_unapproved and self.gpus(lines) > terms.gpus_unapproved:
            found.append(
                replace(asked[0], approval_quorum=1, approval_voters=1, approval_hours=terms.gpus_approval_hours)
            )
        return found

    def gpus(self, lines: Iterable[Line]) -> float:
        """GPUs that are asked for by their own names."""
        worth = {Unit.GPU: 1.0, Unit.MILLI_GPU: 0.001}
        return sum(
            units * worth.get(self.resources[name].unit, 0) for name, units, parent in self.wants(lines) if not parent
        )

    def batch(self, company: str, name: str, start: int, end: int) -> set[Reason]:
        """Whether a company has too many reservations of a pool, or too many long ones then."""
        limits = self.resources[name].batch
        if limits is None:
            return set()
        live = [
            each
            for each in self.bookings.values()
            if each.company == company and name in each.own and each.state in ("held", "pending", "confirmed", "active")
        ]
        long = limits.long_hours * HOUR
        others = [each for each in live if each.end - each.start > long and each.start < end and start < each.end]
        too_long = end - start > long and len(others) >= limits.long_at_once_max
        return {Reason.CONCURRENCY_EXCEEDED} if len(live) >= limits.reservations_max or too_long else set()

    def start(self, booking: Booking, lines: Iterable[Line], now: int, hold: int) -> None:
        """Let a booking begin its life: held, pending or confirmed."""
        if hold:
            booking.state, booking.expires = "held", min(now + hold, booking.start)
        else:
            self.settle(booking, lines, now)

    def settle(self, booking: Booking, lines: Iterable[Line], now: int) -> None:
        """Let a booking be pending or confirmed."""
        booking.state = "confirmed"
        if approvers := self.approvers(booking.company, lines):
            hours = max(each.approval_hours for each in approvers)
            booking.state, booking.expires = "pending", min(now + hours * HOUR, booking.start)

    def vote(self, booking: Booking, lines: Iterable[Line], voter: str, approves: bool) -> None:
        """Count a vote."""
        booking.votes[voter] = approves
        strictest = max(self.approvers(booking.company, lines), key=lambda each: each.approval_quorum)
        agreed = sum(booking.votes.values())
        if agreed >= strictest.approval_quorum:
            booking.state = "confirmed"
        elif len(booking.votes) - agreed > strictest.approval_voters - strictest.approval_quorum:
            booking.state = "denied"

    def holding(self, company: str, start: int, now: int) -> set[Reason]:
        """Every reason against holding an offer, other than those against booking it."""
        found = {Reason.START_IN_PAST} if start <= now else set()
        held = [each for each in self.bookings.values() if (each.company, each.state) == (company, "held")]
        return found | ({Reason.TOO_MANY_HOLDS} if len(held) >= HOLDS_MAX else set())

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

    def _own_terms(
        self, resource: Resource, terms: Company, start: int, end: int, begins: int, now: int
    ) -> set[Reason]:
        """What a line from `start` to `end` breaks, in a demand that begins earlier or just then."""
        compute = resource.kind is Kind.COMPUTE
        found = self._boundaries(resource, start, end) | self._length(resource, terms, start, end)
        notice = terms.notice_hours if compute else resource.notice_hours
        if notice and begins < now + notice * HOUR - 5:
            found.add(Reason.NOTICE_TOO_SHORT)
        horizon = terms.horizon_days if compute else resource.horizon_days
        if horizon and begins > now + horizon * DAY:
            found.add(Reason.BEYOND_HORIZON)
        return found

    def _boundaries(self, resource: Resource, start: int, end: int) -> set[Reason]:
        if resource.kind is Kind.COMPUTE:
            return {Reason.OFF_GRID} if start % HOUR or end % HOUR else set()
        return self._grid(resource, start, "s", start) | self._grid(resource, end - CELL, "e", end)

    def _length(self, resource: Resource, terms: Company, start: int, end: int) -> set[Reason]:
        found = set()
        if resource.kind is Kind.COMPUTE and end - start > terms.reservation_days_max * DAY:
            found.add(Reason.DURATION_OUT_OF_RANGE)
        held = len(self.spans(resource.id, start, end)) * CELL
        if resource.slots_max and held > resource.slots_max * resource.slot_minutes * 60:
            found.add(Reason.DURATION_OUT_OF_RANGE)
        return found

    def _grid(self, resource: Resource, cell: int, mark: str, moment: int) -> set[Reason]:
        """Why a slot does not start or end here."""
        if mark in self._open[resource.id].get(cell, ""):
            return set()
        if cell in self._open[resource.id]:
            return {Reason.OFF_GRID}
        inside = moment if mark == "s" else moment - 1
        day = datetime.fromtimestamp(inside, UTC).astimezone(ZoneInfo(resource.time_zone)).date().isoformat()
        return {Reason.CLOSED_DAY if day in resource.closed_days else Reason.OUTSIDE_OPENING_HOURS}

    def groups(self, name: str, lines: tuple[Line, ...], cells: set[int]) -> set[Reason]:
        """Why a member of an exclusive group cannot be had in these half-hours."""
        group = self.resources[name].exclusive_group
        if not group:
            return set()
        members = {each.id: each for each in self.resources.values() if each.exclusive_group == group}
        rivals = [other for other, _, _ in self.wants(lines) if other in members and other != name]
        holders = {(other, cell) for each in self.live() for (other, cell) in each.held if other in members}
        if rivals or any((other, cell) in holders for other in members for cell in cells):
            return {Reason.EXCLUSIVE_GROUP_BUSY}
        for other, cell in holders:
            gap = max(members[name].changeover_minutes, members[other].changeover_minutes) * 60
            if other != name and any(cell < mine + CELL + gap and mine - gap < cell + CELL for mine in cells):
                return {Reason.CHANGEOVER_TOO_SHORT}
        return set()

    def _quota(self, wish: Booking) -> set[Reason]:
        found = set()
        for meter in {meter for meter, _ in wish.paid}:
            mine = {cell: units for (paid, cell), units in wish.paid.items() if paid == meter}
            periods = [each for each in self.quotas if (each.company, each.meter) == (wish.company, meter)]
            if any(not any(each.start <= cell < each.end for each in periods) for cell in mine):
                found.add(Reason.NO_QUOTA)
            for period in periods:
                inside = {cell: units for cell, units in mine.items() if period.start <= cell < period.end}
                more = sum(inside.values()) * CELL
                percent = 100 if meter == "equipment" else self.terms.overburn_percent
                if inside and (self.booked(period) + more) * 100 > period.unit_seconds * percent:
                    found.add(Reason.QUOTA_EXCEEDED)
                limit = period.concurrent_units_max
                if limit and any(
                    units + self.at_once(wish.company, meter, cell) > limit for cell, units in inside.items()
                ):
                    found.add(Reason.CONCURRENCY_EXCEEDED)
        return found

    def booked(self, period: Quota) -> int:
        """Unit-seconds of a period that are booked or used."""
        return sum(
            units * min(CELL, each.cut - cell)
            for each in self.live()
            if each.company == period.company
            for (meter, cell), units in each.paid.items()
            if meter == period.meter and period.start <= cell < period.end
        )

    def at_once(self, company: str, meter: str, cell: int) -> int:
        """Units of a meter that a company holds in a half-hour. Compute is counted in whole hours."""
        step = CELL if meter == "equipment" else HOUR
        first = cell // step * step
        mine = [each for each in self.live() if each.company == company]
        return sum(max(each.paid[meter, part] for part in range(first, first + step, CELL)) for each in mine)

    def release(self, name: str, now: int, cell: int) -> int:
        """End an active booking at the next full cell; gives its end."""
        booking = self.bookings[name]
        cut = min(booking.end, max(booking.start, -(-now // cell) * cell))
        booking.held = Counter({key: units for key, units in booking.held.items() if key[1] < cut})
        booking.paid = Counter({key: units for key, units in booking.paid.items() if key[1] < cut})
        booking.state, booking.end = "completed", cut
        return cut

    def cell(self, booking: Booking) -> int:
        """The coarsest step of what a booking holds: an hour, or half an hour where all of it has such slots."""
        slots = [self.resources[name].slot_minutes for name, _ in booking.held]
        return HOUR if any(minutes % 60 == 0 for minutes in slots) else CELL

    def binding(self, booking: Booking) -> bool:
        """Whether it is booked, or was before it was handed over and had to be asked for anew."""
        return booking.state in ("confirmed", "active") or (booking.state == "pending" and booking.was_booked)

    def awaited(self, booking: Booking) -> bool:
        """Whether somebody must come to a booking, and nobody has said that they did."""
        return not booking.checked_in and any(self.resources[name].no_show_grace_minutes for name in booking.own)

    def strike_for_lateness(self, name: str, now: int) -> None:
        """A strike for giving a booking back too late, unless it has brought one before."""
        if name not in self.late:
            self.late.add(name)
            self.strike(self.bookings[name].company, now)

    def strike(self, company: str, now: int) -> None:
        """One more strike, and the suspension that the terms make of it."""
        times = self.strikes.setdefault(company, [])
        times.append(now)
        for rule in self.terms.strike_rules:
            for last in times:
                recent = [each for each in times if last - rule.window_days * DAY <= each <= last]
                if len(recent) >= rule.strikes:
                    until = last + rule.suspension_days * DAY
                    self.suspended[company] = max(self.suspended.get(company, 0), until)

    def lose(self, name: str, cut: int, state: str) -> None:
        """An outage takes everything from a time on; what is left of the half-hour before it is paid to the second."""
        booking = self.bookings[name]
        booking.held = Counter({key: units for key, units in booking.held.items() if key[1] < cut})
        booking.paid = Counter({key: units for key, units in booking.paid.items() if key[1] < cut})
        booking.state, booking.cut = state, cut
        booking.end = cut if cut > booking.start else booking.end

    def tick(self, now: int) -> None:
        """Let time pass."""
        for booking in self.bookings.values():
            if booking.state == "held" and booking.expires <= now:
                booking.state = "expired"
            if booking.state == "pending" and booking.expires <= now:
                booking.state = "denied"
        for name, booking in self.bookings.items():
            if booking.offered_until <= now:
                booking.offered_to = ""
            graces = [self.resources[name].no_show_grace_minutes * 60 for name in booking.own]
            grace = min((each for each in graces if each), default=0)
            due = booking.state == "active" and grace and not booking.checked_in
            if due and now >= booking.activated_at + grace and booking.activated_at < now:
                self.release(name, now, self.cell(booking))
                booking.state = "no_show"
                self.strike(booking.company, now)
            if booking.state == "confirmed" and booking.start <= now:
                booking.state, booking.activated_at = "active", now
            if booking.state == "active" and booking.end <= now:
                booking.state = "completed"
