"""The journal: every event as it came (table `journal`)."""

from typing import Any

from asyncpg.pool import PoolConnectionProxy

from services.ledger.facts import Fact

COLUMNS = (
    "number",
    "position",
    "entry",
    "index",
    "time",
    "actor",
    "request_id",
    "type",
    "company",
    "reservation",
    "payload",
    "leaf",
)


class Events:
    """New rows of the journal."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    def add(self, fact: Fact) -> None:
        self._rows.append(
            (
                fact.number,
                fact.position,
                fact.entry,
                fact.index,
                fact.time,
                fact.actor,
                fact.request_id,
                fact.type,
                fact.company,
                fact.reservation,
                fact.leaf.event.decode(),
                fact.leaf.hash,
            )
        )

    async def write(self, connection: PoolConnectionProxy) -> None:
        await connection.copy_records_to_table("journal", records=self._rows, columns=COLUMNS)
