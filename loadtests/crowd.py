"""A log of a thousand companies: the centre of `deploy/centre` with its companies five times over, a month of booking.

It makes as many series as there are to show. Nothing is decided here: on every resource one booking follows the other,
for the companies in turn; half of them are over at the end of the log, and half lie ahead of it.
"""

import itertools
from collections.abc import Iterator, Sequence

from loadtests.founding import registered
from loadtests.workload import DAY_SECONDS, HOUR_SECONDS
from services.allocation.events import (
    CompanyRegistered,
    Event,
    QuotaGranted,
    ReservationActivated,
    ReservationCompleted,
    ReservationConfirmed,
    ResourceRegistered,
)
from services.allocation.reservations import Allocation, Line
from services.allocation.resources import Interval, Resource
from services.cli.catalogue import CENTRE_FOLDER, read_catalogue
from services.eventlog import EventLog
from services.eventlog.page import FORMAT, Entry, Head, Page, encode_page, page_hash
from services.scheduler.clock import MICROSECONDS

TIMES_OVER = 5
DAYS_EACH_WAY = 15
LEAD_SECONDS = (DAYS_EACH_WAY + 1) * DAY_SECONDS
PAGE_ENTRIES = 500

Timed = tuple[int, Event]


async def write_crowd(log: EventLog, centre: str, now: int) -> Head:
    """Fill an empty log with all that happened until a time in seconds; give its end."""
    first = now // HOUR_SECONDS * HOUR_SECONDS - DAYS_EACH_WAY * DAY_SECONDS
    founded = tuple(_everyone())
    booked = sorted(_bookings(founded, first), key=lambda each: each[0])
    happened = [(first - LEAD_SECONDS, event) for event in founded]
    happened += itertools.takewhile(lambda each: each[0] <= now, booked)
    head = Head()
    for begin in range(0, len(happened), PAGE_ENTRIES):
        page = _page(centre, head, happened[begin : begin + PAGE_ENTRIES])
        head = Head(position=await log.append(page, head.position), hash=page_hash(page))
    return head


def _page(centre: str, head: Head, happened: Sequence[Timed]) -> bytes:
    return encode_page(
        Page(
            format=FORMAT,
            centre=centre,
            writer="crowd",
            epoch=1,
            time=happened[-1][0] * MICROSECONDS,
            previous=head.hash,
            entries=tuple(
                Entry(time=at * MICROSECONDS, actor="operators/crowd", events=(event,)) for at, event in happened
            ),
        )
    )


def _everyone() -> Iterator[Event]:
    """Every resource, and every company with its quotas so many times, under numbers of their own."""
    real = read_catalogue(CENTRE_FOLDER)
    yield from registered(real.resources, (), ())
    for number in range(TIMES_OVER):
        for company in real.companies:
            company.name = _renamed(company.name, number)
        for quota in real.quotas:
            quota.company = _renamed(quota.company, number)
        yield from registered((), real.companies, real.quotas)


def _renamed(name: str, number: int) -> str:
    """`companies/3-CMP-0001` for the fourth time over."""
    return f"companies/C{number}-{name[-8:]}"


def _bookings(founded: Sequence[Event], first: int) -> Iterator[Timed]:
    """One slot after the other of every resource: the events of its reservations with their times, in no order."""
    everyone = itertools.cycle(event.company.id for event in founded if isinstance(event, CompanyRegistered))
    granted = [event.quota for event in founded if isinstance(event, QuotaGranted)]
    resources = [event.resource for event in founded if isinstance(event, ResourceRegistered)]
    for resource in resources:
        holders = dict.fromkeys(quota.company for quota in granted if quota.meter == resource.id)
        turns = itertools.cycle(holders) if holders else everyone
        meter = resource.id if holders else ""
        slot = resource.slot_minutes * 60
        for start in range(first, first + 2 * DAYS_EACH_WAY * DAY_SECONDS, slot):
            booked = _confirmed(f"{resource.id}-{start}", next(turns), resource, meter, (start, start + slot))
            yield start - LEAD_SECONDS, booked
            yield start, ReservationActivated(reservation_id=booked.reservation_id)
            yield start + slot, ReservationCompleted(reservation_id=booked.reservation_id)


def _confirmed(name: str, company: str, resource: Resource, meter: str, span: Interval) -> ReservationConfirmed:
    """The least that can be booked, in the first bin."""
    bins = -(-resource.units_min // resource.bin_capacity)
    units = bins * resource.bin_capacity if bins > 1 else resource.units_min
    allocation = Allocation(
        resource=resource.id,
        units=units,
        spans=(span,),
        bins=tuple(range(bins)),
        amounts=(units // bins,) * bins,
        meter=meter,
    )
    return ReservationConfirmed(
        reservation_id=name,
        company=company,
        start=span[0],
        end=span[1],
        lines=(Line(resource=resource.id, units=units),),
        allocations=(allocation,),
    )
