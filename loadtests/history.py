"""A log with a past: a million events of three months of booking, with a snapshot where a running scheduler leaves one.

The events are the real ones: the core decides every booking and lets time pass, hour by hour, and pages carry about a
hundred events, chained and appended one by one.
"""

import random
from collections.abc import Callable, Iterator

from msgspec import Struct

from loadtests.founding import founding
from loadtests.workload import COMPANIES, DAY_SECONDS, HOUR_SECONDS, POOL, new_request_id
from services.allocation import commands, image
from services.allocation.centre import Centre
from services.allocation.decide import decide
from services.allocation.events import Event
from services.allocation.rejections import Rejected
from services.allocation.reservations import Line
from services.eventlog import EventLog, SnapshotStore
from services.eventlog.page import FORMAT, Entry, Head, Page, encode_page, page_hash
from services.scheduler.clock import MICROSECONDS
from services.scheduler.snapshotter import EVENTS_BETWEEN, drawn
from services.scheduler.writer import SYSTEM, remember

EVENTS = 1_000_000
DAYS = 90
EVENTS_EACH = 3  # confirmed, activated, completed
BOOKINGS_AN_HOUR = -(-EVENTS // (EVENTS_EACH * DAYS * 24))
PAGE_EVENTS = 100
LEAD_HOURS_MAX = 72
HOURS_MAX, UNITS_MAX = 4, 4

Advance = Callable[[int, int], None]


class History(Struct, kw_only=True):
    """What was built: its length, and a reservation that is there."""

    centre: str
    head: Head
    events: int
    bytes: int
    kept: int
    company: str
    reservation: str


class Scribe:
    """Writes decisions onto pages and makes them durable; keeps the centre that they lead to."""

    def __init__(self, log: EventLog, snapshots: SnapshotStore, centre_id: str, snapshot_at: int) -> None:
        self.centre = Centre()
        self.head = Head()
        self.events = 0
        self.bytes = 0
        self._log = log
        self._snapshots = snapshots
        self._centre_id = centre_id
        self._entries: list[Entry] = []
        self._size = 0
        self._snapshot_at = snapshot_at
        self._saved = False

    async def take(self, events: tuple[Event, ...], at: int, actor: str, request_id: str = "") -> None:
        """Make one decision true at a time in seconds, and write it down. A full page is appended."""
        digest = request_id and "0" * 32
        entry = Entry(time=at * MICROSECONDS, actor=actor, events=events, request_id=request_id, request_digest=digest)
        position = self.head.position + 1
        subjects = self.centre.apply(events, at, position)
        remember(self.centre, actor, request_id, digest, entry.time, position, subjects[-1])
        self._entries.append(entry)
        self._size += len(events)
        if self._size >= PAGE_EVENTS:
            await self.turn(at)

    async def turn(self, at: int) -> None:
        """Append the page, and save the snapshot that stands as far behind the end as one ever does."""
        page = Page(
            format=FORMAT,
            centre=self._centre_id,
            writer="history",
            epoch=1,
            time=at * MICROSECONDS,
            previous=self.head.hash,
            entries=tuple(self._entries),
        )
        data = encode_page(page)
        position = await self._log.append(data, self.head.position)
        self.head = Head(position=position, hash=page_hash(data))
        self.events += self._size
        self.bytes += len(data)
        self._entries, self._size = [], 0
        if not self._saved and self.events >= self._snapshot_at:
            self._saved = True
            await self._snapshots.save(self.head.position, self.head.hash, drawn(image.Moment(self.centre)))


async def write_history(
    log: EventLog,
    snapshots: SnapshotStore,
    centre_id: str,
    *,
    now: int,
    seed: int,
    advance: Advance,
    length: int = EVENTS,
    tail: int = EVENTS_BETWEEN,
) -> History:
    """Fill an empty log with `length` events, from three months before `now` on.

    The snapshot stands `tail` events before the end.
    """
    chance = random.Random(seed)
    scribe = Scribe(log, snapshots, centre_id, length - tail)
    first = now // HOUR_SECONDS * HOUR_SECONDS - DAYS * DAY_SECONDS
    await scribe.turn(first)  # The page that opens the epoch.
    for event in founding(first):
        await scribe.take((event,), first, "operators/history")
    hour = first
    while scribe.events < length and hour < now - HOUR_SECONDS:
        for wish in _wishes(chance, hour):
            try:
                events = decide(scribe.centre, wish, hour)
            except Rejected:
                continue
            await scribe.take(events, hour, f"companies/{wish.company}", new_request_id())
        while events := decide(scribe.centre, commands.Tick(), hour):
            await scribe.take(events, hour, SYSTEM)
        advance(min(scribe.events, length), length)
        hour += HOUR_SECONDS
    await scribe.turn(hour)
    last = next(reversed(scribe.centre.reservations.values()))
    return History(
        centre=centre_id,
        head=scribe.head,
        events=scribe.events,
        bytes=scribe.bytes,
        kept=len(scribe.centre.reservations),
        company=last.company,
        reservation=last.id,
    )


def _wishes(chance: random.Random, hour: int) -> Iterator[commands.CreateReservation]:
    """What is asked for within an hour, for the next three days."""
    for _ in range(BOOKINGS_AN_HOUR + 2):
        start = hour + chance.randint(1, LEAD_HOURS_MAX) * HOUR_SECONDS
        yield commands.CreateReservation(
            reservation_id=f"{chance.getrandbits(60):015x}",
            company=chance.choice(COMPANIES),
            start=start,
            end=start + chance.randint(1, HOURS_MAX) * HOUR_SECONDS,
            lines=(Line(resource=POOL, units=chance.randint(1, UNITS_MAX)),),
        )
