"""What the accounts come to: reserved, used, idle, given back and charged, by resource and by company. Pure."""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from services.allocation.companies import EQUIPMENT_METER
from services.allocation.resources import Kind
from services.allocation.values.correction import CORRECTIONS
from services.ledger.chart import CHARGED, PENDING, Account
from services.ledger.reporting.balances import Amount


class Thing(Struct, frozen=True, kw_only=True):
    """What a resource is called and counts in; `units_each` of its units are what people count as one."""

    resource: str
    display_name: str
    kind: str
    unit: str
    units_each: int


class Row(Struct, frozen=True, kw_only=True):
    """One resource, or all equipment together, which one quota may cover. Pending is booked and not used yet."""

    thing: Thing
    granted_unit_seconds: int = 0
    reserved_unit_seconds: int = 0
    pending_unit_seconds: int = 0
    used_unit_seconds: int = 0
    idle_unit_seconds: int = 0
    released_unit_seconds: int = 0
    refunded_unit_seconds: int = 0
    budget_krw: int = 0
    pending_krw: int = 0
    charged_krw: int = 0
    penalty_krw: int = 0
    refunded_krw: int = 0
    compensation_krw: int = 0


class CompanyTotal(Struct, frozen=True, kw_only=True):
    """One company's month in money. Unit-hours of different resources do not add up; KRW do."""

    company: str
    display_name: str
    budget_krw: int = 0
    pending_krw: int = 0
    charged_krw: int = 0
    penalty_krw: int = 0
    compensation_krw: int = 0


ALL_EQUIPMENT = Thing(
    resource=EQUIPMENT_METER, display_name="all equipment", kind=Kind.EQUIPMENT, unit="seat", units_each=1
)
NO_RESOURCE = Thing(resource=CORRECTIONS, display_name="corrections", kind="", unit="", units_each=1)

Standing = dict[Account, Amount]


def rows_of(amounts: Iterable[Amount], things: Mapping[str, Thing]) -> list[Row]:
    """A row for each resource with anything on its accounts; the equipment's quota is held against all equipment."""
    standing: dict[str, Standing] = {}
    for amount in amounts:
        standing.setdefault(amount.resource, {})[Account(amount.account)] = amount
    rows = [_row(things[resource], found) for resource, found in sorted(standing.items()) if resource in things]
    if CORRECTIONS in standing:
        rows.append(_row(NO_RESOURCE, standing[CORRECTIONS]))
    if EQUIPMENT_METER in standing:
        pieces = [row for row in rows if row.thing.kind == Kind.EQUIPMENT]
        rows.append(_together(_row(ALL_EQUIPMENT, standing[EQUIPMENT_METER]), pieces))
    return rows


def company_totals(amounts: Iterable[tuple[str, Amount]], names: Mapping[str, str]) -> list[CompanyTotal]:
    """A line for each company, by name."""
    standing: dict[str, list[Amount]] = {}
    for company, amount in amounts:
        standing.setdefault(company, []).append(amount)
    return [
        CompanyTotal(
            company=company,
            display_name=names.get(company, ""),
            budget_krw=_krw(found, {Account.GRANTED}),
            pending_krw=_krw(found, PENDING),
            charged_krw=_krw(found, CHARGED),
            penalty_krw=_krw(found, {Account.PENALTY}),
            compensation_krw=_krw(found, {Account.COMPENSATION}),
        )
        for company, found in sorted(standing.items())
    ]


def charged_krw(amounts: Iterable[Amount]) -> int:
    """What is owed."""
    return _krw(amounts, CHARGED) - _krw(amounts, {Account.COMPENSATION})


def _krw(amounts: Iterable[Amount], accounts: Collection[str]) -> int:
    return sum(amount.krw for amount in amounts if amount.account in accounts)


def _row(thing: Thing, standing: Standing) -> Row:
    def seconds(*accounts: Account) -> int:
        return sum(standing[account].unit_seconds for account in accounts if account in standing)

    held = (Account.HELD, Account.BOOKED)
    lost = (Account.REFUNDED, Account.PREEMPTED)
    amounts = list(standing.values())
    return Row(
        thing=thing,
        granted_unit_seconds=seconds(Account.GRANTED),
        reserved_unit_seconds=seconds(*held, Account.USED, Account.IDLE, Account.RELEASED, *lost),
        pending_unit_seconds=seconds(*held),
        used_unit_seconds=seconds(Account.USED),
        idle_unit_seconds=seconds(Account.IDLE),
        released_unit_seconds=seconds(Account.RELEASED),
        refunded_unit_seconds=seconds(*lost),
        budget_krw=_krw(amounts, {Account.GRANTED}),
        pending_krw=_krw(amounts, PENDING),
        charged_krw=_krw(amounts, CHARGED),
        penalty_krw=_krw(amounts, {Account.PENALTY}),
        refunded_krw=_krw(amounts, lost),
        compensation_krw=_krw(amounts, {Account.COMPENSATION}),
    )


def _together(grant: Row, pieces: Iterable[Row]) -> Row:
    """The grant of all equipment, beside what all pieces come to."""
    sums = {name: getattr(grant, name) for name in Row.__struct_fields__ if name != "thing"}
    for piece in pieces:
        for name in sums:
            sums[name] += getattr(piece, name)
    return Row(thing=grant.thing, **sums)
