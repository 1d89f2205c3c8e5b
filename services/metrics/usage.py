"""The fold of the log into figures: what is installed, reserved, used and given back, by resource and by company.

Pure: values in, values out, no clock and no network. The figures equal the ledger's to the unit-second at the same
position, and a restart folds the log from its first page, so that no counter ever falls back. Times are whole seconds
since 1970-01-01 UTC; "now" is the time of the last entry applied, which is the only clock that the log itself knows.
"""

from collections.abc import Collection
from typing import get_args

from msgspec.structs import replace

from services.allocation import events
from services.allocation.companies import Company
from services.allocation.events import Event
from services.allocation.kept import holds_alike
from services.allocation.life import follow
from services.allocation.prices.flows import Flow, flows
from services.allocation.prices.periods import Periods
from services.allocation.reservations import Allocation, Reservation, State
from services.allocation.resources import Resource
from services.allocation.states.moves import IllegalMove, divides
from services.allocation.tables.covering import touches
from services.allocation.tables.reserves import Reserves
from services.allocation.values.correction import corrected
from services.allocation.values.outage import Outage
from services.allocation.values.reclaim import without
from services.eventlog import BrokenLog
from services.eventlog.page import Page
from services.metrics.counts import LIVE_STATES, Account, Measured, Period, PoolUsage, Tally
from services.metrics.fragmentation import Mix
from services.metrics.history import History
from services.metrics.taken_back import Cause, Reclaimed, cause_of

MICROSECONDS = 1_000_000
_WRONG = "The figures would be wrong from here on; restore the log."


