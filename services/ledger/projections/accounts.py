"""Double entry: every transfer, and the balance of every account (tables `transfers`, `balances`)."""

from typing import Any

from asyncpg.pool import PoolConnectionProxy
from msgspec.structs import astuple

from services.ledger.facts import Fact

Key = tuple[str, int, str, str]

COLUMNS = (
    *("number", "line", "time", "company", "reservation", "resource"),
    *("period", "about", "from_account", "to_account", "unit_seconds", "krw"),
)


class Accounts:
    """New transfers, and what they add to each account together: unit-seconds and KRW."""

    def __init__(self) -> None:
        self._transfers: list[tuple[Any, ...]] = []
        self._changes: dict[Key, tuple[int, int]] = {}

    def add(self, fact: Fact) -> None:
        for line, transfer in enumerate(fact.transfers):
            company, reservation, resource, period, about, source, target, unit_seconds, krw = astuple(transfer)
            giver, taker = str(source), str(target)  # A third of what `.value` costs.
            place = (fact.number, line, fact.time, company, reservation, resource)
            self._transfers.append((*place, period, about, giver, taker, unit_seconds, krw))
            self._change((company, period, resource, giver), -unit_seconds, -krw)
            self._change((company, period, resource, taker), unit_seconds, krw)

    def _change(self, key: Key, unit_seconds: int, krw: int) -> None:
        seconds_before, krw_before = self._changes.get(key, (0, 0))
        self._changes[key] = (seconds_before + unit_seconds, krw_before + krw)

    async def write(self, connection: PoolConnectionProxy) -> None:
        if not self._transfers:
            return
        await connection.copy_records_to_table("transfers", records=self._transfers, columns=COLUMNS)
        # Sorted, so that two writers would take the rows in the same order. A change of zero is written as well:
        # which accounts exist must not depend on where a batch ended.
        changes = sorted(self._changes.items())
        columns = zip(*((*key, *amounts) for key, amounts in changes), strict=True)
        await connection.execute(_ADD, *map(list, columns))


# MERGE and not INSERT … ON CONFLICT: that would hold the bare change, below zero or not, against the table's checks.
_ADD = """
MERGE INTO balances
USING unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
      AS change (company, period, resource, account, unit_seconds, krw)
ON  balances.company  = change.company
AND balances.period   = change.period
AND balances.resource = change.resource
AND balances.account  = change.account
WHEN MATCHED THEN UPDATE SET unit_seconds = balances.unit_seconds + change.unit_seconds,
                             krw          = balances.krw + change.krw
WHEN NOT MATCHED THEN INSERT (company, period, resource, account, unit_seconds, krw)
                      VALUES (change.company, change.period, change.resource, change.account,
                              change.unit_seconds, change.krw)
"""
