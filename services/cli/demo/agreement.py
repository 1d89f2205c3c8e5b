"""The check at the end: scheduler, calendar, ledger and metrics say the same of every resource, to the unit-second.

All are asked at one log position. The simulated clock stands still by then, so nothing moves underneath.
"""

import asyncio
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.cli.async_client import AsyncClient
from services.cli.catalogue import Catalogue
from services.cli.client import RESERVATIONS_PAGE_SIZE_MAX
from services.cli.demo.exposition import samples
from services.cli.options import EVERY_COMPANY
from services.cli.outcome import Failed
from services.cli.tables import plain_id, state_name
from services.cli.times import to_timestamp
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACCOUNTS = ("held", "used", "released")
METRIC_OF = {
    "held": "alloc_held_unit_seconds",
    "used": "alloc_used_unit_seconds_total",
    "released": "alloc_released_unit_seconds_total",
}
SHOWN_AS = {
    **dict.fromkeys(("held", "booked"), "held"),
    **dict.fromkeys(("used", "idle"), "used"),
    **dict.fromkeys(("released", "refunded", "preempted"), "released"),
}
"""The ledger's chart of accounts, in the words of the others."""
POSITION_METRIC = "alloc_projection_position"
CALENDAR_DAYS = 92
SETTLE_SECONDS_MAX = 10.0
POLL_SECONDS = 0.05
HTTP_SECONDS = 5.0
LIVE = (
    api.Reservation.STATE_HELD,
    api.Reservation.STATE_PENDING,
    api.Reservation.STATE_CONFIRMED,
    api.Reservation.STATE_ACTIVE,
)
GIVEN_BACK = (api.Reservation.STATE_CANCELLED, api.Reservation.STATE_EXPIRED, api.Reservation.STATE_DENIED)

Figures = Counter[tuple[str, str]]
"""Unit-seconds by resource and account."""


@dataclass
class Views:
    """What each view says at one position. `remaining` is what lies ahead of the standing clock, by resource."""

    position: int
    scheduler: Figures
    ledger: Figures = field(default_factory=Counter)
    metrics: Figures = field(default_factory=Counter)
    remaining: Counter[str] = field(default_factory=Counter)
    calendar: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    def differences(self) -> Iterator[str]:
        """Every figure that is not the same everywhere, in a sentence."""
        for key in sorted(self.scheduler | self.ledger | self.metrics):
            figures = [view[key] for view in (self.scheduler, self.ledger, self.metrics)]
            if len(set(figures)) > 1:
                yield f"{key[0]} {key[1]}: scheduler {figures[0]}, ledger {figures[1]}, metrics {figures[2]}"
        for resource in sorted(self.remaining | self.calendar):
            if self.remaining[resource] != self.calendar[resource]:
                figures = [self.remaining[resource], self.calendar[resource]]
                yield f"{resource} ahead: reservations {figures[0]}, calendar {figures[1]}"


async def gather_views(client: AsyncClient, metrics: str, catalogue: Catalogue, now: datetime) -> Views:
    """Ask everyone. `metrics` is the address of its pages, `now` what the clock stands at. Raises `Failed`."""
    reservations, position = await settled_reservations(client, now)
    views = Views(position=position, scheduler=Counter())
    for reservation in reservations:
        add(views, reservation, now)
    await asyncio.gather(
        read_calendars(client, catalogue, now, views),
        read_ledger(client, views),
        read_metrics(metrics, views),
    )
    return views


async def settled_reservations(client: AsyncClient, now: datetime) -> tuple[list[api.Reservation], int]:
    """Every reservation, once all that was due by now has happened, and the position of that."""
    give_up = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        found, positions = await list_reservations(client)
        if len(positions) == 1 and not any(overdue(reservation, now) for reservation in found):
            return found, positions.pop()
        if time.monotonic() > give_up:
            raise Failed(f"the scheduler did not settle within {SETTLE_SECONDS_MAX:.0f} s of the clock standing still")
        await asyncio.sleep(POLL_SECONDS)


