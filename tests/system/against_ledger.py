"""P6, view against view: every figure that metrics and ledger both have, at the very same position of the log.

Balances are asked for as a client would; what nodes measured the ledger tells by reservation alone, so its sums are
read from its tables, as of the position too.
"""

from collections import Counter
from collections.abc import Mapping

import asyncpg

from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from tests.system.harness import Clients
from tests.system.small_catalogue import COMPANIES
from tests.system.views import scrape

HELD, USED, RELEASED = ("held", "booked"), ("used", "idle"), ("released", "refunded", "preempted")
"""The ledger's accounts by what the metrics call them."""
COUNTED = {
    "alloc_reserved_unit_seconds_total": (*HELD, *USED, *RELEASED),
    "alloc_held_unit_seconds": HELD,
    "alloc_used_unit_seconds_total": USED,
    "alloc_released_unit_seconds_total": RELEASED,
}

MEASURED = {
    "alloc_measured_unit_seconds_total": "measured",
    "alloc_busy_unit_seconds_total": "busy",
    "alloc_idle_held_unit_seconds_total": "idle",
}
"""The ledger's columns of what nodes reported, by the metrics that count them."""
_MEASURED = """
SELECT company, resource, sum(measured)::bigint AS measured, sum(busy)::bigint AS busy, sum(idle)::bigint AS idle
FROM ledger.measured_use
WHERE number <= (SELECT max(number) FROM ledger.journal WHERE position <= $1)
GROUP BY company, resource
"""


async def differences(clients: Clients) -> list[str]:
    """What the metrics show now, against what the ledger knew at that position; nothing if all of it is equal."""
    page = await scrape(clients)
    position = int(page["alloc_projection_position", "metrics"])
    found: list[str] = []
    for company in COMPANIES:
        booked = await _known_at(clients, f"companies/{company}", position)
        for metric, names in COUNTED.items():
            wanted: Counter[str] = Counter()
            for each in booked.accounts:
                if each.account in names:
                    wanted[each.resource] += each.unit_seconds
            shown = {key[2]: value for key, value in page.items() if key[:2] == (metric, company)}
            found += [
                f"P6: {metric} of {company} on {resource} at {position}: {shown.get(resource, 0):,.0f} by the metrics, "
                f"{wanted[resource]:,} by the ledger"
                for resource in sorted(wanted.keys() | shown.keys())
                if shown.get(resource, 0) != wanted[resource]
            ]
    found += await _measured_otherwise(clients, page, position)
    applied = sum(value for key, value in page.items() if key[0] == "alloc_projection_applied_total")
    events = (await _known_at(clients, "companies/-", position)).events
    if applied != events:
        found.append(f"P6: {applied:,.0f} events by the metrics, {events:,} by the ledger, at {position}")
    return found


async def _measured_otherwise(clients: Clients, page: Mapping[tuple[str, ...], float], position: int) -> list[str]:
    """Where the counters of measured use differ from what the ledger wrote down up to a position."""
    connection = await asyncpg.connect(clients.centre.postgres.dsn, server_settings={"role": "aidc_auditor"})
    try:
        rows = await connection.fetch(_MEASURED, position)
    finally:
        await connection.close()
    wanted = {(name, row["company"], row["resource"]): row[column] for row in rows for name, column in MEASURED.items()}
    shown = {key: value for key, value in page.items() if key[0] in MEASURED}
    return [
        f"P6: {key} at {position}: {shown.get(key, 0):,.0f} by the metrics, {wanted.get(key, 0):,} by the ledger"
        for key in sorted(wanted.keys() | shown.keys())
        if shown.get(key, 0) != wanted.get(key, 0)
    ]


async def _known_at(clients: Clients, name: str, position: int) -> ledger_api.Balance:
    request = ledger_api.GetBalanceRequest(name=name, min_position=position, known_at=position)
    balance: ledger_api.Balance = await clients.call(clients.ledger.GetBalance, request, "auditor")
    return balance
