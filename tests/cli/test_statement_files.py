"""Statements for spreadsheets and for paper."""

import csv
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.statement_files import statement_csv, statement_html
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SEOUL = ZoneInfo("Asia/Seoul")
NOON = Timestamp()
NOON.FromDatetime(datetime(2026, 3, 2, 3, tzinfo=UTC))


def amount(account: str, hours: int) -> ledger_api.AccountBalance:
    return ledger_api.AccountBalance(resource="h100", account=account, unit_seconds=hours * 3600)


STATEMENT = ledger_api.Statement(
    name="companies/CMP-0001",
    opening=[amount("granted", 100), amount("capacity", -100)],
    lines=[
        ledger_api.StatementLine(
            time=NOON,
            position=7,
            event="reservation_confirmed",
            reservation='companies/CMP-0001/reservations/<b>"1",2',
            resource="h100",
            from_account="capacity",
            to_account="held",
            unit_seconds=14_400,
        )
    ],
    closing=[amount("granted", 100), amount("capacity", -104), amount("held", 1), amount("used", 3)],
    position=9,
)


def test_a_spreadsheet_is_exact() -> None:
    """Unit-seconds as they stand in the books, times with their offset, and names however odd."""
    header, row = csv.reader(statement_csv(STATEMENT, SEOUL).splitlines())
    assert dict(zip(header, row, strict=True)) == {
        "time": "2026-03-02T12:00:00+09:00",
        "position": "7",
        "event": "reservation_confirmed",
        "reservation": '<b>"1",2',
        "resource": "h100",
        "from": "capacity",
        "to": "held",
        "unit_seconds": "14400",
    }


def test_a_printed_page_stands_alone() -> None:
    """Balances with bars and every transfer, nothing from elsewhere, and no name that becomes markup."""
    page = statement_html(STATEMENT, "March", {"h100": api.RESOURCE_UNIT_GPU}, SEOUL)
    assert "<h1>Statement of CMP-0001</h1>" in page
    assert "&lt;b&gt;&quot;1&quot;,2" in page
    assert "<b>" not in page
    assert page.count('class="bar"') == 2
    assert "width:75.0%" in page
    assert "-104" not in page
    assert not any(word in page for word in ("http:", "https:", "<script", "<link"))
