"""`aidc statement` and `aidc changes`: a month of the books and what it costs, and what changed in it since a draft."""

import re
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from services.cli.booking import units_of
from services.cli.documents import document, print_json
from services.cli.options import EVERY_COMPANY, Caller, Company, Data, Json, connect, parent_of
from services.cli.outcome import Failed
from services.cli.statement_files import statement_csv, statement_html
from services.cli.statement_tables import changes_table, lines_table, statement_tables, totals_table
from services.cli.statement_words import money_lines, whose
from services.cli.tables import Units, out
from services.cli.times import month_of, parse_time, show_interval, to_timestamp
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

MONTH = re.compile(r"\d{4}-\d{2}")
AsOf = Annotated[str, typer.Option("--as-of", metavar="TIME", help="What was decided by then.")]
KnownAt = Annotated[int, typer.Option("--known-at", min=0, metavar="POSITION", help="As known at this log position.")]


class Form(StrEnum):
    """What a statement is written as."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


def statement(
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="The books of a month; this one by default.")] = "",
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Instead: what was decided from here on.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Until here; now by default.")] = "",
    as_of: AsOf = "",
    known_at: KnownAt = 0,
    form: Annotated[Form, typer.Option("--form", help="For spreadsheets csv, to print html.")] = Form.TEXT,
    centre: Annotated[bool, typer.Option("--centre", help="Of the whole centre; operators and auditors only.")] = False,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show what a company was granted, booked, used and gave back in a month, and what it costs."""
    with connect(data, caller, company) as client:
        now = client.now
        request = ledger_api.GetStatementRequest(
            name=EVERY_COMPANY if centre else parent_of(client.connection, company),
            as_of=to_timestamp(parse_time(as_of, now, client.zone)) if as_of else None,
            known_at=known_at,
        )
        shown = set_period(request, month, start, until, now, client.zone)
        found = client.read(client.ledger.GetStatement, request)
        units, zone = units_of(client), client.zone
    match Form.JSON if as_json else form:
        case Form.JSON:
            print_json(document(found))
        case Form.CSV:
            print(statement_csv(found, zone), end="")
        case Form.HTML:
            print(statement_html(found, shown, units, zone), end="")
        case Form.TEXT:
            print_text(found, shown, units, zone)


def print_text(found: ledger_api.Statement, shown: str, units: Units, zone: tzinfo) -> None:
    """For people, at a terminal."""
    lines, balances = statement_tables(found, units, zone)
    out.print(Text(f"Statement of {whose(found.name)}, {shown}", style="bold"))
    for said in money_lines(found):
        out.print(said)
    out.print()
    out.print(balances)
    out.print()
    out.print(totals_table(found.totals) if found.totals else lines)
    out.print(f"\nUnit-hours; GPU-hours for pools that share GPUs. The books at position {found.position:,}.")


def changes(
    since: Annotated[str, typer.Argument(metavar="POSITION|TIME", help="That of the draft: its position, or a time.")],
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="In the books of this month alone.")] = "",
    until: Annotated[str, typer.Option(metavar="POSITION|TIME", help="Until then; now by default.")] = "",
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show what changed in a company's books since a time, or since a position such as that of a month's draft."""
    with connect(data, caller, company) as client:
        now = client.now
        request = ledger_api.GetChangesRequest(name=parent_of(client.connection, company), month=checked_month(month))
        if since.isdecimal():
            request.base_known_at = int(since)
        else:
            request.base_as_of.CopyFrom(to_timestamp(parse_time(since, now, client.zone)))
        if until.isdecimal():
            request.known_at = int(until)
        elif until:
            request.as_of.CopyFrom(to_timestamp(parse_time(until, now, client.zone)))
        found = client.read(client.ledger.GetChanges, request)
        units, zone = units_of(client), client.zone
    if as_json:
        print_json(document(found))
        return
    where = f" in the books of {found.month}" if found.month else ""
    if not found.lines:
        out.print(f"Nothing changed{where} between the positions {found.base_position:,} and {found.position:,}.")
        return
    out.print(Text(f"What changed{where}: from position {found.base_position:,} to {found.position:,}", style="bold"))
    out.print(changes_table(found, units))
    out.print()
    out.print(lines_table(found.lines, units, zone))


def set_period(
    request: ledger_api.GetStatementRequest, month: str, start: str, until: str, now: datetime, zone: tzinfo
) -> str:
    """Ask for a month, or for what was decided from one moment to another; give what it is called."""
    if month and (start or until):
        raise Failed("give either --month or --from and --until")
    if not start and not until:
        request.month = checked_month(month) or f"{now.astimezone(zone):%Y-%m}"
        return request.month
    begin = parse_time(start, now, zone) if start else month_of(now, zone)[0]
    end = parse_time(until or "now", now, zone)
    request.start_time.CopyFrom(to_timestamp(begin))
    request.end_time.CopyFrom(to_timestamp(end))
    return show_interval(begin, end, zone)


def checked_month(text: str) -> str:
    """A month such as 2026-03, or none."""
    if text and (not MONTH.fullmatch(text) or not 1 <= int(text[5:]) <= 12):
        raise Failed(f"cannot read the month {text!r}: write 2026-03")
    return text
