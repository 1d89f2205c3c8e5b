"""The centre: everything that is true after a prefix of the log. `apply` makes an event true and never fails.

The calendars hold exactly the spans of the allocations of reservations that are kept: live ones, and for
`KEPT_SECONDS` those that ended. So the whole state follows from the events, and an image of it can leave the grids out.
"""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from services.allocation import events
from services.allocation.calendars.calendar import base_for
from services.allocation.calendars.group import Group
from services.allocation.calendars.pool import Pool
from services.allocation.companies import Company, Quota
from services.allocation.events import Event
from services.allocation.kept import holds_alike
from services.allocation.life import follow
from services.allocation.measures import DAY_SECONDS
from services.allocation.prices.compensating import compensation
from services.allocation.prices.periods import Periods
from services.allocation.prices.pricing import Rate
from services.allocation.reservations import Reservation
from services.allocation.resources import Resource
from services.allocation.tables.agenda import Agenda
from services.allocation.tables.answer import Subject
from services.allocation.tables.answers import Answers
from services.allocation.tables.cards import Cards
from services.allocation.tables.consequences import Consequences
from services.allocation.tables.holdings import Holdings, MeterKey
from services.allocation.tables.lists import Lists
from services.allocation.tables.meter import Meter
from services.allocation.tables.outages import Outages
from services.allocation.tables.rates import Rates
from services.allocation.tables.recent_use import RecentUse
from services.allocation.tables.records import Records
from services.allocation.tables.reserves import Reserves
from services.allocation.tables.reviews import Reviews
from services.allocation.tables.series import SeriesTable
from services.allocation.values.correction import Correction
from services.allocation.values.months import ClosedMonth
from services.allocation.values.reclaim import Review
from services.allocation.values.tariff import Tariff

KEPT_SECONDS = 31 * DAY_SECONDS
"""How long a reservation stays readable here after it ended; the ledger keeps it for ever."""


