"""The centre: everything that is true after a prefix of the log. `apply` makes an event true and never fails.

The calendars hold exactly the spans of the allocations of reservations that are kept: live ones, and for
`KEPT_SECONDS` those that ended. So the whole state follows from the events, and an image of it can leave the grids out.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import chain
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.allocation import events
from services.allocation.attendance.conduct import Conduct
from services.allocation.attendance.idling import Sample, sample_of, with_sample
from services.allocation.attendance.records import Records
from services.allocation.attendance.terms import Terms
from services.allocation.calendars.calendar import DAY_SECONDS, base_for
from services.allocation.calendars.group import Group
from services.allocation.calendars.pool import Pool
from services.allocation.disruption.funding import Funding
from services.allocation.disruption.outage import Outage
from services.allocation.disruption.outages import Outages
from services.allocation.events import Event
from services.allocation.life import follow, next_change
from services.allocation.limits.quota import EQUIPMENT_CELL_SECONDS, Meter
from services.allocation.limits.reclaim import Review, reviews_of
from services.allocation.money.cards import Cards
from services.allocation.money.correction import Correction
from services.allocation.money.months import ClosedMonth
from services.allocation.money.periods import Periods
from services.allocation.money.tariff import Tariff
from services.allocation.recurrence.series import Series
from services.allocation.resources import Allocation, Company, Quota, Reservation, Resource, State

KEPT_SECONDS = 31 * DAY_SECONDS
"""How long a reservation stays readable here after it ended; the ledger keeps it for ever."""
REQUESTS_KEPT_SECONDS = 25 * 3600
"""How long a request id is remembered: the promise is 24 hours."""

Subject = (
    Series
    | Reservation
    | Resource
    | Company
    | Quota
    | Tariff
    | ClosedMonth
    | Correction
    | Terms
    | Conduct
    | Outage
    | Funding
)
MeterKey = tuple[str, str]


class Answer(Struct, frozen=True, gc=False, kw_only=True):
    """The yes that a request got: the digest of its body, what it made, and the position of the page that holds it."""

    digest: str
    position: int
    time: int
    subject: Subject


class Centre:
    """The state of one centre. `now` is the time of the last event, in seconds."""

    def __init__(self) -> None:
        self.now = 0
        self.position = 0
        self.base = 0
        self.pools: dict[str, Pool] = {}
        self.companies: dict[str, Company] = {}
        self.records = Records()
        self.series: dict[str, Series] = {}
        self.series_of: dict[str, str] = {}  # by reservation
        self.meters: dict[MeterKey, Meter] = {}
        self.reservations: dict[str, Reservation] = {}
        self.reservations_of: dict[str, dict[str, None]] = {}
        self.held: dict[str, set[str]] = {}  # The held offers of each company.
        self.offered: dict[str, dict[str, None]] = {}  # What others let each company take over.
        self.groups: dict[str, Group] = {}
        self.answers: dict[tuple[str, str], Answer] = {}
        self.cards = Cards()
        self.tariffs = self.cards.published
        self.periods = Periods()
        self.closed: ClosedMonth | None = None
        self.reviews: list[Review] = []  # The grants that will be looked at, the next one first.
        self.running: dict[str, None] = {}  # reservations that have started
        self.recent: dict[str, tuple[Sample, ...]] = {}  # what those were used of late, where a rule asks
        self.outages = Outages(self.pools, self.reservations, self.running, lambda: self.now)
        self.agenda: list[tuple[int, str]] = []
        self.ended: deque[tuple[int, str]] = deque()
        self._answered: deque[tuple[int, tuple[str, str]]] = deque()

    def apply(self, facts: Iterable[Event], at: int, position: int) -> list[Subject]:
        """Make the events of one decision true, at a time in seconds. Gives what each of them made or changed."""
        self._let_time_pass(at)
        self.position = position
        return [self._apply_one(fact) for fact in facts]

    def rehearse(self, fact: Event) -> None:
        """Make one event true for a moment; `take_back` undoes it."""
        self._apply_one(fact)

    def take_back(self, reservation_id: str, before: Reservation | None) -> None:
        """Let a reservation stand as it did before it was last rehearsed, or not at all."""
        after = self.reservations[reservation_id]
        self._hold(after, -1)
        if before is not None:
            self._hold(before, 1)
            self._wait(after, before)
            self._note_offer(after, before)
            self.reservations[reservation_id] = before
            self._note_held(before)
            if before.start != after.start:
                self.cards.keep(after, before)
            return
        self.held.get(after.company, set()).discard(reservation_id)
        del self.reservations[reservation_id], self.reservations_of[after.company][reservation_id]
        for allocation in after.allocations:
            self.pools[allocation.resource].waiting.pop(reservation_id, None)

    def remember(self, actor: str, request_id: str, answer: Answer) -> None:
        """Keep the yes to a request, so that asking again gives the same one."""
        key = (actor, request_id)
        self.answers[key] = answer
        self._answered.append((answer.time, key))

    def _apply_one(self, event: Event) -> Subject:
        if isinstance(event, events.ReservationEvent):
            before = self.reservations.get(event.reservation_id)
            after = follow(before, event, self.now, self.position)
            self._stand(before, after)
            self.outages.note(before, after, event)
            return after
        match event:
            case events.ResourceRegistered():
                return self.register(event.resource)
            case events.CompanyRegistered():
                self.reviews = sorted([*self.reviews, *reviews_of(event.company, self.records.terms, self.now)])
                return self.admit(event.company)
            case events.QuotaGranted():
                return self.grant(event.quota)
            case events.TariffPublished():
                return self.publish(event.tariff)
            case events.PeriodClosed():
                self.closed = event.period
                return event.period
            case events.ReviewAnnounced():
                return self._reviewed(Review(event.due, event.company, event.at))
            case events.QuotaReviewed():
                for meter in {each.meter for each in event.removals}:
                    self.meters[event.company, meter].lose([each for each in event.removals if each.meter == meter])
                return self._reviewed(Review(event.at, event.company, event.at))
            case events.UseMeasured():
                self._note_use(event)
                return self.companies[event.company]  # Measuring changes nothing that anybody holds.
            case events.OutageDeclared():
                return self.outages.declare(event.outage, self.position)
            case events.OutageLifted():
                return self.outages.lift(event, self.position)
            case events.CapacityFunded():
                return self.outages.fund(event.funding)
            case events.SeriesBooked() | events.SeriesChanged():
                return self.put_series(event.series)
            case events.SeriesCancelled():
                return self.put_series(self.series[event.series_id].cancelled(event.since))
            case events.TermsPublished():
                made = self.records.apply(event, self.now)
                terms = self.records.terms
                ahead = [reviews_of(each, terms, self.now, self.reviews) for each in self.companies.values()]
                overdue = [each for each in self.reviews if each.due <= self.now]
                self.reviews = sorted([*overdue, *chain.from_iterable(ahead)])
                return made
            case _:
                return self.records.apply(event, self.now)

    def _note_use(self, event: events.UseMeasured) -> None:
        """Keep what a running reservation was used, as long as the terms of the day may ask."""
        rule = self.records.terms_at(self.now).idle
        if rule is not None and event.reservation_id in self.running:
            fresh = sample_of(event.since, event.until, event.resources)
            before = self.recent.get(event.reservation_id, ())
            self.recent[event.reservation_id] = with_sample(before, fresh, rule.window_hours * 3600)

    def _reviewed(self, review: Review) -> Company:
        """Nobody is reviewed twice."""
        self.reviews = [each for each in self.reviews if each != review]
        return self.companies[review.company]

    def put_series(self, series: Series) -> Series:
        """Let a series stand as it is."""
        before = self.series.get(series.id)
        for name in before.reservations if before is not None else ():
            self.series_of.pop(name, None)
        self.series[series.id] = series
        for name in series.reservations:
            reservation = self.reservations.get(name)
            if reservation is not None and reservation.company == series.company:
                self.series_of[name] = series.id
        return series

    @property
    def zone(self) -> ZoneInfo:
        """The zone that the centre's months are counted in: that of its first resource."""
        return self.periods.zone

    def publish(self, tariff: Tariff) -> Tariff:
        """Let a rate card apply."""
        self.cards.publish(tariff, self.reservations.values())
        return tariff

    def grace(self, reservation: Reservation) -> int:
        """Seconds after its start within which somebody must check in; 0 where nobody need.

        At a machine nobody stands: whether compute is in use, its nodes report.
        """
        own = [self.pools[each.resource] for each in reservation.allocations if not each.companion_of]
        return min([pool.grace_seconds for pool in own if pool.grace_seconds], default=0)

    def next_change(self, reservation: Reservation) -> int:
        """When time alone will change a live reservation, in seconds."""
        return next_change(reservation, self.grace(reservation) if reservation.state is State.ACTIVE else 0)

    def register(self, resource: Resource) -> Resource:
        """Take a resource in."""
        if not self.pools:
            self.periods = Periods(resource.time_zone)
        self.pools[resource.id] = Pool(resource, self.base)
        group = resource.exclusive_group
        if group and group not in self.groups:
            self.groups[group] = Group(self.base)
        if group:
            self.groups[group].join(resource.id, resource.changeover_minutes * 60)
        return resource

    def admit(self, company: Company) -> Company:
        """Take a company in."""
        self.companies[company.id] = company
        self.reservations_of.setdefault(company.id, {})
        return company

    def grant(self, quota: Quota) -> Quota:
        """Put a quota on its company's meter."""
        key = (quota.company, quota.meter)
        if key not in self.meters:
            pool = self.pools.get(quota.meter)
            cell = pool.calendar.cell_seconds if pool else EQUIPMENT_CELL_SECONDS
            self.meters[key] = Meter(cell_seconds=cell, base=self.base, unit=pool.resource.unit if pool else None)
        self.meters[key].grant(quota)
        return quota

    def _stand(self, before: Reservation | None, after: Reservation) -> None:
        """Let a reservation stand as it is after an event: in the calendars, the quota and the agenda."""
        if before is None:
            self.keep(after)
            return
        self.reservations[after.id] = after
        if before.start != after.start:
            self.cards.keep(before, after)
        if before.state is State.HELD:
            self._note_held(after)
        if before.holding is not after.holding:
            if before.company != after.company:
                self._forget_series(self.series_of.pop(after.id, ""))
                self._come_last(before, after)
            elif before.state.waiting and _resources(before) != _resources(after):
                self._come_last(before, after)
            # Out and in again, so that a calendar whose cells are longer shows exactly what a restart would draw.
            self._hold(before, -1)
            self._hold(after, 1)
        self._note_offer(before, after)
        if after.checked_in_at != before.checked_in_at:
            self.records.came(after.company)
        self._wait(before, after)
        self._run(after)
        if after.state.live and (due := self.next_change(after)) != self.next_change(before):
            heappush(self.agenda, (due, after.id))
        if not after.state.live:
            self.ended.append((self.now, after.id))

    def _note_held(self, reservation: Reservation) -> None:
        """Keep the list of a company's held offers."""
        held = self.held.setdefault(reservation.company, set())
        if reservation.state is State.HELD:
            held.add(reservation.id)
        else:
            held.discard(reservation.id)

    def _note_offer(self, before: Reservation | None, after: Reservation) -> None:
        """Keep the lists of what is offered to each company."""
        if before is not None and before.transfer is not None:
            self.offered.get(before.transfer.to, {}).pop(before.id, None)
        if after.transfer is not None and after.offered_to:
            self.offered.setdefault(after.offered_to, {})[after.id] = None

    def _come_last(self, before: Reservation, after: Reservation) -> None:
        """Let a reservation of other resources, or another company, be the last wherever it waits, as on a restart."""
        del self.reservations[after.id], self.reservations_of[before.company][after.id]
        self.reservations[after.id] = after
        self.reservations_of[after.company][after.id] = None
        for name in _resources(before):
            self.pools[name].waiting.pop(after.id, None)

    def _wait(self, before: Reservation, after: Reservation) -> None:
        """Keep the pools' lists of what has not started, in the order in which it came."""
        waits = {allocation.resource for allocation in after.allocations} if after.state.waiting else set()
        for allocation in before.allocations if before.state.waiting else ():
            if allocation.resource not in waits:
                self.pools[allocation.resource].waiting.pop(after.id, None)
        for name in sorted(waits):
            self.pools[name].waiting[after.id] = None

    def _run(self, reservation: Reservation) -> None:
        """Keep the list of what has started."""
        if reservation.state.live and not reservation.state.waiting:
            self.running[reservation.id] = None
        else:
            self.running.pop(reservation.id, None)
            self.recent.pop(reservation.id, None)

    def keep(self, reservation: Reservation) -> None:
        """Take a reservation in: into the calendars, the quota, and the agenda."""
        self._enter(reservation)
        self._hold(reservation, 1)

    def keep_all(self, reservations: list[Reservation]) -> None:
        """As `keep` for each of many, with the calendars drawn at once. What is booked of a quota is left alone."""
        for reservation in reservations:
            self._enter(reservation)
        by_pool: dict[str, list[Allocation]] = {}
        by_meter: dict[MeterKey, list[Allocation]] = {}
        batch = {name for name, pool in self.pools.items() if pool.resource.batch is not None}
        for reservation in reservations:
            for allocation in reservation.holding:
                by_pool.setdefault(allocation.resource, []).append(allocation)
                if allocation.meter:
                    by_meter.setdefault((reservation.company, allocation.meter), []).append(allocation)
                if allocation.resource in batch and not allocation.companion_of:
                    self.pools[allocation.resource].work.note(reservation, 1)
        for name, allocations in by_pool.items():
            pool = self.pools[name]
            pool.calendar.hold_all(allocations)
            pool.closed.recount()
            if pool.resource.exclusive_group:
                self.groups[pool.resource.exclusive_group].hold_all(allocations)
        for key, allocations in by_meter.items():
            self.meters[key].hold_all(allocations)

    def _enter(self, reservation: Reservation) -> None:
        self.reservations[reservation.id] = reservation
        self.reservations_of.setdefault(reservation.company, {})[reservation.id] = None
        if not reservation.state.live:
            return
        heappush(self.agenda, (self.next_change(reservation), reservation.id))
        if reservation.state is State.HELD:
            self._note_held(reservation)
        self._note_offer(None, reservation)
        if reservation.state.waiting:
            for allocation in reservation.allocations:
                self.pools[allocation.resource].waiting[reservation.id] = None
        self._run(reservation)

    def _hold(self, reservation: Reservation, sign: int) -> None:
        """Put the allocations into the calendars and the quota, or take them out."""
        for allocation in reservation.holding:
            pool = self.pools[allocation.resource]
            pool.hold(allocation, sign)
            if pool.resource.batch is not None and not allocation.companion_of:
                pool.work.note(reservation, sign)
            if allocation.meter:
                self.meters[(reservation.company, allocation.meter)].charge(allocation, sign)
            if pool.resource.exclusive_group:
                self.groups[pool.resource.exclusive_group].hold(allocation, sign)

    @contextmanager
    def without(self, reservation: Reservation) -> Iterator[None]:
        """Take what a reservation holds out of the calendars, the groups and the quota, and put it back at the end."""
        self._hold(reservation, -1)
        stands = self.reservations.get(reservation.id, reservation)  # The part of it may be nothing any more.
        self._count(stands, -1)
        try:
            yield
        finally:
            self._hold(reservation, 1)
            self._count(stands, 1)

    def _count(self, reservation: Reservation, sign: int) -> None:
        """Count a reservation among the batch work of its company, or no more."""
        for allocation in reservation.holding:
            pool = self.pools[allocation.resource]
            if pool.resource.batch is not None and not allocation.companion_of:
                pool.work.note(reservation, sign)

    def due(self, now: int, limit: int) -> list[Reservation]:
        """At most `limit` reservations whose start or end has come, in order of that time."""
        due: list[Reservation] = []
        while self.agenda and self.agenda[0][0] <= now and len(due) < limit:
            time, reservation_id = heappop(self.agenda)
            reservation = self.reservations.get(reservation_id)
            # Stale is what ended before its time or has moved on; what was rehearsed comes twice.
            stale = reservation is None or not reservation.state.live or self.next_change(reservation) != time
            if reservation is not None and not stale and (not due or due[-1] is not reservation):
                due.append(reservation)
        for reservation in due:
            heappush(self.agenda, (self.next_change(reservation), reservation.id))
        return due

    def next_due(self) -> int | None:
        """When a tick will next have something to do, in seconds."""
        if self.outages.stranded or self.outages.overfull:
            return self.now
        due = [self.agenda[0][0]] if self.agenda else []
        return min([*due, self.reviews[0].due]) if self.reviews else next(iter(due), None)

    def _let_time_pass(self, at: int) -> None:
        self.now = max(self.now, at)
        base = base_for(self.now)
        if base > self.base:
            self._slide(base)
        while self.ended and self.ended[0][0] + KEPT_SECONDS < self.now:
            self._forget(self.ended.popleft()[1])
        while self._answered and self._answered[0][0] + REQUESTS_KEPT_SECONDS < self.now:
            self._forget_answer(*self._answered.popleft())

    def _slide(self, base: int) -> None:
        self.base = base
        for pool in self.pools.values():
            pool.slide(base)
        for group in self.groups.values():
            group.holders.slide(base)
        for meter in self.meters.values():
            meter.slide(base)
        self.outages.forget_before(base)

    def _forget(self, reservation_id: str) -> None:
        reservation = self.reservations.pop(reservation_id, None)
        if reservation is not None:
            self.reservations_of[reservation.company].pop(reservation_id, None)
            self._forget_series(self.series_of.pop(reservation_id, ""))
            self.cards.forget(reservation_id)

    def _forget_series(self, series_id: str) -> None:
        """A series is kept as long as any of its reservations."""
        series = self.series.get(series_id)
        if series is not None and not any(name in self.series_of for name in series.reservations):
            del self.series[series_id]

    def _forget_answer(self, time: int, key: tuple[str, str]) -> None:
        answer = self.answers.get(key)
        if answer is not None and answer.time == time:
            del self.answers[key]


def _resources(reservation: Reservation) -> set[str]:
    return {allocation.resource for allocation in reservation.allocations}
