"""Calendar files (RFC 5545) of what is booked, written by the icalendar library, in UTC, which every program knows.

A company sees its bookings; of a resource it sees when it is busy, and only operators and auditors see by whom (P8).
What goes into a file is gathered at once; drawing it takes longer, and can be done beside the event loop.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import icalendar
from msgspec import Struct

from services.allocation.centre import Centre
from services.allocation.reservations import Allocation, Reservation, State
from services.allocation.resources import Interval, Resource
from services.allocation.wording import counted

CONTENT_TYPE = "text/calendar; charset=utf-8"
DOMAIN = "aidc"
ENTRIES_MAX = 1_000
"""The latest so many: a company's bookings of months."""
BUSY = "Busy"


class Entry(Struct, frozen=True):
    """One event of a calendar: when, what, and how it stands. Times are in seconds UTC."""

    uid: str
    span: Interval
    title: str
    stamp: int
    sequence: int = 0
    status: str = "CONFIRMED"
    note: str = ""


def company_entries(centre: Centre, company: str) -> list[Entry]:
    """What a company holds or has used, one entry a stretch of time."""
    own = [centre.reservations[name] for name in centre.lists.of.get(company, {})]
    kept = sorted((each for each in own if each.holding), key=lambda each: (each.start, each.id))
    entries = []
    for reservation in kept[-ENTRIES_MAX:]:
        asked = [each for each in reservation.allocations if not each.companion_of]
        title = "; ".join(_amount(centre, each) for each in asked)
        stretches = _joined(span for allocation in asked for span in allocation.spans)
        entries += [
            _entry(f"{reservation.id}-{number}", span, title, reservation) for number, span in enumerate(stretches)
        ]
    return entries[-ENTRIES_MAX:]


def resource_entries(centre: Centre, resource: Resource, *, names: bool) -> list[Entry]:
    """When a resource is busy; with `names` by whom."""
    found = [
        (span, reservation, allocation)
        for reservation in centre.reservations.values()
        for allocation in reservation.holding
        if allocation.resource == resource.id
        for span in allocation.spans
    ]
    found.sort(key=lambda each: (each[0], each[1].id))
    if not names:
        busy = _joined(span for span, _, _ in found)[-ENTRIES_MAX:]
        return [Entry(f"{resource.id}-{start}", (start, end), BUSY, stamp=start) for start, end in busy]
    return [
        _entry(
            f"{reservation.id}-{resource.id}-{span[0]}",
            span,
            f"{reservation.company}: {_amount(centre, allocation)}",
            reservation,
        )
        for span, reservation, allocation in found[-ENTRIES_MAX:]
    ]


def drawn(name: str, entries: Sequence[Entry]) -> bytes:
    """The calendar of these entries as a file."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", f"-//{DOMAIN}//scheduler//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for entry in entries:
        calendar.add_component(_event(entry))
    return bytes(calendar.to_ical())


def _event(entry: Entry) -> icalendar.Event:
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in entry.span)
    event = icalendar.Event()
    event.add("uid", f"{entry.uid}@{DOMAIN}")
    event.add("dtstamp", datetime.fromtimestamp(entry.stamp, UTC))
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", entry.title)
    event.add("sequence", entry.sequence)
    event.add("status", entry.status)
    if entry.note:
        event.add("description", entry.note)
    return event


def _entry(uid: str, span: Interval, title: str, reservation: Reservation) -> Entry:
    tentative = reservation.state.waiting and reservation.state is not State.CONFIRMED
    return Entry(
        uid,
        span,
        title,
        stamp=reservation.created_at,
        sequence=reservation.version - 1,
        status="TENTATIVE" if tentative else "CONFIRMED",
        note=reservation.note,
    )


def _amount(centre: Centre, allocation: Allocation) -> str:
    """Such as `M01, 1 seat`; shares of a GPU are said as GPUs."""
    return f"{allocation.resource}, {counted(allocation.units, centre.pools[allocation.resource].resource.unit)}"


def _joined(spans: Iterable[Interval]) -> list[Interval]:
    """The same moments, as stretches that neither touch nor overlap."""
    joined: list[Interval] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