class Centre:
    """The state of one centre. `now` is the time of the last event, in seconds."""

    def __init__(self) -> None:
        self.now = 0
        self.position = 0
        self.base = 0
        self.pools: dict[str, Pool] = {}
        self.groups: dict[str, Group] = {}
        self.companies: dict[str, Company] = {}
        self.meters: dict[MeterKey, Meter] = {}
        self.reservations: dict[str, Reservation] = {}
        self.holdings = Holdings(self.pools, self.groups, self.meters, self.reservations)
        self.lists = Lists(self.pools)
        self.agenda = Agenda(self.pools, self.reservations)
        self.outages = Outages(self.pools, self.reservations, self.lists.running, lambda: self.now, self._given_for)
        self.series = SeriesTable(self.reservations)
        self.records = Records()
        self.consequences = Consequences(self.records, self.lists.of, self.reservations)
        self.recent_use = RecentUse()
        self.reviews = Reviews()
        self.reserves = Reserves()
        self.cards = Cards()
        self.rates = Rates()
        self.periods = Periods()
        self.closed: ClosedMonth | None = None
        self.answers = Answers()

    def apply(self, facts: Iterable[Event], at: int, position: int) -> list[Subject]:
        """Make the events of one decision true, at a time in seconds. Gives what each of them made or changed."""
        if at > self.now:
            self._let_time_pass(at)
        self.position = position
        return [self._apply_one(fact) for fact in facts]

    def rehearse(self, fact: Event) -> None:
        """Make one event true for a moment; whoever rehearses takes it back."""
        self._apply_one(fact)

    def _apply_one(self, event: Event) -> Subject:
        if isinstance(event, events.OfReservation):
            before = self.reservations.get(event.reservation_id)
            after = follow(before, event, self.now, self.position)
            self._stand(before, after)
            self.outages.note(before, after, event)
            return after
        match event:
            case events.ResourceRegistered():
                return self.register(event.resource)
            case events.CompanyRegistered():
                self.reviews.join(event.company, self.records.terms, self.now)
                return self.admit(event.company)
            case events.QuotaGranted():
                return self.grant(event.quota)
            case events.CorrectionPosted() if event.correction.unit_seconds:
                return self._correct_hours(event.correction)
            case events.TariffPublished():
                return self.publish(event.tariff)
            case events.PeriodClosed():
                self.closed = event.period
                return event.period
            case events.ReviewAnnounced():
                self.reviews.done(Review(event.due, event.company, event.at))
                return self.companies[event.company]
            case events.QuotaReviewed():
                return self._reviewed(event)
            case events.UseMeasured():
                return self._measured(event)
            case events.OutageDeclared():
                return self.outages.declare(event.outage, self.position)
            case events.OutageLifted():
                return self.outages.lift(event, self.position)
            case events.CapacityFunded():
                return self.outages.fund(event.funding)
            case events.SeriesBooked() | events.SeriesChanged():
                return self.series.put(event.series)
            case events.SeriesCancelled():
                return self.series.put(self.series.by_id[event.series_id].cancelled(event.since))
            case (
                events.ArrearsRecorded()
                | events.ArrearsReached()
                | events.ArrearsCleared()
                | events.MisuseRecorded()
                | events.MisuseLifted()
            ):
                conduct = self.records.apply(event, self.now)
                self.consequences.plan(self.zone)
                return conduct
            case events.TermsPublished():
                made = self.records.apply(event, self.now)
                self.consequences.plan(self.zone)
                self.reviews.plan(self.companies.values(), self.records.terms, self.now)
                return made
            case _:
                return self.records.apply(event, self.now)

    def _reviewed(self, event: events.QuotaReviewed) -> Company:
        for meter in {each.meter for each in event.removals}:
            self.meters[event.company, meter].lose([each for each in event.removals if each.meter == meter])
        company = self.companies[event.company]
        if event.to_reserve:
            self.reserves.take_back(company.programme, event.removals)
        self.reviews.done(Review(event.at, event.company, event.at))
        return company

    def _correct_hours(self, correction: Correction) -> Correction:
        self.meters[correction.company, correction.meter].correct(correction)
        if correction.from_reserve:
            programme = self.companies[correction.company].programme
            self.reserves.give(programme, correction.meter, correction.unit_seconds)
        return self.records.correct(correction)

    def _measured(self, event: events.UseMeasured) -> Company:
        """Measuring changes nothing that anybody holds."""
        rule = self.records.terms_at(self.now).idle
        if rule is not None and event.reservation_id in self.lists.running:
            self.recent_use.note(event, rule)
        return self.companies[event.company]

    @property
    def zone(self) -> ZoneInfo:
        """The zone that the centre's months are counted in: that of its first resource."""
        return self.periods.zone

    def publish(self, tariff: Tariff) -> Tariff:
        """Let a rate card apply."""
        self.cards.publish(tariff, self.reservations.values())
        return tariff

    def _given_for(self, before: Reservation, after: Reservation) -> int:
        """The KRW that the rate card gives for what the centre took from a reservation."""
        card = self.cards.of(before)
        if card is None or not card.displacement_percent:
            return 0
        company, zone = self.companies[before.company], self.periods.zone.key

        def rate(name: str) -> Rate:
            return self.rates.of(card, company, self.pools[name].resource, zone).rate

        return compensation(before, after, rate, self.periods)

    def register(self, resource: Resource) -> Resource:
        """Take a resource in."""
        if not self.pools:
            self.periods = Periods(resource.time_zone)
            self.consequences.plan(self.zone)
        self.holdings.register(resource, self.base)
        return resource

    def admit(self, company: Company) -> Company:
        """Take a company in."""
        self.companies[company.id] = company
        self.lists.of.setdefault(company.id, {})
        return company

    def grant(self, quota: Quota) -> Quota:
        """Put a quota on its company's meter."""
        self.holdings.grant(quota, self.base)
        return quota

    def _stand(self, before: Reservation | None, after: Reservation) -> None:
        """Let a reservation stand as it is after an event: in the grids, on the lists and on the agenda."""
        if before is None:
            self._enter(after)
            self.holdings.hold(after)
            return
        self.reservations[after.id] = after
        if before.start != after.start:
            self.cards.keep(before, after)
        if not holds_alike(before, after):
            if before.company != after.company:
                self.series.leave(after.id)
                self._come_last(before, after)
            elif before.state.waiting and before.resources != after.resources:
                self._come_last(before, after)
            # Out and in again, so that a calendar whose cells are longer shows exactly what a restart would draw.
            self.holdings.hold(before, -1)
            self.holdings.hold(after)
        if after.checked_in_at != before.checked_in_at:
            self.records.came(after.company)
        self.lists.follow(before, after, self.now)
        self.agenda.follow(before, after)
        if not after.state.live:
            self.recent_use.forget(after.id)

    def _come_last(self, before: Reservation, after: Reservation) -> None:
        """Let a reservation of other resources, or another company, be the last of all, as on a restart."""
        del self.reservations[after.id]
        self.reservations[after.id] = after
        self.lists.come_last(before, after)

    def keep_all(self, reservations: list[Reservation]) -> None:
        """Take in the reservations of a snapshot at once. What is booked of a quota is left alone."""
        for reservation in reservations:
            self._enter(reservation)
        self.holdings.hold_all(reservations)

    def _enter(self, reservation: Reservation) -> None:
        self.reservations[reservation.id] = reservation
        self.lists.enter(reservation)
        if reservation.state.live:
            self.agenda.enter(reservation)

    def next_due(self) -> int | None:
        """When a tick will next have something to do, in seconds."""
        if self.outages.stranded or self.outages.overfull or next(self.consequences.to_revoke(), None) is not None:
            return self.now
        first = self.agenda.first
        due = [] if first is None else [first]
        due += [ahead[0].due for ahead in (self.reviews.ahead, self.consequences.stages) if ahead]
        return min(due, default=None)

    def _let_time_pass(self, at: int) -> None:
        self.now = at
        base = base_for(at)
        if base > self.base:
            self.base = base
            self.holdings.slide(base)
            self.outages.forget_before(base)
        ended = self.lists.ended
        while ended and ended[0][0] + KEPT_SECONDS < at:
            self._forget(ended.popleft()[1])
        self.answers.let_go(at)

    def _forget(self, reservation_id: str) -> None:
        reservation = self.reservations.pop(reservation_id, None)
        if reservation is not None:
            self.lists.of[reservation.company].pop(reservation_id, None)
            self.series.leave(reservation_id)
            self.cards.forget(reservation_id)
