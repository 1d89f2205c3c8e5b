"""A statement for spreadsheets, and as a page to print: one self-contained file, no script, no font, no network."""

import csv
from collections.abc import Iterable
from datetime import tzinfo
from html import escape
from io import StringIO

from services.cli.cells import cells
from services.cli.statement_chart import chart
from services.cli.statement_words import FIGURES, balances_of, figures_of, money_lines, row_hours, whose
from services.cli.tables import Units, hours_text, plain_id
from services.cli.times import from_timestamp, show_time
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

COLUMNS = (
    *("time", "position", "event", "reservation", "resource", "from", "to", "unit_seconds"),
    *("krw", "phase", "month", "adjusts"),
)
TOTALS = (
    *("company", "display_name", "budget_krw", "pending_krw", "charged_krw", "penalty_krw"),
    "compensation_krw",
)


def statement_csv(statement: ledger_api.Statement, zone: tzinfo) -> str:
    """A row for each transfer, exact to the unit-second and the won; for the whole centre one for each company."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    if statement.totals:
        rows.writerow(TOTALS)
        for total in statement.totals:
            rows.writerow(cells((plain_id(total.company), *(getattr(total, name) for name in TOTALS[1:]))))
        return text.getvalue()
    rows.writerow(COLUMNS)
    for line in statement.lines:
        time = from_timestamp(line.time).astimezone(zone).isoformat(timespec="seconds")
        place = (line.position, line.event, plain_id(line.reservation), plain_id(line.resource))
        amounts = (line.unit_seconds, line.krw, line.phase, line.month, line.adjusts)
        rows.writerow(cells((time, *place, line.from_account, line.to_account, *amounts)))
    return text.getvalue()


def statement_html(statement: ledger_api.Statement, period: str, units: Units, zone: tzinfo) -> str:
    """A page to print: what it comes to, a drawing, then every transfer with the event behind it."""
    return _PAGE.format(
        title=escape(f"Statement of {whose(statement.name)}"),
        period=escape(period),
        money="\n".join(f"<p>{escape(line)}</p>" for line in money_lines(statement)),
        chart=chart(statement.rows),
        sections="\n".join(_sections(statement, units, zone)),
        position=f"{statement.position:,}",
    )


def _sections(statement: ledger_api.Statement, units: Units, zone: tzinfo) -> Iterable[str]:
    """The tables that the statement has."""
    if statement.rows:
        heads = ("Resource", *(f"{name[:1].upper()}{name[1:]}" for name in FIGURES))
        yield _table("month", heads, ((row.resource, *row_hours(row), *figures_of(row)) for row in statement.rows))
    if not statement.month:
        heads = ("Resource", "Account", "Opening", "Closing", "KRW")
        yield _table("rows", heads, balances_of(statement, units))
    if statement.totals:
        heads = ("Company", "Name", "Budget KRW", "Booked KRW", "Charged KRW", "Penalty KRW", "Compensation KRW")
        yield _table("rows", heads, map(_total, statement.totals))
    if statement.lines:
        heads = ("When", "Event", "Reservation", "Resource", "From → to", "About", "Unit-hours", "KRW")
        yield _table("lines", heads, (_line(line, units, zone) for line in statement.lines))


def _total(total: ledger_api.CompanyTotal) -> tuple[str, ...]:
    return (plain_id(total.company), *(_shown(getattr(total, name)) for name in TOTALS[1:]))


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _line(line: ledger_api.StatementLine, units: Units, zone: tzinfo) -> tuple[str, ...]:
    return (
        show_time(from_timestamp(line.time), zone),
        f"{line.event.replace('_', ' ')} (position {line.position:,})",
        plain_id(line.reservation)[:13],
        plain_id(line.resource),
        f"{line.from_account} → {line.to_account}",
        line.adjusts,
        hours_text(line.unit_seconds, line.resource, units),
        f"{line.krw:,}",
    )


def _table(kind: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; figures stand on the right by their column's style."""
    head = "".join(f"<th>{escape(text)}" for text in heads)
    body = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="{kind}">\n<thead><tr>{head}</tr></thead>\n{body}\n</table>'


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}, {period}</title>
<style>
  body {{ font: 10pt/1.4 system-ui, sans-serif; max-width: 66em; margin: 2em auto; color: #222 }}
  h1 {{ font-size: 1.6em; margin-bottom: 0 }}
  p {{ margin: .2em 0 }}
  table {{ border-collapse: collapse; width: 100%; margin: 1em 0 2em }}
  thead {{ display: table-header-group }}
  tr {{ break-inside: avoid }}
  th, td {{ text-align: left; padding: .25em .5em; border-bottom: 1px solid #ddd }}
  .month {{ font-size: .85em }}
  .month :is(th, td):nth-child(n+2), .rows :is(th, td):nth-child(n+3), .lines :is(th, td):nth-child(n+7) {{
    text-align: right }}
  td {{ font-variant-numeric: tabular-nums }}
  .chart {{ width: 100%; margin: 1em 0; print-color-adjust: exact; font: 11px system-ui, sans-serif }}
</style>
<h1>{title}</h1>
<p>{period}</p>
{money}
{chart}
{sections}
<p>Unit-hours; GPU-hours for pools that share GPUs. The books at log position {position}.</p>
</html>
"""
