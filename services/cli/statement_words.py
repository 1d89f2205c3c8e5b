"""What a statement says in figures and words, the same on a terminal and on paper."""

from collections.abc import Iterator

from services.cli.options import EVERY_COMPANY
from services.cli.tables import COUNTER_ACCOUNT, Units, hours_text, plain_id
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

HOUR_SECONDS = 3600
HOURS = ("granted", "reserved", "pending", "used", "idle", "released", "refunded")
MONEY = ("budget", "pending", "charged", "penalty", "compensation")
FIGURES = (*HOURS, *(f"{name} KRW" for name in MONEY))


def whose(name: str) -> str:
    """`CMP-0001` of `companies/CMP-0001`, or the centre."""
    return "the centre" if name == EVERY_COMPANY else plain_id(name)


def row_hours(row: ledger_api.SummaryRow) -> list[str]:
    """The hours of one resource, in the order of `HOURS`."""
    each = HOUR_SECONDS * max(1, row.units_each)
    return [f"{getattr(row, f'{name}_unit_seconds') / each:,.1f}" for name in HOURS]


def figures_of(row: ledger_api.SummaryRow) -> list[str]:
    """The money of one resource, in the order of `MONEY`."""
    return [f"{getattr(row, f'{name}_krw'):,}" for name in MONEY]


def beyond_lines(statement: ledger_api.Statement) -> Iterator[str]:
    """What of each resource is held or used beyond what was granted of it, in sentences."""
    for row in statement.rows:
        held = row.pending_unit_seconds + row.used_unit_seconds + row.idle_unit_seconds
        beyond = held - row.granted_unit_seconds
        if row.granted_unit_seconds and beyond > 0:
            each = HOUR_SECONDS * max(1, row.units_each)
            yield (
                f"Of {plain_id(row.resource)} {beyond / each:,.1f} unit-hours lie beyond the"
                f" {row.granted_unit_seconds / each:,.1f} granted."
            )


def money_lines(statement: ledger_api.Statement) -> Iterator[str]:
    """What a month costs, and what of it lies beyond the quotas, in sentences; nothing for an interval."""
    if not statement.month:
        return
    state = "closed" if statement.closed else "open: a draft that may still change"
    yield f"The books of {statement.month} are {state}."
    told = f"Charged {statement.charged_krw:,} KRW"
    if statement.adjustments_krw:
        told += f", of which {statement.adjustments_krw:,} about earlier months that were closed before"
    if compensation := sum(each.krw for each in statement.closing if each.account == "compensation"):
        told += f", after {compensation:,} of compensation" if compensation > 0 else f", with {-compensation:,} debited"
    yield f"{told}; booked and not used yet {statement.pending_krw:,} KRW."
    budget = sum(row.budget_krw for row in statement.rows)
    if budget:
        share = 100 * (statement.charged_krw + statement.pending_krw) / budget
        yield f"The hours granted are worth {budget:,} KRW; charged and booked come to {share:.1f} % of that."
    if statement.name != EVERY_COMPANY:
        yield from beyond_lines(statement)


def balances_of(statement: ledger_api.Statement, units: Units) -> Iterator[tuple[str, str, str, str, str]]:
    """Each account before an interval and after it, in hours, and what it comes to in KRW."""
    opening = {(item.resource, item.account): item.unit_seconds for item in statement.opening}
    closing = {(item.resource, item.account): item for item in statement.closing}
    for resource, account in sorted({**opening, **closing}):
        if account == COUNTER_ACCOUNT:  # What the centre gave, with the sign turned: no news to a company.
            continue
        last = closing.get((resource, account), ledger_api.AccountBalance())
        amounts = (opening.get((resource, account), 0), last.unit_seconds)
        before, after = (hours_text(amount, resource, units) for amount in amounts)
        yield plain_id(resource), account, before, after, f"{last.krw:,}"
