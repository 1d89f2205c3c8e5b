"""The life of a reservation, event by event, in sentences for people."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
from msgspec import Struct

from services.allocation import events
from services.allocation.events import Event
from services.allocation.values.months import ZONE_DEFAULT
from services.ledger.archived import demand_life
from services.ledger.batch import Checkpoint
from services.ledger.posting import GIVEN_BACK
from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.phrases import fee_returned, given_for_it
from services.ledger.reporting.sentences import sentence
from services.ledger.reporting.telling import SYSTEM, Words
from services.ledger.reporting.transfers import LATE_FEE_RETURNED
from services.ledger.reporting.views import NotFound, View, after, known

ENTRIES_MAX = 2_000
"""A reservation has a handful of events; one that is moved again and again shows its latest ones."""

COMPANIES = "companies/"
TAKEN = [str(kind.__struct_config__.tag) for kind in GIVEN_BACK]
VOTE = str(events.VoteCast.__struct_config__.tag)

_decode_event = msgspec.json.Decoder(Event).decode


class Entry(Struct, frozen=True, kw_only=True):
    """One event of a reservation."""

    time: datetime
    position: int
    index: int
    event: str
    actor: str
    request_id: str
    description: str


async def history(
    readers: asyncpg.Pool, company: str, reservation: str, view: View, *, voters_named: bool
) -> tuple[Checkpoint, list[Entry]]:
    """What happened to a company's reservation, in log order. Raises `NotFound`, also before there was anything, or
    `Archived`.

    Who voted on it is told by name or, to the company itself, by role alone.
    """
    async with company_snapshot(readers, company) as connection:
        standing = await known(connection, view)
        await demand_life(connection, reservation)
        bounds = (after(view), standing.number)
        rows = await connection.fetch(_EVENTS, company, reservation, ENTRIES_MAX, *bounds, TAKEN)
        if not rows:
            raise NotFound(reservation)
        returned = [_return_entry(row) for row in await connection.fetch(_RETURNED, company, reservation, *bounds)]
        units = {row["resource"]: row["unit"] for row in await connection.fetch("SELECT resource, unit FROM resources")}
    async with snapshot(readers) as connection:
        # The registration of a resource is no company's fact, so no company's role reads it.
        zone = ZoneInfo(await connection.fetchval(_ZONE) or ZONE_DEFAULT)
    votes = () if voters_named else {_request(row) for row in rows if row["type"] == VOTE}
    entries = [_entry(row, company, units, zone, secret=_request(row) in votes) for row in rows]
    return standing, sorted(entries + returned, key=lambda entry: (entry.position, entry.index))


def _request(row: asyncpg.Record) -> tuple[int, str, str]:
    """What an event has in common with the others of one decision."""
    return row["position"], row["actor"], row["request_id"]


def _entry(row: asyncpg.Record, company: str, units: Mapping[str, str], zone: ZoneInfo, *, secret: bool) -> Entry:
    event = _decode_event(row["payload"])
    # Whoever took it over, or declined, is known by the offer; what their request was called is theirs alone.
    foreign = COMPANIES in row["actor"] and not row["actor"].endswith(f"{COMPANIES}{company}")
    # A move makes room for somebody else's booking, and whose that was is nobody's business (P8).
    moved = isinstance(event, events.AllocationsMoved)
    role = row["actor"].partition("/")[0] if secret else row["actor"]
    actor = SYSTEM if moved else role
    return Entry(
        time=row["time"],
        position=row["position"],
        index=row["index"],
        event=row["type"],
        actor=actor,
        request_id="" if moved or secret or foreign else row["request_id"],
        description=sentence(event, Words(actor=actor, zone=zone, units=units)) + given_for_it(row["given_krw"]),
    )


def _return_entry(row: asyncpg.Record) -> Entry:
    """What an event of somebody else's meant for this reservation; whose it was is nobody's business (P8)."""
    return Entry(
        time=row["time"],
        position=row["position"],
        index=row["index"],
        event=LATE_FEE_RETURNED,
        actor=SYSTEM,
        request_id="",
        description=fee_returned(row["resource"], row["returned_krw"], row["krw"]),
    )


_EVENTS = """
SELECT latest.*, (
    SELECT sum(krw) FROM transfers
    WHERE transfers.number = latest.number AND to_account = 'compensation' AND type = ANY($6)
) AS given_krw
FROM (
    SELECT time, position, index, type, actor, request_id, payload, number
    FROM journal
    WHERE reservation = $2 AND reservation <> '' AND company = $1 AND time < $4 AND number <= $5
    ORDER BY number DESC
    LIMIT $3
) AS latest
ORDER BY number
"""

_RETURNED = """
SELECT time, position, index, resource, krw, returned_krw
FROM late_fees
WHERE reservation = $2 AND company = $1 AND returned_krw > 0 AND time < $3 AND number <= $4
ORDER BY number, resource, about
"""

_ZONE = """
SELECT payload -> 'resource' ->> 'time_zone'
FROM journal
JOIN resources USING (number)
ORDER BY number
LIMIT 1
"""
