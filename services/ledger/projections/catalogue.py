"""What was registered, granted and published (tables `companies`, `resources`, `quotas`, `officers` …)."""

from collections.abc import Mapping
from typing import Any

from asyncpg.pool import PoolConnectionProxy

from services.allocation import events
from services.allocation.measures import MILLI
from services.allocation.prices.periods import number_of
from services.allocation.resources import Unit
from services.ledger.books import Place
from services.ledger.facts import Fact
from services.ledger.moments import second

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "companies": ("company", "display_name", "programme", "number", "industry", "region", "stage"),
    "resources": (
        *("resource", "kind", "unit", "place", "bins", "bin_capacity", "number"),
        *("display_name", "time_zone", "industry", "units_each"),
    ),
    "quotas": ("number", "company", "meter", "starts_at", "ends_at", "unit_seconds", "concurrent_units_max"),
    "officers": ("number", "company", "officer", "starts_at", "ends_at"),
    "tariffs": ("number", "tariff", "valid_from"),
    "closings": ("number", "position", "time", "period", "starts_at", "ends_at"),
}


class Catalogue:
    """New rows of the catalogue."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}

    def add(self, fact: Fact) -> None:
        if fact.step is not None:
            return  # As nearly every time: the life of a reservation registers nothing.
        match fact.event:
            case events.CompanyRegistered(company=company):
                sorted_by = (
                    company.industry,
                    company.attributes.get("region", ""),
                    company.attributes.get("stage", ""),
                )
                row = (company.id, company.display_name, company.programme, fact.number, *sorted_by)
                self._rows["companies"].append(row)
            case events.ResourceRegistered(resource=resource):
                place = self._places[resource.id]
                standing = (place.first, place.bins, place.bin_capacity)
                told = (resource.display_name, resource.time_zone, resource.attributes.get("industry", ""))
                units_each = MILLI if resource.unit is Unit.MILLI_GPU else 1
                self._rows["resources"].append(
                    (resource.id, resource.kind.value, resource.unit.value, *standing, fact.number, *told, units_each)
                )
            case events.QuotaGranted(quota=quota):
                period = (second(quota.start), second(quota.end))
                terms = (quota.unit_seconds, quota.concurrent_units_max)
                self._rows["quotas"].append((fact.number, quota.company, quota.meter, *period, *terms))
            case events.OfficerAssigned(assignment=assigned):
                period = (second(assigned.start), second(assigned.end))
                self._rows["officers"].append((fact.number, assigned.company, assigned.officer, *period))
            case events.OfficerDismissed(company=name, officer=officer):
                self._rows["officers"].append((fact.number, name, officer, fact.time, fact.time))
            case events.TariffPublished(tariff=tariff):
                valid_from = second(tariff.valid_from)
                self._rows["tariffs"].append((fact.number, tariff.id, valid_from))
            case events.PeriodClosed(period=closed):
                interval = (second(closed.start), second(closed.end))
                self._rows["closings"].append(
                    (fact.number, fact.position, fact.time, number_of(closed.month), *interval)
                )
            case _:
                pass  # The others register nothing.

    async def write(self, connection: PoolConnectionProxy) -> None:
        for table, rows in self._rows.items():
            if rows:
                await connection.copy_records_to_table(table, records=rows, columns=COLUMNS[table])
