"""Reading the centre: pages of lists, and the calendar without names."""

import base64
import heapq
from collections.abc import Callable, Iterable
from hashlib import blake2b
from itertools import chain, pairwise
from typing import TypeVar

import msgspec
import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import Struct

from services.allocation.booking.transferring import seen_by
from services.allocation.calendars.calendar import DAYS_BEHIND
from services.allocation.calendars.pool import Pool
from services.allocation.centre import Centre
from services.allocation.measures import DAY_SECONDS
from services.allocation.reservations import Reservation, State
from services.allocation.resources import Kind, Resource
from services.allocation.tables.period import Period
from services.allocation.values.reserve import Reserve
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.problems import invalid

CALENDAR_DAYS_MAX = 92
NEVER = 2**53
"""Later than any time."""

Item = TypeVar("Item")
Key = tuple[int, str]


class Cursor(Struct, frozen=True, array_like=True):
    """Where a page ended, and a seal over that and the question that it answers."""

    seal: str
    time: int
    name: str


class Page(Struct, frozen=True):
    """How many, and after which item: a page size and token that were checked against the question."""

    size: int
    after: Key
    question: str

    @classmethod
    def of(cls, size: int, token: str, question: str, *, default: int, most: int) -> "Page":
        """Read what a client sent. Raises `Problem` for a negative size, or a token of another question."""
        if size < 0:
            raise invalid({"page_size": "must not be negative"})
        after = (-1, "")
        if token:
            try:
                raw = base64.urlsafe_b64decode(token.encode())
                cursor = msgspec.json.decode(raw, type=Cursor)
            except (ValueError, msgspec.MsgspecError):
                raise invalid({"page_token": "is not one that this service gave out"}) from None
            after = (cursor.time, cursor.name)
            if cursor.seal != _seal(question, after) or base64.urlsafe_b64encode(raw).decode() != token:
                raise invalid({"page_token": "belongs to another question; start again without one"})
        return cls(min(size, most) or default, after, question)

    def cut(self, items: Iterable[Item], key: Callable[[Item], Key]) -> tuple[list[Item], str]:
        """The items of this page, and the token of the next one or nothing."""
        rest = (item for item in items if key(item) > self.after)
        found = heapq.nsmallest(self.size + 1, rest, key=key)
        if len(found) <= self.size:
            return found, ""
        last = key(found[self.size - 1])
        cursor = msgspec.json.encode(Cursor(_seal(self.question, last), *last))
        return found[: self.size], base64.urlsafe_b64encode(cursor).decode()


def _seal(question: str, after: Key) -> str:
    """Tells a token of this question from any other, and from one that was tampered with by accident."""
    return blake2b(f"{question}\n{after}".encode(), digest_size=9).hexdigest()


class Wanted(Struct, frozen=True):
    """Which reservations a list is about; empty means any."""

    company: str
    states: tuple[State, ...]
    resource: str
    start: int
    end: int
    order: str = "start_time"
    offered: bool = False  # what others offer to the company, and not its own
    to_approve: bool = False

    def matches(self, reservation: Reservation) -> bool:
        """Whether a reservation of the company is one of them."""
        return (
            (not self.states or reservation.state in self.states)
            and (not self.to_approve or reservation.to_approve is not None)
            and reservation.end > self.start
            and (not self.end or reservation.start < self.end)
            and (not self.resource or any(part.resource == self.resource for part in reservation.allocations))
        )


ORDERS: dict[str, Callable[[Reservation], Key]] = {
    "start_time": lambda reservation: (reservation.start, reservation.id),
    "expire_time": lambda reservation: (reservation.ends_by or NEVER, reservation.id),
}
"""In which orders reservations are listed; what does not end by itself comes last."""


def list_reservations(centre: Centre, wanted: Wanted, page: Page) -> tuple[list[Reservation], str]:
    """Reservations in the wanted order; an empty company means every one."""
    lists, company = centre.lists, wanted.company
    ids: Iterable[str] = lists.of.get(company, {}) if company else centre.reservations
    if wanted.offered:
        ids = lists.offered.get(company, {}) if company else chain.from_iterable(lists.offered.values())
    matching = filter(wanted.matches, (centre.reservations[each] for each in ids))
    found, token = page.cut(matching, ORDERS[wanted.order])
    return [seen for each in found if (seen := seen_by(each, company)) is not None], token


