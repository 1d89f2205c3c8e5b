"""What several pages ask the services: calendars side by side, and reservations up to a bound."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from services.board.doors.answers import Missing, Refused
from services.board.doors.catalogue import plain
from services.board.frame.visit import Visit
from services.board.paper.times import to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

RESERVATIONS_MAX = 1_000
BEHIND_MAX = timedelta(days=31)
AHEAD_MAX = timedelta(days=183)
LIVE = (
    api.Reservation.STATE_HELD,
    api.Reservation.STATE_PENDING,
    api.Reservation.STATE_CONFIRMED,
    api.Reservation.STATE_ACTIVE,
)


async def calendars(
    visit: Visit, resources: Iterable[api.Resource], start: datetime, end: datetime
) -> Mapping[str, api.Calendar | None]:
    """Free and busy of resources by plain id, within what calendars reach; None for one that may not be seen."""
    start, end = max(start, visit.clock.now - BEHIND_MAX), min(end, visit.clock.now + AHEAD_MAX)
    wanted = list(resources) if start < end else []
    found = await asyncio.gather(*(_calendar(visit, each, start, end) for each in wanted))
    return {plain(each.name): calendar for each, calendar in zip(wanted, found, strict=True)}


async def _calendar(visit: Visit, resource: api.Resource, start: datetime, end: datetime) -> api.Calendar | None:
    request = api.GetCalendarRequest(name=resource.name, start_time=to_timestamp(start), end_time=to_timestamp(end))
    try:
        calendar: api.Calendar = await visit.caller.ask(visit.caller.scheduler.GetCalendar, request)
    except (Refused, Missing):
        return None  # A restricted zone, or gone since the catalogue was read.
    return calendar


async def reservations(
    visit: Visit,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    parent: str = "",
    states: Sequence["api.Reservation.State.ValueType"] = LIVE,
    resource: str = "",
    to_approve: bool = False,
) -> tuple[list[api.Reservation], bool, int]:
    """Reservations that overlap an interval, by start; whether there are more; and the position they are true at."""
    page = await visit.caller.ask(
        visit.caller.scheduler.ListReservations,
        api.ListReservationsRequest(
            parent=parent or visit.person.parent,
            page_size=RESERVATIONS_MAX,
            states=states,
            resource=f"resources/{resource}" if resource else "",
            start_time=to_timestamp(start) if start else None,
            end_time=to_timestamp(end) if end else None,
            to_approve=to_approve,
        ),
    )
    return list(page.reservations), bool(page.next_page_token), page.position
