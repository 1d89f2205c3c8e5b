"""From a booking of a trace to a visit to the centre: by which company, to which equipment, when. Always the same one.

A class of the trace is equipment that is approved in one way, a day half a working day, and a unit a slot. Whoever
booked earlier than the equipment can be booked asks as soon as it can. A tenant of the trace, often an agency of many
guests, is many companies.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.cli.catalogue import Catalogue
from services.cli.demo.bookings import Booking, Fate
from services.cli.demo.half_days import HalfDays, Slots
from services.cli.tables import plain_id
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

APPROVAL_OF = {"A": "auto", "D": "manager"}
"""How the equipment is approved that a class of the trace stands for."""
APPROVAL_OF_OTHERS = "committee"
CHOICES = 3
"""A guest takes any room of the class: so many pieces are asked for, one after the other."""
EARLIEST = 20
"""The half-day on which the first booking of a trace begins, so that there is time to ask before."""
RANGE_DAYS = 30
"""How far the slots reach beyond the last half-day of the trace."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A company, and a piece of equipment that it may run: so many slots from one on."""

    company: str
    resource: str
    slots: Slots
    first: int
    count: int
    checks_in: bool


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What one booking of the trace asks for, and what becomes of it; `asked` and `settled` are moments."""

    choices: tuple[Choice, ...]
    asked: datetime
    settled: datetime
    fate: Fate
    changes: int


class Visits:
    """Makes visits of bookings, for one catalogue."""

    def __init__(self, catalogue: Catalogue, bookings: Sequence[Booking], opening: date) -> None:
        self._origin = min(booking.start for booking in bookings)
        days = (max(booking.start for booking in bookings) - self._origin).days
        zone = ZoneInfo(catalogue.time_zone)
        items = [item for item in catalogue.resources if item.kind == api.RESOURCE_KIND_EQUIPMENT]
        holidays = frozenset(day for item in items for day in item.closed_days)
        self.calendar = HalfDays(opening, holidays, zone, EARLIEST + days + 1)
        last = self.calendar.last + timedelta(days=RANGE_DAYS)
        self._slots = {item.name: Slots(item, opening, last, zone) for item in items}
        self._able = Able(catalogue)
        bookable = [item for item in items if not item.only_with and self._able.of(item)]
        self._groups = {
            rule: [item for item in bookable if item.approval == rule for _ in range(len(item.nodes))]
            for rule in (*APPROVAL_OF.values(), APPROVAL_OF_OTHERS)
        }

    def visit(self, booking: Booking) -> Visit:
        """The visit of a booking."""
        group = self._groups[APPROVAL_OF.get(booking.kind, APPROVAL_OF_OTHERS)]
        half_day = EARLIEST + (booking.start - self._origin).days
        digest = hashlib.sha256(f"{booking.tenant}/{booking.id}".encode()).digest()
        # A piece of many seats stands in its group as often, so some may come up twice.
        places = (int.from_bytes(digest[2 * each : 2 * each + 2], "big") for each in range(CHOICES))
        items = {item.name: item for item in (group[place % len(group)] for place in places)}
        begins = self.calendar.begins(half_day)
        who = int.from_bytes(digest[-8:], "big")
        horizon = max(item.horizon.ToTimedelta() for item in items.values())
        asked = self.calendar.asked(half_day - (booking.start - booking.requested).days)
        while asked < begins - horizon:
            asked += timedelta(days=1)
        return Visit(
            choices=tuple(self._choice(item, begins, booking.units, who) for item in items.values()),
            asked=min(asked, begins),
            settled=self.calendar.asked(half_day - (booking.start - booking.settled).days),
            fate=booking.fate,
            changes=booking.changes,
        )

    def _choice(self, item: api.Resource, begins: datetime, count: int, who: int) -> Choice:
        slots = self._slots[item.name]
        return Choice(
            company=self._able.pick(item, begins, who),
            resource=item.name,
            slots=slots,
            first=slots.first_since(begins),
            count=count,
            checks_in=item.no_show_grace.seconds > 0,
        )


class Able:
    """Which companies may book which equipment: with a certificate and a training where these are needed."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._agreements = {
            plain_id(company.name): (company.agreement_start_time.seconds, company.agreement_end_time.seconds)
            for company in catalogue.companies
        }
        certified = {plain_id(company.name) for company in catalogue.companies if company.certified}
        trained: dict[str, set[str]] = {}
        for training in catalogue.qualifications:
            trained.setdefault(training.qualification.resource, set()).add(plain_id(training.parent))
        self._of = {
            item.name: [
                company
                for company in self._agreements
                if (item.data_zone != "restricted" or company in certified)
                and (not item.training_required or operated(item) or company in trained.get(item.name, ()))
            ]
            for item in catalogue.resources
        }

    def of(self, item: api.Resource) -> list[str]:
        """Companies that may book a piece of equipment, by id."""
        return self._of[item.name]

    def pick(self, item: api.Resource, begins: datetime, number: int) -> str:
        """One of them, by a number: one whose agreement runs then, as far as there is one."""
        able, moment = self.of(item), begins.timestamp()
        running = [company for company in able if self._agreements[company][0] <= moment < self._agreements[company][1]]
        return (running or able)[number % len(running or able)]


def operated(item: api.Resource) -> bool:
    """Whether somebody of the centre comes along."""
    return any(plain_id(each.resource).startswith("OP-") and not each.optional for each in item.companions)