class Usage:
    """Every figure of one centre, at `position`."""

    def __init__(self) -> None:
        self.position = 0
        self.now = 0
        self.pools: dict[str, PoolUsage] = {}
        self.companies: dict[str, Company] = {}
        self.accounts: dict[tuple[str, str], Account] = {}
        self.measured: dict[tuple[str, str], Measured] = {}
        self.no_shows: dict[tuple[str, str], int] = {}
        self.lost: dict[tuple[str, str], Tally] = {}  # By company and `Lost`.
        self.meters: dict[tuple[str, str], list[Period]] = {}
        self.reserves = Reserves()
        self.outages: dict[str, Outage] = {}
        self.fundings: dict[str, dict[int, int]] = {}  # Units funded, by resource and the time from which on.
        self.applied: dict[type[Event], int] = dict.fromkeys(EVENT_NAMES, 0)
        self.history = History()
        self.mix = Mix()
        self.began = 0
        """The time of the first entry, in seconds; 0 before there is one."""
        self._periods = Periods()
        self._live: dict[str, Reservation] = {}
        self._page = 0
        self._actor = ""

    def apply(self, position: int, page: Page) -> None:
        """Take one page in. Raises BrokenLog for an event about something that the log never introduced."""
        self._page = position
        for entry in page.entries:
            self.now = max(self.now, entry.time // MICROSECONDS)
            self.began = self.began or self.now
            self._actor = entry.actor
            for event in entry.events:
                try:
                    self._apply_one(event)
                except IllegalMove as illegal:
                    raise BrokenLog(f"page {position}: {illegal}. {_WRONG}") from illegal
                except KeyError as unknown:
                    raise BrokenLog(
                        f"page {position} says {EVENT_NAMES[type(event)]} about {unknown}, which the log does "
                        "not know at that place. The figures would be wrong from here on; restore the log."
                    ) from unknown
        self.position = position

    def _apply_one(self, event: Event) -> None:
        self.applied[type(event)] += 1
        if isinstance(event, events.OfReservation):
            before = self._live.get(event.reservation_id)
            cause = cause_of(before, event, self._actor)
            self._stand(before, follow(before, event, self.now, self._page), cause, same=divides(event))
            return
        match event:
            case events.ResourceRegistered():
                self._registered(event.resource)
            case events.OutageDeclared():
                self.outages[event.outage.id] = event.outage
            case events.CapacityFunded():
                steps = self.fundings.setdefault(event.funding.resource, {})
                steps[event.funding.start] = event.funding.units
            case events.OutageLifted():
                self.outages[event.outage] = replace(self.outages[event.outage], lifted_at=event.lifted_at)
            case events.CompanyRegistered():
                self.companies[event.company.id] = event.company
            case events.QuotaGranted():
                granted = event.quota
                self.meters.setdefault((granted.company, granted.meter), []).append(Period(granted))
            case events.QuotaReviewed():
                for (company, _), periods in self.meters.items() if event.removals else ():
                    if company == event.company:
                        for period in periods:
                            period.quota = without(period.quota, event.removals)
                if event.to_reserve:
                    self.reserves.take_back(self.companies[event.company].programme, event.removals)
            case events.CorrectionPosted(correction=correction) if correction.unit_seconds:
                for period in self.meters[correction.company, correction.meter]:
                    if period.quota.start == correction.start:
                        period.quota = corrected(period.quota, correction)
                if correction.from_reserve:
                    programme = self.companies[correction.company].programme
                    self.reserves.give(programme, correction.meter, correction.unit_seconds)
            case events.UseMeasured():
                self._measured(event)
            case _:
                pass  # The others change no figure of use.

    def _registered(self, resource: Resource) -> None:
        if not self.pools:
            self._periods = Periods(resource.time_zone)  # The first one's is the centre's, as for the books.
        live, entered = dict.fromkeys(LIVE_STATES, 0), dict.fromkeys(State, 0)
        self.pools[resource.id] = PoolUsage(
            resource,
            live,
            entered,
            entered_at=dict.fromkeys(State, 0),
            taken_up={True: 0, False: 0},
            reclaimed={cause: Tally() for cause in Reclaimed},
        )

    def _stand(self, before: Reservation | None, after: Reservation, cause: Cause | None, *, same: bool) -> None:
        """Count what an event made of a reservation, and why if it gave something back.

        What only makes two reservations of one is the `same` demand still: nothing is granted, and nothing given back.
        """
        if after.state.live:
            self._live[after.id] = after
        else:
            self._live.pop(after.id, None)
            self.history.add(after.holding, self.now)
        if before is None and not same:
            self.mix.add(after, self.now)
        self._count(before, after, granted=not same)
        moved = before is None or not holds_alike(before, after)
        for flow in flows(before, after, self._periods) if not same and (moved or not after.state.live) else ():
            self._flow(self.companies[after.company].id, flow)
            if cause is not None and flow.released:
                self._taken_back(after.company, flow, cause)
        if moved:
            self._book(after, 1)
            if before is not None:
                self._book(before, -1)

    def _measured(self, event: events.UseMeasured) -> None:
        """Count what nodes reported of a reservation."""
        company = self.companies[event.company].id
        for use in event.resources:
            known = self.measured.setdefault((company, use.resource), Measured())
            known.seconds += use.measured
            known.busy += use.busy
            known.idle += use.idle
            known.at = self._page
        if event.in_use is not None:
            for use in event.resources:
                pool = self.pools[use.resource]
                pool.taken_up[event.in_use] += 1

    def _count(self, before: Reservation | None, after: Reservation, *, granted: bool) -> None:
        """Move a reservation from one state to another, on every resource that it stands on."""
        left, entered = before.state if before else None, after.state
        same = before is not None and before.allocations is after.allocations
        if left is entered and same:
            return
        stands = _resources(after.allocations)
        if before is not None:
            for name in stands if same else _resources(before.allocations):
                self.pools[name].live[before.state] -= 1
        for name in stands:
            pool = self.pools[name]
            if entered.live:
                pool.live[entered] += 1
            if left is not entered and granted:
                if entered is State.NO_SHOW:
                    pair = (self.companies[after.company].id, name)
                    self.no_shows[pair] = self.no_shows.get(pair, 0) + 1
                pool.entered[entered] += 1
                pool.entered_at[entered] = self._page

    def _flow(self, company: str, flow: Flow) -> None:
        """Count what moves in the books of a company."""
        account = self.accounts.get((company, flow.resource))
        if account is None:
            account = self.accounts[company, flow.resource] = Account()
        if flow.reserved:
            account.reserved += flow.reserved
            account.reserved_at = self._page
        if flow.used:
            account.used += flow.used
            account.used_at = self._page
        if flow.released:
            account.released += flow.released
            account.released_at = self._page

    def _taken_back(self, company: str, flow: Flow, cause: Cause) -> None:
        """Count what was given back for a cause that is told apart."""
        if isinstance(cause, Reclaimed):
            tally = self.pools[flow.resource].reclaimed[cause]
        else:
            tally = self.lost.setdefault((company, cause.value), Tally())
        tally.add(flow.released, self._page)

    def _book(self, reservation: Reservation, sign: int) -> None:
        """Count what a reservation holds of its company's quotas, or with `sign` -1 stop counting it."""
        for allocation in reservation.occupied:
            if allocation.meter:
                for period in self.meters[reservation.company, allocation.meter]:
                    if touches(period.quota, allocation.spans):
                        period.book(allocation.units, allocation.spans, sign)

    def active(self) -> list[Reservation]:
        """Reservations that have begun and go on."""
        return [reservation for reservation in self._live.values() if reservation.state is State.ACTIVE]

    def next_denials(self) -> dict[str, int]:
        """When the first of the bookings that wait for approval is denied by itself, in seconds, by resource."""
        pending = [each for each in self._live.values() if each.state is State.PENDING]
        ends: dict[str, int] = {}
        for reservation in pending:
            for name in _resources(reservation.allocations):
                ends[name] = min(ends.get(name, reservation.expires_at), reservation.expires_at)
        return ends

    def reserved_now(self) -> dict[tuple[str, State], int]:
        """Units held at this moment, by resource and state of the reservation that holds them."""
        now = self.now
        reserved = {(pool, state): 0 for pool in self.pools for state in LIVE_STATES}
        for reservation in self._live.values():
            if reservation.start <= now:
                for allocation in reservation.allocations:
                    if any(start <= now < end for start, end in allocation.spans):
                        reserved[allocation.resource, reservation.state] += allocation.units
        return reserved

    def funded_now(self) -> dict[str, int]:
        """Units that are funded at this moment, by resource: all that are installed where nobody said otherwise."""
        return {
            name: max(
                ((start, units) for start, units in self.fundings.get(name, {}).items() if start <= self.now),
                default=(0, pool.resource.capacity),
            )[1]
            for name, pool in self.pools.items()
        }

    def allocations_ahead(self) -> dict[str, list[Allocation]]:
        """What live reservations hold, by resource: every resource has a list, and lists are the caller's own."""
        ahead: dict[str, list[Allocation]] = {pool: [] for pool in self.pools}
        for reservation in self._live.values():
            for allocation in reservation.occupied:
                ahead[allocation.resource].append(allocation)
        return ahead

    def periods_now(self) -> dict[tuple[str, str], Period]:
        """The period that contains now, by company and meter; a meter without one is left out.

        Periods of one meter never overlap: the rules see to it.
        """
        return {
            key: period
            for key, periods in self.meters.items()
            for period in periods
            if period.quota.start <= self.now < period.quota.end
        }

    def quotas_now(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Limit and booked unit-seconds by company and meter, in the period that contains now; zeros if none does."""
        standing = {key: (period.quota.unit_seconds, period.booked) for key, period in self.periods_now().items()}
        return {key: standing.get(key, (0, 0)) for key in self.meters}


def _resources(allocations: tuple[Allocation, ...]) -> Collection[str]:
    """The resources that something stands on, each once."""
    if len(allocations) == 1:
        return (allocations[0].resource,)
    return {allocation.resource for allocation in allocations}


EVENT_NAMES: dict[type[Event], str] = {event: str(event.__struct_config__.tag) for event in get_args(Event)}
"""The name on the wire of every event there is, in the order of `Event`."""
