"""`aidc statement`: a company's transfers over a period, from the ledger."""

import re
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from services.cli.booking import units_of
from services.cli.documents import document, print_json
from services.cli.options import Caller, Company, Data, Json, connect, parent_of
from services.cli.outcome import Failed
from services.cli.statement_files import statement_csv, statement_html
from services.cli.tables import Units, out, statement_tables
from services.cli.times import midnight, month_of, parse_time, show_interval, to_timestamp
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

MONTH = re.compile(r"\d{4}-\d{2}")


class Form(StrEnum):
    """What a statement is written as."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


def statement(
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="A calendar month; this one by default.")] = "",
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Instead of a month: from here.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Until here; now by default.")] = "",
    as_of: Annotated[str, typer.Option(metavar="TIME", help="What was decided by then.")] = "",
    known_at: Annotated[int, typer.Option(min=0, metavar="POSITION", help="As known at this log position.")] = 0,
    form: Annotated[Form, typer.Option("--form", help="For spreadsheets csv, to print html.")] = Form.TEXT,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show what a company was granted, held, used and gave back."""
    with connect(data, caller, company) as client:
        now = datetime.now(UTC)
        begin, end = period(month, start, until, now, client.zone)
        request = ledger_api.GetStatementRequest(
            name=parent_of(client.connection, company),
            start_time=to_timestamp(begin),
            end_time=to_timestamp(end),
            as_of=to_timestamp(parse_time(as_of, now, client.zone)) if as_of else None,
            known_at=known_at,
        )
        found = client.read(client.ledger.GetStatement, request)
        units, zone = units_of(client), client.zone
    shown = show_interval(begin, end, zone)
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
    out.print(Text(f"Statement of {found.name}, {shown}", style="bold"))
    out.print(lines)
    out.print()
    out.print(balances)
    out.print(f"\nUnit-hours; GPU-hours for pools that share GPUs. The books at position {found.position:,}.")


def period(month: str, start: str, until: str, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The period asked for: a month, or from one moment to another."""
    if month and (start or until):
        raise Failed("give either --month or --from and --until")
    if start or until:
        begin = parse_time(start, now, zone) if start else month_of(now, zone)[0]
        return begin, parse_time(until or "now", now, zone)
    if not month:
        return month_of(now, zone)
    if not MONTH.fullmatch(month) or not 1 <= int(month[5:]) <= 12:
        raise Failed(f"cannot read the month {month!r}: write 2026-03")
    return month_of(midnight(date.fromisoformat(f"{month}-01"), zone), zone)
