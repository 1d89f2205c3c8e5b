"""Companies, resources and quotas, as they were registered and granted (tables `companies`, `resources`, `quotas`)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from asyncpg.pool import PoolConnectionProxy

from services.allocation import events
from services.ledger.books import Place
from services.ledger.facts import Fact


class Catalogue:
    """New rows of the catalogue."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._rows: dict[str, list[tuple[Any, ...]]] = {"companies": [], "resources": [], "quotas": []}

    def add(self, fact: Fact) -> None:
        match fact.event:
            case events.CompanyRegistered(company=company):
                row = (company.id, company.display_name, company.programme, fact.number)
                self._rows["companies"].append(row)
            case events.ResourceRegistered(resource=resource):
                place = self._places[resource.id]
                standing = (place.first, place.bins, place.bin_capacity)
                self._rows["resources"].append(
                    (resource.id, resource.kind.value, resource.unit.value, *standing, fact.number)
                )
            case events.QuotaGranted(quota=quota):
                period = (datetime.fromtimestamp(quota.start, UTC), datetime.fromtimestamp(quota.end, UTC))
                terms = (quota.unit_seconds, quota.concurrent_units_max)
                self._rows["quotas"].append((fact.number, quota.company, quota.meter, *period, *terms))
            case _:
                pass  # The others register nothing.

    async def write(self, connection: PoolConnectionProxy) -> None:
        for table, rows in self._rows.items():
            if rows:
                await connection.copy_records_to_table(table, records=rows)
