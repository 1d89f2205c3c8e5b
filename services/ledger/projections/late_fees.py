"""Late fees that are returned if somebody books the time again (table `late_fees`)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from asyncpg.pool import PoolConnectionProxy

from services.allocation.prices.unit_time import Stretches
from services.ledger.claims import LateFee
from services.ledger.facts import Fact
from services.ledger.moments import second

COLUMNS = (
    *("number", "fee", "company", "reservation", "resource", "about", "position", "index", "time"),
    *("tariff", "krw", "returned_krw", "unbooked", "ends_at"),
)

_decode = msgspec.json.Decoder(Stretches).decode


class LateFees:
    """New rows: each fee as an event leaves it."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    def add(self, fact: Fact) -> None:
        for fee in fact.step.late_fees if fact.step is not None else ():
            whose = (fee.company, fee.reservation, fee.resource, fee.month)
            ends_at = second(fee.end)
            unbooked = msgspec.json.encode(fee.unbooked).decode()
            place = (fact.position, fact.index, fact.time)
            amounts = (fee.tariff, fee.krw, fee.returned)
            self._rows.append((fact.number, fee.number, *whose, *place, *amounts, unbooked, ends_at))

    async def write(self, connection: PoolConnectionProxy) -> None:
        if self._rows:
            await connection.copy_records_to_table("late_fees", records=self._rows, columns=COLUMNS)


async def read_waiting(connection: PoolConnectionProxy, after: datetime) -> Iterable[LateFee]:
    """The fees that may still be returned after a time, in the order in which they were charged."""
    return [
        LateFee(
            number=row["fee"],
            company=row["company"],
            reservation=row["reservation"],
            resource=row["resource"],
            month=row["about"],
            tariff=row["tariff"],
            krw=row["krw"],
            unbooked=_decode(row["unbooked"]),
            end=int(row["ends_at"].timestamp()),
        )
        for row in await connection.fetch(_WAITING, after)
    ]


_WAITING = """
SELECT * FROM (
    SELECT DISTINCT ON (fee, resource, about)
           fee, company, reservation, resource, about::integer AS about, tariff, krw, unbooked, ends_at
    FROM late_fees
    WHERE ends_at > $1
    ORDER BY fee, resource, about, number DESC
) AS latest
WHERE krw > 0
ORDER BY fee, resource, about
"""
