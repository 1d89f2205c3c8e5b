"""The tables of the books that can be taken home: the columns of each, the query of its rows, and what a row is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pyarrow as pa  # type: ignore[import-untyped]
from asyncpg.pool import PoolConnectionProxy

from services.allocation.prices.periods import name_of
from services.ledger.archived import demand_run
from services.ledger.chart import phase_of
from services.ledger.reporting.transfers import demand_caused, lines_query

_moment = pa.timestamp("us", tz="UTC")
_word = pa.dictionary(pa.int32(), pa.string())

DemandAll = Callable[[PoolConnectionProxy, Sequence[asyncpg.Record], int, int], Awaitable[None]]
"""Raises `Archived` if rows found between two event numbers are not all there is."""


async def _all_there(*_: object) -> None:
    """Nothing of this table ever leaves."""


async def _all_caused(connection: PoolConnectionProxy, rows: Sequence[asyncpg.Record], *_: int) -> None:
    await demand_caused(connection, rows)


async def _all_at_hand(connection: PoolConnectionProxy, _: Sequence[asyncpg.Record], first: int, last: int) -> None:
    await demand_run(connection, first, last)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """One kind of file: its columns, the query of a page of rows, and how a row becomes values in that order.

    `key` names what a page begins after; without one the table changes, and is read in one snapshot.
    """

    schema: pa.Schema
    query: str
    key: tuple[str, ...]
    values: Callable[[asyncpg.Record], tuple[Any, ...]]
    demand_all: DemandAll = _all_there


_TRANSFERS = lines_query("""
    SELECT * FROM transfers
    WHERE ($1 = '' OR company = $1) AND number <= $2 AND (number, line) > ($4, $5)
    ORDER BY number, line
    LIMIT $3
""")

# Whom a move made room for is nobody's business (P8).
_EVENTS = """
SELECT number, position, entry, index, time, type, company, reservation, payload,
       CASE WHEN $1 <> '' AND type = 'allocations_moved' THEN 'system' ELSE actor END AS actor,
       CASE WHEN $1 <> '' AND type = 'allocations_moved' THEN '' ELSE request_id END AS request_id
FROM journal
WHERE ($1 = '' OR company = $1) AND number <= $2 AND number > $4
ORDER BY number
LIMIT $3
"""

_RESERVATIONS = """
SELECT reservation, company, state, starts_at, ends_at, note, confirmed_number, changed_number
FROM reservations
WHERE ($1 = '' OR company = $1) AND confirmed_number <= $2
ORDER BY confirmed_number
"""

TABLES: Mapping[str, Exported] = {
    "transfers": Exported(
        query=_TRANSFERS,
        demand_all=_all_caused,
        key=("number", "line"),
        schema=pa.schema(
            [
                ("event_number", pa.int64()),
                ("line", pa.int32()),
                ("time", _moment),
                ("position", pa.int64()),
                ("event", _word),
                ("company", _word),
                ("reservation", pa.string()),
                ("resource", _word),
                ("month", _word),
                ("about_month", _word),
                ("from_account", _word),
                ("to_account", _word),
                ("phase", _word),
                ("unit_seconds", pa.int64()),
                ("krw", pa.int64()),
            ]
        ),
        values=lambda row: (
            *(row["number"], row["line"], row["time"], row["position"], row["event"]),
            *(row["company"], row["reservation"], row["resource"], name_of(row["period"]), name_of(row["about"])),
            *(row["from_account"], row["to_account"]),
            phase_of(row["from_account"], row["to_account"], row["about"] != row["period"]).value,
            *(row["unit_seconds"], row["krw"]),
        ),
    ),
    "events": Exported(
        query=_EVENTS,
        demand_all=_all_at_hand,
        key=("number",),
        schema=pa.schema(
            [
                ("event_number", pa.int64()),
                ("position", pa.int64()),
                ("entry", pa.int32()),
                ("index", pa.int32()),
                ("time", _moment),
                ("actor", _word),
                ("request_id", pa.string()),
                ("type", _word),
                ("company", _word),
                ("reservation", pa.string()),
                ("payload_json", pa.string()),
            ]
        ),
        values=lambda row: (
            *(row["number"], row["position"], row["entry"], row["index"], row["time"]),
            *(row["actor"], row["request_id"], row["type"], row["company"], row["reservation"]),
            row["payload"],
        ),
    ),
    "reservations": Exported(
        query=_RESERVATIONS,
        key=(),
        schema=pa.schema(
            [
                ("reservation", pa.string()),
                ("company", _word),
                ("state", _word),
                ("start", _moment),
                ("end", _moment),
                ("note", pa.string()),
                ("first_event_number", pa.int64()),
                ("last_event_number", pa.int64()),
            ]
        ),
        values=tuple,
    ),
}
"""The tables that can be taken home, by name."""
