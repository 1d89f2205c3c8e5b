"""The rules about one more wish, told simply. They share no code with what they check."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from services.allocation.companies import Company, Quota
from services.allocation.rejections import Reason
from services.allocation.reservations import Line
from services.allocation.resources import Kind, Resource, Unit
from tests.allocation.naive_booking import CELL, DAY, HOLDS_MAX, HOUR, Booking
from tests.allocation.naive_calendar import NaiveCalendar


class NaiveRules(NaiveCalendar):
    """What the rules say about one more wish."""

    def reasons(self, company: str, lines: tuple[Line, ...], start: int, end: int, now: int) -> set[Reason]:
        """Every reason against a wish, other than how its units would have to stand."""
        terms = self.companies[company]
        found = set()
        if start < now - 5 or (start <= now and self.approvers(company, lines)):
            found.add(Reason.START_IN_PAST)
        if start < terms.agreement_start or end > terms.agreement_end:
            found.add(Reason.OUTSIDE_AGREEMENT)
        found |= self.barred(company)
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

    def barred(self, company: str) -> set[Reason]:
        """Why a company books nothing new at all."""
        found = {Reason.REVOKED} if company in self.misused else set()
        return found | (
            {Reason.ARREARS} if any(each.suspends for each in self.bills.get(company, {}).values()) else set()
        )

    def crowded(self, lines: Iterable[Line], people: int) -> set[Reason]:
        """Whether some line that is asked for has a share for everybody of a class; nobody is one for whom all do."""
        shares = [units // self.resources[name].units_min for name, units, parent in self.wants(lines) if not parent]
        return {Reason.TOO_FEW_SEATS} if all(share < people for share in shares) else set()

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

    def holding(self, company: str, start: int, now: int) -> set[Reason]:
        """Every reason against holding an offer, other than those against booking it."""
        found = {Reason.START_IN_PAST} if start <= now else set()
        held = [each for each in self.bookings.values() if (each.company, each.state) == (company, "held")]
        return found | ({Reason.TOO_MANY_HOLDS} if len(held) >= HOLDS_MAX else set())

    def _own_terms(
        self, resource: Resource, terms: Company, start: int, end: int, begins: int, now: int
    ) -> set[Reason]:
        """What a line from `start` to `end` breaks, in a demand that begins earlier or just then."""
        compute = resource.kind is Kind.COMPUTE
        found = self.boundaries(resource, start, end) | self._length(resource, terms, start, end)
        notice = terms.notice_hours if compute else resource.notice_hours
        if notice and begins < now + notice * HOUR - 5:
            found.add(Reason.NOTICE_TOO_SHORT)
        horizon = terms.horizon_days if compute else resource.horizon_days
        if horizon and begins > now + horizon * DAY:
            found.add(Reason.BEYOND_HORIZON)
        return found

    def boundaries(self, resource: Resource, start: int, end: int) -> set[Reason]:
        """Why nothing of a resource can begin or end then."""
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