async def list_reservations(client: AsyncClient) -> tuple[list[api.Reservation], set[int]]:
    """Every reservation, and the positions that the pages of the answer are true at."""
    found: list[api.Reservation] = []
    positions: set[int] = set()
    request = api.ListReservationsRequest(parent=EVERY_COMPANY, page_size=RESERVATIONS_PAGE_SIZE_MAX)
    while True:
        page = await client.call(client.scheduler.ListReservations, request)
        found.extend(page.reservations)
        positions.add(page.position)
        if not page.next_page_token:
            return found, positions
        request.page_token = page.next_page_token


def overdue(reservation: api.Reservation, now: datetime) -> bool:
    """Whether its start or end has come and it has not moved on."""
    due = {
        api.Reservation.STATE_HELD: reservation.expire_time.seconds,
        api.Reservation.STATE_PENDING: reservation.expire_time.seconds,
        api.Reservation.STATE_CONFIRMED: reservation.start_time.seconds,
        api.Reservation.STATE_ACTIVE: min(
            reservation.end_time.seconds, reservation.check_in_deadline.seconds or reservation.end_time.seconds
        ),
    }.get(reservation.state)
    return due is not None and due <= now.timestamp()


def add(views: Views, reservation: api.Reservation, now: datetime) -> None:
    """Add one reservation to the scheduler's figures."""
    account = account_of(reservation)
    views.states[state_name(reservation.state)] += 1
    for allocation in reservation.allocations:
        resource = plain_id(allocation.resource)
        for span in allocation.spans:
            start, end = span.start_time.seconds, span.end_time.seconds
            views.scheduler[resource, account] += allocation.units * (end - start)
            if reservation.state in LIVE:
                ahead = max(0, end - max(start, round(now.timestamp())))
                views.remaining[resource] += allocation.units * ahead


def account_of(reservation: api.Reservation) -> str:
    """The account that its unit-seconds stand in."""
    if reservation.state in LIVE:
        return "held"
    return "released" if reservation.state in GIVEN_BACK else "used"


async def read_calendars(client: AsyncClient, catalogue: Catalogue, now: datetime, views: Views) -> None:
    """What the calendars of all resources show as reserved from now on."""

    async def read_one(name: str) -> None:
        request = api.GetCalendarRequest(
            name=name,
            start_time=to_timestamp(now),
            end_time=to_timestamp(now + timedelta(days=CALENDAR_DAYS)),
            min_position=views.position,
        )
        calendar = await client.call(client.scheduler.GetCalendar, request)
        expect_position("the calendar", calendar.position, views.position)
        views.calendar[plain_id(name)] = sum(
            part.reserved_units * (part.end_time.seconds - part.start_time.seconds) for part in calendar.intervals
        )

    await asyncio.gather(*(read_one(resource.name) for resource in catalogue.resources))


async def read_ledger(client: AsyncClient, views: Views) -> None:
    """What the ledger's accounts of the whole centre hold."""
    request = ledger_api.GetBalanceRequest(name=EVERY_COMPANY, min_position=views.position)
    balance = await client.call(client.ledger.GetBalance, request)
    expect_position("the ledger", balance.position, views.position)
    for item in balance.accounts:
        if item.account in SHOWN_AS:
            views.ledger[plain_id(item.resource), SHOWN_AS[item.account]] += item.unit_seconds


async def read_metrics(address: str, views: Views) -> None:
    """What /metrics shows, once it has come as far."""
    give_up = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        page = await asyncio.to_thread(fetch, f"http://{address}/metrics")
        position = round(sum(value for _, value in samples(page, POSITION_METRIC)))
        if position >= views.position:
            break
        if time.monotonic() > give_up:
            raise Failed(f"metrics stand at {position}, not at {views.position}")
        await asyncio.sleep(POLL_SECONDS)
    expect_position("metrics", position, views.position)
    for account, metric in METRIC_OF.items():
        for labels, value in samples(page, metric):
            views.metrics[labels["pool"], account] += round(value)


def fetch(url: str) -> str:
    """One page over HTTP."""
    try:
        with urllib.request.urlopen(url, timeout=HTTP_SECONDS) as answer:  # noqa: S310 - our own address
            text: str = answer.read().decode()
            return text
    except OSError as problem:
        raise Failed(f"{url} does not answer: {problem}") from problem


def expect_position(view: str, shown: int, wanted: int) -> None:
    """Raise `Failed` when something moved although the clock stands still."""
    if shown != wanted:
        raise Failed(f"{view} answers at position {shown}, not at {wanted}")
