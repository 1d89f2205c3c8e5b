"""A statement at a terminal: what it comes to, what changed, and every transfer."""

from collections.abc import Iterable
from datetime import tzinfo

from rich.table import Table

from services.cli.statement_words import HOURS, balances_of, row_hours
from services.cli.tables import Units, hours_text, plain_id, table
from services.cli.times import from_timestamp, show_time
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

MONEY_SHOWN = ("budget", "pending", "charged")


def statement_tables(statement: ledger_api.Statement, units: Units, zone: tzinfo) -> tuple[Table, Table]:
    """The transfers of a statement, and what they come to."""
    totals = rows_table(statement.rows) if statement.month else balances_table(statement, units)
    return lines_table(statement.lines, units, zone), totals


def lines_table(lines: Iterable[ledger_api.StatementLine], units: Units, zone: tzinfo) -> Table:
    """Transfers, each with the event behind it."""
    figures = ("position", "unit-hours", "KRW")
    made = table("when", "position", "event", "reservation", "resource", "from → to", *figures[1:], right=figures)
    for line in lines:
        about = f" (about {line.adjusts})" if line.adjusts else ""
        made.add_row(
            show_time(from_timestamp(line.time), zone),
            f"{line.position:,}",
            line.event.replace("_", " "),
            plain_id(line.reservation),
            plain_id(line.resource),
            f"{line.from_account} → {line.to_account}{about}",
            hours_text(line.unit_seconds, line.resource, units),
            f"{line.krw:,}",
        )
    return made


def rows_table(rows: Iterable[ledger_api.SummaryRow]) -> Table:
    """A month by resource, in unit-hours and in KRW; with compensation, where there is any."""
    rows = list(rows)
    shown = (*MONEY_SHOWN, *(("compensation",) if any(row.compensation_krw for row in rows) else ()))
    money = tuple(f"{name} KRW" for name in shown)
    made = table("resource", *HOURS, *money, right=(*HOURS, *money))
    for row in rows:
        style = "dim" if row.resource == "equipment" else None
        amounts = (f"{getattr(row, f'{name}_krw'):,}" for name in shown)
        made.add_row(row.resource, *row_hours(row), *amounts, style=style)
    return made


def totals_table(totals: Iterable[ledger_api.CompanyTotal]) -> Table:
    """A month by company, in KRW."""
    figures = ("budget KRW", "booked KRW", "charged KRW", "penalty KRW", "compensation KRW")
    made = table("company", "name", *figures, right=figures)
    for total in totals:
        owed = (total.budget_krw, total.pending_krw, total.charged_krw)
        amounts = (*owed, total.penalty_krw, total.compensation_krw)
        made.add_row(plain_id(total.company), total.display_name, *(f"{amount:,}" for amount in amounts))
    return made


def balances_table(statement: ledger_api.Statement, units: Units) -> Table:
    """Opening and closing balances, one a resource and account."""
    figures = ("opening", "closing", "KRW")
    made = table("resource", "account", *figures, right=figures)
    for row in balances_of(statement, units):
        made.add_row(*row)
    return made


def changes_table(changes: ledger_api.Changes, units: Units) -> Table:
    """Accounts that stand elsewhere than before."""
    figures = ("unit-hours before", "after", "KRW before", "KRW after")
    made = table("resource", "account", *figures, right=figures)
    for each in changes.accounts:
        hours = (
            hours_text(each.unit_seconds_before, each.resource, units),
            hours_text(each.unit_seconds_after, each.resource, units),
        )
        made.add_row(plain_id(each.resource), each.account, *hours, f"{each.krw_before:,}", f"{each.krw_after:,}")
    return made
