"""Double entry: every transfer, and the balance of every account (tables `transfers`, `balances`)."""

from collections import defaultdict
from typing import Any

from asyncpg.pool import PoolConnectionProxy

from services.ledger.facts import Fact

Key = tuple[str, str, str]


class Accounts:
    """New transfers, and what they add to each account together."""

    def __init__(self) -> None:
        self._transfers: list[tuple[Any, ...]] = []
        self._changes: dict[Key, int] = defaultdict(int)

    def add(self, fact: Fact) -> None:
        for line, transfer in enumerate(fact.transfers):
            company, resource, amount = transfer.company, transfer.resource, transfer.unit_seconds
            source, target = transfer.from_account.value, transfer.to_account.value
            self._transfers.append(
                (fact.number, line, fact.time, company, fact.reservation, resource, source, target, amount)
            )
            self._changes[(company, resource, source)] -= amount
            self._changes[(company, resource, target)] += amount

    async def write(self, connection: PoolConnectionProxy) -> None:
        if not self._transfers:
            return
        await connection.copy_records_to_table("transfers", records=self._transfers)
        # Sorted, so that two writers would take the rows in the same order. A change of zero is written as well:
        # which accounts exist must not depend on where a batch ended.
        companies, resources, accounts = zip(*sorted(self._changes), strict=True)
        amounts = [self._changes[key] for key in sorted(self._changes)]
        await connection.execute(_ADD, companies, resources, accounts, amounts)


# MERGE and not INSERT … ON CONFLICT: that would hold the bare change, below zero or not, against the table's checks.
_ADD = """
MERGE INTO balances
USING unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS change (company, resource, account, unit_seconds)
ON  balances.company = change.company
AND balances.resource = change.resource
AND balances.account = change.account
WHEN MATCHED THEN UPDATE SET unit_seconds = balances.unit_seconds + change.unit_seconds
WHEN NOT MATCHED THEN INSERT (company, resource, account, unit_seconds)
                      VALUES (change.company, change.resource, change.account, change.unit_seconds)
"""
