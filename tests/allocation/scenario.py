"""Given, when, then over the rules: a centre with a clock, told commands one by one, that watches itself.

    centre = Scenario.of(*fixture.EVERYTHING).given(book("ALPHA", line("h100", 32), MONDAY, hours=2))
    assert centre.refuses(book("ALPHA", line("h100", 8), MONDAY, hours=1)) == [Reason.NO_CAPACITY]

After every event the scenario checks P1 by counting, from the reservations alone.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.allocation import image
from services.allocation.calendars.calendar import Timeline
from services.allocation.calendars.pool import Pool
from services.allocation.centre import Centre
from services.allocation.commands import (
    CancelReservation,
    ChangeReservation,
    Command,
    ConfirmReservation,
    CreateReservation,
    DeclareOutage,
    GrantQuota,
    LiftOutage,
    PublishTariff,
    RegisterCompany,
    RegisterResource,
    ReleaseReservation,
    SetFunding,
    Tick,
)
from services.allocation.companies import Company, Quota
from services.allocation.decide import decide
from services.allocation.events import Events
from services.allocation.offering.offers import Found, Search, alternatives, search
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Colocation, Line, Override, Reservation
from services.allocation.resources import Interval, Resource
from services.allocation.tables.answer import Subject
from services.allocation.ticking import TICK_RESERVATIONS_MAX
from services.allocation.values.funding import Funding
from services.allocation.values.outage import Outage, OutageKind, Scope
from services.allocation.values.tariff import Tariff

HOUR = 3600
DAY = 86_400
SEOUL = "Asia/Seoul"

_numbers = itertools.count(1)


def at(text: str, zone: str = SEOUL) -> int:
    """UTC seconds of a local time such as `2026-03-02 09:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def line(resource: str, units: int = 1, *, each: int = 0, near: Colocation = Colocation.ANYWHERE) -> Line:
    """A line of a demand; `each` makes it a gang of equal parts."""
    return Line(resource=resource, units=units, units_per_node=each, colocation=near)


def book(
    company: str,
    *lines: Line,
    start: int,
    hours: float = 0,
    end: int = 0,
    reservation_id: str = "",
    note: str = "",
    hold: int = 0,
    override: tuple[str, ...] = (),
    because: str = "",
) -> CreateReservation:
    """A wish for some lines, for some hours or until an end; `hold` only holds them for so many seconds.

    An operator lets it break the rules of `override`.
    """
    return CreateReservation(
        reservation_id=reservation_id or f"r{next(_numbers)}",
        company=company,
        start=start,
        end=end or start + int(hours * HOUR),
        lines=lines,
        note=note,
        hold_seconds=hold,
        override=Override(reasons=override, because=because) if override or because else None,
    )


def outage(
    name: str,
    *scopes: Scope,
    kind: OutageKind = OutageKind.MAINTENANCE,
    start: int = 0,
    end: int = 0,
    lead_in_hours: int = 0,
    reason: str = "works",
) -> DeclareOutage:
    """A wish that some units be out, from now on or from a start, until an end or a lift."""
    return DeclareOutage(
        outage=Outage(
            id=name,
            kind=kind,
            reason=reason,
            start=start,
            end=end,
            lead_in_hours=lead_in_hours,
            scopes=scopes,
        )
    )


def change(reservation: Reservation, **wish: Any) -> ChangeReservation:
    """A wish for another start, end, lines or note."""
    return ChangeReservation(reservation_id=reservation.id, company=reservation.company, **wish)


def fund(resource: str, units: int, *, start: int = 0, displace: bool = False, reason: str = "") -> SetFunding:
    """A wish that so many units be funded, from now or a start on."""
    return SetFunding(funding=Funding(resource=resource, start=start, units=units, displace=displace, reason=reason))


class Scenario:
    """A centre at a time, and everything that happened to it."""

    def __init__(self, now: int) -> None:
        self.centre = Centre()
        self.now = now
        self.history: list[tuple[int, int, Events]] = []

    @classmethod
    def of(cls, *things: Resource | Company | Quota, now: int) -> Self:
        """A centre in which these are registered."""
        scenario = cls(now)
        for thing in things:
            scenario.grants(registration(thing))
        return scenario

    def given(self, *wishes: Command) -> Self:
        """Each of these was granted before."""
        for wish in wishes:
            self.grants(wish)
        return self

    def also(self, *things: Resource | Company | Quota) -> Self:
        """These are registered as well."""
        return self.given(*map(registration, things))

    def grants(self, wish: Command) -> Subject:
        """The wish is granted; gives what it made or changed last."""
        return self.tell(decide(self.centre, wish, self.now))[-1]

    def decided(self, wish: Command) -> Events:
        """What a wish would make happen."""
        return decide(self.centre, wish, self.now)

    def books(self, wish: CreateReservation) -> Reservation:
        """The booking is granted; gives the reservation."""
        reservation = self.grants(wish)
        assert isinstance(reservation, Reservation)
        return reservation

    def refuses(self, wish: Command) -> list[Reason]:
        """The wish is refused and nothing changes; gives every reason, the most important first."""
        return [violation.reason for violation in self.refusal(wish).violations]

    def refusal(self, wish: Command) -> Rejected:
        """The wish is refused and nothing changes; gives the refusal."""
        before = image.digest(self.centre)
        with pytest.raises(Rejected) as caught:
            decide(self.centre, wish, self.now)
        assert image.digest(self.centre) == before, "a refusal changed something"
        return caught.value

    def cancels(self, reservation: Reservation, etag: str = "") -> Reservation:
        """The reservation is cancelled."""
        after = self.grants(CancelReservation(reservation_id=reservation.id, company=reservation.company, etag=etag))
        assert isinstance(after, Reservation)
        return after

    def confirms(self, reservation: Reservation, etag: str = "") -> Reservation:
        """The held offer is confirmed."""
        after = self.grants(ConfirmReservation(reservation_id=reservation.id, company=reservation.company, etag=etag))
        assert isinstance(after, Reservation)
        return after

    def changes(self, reservation: Reservation, **wish: Any) -> Reservation:
        """The reservation is changed to what is asked."""
        after = self.grants(change(reservation, **wish))
        assert isinstance(after, Reservation)
        return after

    def releases(self, reservation: Reservation, etag: str = "") -> Reservation:
        """The reservation is released."""
        after = self.grants(ReleaseReservation(reservation_id=reservation.id, company=reservation.company, etag=etag))
        assert isinstance(after, Reservation)
        return after

    def declares(self, wish: DeclareOutage) -> Outage:
        """The outage is declared; the way is cleared as far as one page goes."""
        made = self.grants(wish)
        assert isinstance(made, Outage)
        return made

    def lifts(self, name: str, etag: str = "") -> Outage:
        """The outage is lifted."""
        made = self.grants(LiftOutage(outage_id=name, etag=etag))
        assert isinstance(made, Outage)
        return made

    def fates(self, name: str) -> dict[str, str]:
        """What became of each reservation in the way of an outage."""
        return {each: fate.outcome.value for each, fate in self.centre.outages.fates.get(name, {}).items()}

    def reaches(self, time: int) -> Self:
        """Time passes until then, and every reservation moves on as it should."""
        self.now = time
        for _ in range(len(self.centre.reservations) * 2 // TICK_RESERVATIONS_MAX + 8):
            events = decide(self.centre, Tick(), self.now)
            if not events:
                return self
            self.tell(events)
        raise AssertionError("time does not come to rest")

    def offers(
        self, company: str, *lines: Line, hours: float, earliest: int = 0, latest: int = 0, count: int = 3
    ) -> Found:
        """The earliest offers; each of them is granted if it is asked for now."""
        wish = Search(
            company=company,
            lines=lines,
            duration=int(hours * HOUR),
            earliest=earliest or self.now,
            latest=latest or self.now + 365 * DAY,
            count=count,
        )
        found = search(self.centre, wish, self.now)
        for start, end in found.intervals:
            decide(self.centre, book(company, *lines, start=start, end=end), self.now)
        return found

    def alternatives(self, wish: CreateReservation) -> tuple[Interval, ...]:
        """What a refused booking is offered instead; each is granted if it is asked for now."""
        found = alternatives(self.centre, wish, self.refusal(wish), self.now)
        for start, end in found:
            decide(self.centre, book(wish.company, *wish.lines, start=start, end=end), self.now)
        return found

    def current(self, reservation: Reservation) -> Reservation:
        """The reservation as it stands."""
        return self.centre.reservations[reservation.id]

    def replayed(self) -> Centre:
        """A fresh centre, told the same events."""
        centre = Centre()
        for time, position, events in self.history:
            centre.apply(events, time, position)
        return centre

    def restored(self) -> Centre:
        """The centre out of its own snapshot."""
        return image.centre_of(image.decode(image.encode(image.Moment(self.centre))))

    def tell(self, events: Events) -> list[Subject]:
        """These events happened; gives what each of them made or changed."""
        position = len(self.history) + 1
        self.history.append((self.now, position, events))
        subjects = self.centre.apply(events, self.now, position)
        check_no_double_booking(self.centre)
        return subjects


def registration(thing: Resource | Company | Quota | Tariff) -> Command:
    """The wish that makes a thing known."""
    match thing:
        case Resource():
            return RegisterResource(resource=thing)
        case Company():
            return RegisterCompany(company=thing)
        case Quota():
            return GrantQuota(quota=thing)
        case Tariff():
            return PublishTariff(tariff=thing)


def check_no_double_booking(centre: Centre) -> None:
    """P1, counted from the allocations: no bin gives more than it has, no two members of a group at once."""
    held: dict[tuple[str, int], list[tuple[int, int, int]]] = defaultdict(list)
    groups: dict[str, list[Interval]] = defaultdict(list)
    for reservation in centre.reservations.values():
        for allocation in reservation.occupied:
            resource = centre.pools[allocation.resource].resource
            assert sum(allocation.amounts) == allocation.units
            assert len(set(allocation.bins)) == len(allocation.bins) == len(allocation.amounts)
            assert all(0 <= each < len(resource.nodes) * resource.bins_per_node for each in allocation.bins)
            for start, end in allocation.spans:
                assert start < end
                for index, amount in zip(allocation.bins, allocation.amounts, strict=True):
                    held[resource.id, index].append((start, end, amount))
            if resource.exclusive_group:
                groups[resource.exclusive_group] += allocation.spans
    for (resource_id, index), spans in held.items():
        most = most_at_once(spans)
        assert most <= centre.pools[resource_id].resource.bin_capacity, f"P1: {resource_id} bin {index} gives {most}"
    for group, intervals in groups.items():
        assert most_at_once((start, end, 1) for start, end in intervals) <= 1, f"P1: {group} is held twice"


def most_at_once(spans: Iterable[tuple[int, int, int]]) -> int:
    """The most that half-open spans of some amount hold at one moment."""
    changes = sorted(change for start, end, amount in spans for change in ((start, amount), (end, -amount)))
    return max(itertools.accumulate(amount for _, amount in changes), default=0)


def grids_of(centre: Centre, since: int) -> dict[str, bytes]:
    """Every calendar, as bytes to compare, from a time on."""
    lines: dict[str, tuple[Timeline, np.ndarray]] = {}
    for name, pool in centre.pools.items():
        lines[name] = pool.calendar, pool.calendar.used
        lines[f"total {name}"] = pool.calendar, pool.calendar.total
        lines[f"closed {name}"] = pool.closed.idle, pool.closed.idle.total
    for name, group in centre.groups.items():
        lines[f"group {name}"] = group.holders, group.holders.total
    for (company, meter), account in centre.meters.items():
        if account.at_once is not None:
            lines[f"meter {company} {meter}"] = account.at_once, account.at_once.total
    return {
        name: grid[max(0, (since - line.base) // line.cell_seconds) :].tobytes() for name, (line, grid) in lines.items()
    }


def drawn(pool: Pool, spans: Iterable[tuple[Interval, dict[int, int]]]) -> np.ndarray:
    """A grid of one pool, drawn cell by cell from spans and what each takes of every bin."""
    calendar = pool.calendar
    grid = np.zeros((calendar.cells, calendar.bins), dtype=np.int64)
    for (start, end), amounts in spans:
        first = max(0, (start - calendar.base) // calendar.cell_seconds)
        last = max(first, min(calendar.cells, -((calendar.base - end) // calendar.cell_seconds)))
        for index, amount in amounts.items():
            grid[first:last, index] += amount
    return grid
