"""The catalogue of a centre: files that people keep, read into the messages that register them.

A folder holds `centre.yaml` and five tables (`deploy/centre/README.md` describes every column). Nothing is dropped: a
column that has a field of its own in the API goes there, and every other one is kept under its name in `attributes`.
"""

from dataclasses import dataclass
from pathlib import Path

import services
from services.cli.catalogue.calendar import read_calendar
from services.cli.catalogue.companies import read_companies
from services.cli.catalogue.compute import read_pools
from services.cli.catalogue.equipment import read_equipment
from services.cli.catalogue.operators import read_operators
from services.cli.catalogue.qualifications import read_qualifications
from services.cli.catalogue.tables import CatalogueError, read_rules
from services.cli.catalogue.tariff import charging_tariff
from services.cli.catalogue.terms import centre_terms
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

CENTRE_FOLDER = Path(services.__file__).parents[1] / "deploy" / "centre"
"""The fictional centre that comes with the project."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All that one centre registers. A resource comes after the resources that it names."""

    centre: str
    time_zone: str
    resources: tuple[api.Resource, ...]
    companies: tuple[api.Company, ...]
    quotas: tuple[api.Quota, ...]
    tariff: api.Tariff | None = None
    terms: api.Terms | None = None
    qualifications: tuple[api.GrantQualificationRequest, ...] = ()


def read_catalogue(folder: Path) -> Catalogue:
    """Read a centre's folder. Raises `CatalogueError`, naming the file, the line and the column."""
    rules = read_rules(folder / "centre.yaml")
    calendar = read_calendar(folder / "calendar.csv", rules.time_zone)
    pools = read_pools(folder / "nodes.csv", rules, calendar)
    operators = read_operators(folder / "operators.csv", rules, calendar)
    equipment = read_equipment(folder / "equipment.csv", rules, calendar, {pool.name: pool for pool in pools})
    companies, quotas = read_companies(folder / "companies.csv", rules, {pool.name: pool for pool in pools})
    for pool in pools:  # A pool that some pay for by quota is closed to those who have none.
        pool.quota_required = any(quota.meter == pool.name for quota in quotas)
    return Catalogue(
        centre=rules.centre,
        time_zone=rules.time_zone,
        resources=in_order([*pools, *operators, *equipment]),
        companies=tuple(companies),
        quotas=tuple(quotas),
        tariff=charging_tariff(rules, equipment),
        terms=centre_terms(rules),
        qualifications=tuple(read_qualifications(folder / "qualifications.csv", rules)),
    )


def needs(resource: api.Resource) -> set[str]:
    """The resources that must be registered before this one."""
    named = {companion.resource for companion in resource.companions}
    return named | {resource.only_with} - {""}


def in_order(resources: list[api.Resource]) -> tuple[api.Resource, ...]:
    """The same resources, each after those that it needs."""
    known = {resource.name for resource in resources}
    for resource in resources:
        if unknown := needs(resource) - known:
            raise CatalogueError(f"{resource.name} needs {', '.join(sorted(unknown))}, which is not listed")
    ordered: dict[str, api.Resource] = {}
    while len(ordered) < len(resources):
        ready = [r for r in resources if r.name not in ordered and needs(r) <= ordered.keys()]
        if not ready:
            circle = sorted(known - ordered.keys())
            raise CatalogueError(f"{', '.join(circle)} need one another in a circle")
        ordered.update((resource.name, resource) for resource in ready)
    return tuple(ordered.values())
