"""What a centre is doing at one moment: what is in use, what begins and ends soon, what waits for somebody."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.cli.client import RESERVATIONS_PAGE_SIZE_MAX, Client
from services.cli.outages import every_outage
from services.cli.reservations import parent_or_every
from services.cli.tables import plain_id
from services.cli.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SOON = timedelta(hours=1)
State = api.Reservation.State
AHEAD = (State.STATE_HELD, State.STATE_PENDING, State.STATE_CONFIRMED)
UNDECIDED = (State.STATE_HELD, State.STATE_PENDING)


@dataclass
class Glance:
    """The centre at a log position. `units` and `bookings` are those of active reservations, by resource."""

    time: datetime
    position: int = 0
    active: int = 0
    starting: int = 0
    ending: int = 0
    waiting: Counter["State.ValueType"] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    bookings: Counter[str] = field(default_factory=Counter)
    outages: list[api.Outage] = field(default_factory=list)


def look(client: Client, company: str) -> Glance:
    """Look at a company's reservations, or an operator at everybody's. Raises `Failed`."""
    parent = parent_or_every(client, company)
    first = client.read(client.scheduler.ListResources, api.ListResourcesRequest(page_size=1))
    seen = Glance(time=from_timestamp(first.time))
    soon = seen.time + SOON
    around = api.ListReservationsRequest(parent=parent, states=[State.STATE_ACTIVE, *AHEAD])
    around.start_time.FromDatetime(seen.time)
    around.end_time.FromDatetime(soon)
    for reservation in _each(client, around, seen):
        if reservation.state == State.STATE_ACTIVE:
            _count(reservation, seen)
            seen.ending += from_timestamp(reservation.end_time) <= soon
        else:
            seen.starting += 1
    undecided = api.ListReservationsRequest(parent=parent, states=UNDECIDED)
    seen.waiting.update(each.state for each in _each(client, undecided, seen))
    seen.outages = [each for each in every_outage(client, over=False) if each.state == api.Outage.STATE_IN_FORCE]
    return seen


def _each(client: Client, request: api.ListReservationsRequest, seen: Glance) -> Iterator[api.Reservation]:
    request.page_size = RESERVATIONS_PAGE_SIZE_MAX
    for page in client.reservations(request):
        seen.position = page.position
        yield from page.reservations


def _count(reservation: api.Reservation, seen: Glance) -> None:
    """Count what an active reservation has in use."""
    seen.active += 1
    for allocation in reservation.allocations:
        seen.units[plain_id(allocation.resource)] += allocation.units
        seen.bookings[plain_id(allocation.resource)] += 1
