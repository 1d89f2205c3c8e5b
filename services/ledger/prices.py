"""The rate cards as the books know them: which one an event knew, and what each company pays under it. Pure."""

from functools import lru_cache

from services.allocation.companies import Company
from services.allocation.prices.pricing import Rate, rate_of
from services.allocation.resources import Resource
from services.allocation.values.tariff import Tariff

RATES_KEPT_MAX = 100_000


class Prices:
    """The rates of every company and resource, worked out once each."""

    def __init__(self) -> None:
        self.companies: dict[str, Company] = {}
        self.resources: dict[str, Resource] = {}
        self.published: list[tuple[int, Tariff]] = []
        """Every tariff with the number of its event, in that order."""
        self.rate = lru_cache(maxsize=RATES_KEPT_MAX)(self._rate)

    def tariff_at(self, number: int, start: int) -> int:
        """The place of the newest tariff that an event of this number knows and that is valid at a start; or -1."""
        for place in range(len(self.published) - 1, -1, -1):
            known, tariff = self.published[place]
            if known < number and tariff.valid_from <= start:
                return place
        return -1

    def place_of(self, card: str) -> int | None:
        """The place of the tariff of this name; -1 for no name, and None for one that nobody published."""
        names = [tariff.id for _, tariff in self.published]
        return -1 if not card else names.index(card) if card in names else None

    def _rate(self, tariff: int, company: str, resource: str) -> Rate:
        """What a company pays for a resource under the tariff at a place; nothing under -1."""
        card = self.published[tariff][1] if tariff >= 0 else None
        zone = next(iter(self.resources.values())).time_zone  # The centre's, as for its months.
        return rate_of(card, self.companies[company], self.resources[resource], zone)
