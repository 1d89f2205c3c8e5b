"""What was measured of each reservation (table `measured_use`)."""

from typing import Any

from asyncpg.pool import PoolConnectionProxy

from services.allocation import events
from services.ledger.facts import Fact
from services.ledger.moments import second


class Use:
    """New rows, one a record and resource."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    def add(self, fact: Fact) -> None:
        if fact.step is None and isinstance(fact.event, events.UseMeasured):
            whose = (fact.number, fact.reservation, fact.company)
            when = (second(fact.event.since), second(fact.event.until))
            self._rows += [
                (*whose, use.resource, *when, use.measured, use.busy, use.idle) for use in fact.event.resources
            ]

    async def write(self, connection: PoolConnectionProxy) -> None:
        if self._rows:
            await connection.copy_records_to_table("measured_use", records=self._rows)
