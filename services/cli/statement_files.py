"""A statement for spreadsheets, and as a page to print: one self-contained file, no script, no font, no network."""

import csv
from collections.abc import Iterable
from datetime import tzinfo
from html import escape
from io import StringIO

from services.cli.tables import COUNTER_ACCOUNT, Units, hours_text, plain_id
from services.cli.times import from_timestamp, show_time
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

COLUMNS = ("time", "position", "event", "reservation", "resource", "from", "to", "unit_seconds")
ACCOUNTS = ("held", "used", "released")
"""What the bars of a printed statement show, of what was booked."""

Balances = dict[tuple[str, str], int]


def statement_csv(statement: ledger_api.Statement, zone: tzinfo) -> str:
    """A row for each transfer, exact to the unit-second, with a header."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for line in statement.lines:
        time = from_timestamp(line.time).astimezone(zone).isoformat(timespec="seconds")
        accounts = (line.from_account, line.to_account)
        place = (line.position, line.event, plain_id(line.reservation), plain_id(line.resource))
        rows.writerow((time, *place, *accounts, line.unit_seconds))
    return text.getvalue()


def statement_html(statement: ledger_api.Statement, period: str, units: Units, zone: tzinfo) -> str:
    """A page to print: balances with bars, then every transfer."""
    return _PAGE.format(
        title=escape(f"Statement of {plain_id(statement.name)}"),
        period=escape(period),
        balances="\n".join(_balances(statement, units)),
        lines="\n".join(_lines(statement, units, zone)),
        count=len(statement.lines),
        position=f"{statement.position:,}",
    )


def _balances(statement: ledger_api.Statement, units: Units) -> Iterable[str]:
    opening: Balances = {(item.resource, item.account): item.unit_seconds for item in statement.opening}
    closing: Balances = {(item.resource, item.account): item.unit_seconds for item in statement.closing}
    for resource, account in sorted(opening | closing):
        if account == COUNTER_ACCOUNT:
            continue
        figures = [hours_text(amounts.get((resource, account), 0), resource, units) for amounts in (opening, closing)]
        yield _row(plain_id(resource), account, *figures, bar=_share(closing, resource, account))


def _share(closing: Balances, resource: str, account: str) -> float | None:
    """What part of all that was booked on a resource stands on this account, in per cent."""
    booked = sum(closing.get((resource, name), 0) for name in ACCOUNTS)
    if account not in ACCOUNTS or not booked:
        return None
    return 100 * closing.get((resource, account), 0) / booked


def _lines(statement: ledger_api.Statement, units: Units, zone: tzinfo) -> Iterable[str]:
    for line in statement.lines:
        yield _row(
            show_time(from_timestamp(line.time), zone),
            line.event.replace("_", " "),
            plain_id(line.reservation)[:13],
            plain_id(line.resource),
            f"{line.from_account} → {line.to_account}",
            hours_text(line.unit_seconds, line.resource, units),
        )


def _row(*cells: str, bar: float | None = None) -> str:
    """A row of a table; figures stand on the right by their column's style."""
    row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    drawn = "" if bar is None else f'<td class="bar"><i style="width:{bar:.1f}%"></i></td>'
    return f"<tr>{row}{drawn}</tr>"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}, {period}</title>
<style>
  body {{ font: 10pt/1.4 system-ui, sans-serif; max-width: 60em; margin: 2em auto; color: #222 }}
  h1 {{ font-size: 1.6em; margin-bottom: 0 }}
  table {{ border-collapse: collapse; width: 100%; margin: 1em 0 2em }}
  thead {{ display: table-header-group }}
  tr {{ break-inside: avoid }}
  th, td {{ text-align: left; padding: .25em .6em; border-bottom: 1px solid #ddd }}
  .balances td:nth-child(3), .balances td:nth-child(4), .lines td:last-child {{ text-align: right }}
  td {{ font-variant-numeric: tabular-nums }}
  .bar {{ width: 25% }}
  .bar i {{ display: block; height: .8em; background: #3b7dd8; print-color-adjust: exact }}
</style>
<h1>{title}</h1>
<p>{period}</p>
<table class="balances">
<thead><tr><th>Resource<th>Account<th>Opening<th>Closing<th>Share of what was booked</tr></thead>
{balances}
</table>
<table class="lines">
<thead><tr><th>When<th>Event<th>Reservation<th>Resource<th>From → to<th>Unit-hours</tr></thead>
{lines}
</table>
<p>{count} transfers. Unit-hours; GPU-hours for pools that share GPUs. The books at log position {position}.</p>
</html>
"""
