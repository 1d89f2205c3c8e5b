"""The rates of companies, worked out once for each rate card. Pure."""

from msgspec import Struct

from services.allocation.companies import Company
from services.allocation.prices.pricing import Rate, rate_of
from services.allocation.resources import Resource
from services.allocation.values.tariff import Tariff

RATES_MAX = 100_000
"""Rates that are kept; a centre of 200 companies and 80 resources has 16,000 under one card."""


class CompanyRate(Struct, frozen=True, gc=False):
    """What a company pays for a resource, and what it would pay without a discount; the same where it has none."""

    company: Company
    rate: Rate
    undiscounted: Rate


class Rates:
    """Rates by company, resource and card; a company whose terms changed is looked at anew."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], CompanyRate] = {}

    def of(self, card: Tariff, company: Company, resource: Resource, zone: str) -> CompanyRate:
        """The rates of a company for a resource under a card, whose windows are in the time of a zone."""
        key = (company.id, resource.id, card.id)
        found = self._kept.get(key)
        if found is None or found.company is not company:
            rate = rate_of(card, company, resource, zone)
            percent = card.discount_percent(company)
            undiscounted = rate_of(card, company, resource, zone, discount_percent=0) if percent else rate
            if len(self._kept) >= RATES_MAX:
                self._kept.clear()
            found = self._kept[key] = CompanyRate(company, rate, undiscounted)
        return found