def list_quotas(centre: Centre, company: str, start: int, end: int, page: Page) -> tuple[list[Period], str]:
    """A company's periods that overlap an interval, by start and meter; an end of 0 means no end."""
    found = (
        period
        for (owner, _), meter in centre.meters.items()
        if owner == company
        for period in meter.periods
        if period.quota.end > start and (not end or period.quota.start < end)
    )
    return page.cut(found, lambda period: (period.quota.start, period.quota.meter))


def list_reserves(centre: Centre, programme: str, page: Page) -> tuple[list[Reserve], str]:
    """The reserves by programme and meter; an empty programme means every one."""
    found = (each for each in centre.reserves.of.values() if programme in ("", each.programme))
    return page.cut(found, lambda reserve: (0, f"{reserve.programme}\n{reserve.meter}"))


def list_resources(centre: Centre, kind: Kind | None, page: Page) -> tuple[list[Resource], str]:
    """Resources by id."""
    found = (pool.resource for pool in centre.pools.values() if kind in (None, pool.resource.kind))
    return page.cut(found, lambda resource: (0, resource.id))


def calendar_reply(pool: Pool, start: int, end: int, now: int) -> list[api.CalendarInterval]:
    """Free and busy between two times, as stretches in which nothing changes. Raises `Problem`."""
    calendar = pool.calendar
    faults = {}
    if end <= start:
        faults["end_time"] = "must lie after start_time"
    elif end - start > CALENDAR_DAYS_MAX * DAY_SECONDS:
        faults["end_time"] = f"must lie at most {CALENDAR_DAYS_MAX} days after start_time"
    if start < now - DAYS_BEHIND * DAY_SECONDS:
        faults["start_time"] = f"must not lie more than {DAYS_BEHIND} days in the past; the ledger remembers longer"
    if end > calendar.end:
        faults["end_time"] = "lies beyond the end of the calendar"
    if faults:
        raise invalid(faults)
    first, last = calendar.window((start, end))
    held, idle = calendar.total[first:last], pool.closed.idle.total[first:last]
    opened = np.ones(last - first, dtype=np.bool_) if pool.timetable is None else pool.timetable.open[first:last]
    funded = np.full_like(held, pool.resource.capacity) if pool.funded is None else pool.funded[first:last]
    free = np.where(opened, np.maximum(np.minimum(pool.resource.capacity - idle, funded) - held, 0), 0)
    edges = {
        int(edge) + 1 for figures in (held, idle, free, funded, opened * 1) for edge in np.flatnonzero(np.diff(figures))
    }
    for closing in pool.closed.closings.values():
        edges.update(edge - first for edge in calendar.window((closing.start, closing.end)))
    shown = []
    for cell in sorted({0, *(edge for edge in edges if 0 < edge < last - first)}):
        units = int(free[cell]), int(held[cell]), int(idle[cell]), int(funded[cell])
        shown.append((cell, (units, bool(opened[cell]), pool.closed.labels(first + cell))))
    # Where one closing follows another of the same name, nothing changes.
    stretches = [shown[0], *(after for before, after in pairwise(shown) if before[1] != after[1])]
    ends = [cell for cell, _ in stretches[1:]] + [last - first]
    return [
        api.CalendarInterval(
            start_time=Timestamp(seconds=max(start, calendar.base + (first + cell) * calendar.cell_seconds)),
            end_time=Timestamp(seconds=min(end, calendar.base + (first + until) * calendar.cell_seconds)),
            free_units=units[0],
            reserved_units=units[1],
            open=is_open,
            closed_units=units[2],
            funded_units=units[3],
            closures=closures,
        )
        for (cell, (units, is_open, closures)), until in zip(stretches, ends, strict=True)
    ]
