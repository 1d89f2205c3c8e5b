"""The yearly report: what companies were granted, used and gave back, by sector, programme and region. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from services.allocation.companies import EQUIPMENT_METER
from services.allocation.resources import Kind, Unit
from services.ledger.chart import CHARGED, Account
from services.ledger.reporting.balances import Amount
from services.ledger.reporting.summary import Thing

HOUR_SECONDS = 3600
DIMENSIONS = ("industry", "programme", "region")
ACCELERATORS = (Unit.GPU, Unit.MILLI_GPU, Unit.NODE)


class Member(Struct, frozen=True, kw_only=True):
    """A company, what it is sorted by, how often it booked, and how many people of its classes came."""

    company: str
    industry: str
    programme: str
    region: str
    bookings: int
    people: int = 0


class Figures(Struct, kw_only=True):
    """What some companies come to. Amounts in hours; shares of a GPU count by their part."""

    companies: int = 0
    active_companies: int = 0
    bookings: int = 0
    gpu_hours_granted: float = 0
    gpu_hours_used: float = 0
    gpu_hours_idle: float = 0
    gpu_hours_released: float = 0
    core_hours_used: float = 0
    equipment_hours_granted: float = 0
    equipment_hours_used: float = 0
    equipment_hours_released: float = 0
    staff_hours_used: float = 0
    charged_krw: int = 0
    penalty_krw: int = 0
    people: int = 0

    def count(self, member: Member) -> None:
        """One more company."""
        self.companies += 1
        self.active_companies += member.bookings > 0
        self.bookings += member.bookings
        self.people += member.people

    def add(self, amount: Amount, what: str, unit_seconds_an_hour: int) -> None:
        """What stands on one account of one of them; `what` it is hours of, or nothing that is told."""
        account = Account(amount.account)
        if account in CHARGED:
            self.charged_krw += amount.krw
        if account is Account.COMPENSATION:
            self.charged_krw -= amount.krw
        if account is Account.PENALTY:
            self.penalty_krw += amount.krw
        name = f"{what}_hours_{account}"
        if what and hasattr(self, name):
            setattr(self, name, getattr(self, name) + amount.unit_seconds / unit_seconds_an_hour)


class Report(Struct, frozen=True):
    """All companies together, and by each dimension and value."""

    total: Figures
    groups: dict[tuple[str, str], Figures]


def report_of(members: Iterable[Member], amounts: Iterable[tuple[str, Amount]], things: Mapping[str, Thing]) -> Report:
    """Add up what stands on the accounts of every company."""
    report = Report(Figures(), {})
    by_company: dict[str, list[Figures]] = {}
    for member in members:
        groups = [(dimension, getattr(member, dimension)) for dimension in DIMENSIONS]
        by_company[member.company] = [report.total, *(report.groups.setdefault(group, Figures()) for group in groups)]
        for figures in by_company[member.company]:
            figures.count(member)
    for company, amount in amounts:
        what, unit_seconds_an_hour = _counted(amount.resource, things)
        for figures in by_company.get(company, ()):
            figures.add(amount, what, unit_seconds_an_hour)
    return report


def _counted(resource: str, things: Mapping[str, Thing]) -> tuple[str, int]:
    """What a resource's hours are told as, and its unit-seconds in one hour of it."""
    thing = things.get(resource)
    if thing is None:
        return ("equipment" if resource == EQUIPMENT_METER else ""), HOUR_SECONDS
    match thing.kind:
        case Kind.EQUIPMENT:
            what = "equipment"
        case Kind.OPERATORS:
            what = "staff"
        case _:
            what = "gpu" if thing.unit in ACCELERATORS else "core"
    return what, HOUR_SECONDS * thing.units_each


def plain(figures: Figures) -> dict[str, Any]:
    """Every figure by its name."""
    return {name: getattr(figures, name) for name in figures.__struct_fields__}
