"""The life of a reservation, event by event, in sentences for people."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_never

import asyncpg
import msgspec
from msgspec import Struct

from services.allocation import events
from services.allocation.events import Event
from services.allocation.resources import Allocation
from services.ledger.batch import Checkpoint
from services.ledger.journal import read_checkpoint
from services.ledger.statements import NotFound, snapshot

ENTRIES_MAX = 2_000
"""A reservation has a handful of events; one that is moved again and again shows its latest ones."""

SYSTEM = "system"

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


async def history(readers: asyncpg.Pool, company: str, reservation: str) -> tuple[Checkpoint, list[Entry]]:
    """What happened to a company's reservation, in log order. Raises `NotFound`."""
    async with snapshot(readers) as connection:
        rows = await connection.fetch(_EVENTS, company, reservation, ENTRIES_MAX)
        if not rows:
            raise NotFound(reservation)
        units = {row["resource"]: row["unit"] for row in await connection.fetch("SELECT * FROM resources")}
        return await read_checkpoint(connection), [_entry(row, units) for row in rows]


def describe(event: Event, units: Mapping[str, str]) -> str:
    """A sentence about an event of a reservation. `units` names what each resource counts."""
    match event:
        case events.ReservationConfirmed():
            return f"Confirmed from {_moment(event.start)} to {_moment(event.end)}: {_held(event.allocations, units)}."
        case events.AllocationsMoved():
            return f"Moved before its start, for the same times: {_held(event.allocations, units)}."
        case events.ReservationActivated():
            return "Started; its units are bound from here on."
        case events.ReservationCompleted():
            return "Ended; all that it held counts as used."
        case events.ReservationCancelled():
            return f"Cancelled before its start, nothing was used{_because(event.reason)}."
        case events.ReservationReleased():
            cut = _moment(event.released_at)
            return f"Released early: used until {cut}, the rest was given back{_because(event.reason)}."
        case events.ResourceRegistered() | events.CompanyRegistered() | events.QuotaGranted():
            raise AssertionError("no event of a reservation")
        case _:
            assert_never(event)


def _entry(row: asyncpg.Record, units: Mapping[str, str]) -> Entry:
    event = _decode_event(row["payload"])
    # A move makes room for somebody else's booking, and whose that was is nobody's business (P8).
    moved = isinstance(event, events.AllocationsMoved)
    return Entry(
        time=row["time"],
        position=row["position"],
        index=row["index"],
        event=row["type"],
        actor=SYSTEM if moved else row["actor"],
        request_id="" if moved else row["request_id"],
        description=describe(event, units),
    )


def _held(allocations: tuple[Allocation, ...], units: Mapping[str, str]) -> str:
    return "; ".join(_allocation(allocation, units.get(allocation.resource, "unit")) for allocation in allocations)


def _allocation(allocation: Allocation, unit: str) -> str:
    """Such as `8 gpu of h100-train, in 2 spans of time, for M01`."""
    text = f"{allocation.units} {unit} of {allocation.resource}"
    if len(allocation.spans) > 1:
        text += f" in {len(allocation.spans)} spans of time"
    return f"{text}, which {allocation.companion_of} needs" if allocation.companion_of else text


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


_EVENTS = """
SELECT * FROM (
    SELECT time, position, index, type, actor, request_id, payload, number
    FROM journal
    WHERE reservation = $2 AND reservation <> '' AND company = $1
    ORDER BY number DESC
    LIMIT $3
) AS latest
ORDER BY number
"""
