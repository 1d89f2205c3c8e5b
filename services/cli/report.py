"""`aidc report`: a year of the centre, and the log of the use of equipment that the national guideline asks for."""

import csv
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from services.cli.cells import cells
from services.cli.client import Client
from services.cli.documents import document, print_json
from services.cli.options import EVERY_COMPANY, Caller, Data, Json, connect
from services.cli.statement import KnownAt
from services.cli.tables import out, plain_id, table
from services.cli.times import from_timestamp
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

SHOWN = (
    ("companies", "com-\npanies"),
    ("active_companies", "active"),
    ("bookings", "book-\nings"),
    ("gpu_hours_granted", "GPU-h\ngranted"),
    ("gpu_hours_used", "used"),
    ("gpu_hours_idle", "idle"),
    ("gpu_hours_released", "given\nback"),
    ("equipment_hours_granted", "equip-\nment-h\ngranted"),
    ("equipment_hours_used", "used "),
    ("staff_hours_used", "staff-\nh"),
    ("people", "people"),
    ("charged_krw", "KRW\ncharged"),
)
USE_LOG = (
    *("used_at", "used_until", "hours", "equipment", "equipment_name", "organisation", "organisation_type"),
    *("user", "staff_hours", "fee_krw", "reservation", "people"),
)
USE_LOG_PAGE = 1_000


def report(
    year: Annotated[int, typer.Argument(metavar="YYYY", help="A calendar year; this one by default.")] = 0,
    use_log: Annotated[
        Path | None, typer.Option("--use-log", metavar="FILE", help="Write the use of equipment there, as CSV.")
    ] = None,
    known_at: KnownAt = 0,
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show what became of a year: hours granted, used and given back by sector, programme and region."""
    with connect(data, caller) as client:
        year = year or client.now.astimezone(client.zone).year
        request = ledger_api.GetYearReportRequest(name=EVERY_COMPANY, year=year, known_at=known_at)
        found = client.read(client.ledger.GetYearReport, request)
        if use_log is not None:
            lines = write_use_log(use_log, uses(client, year, found.position), client.zone)
    if as_json:
        print_json(document(found))
        return
    out.print(Text(f"The year {found.year}, from the books at position {found.position:,}", style="bold"))
    out.print(report_table(found))
    if use_log is not None:
        out.print(f"\n{use_log}: {lines:,} uses of equipment; samples and the type of use are for the centre to add.")


def report_table(found: ledger_api.YearReport) -> Any:
    """All companies, then each sector, programme and region."""
    heads = tuple(head for _, head in SHOWN)
    made = table("by", "", *heads, right=heads)
    for column in made.columns[:2]:
        column.no_wrap = True
    made.add_row("all", "", *figures(found.total), style="bold")
    for group in found.groups:
        made.add_row(group.dimension, group.value or "not said", *figures(group.figures))
    return made


def figures(told: ledger_api.ReportFigures) -> Iterator[str]:
    """The figures that a terminal has room for."""
    for name, _ in SHOWN:
        value = getattr(told, name)
        yield f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def uses(client: Client, year: int, known_at: int) -> Iterator[ledger_api.EquipmentUse]:
    """Every use of equipment, from every page of the answer."""
    token = ""
    while True:
        request = ledger_api.ListEquipmentUseRequest(
            name=EVERY_COMPANY, year=year, known_at=known_at, page_size=USE_LOG_PAGE, page_token=token
        )
        page = client.read(client.ledger.ListEquipmentUse, request)
        yield from page.uses
        token = page.next_page_token
        if not token:
            return


def write_use_log(path: Path, found: Iterable[ledger_api.EquipmentUse], zone: tzinfo) -> int:
    """Write the log, a line for each use; give how many there are."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(USE_LOG)
        for use in found:
            times = (
                from_timestamp(stamp).astimezone(zone).isoformat(timespec="minutes")
                for stamp in (use.start_time, use.end_time)
            )
            told = (use.organisation, use.organisation_type, plain_id(use.user), use.staff_hours, use.fee_krw)
            rows.writerow(
                cells(
                    (*times, use.hours, use.resource, use.resource_name, *told, plain_id(use.reservation), use.people)
                )
            )
            count += 1
    return count
