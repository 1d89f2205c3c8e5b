"""Statements for spreadsheets and for paper, and the drawing on it."""

import csv
from datetime import UTC, datetime
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.statement_chart import chart
from services.cli.statement_files import statement_csv, statement_html
from services.cli.statement_words import money_lines
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SEOUL = ZoneInfo("Asia/Seoul")
NOON = Timestamp()
NOON.FromDatetime(datetime(2026, 3, 2, 3, tzinfo=UTC))
SVG = "{http://www.w3.org/2000/svg}"


def amount(account: str, hours: int) -> ledger_api.AccountBalance:
    return ledger_api.AccountBalance(resource="h100", account=account, unit_seconds=hours * 3600)


LINE = ledger_api.StatementLine(
    time=NOON,
    position=7,
    event="reservation_confirmed",
    reservation='companies/CMP-0001/reservations/<b>"1",2',
    resource="h100",
    from_account="capacity",
    to_account="booked",
    unit_seconds=14_400,
    krw=12_000,
    phase="pending",
    month="2026-03",
    adjusts="2026-02",
)
ROW = ledger_api.SummaryRow(
    resource="h<1>",
    unit="gpu",
    units_each=1,
    granted_unit_seconds=100 * 3600,
    reserved_unit_seconds=40 * 3600,
    used_unit_seconds=30 * 3600,
    released_unit_seconds=10 * 3600,
    budget_krw=300_000,
    charged_krw=90_000,
)
STATEMENT = ledger_api.Statement(
    name="companies/CMP-0001",
    opening=[amount("granted", 100), amount("capacity", -100)],
    lines=[LINE],
    closing=[amount("granted", 100), amount("capacity", -104), amount("booked", 1), amount("used", 3)],
    position=9,
)
MONTH = ledger_api.Statement(
    name="companies/CMP-0001", month="2026-03", lines=[LINE], rows=[ROW], charged_krw=90_000, adjustments_krw=500
)
CENTRE = ledger_api.Statement(
    name="companies/-",
    month="2026-03",
    closed=True,
    rows=[ROW],
    totals=[ledger_api.CompanyTotal(company="companies/CMP-0001", display_name="A, B", budget_krw=5, charged_krw=3)],
)


def test_a_spreadsheet_is_exact() -> None:
    """Unit-seconds and won as they stand in the books, times with their offset, and names however odd."""
    header, row = csv.reader(statement_csv(STATEMENT, SEOUL).splitlines())
    assert dict(zip(header, row, strict=True)) == {
        "time": "2026-03-02T12:00:00+09:00",
        "position": "7",
        "event": "reservation_confirmed",
        "reservation": '<b>"1",2',
        "resource": "h100",
        "from": "capacity",
        "to": "booked",
        "unit_seconds": "14400",
        "krw": "12000",
        "phase": "pending",
        "month": "2026-03",
        "adjusts": "2026-02",
    }


def test_the_centres_spreadsheet_has_a_row_for_each_company() -> None:
    """What is to be billed, company by company."""
    header, row = csv.reader(statement_csv(CENTRE, SEOUL).splitlines())
    told = dict(zip(header, row, strict=True))
    assert (told["company"], told["display_name"], told["charged_krw"]) == ("CMP-0001", "A, B", "3")


def test_no_text_is_a_formula_in_a_spreadsheet() -> None:
    """A name that begins as a formula does stays text where a spreadsheet opens the file; amounts stay numbers."""
    named = '=HYPERLINK("http://there")'
    total = ledger_api.CompanyTotal(company="companies/CMP-0001", display_name=named, charged_krw=-5)
    text = statement_csv(ledger_api.Statement(name="companies/-", totals=[total]), SEOUL)
    row = next(csv.DictReader(text.splitlines()))
    assert row["display_name"] == f"'{named}"
    assert row["charged_krw"] == "-5"


def test_a_printed_page_stands_alone() -> None:
    """Every account and transfer, nothing from elsewhere, and no name that becomes markup."""
    page = statement_html(STATEMENT, "March", {"h100": api.RESOURCE_UNIT_GPU}, SEOUL)
    assert "<h1>Statement of CMP-0001</h1>" in page
    assert "&lt;b&gt;&quot;1&quot;,2" in page
    assert "<b>" not in page
    assert "-104" not in page
    assert not any(word in page for word in ("https:", "<script", "<link"))


def test_a_printed_month_says_what_it_costs() -> None:
    """Its state, what is charged, the adjustments in it, the drawing, and each resource's hours and won."""
    page = statement_html(MONTH, "2026-03", {"h100": api.RESOURCE_UNIT_GPU}, SEOUL)
    assert "a draft that may still change" in page
    assert "Charged 90,000 KRW, of which 500 about earlier months" in page
    assert "charged and booked come to 30.0 %" in page
    assert "<svg" in page
    assert "<td>100.0</td><td>40.0</td>" in page
    whole = statement_html(CENTRE, "2026-03", {}, SEOUL)
    assert "<h1>Statement of the centre</h1>" in whole
    assert "<td>CMP-0001</td><td>A, B</td>" in whole


def test_a_month_tells_what_lies_beyond_the_quota() -> None:
    """Of what is held and used, against what was granted; not for the centre as a whole, and not where nothing does."""
    burnt = ledger_api.Statement()
    burnt.CopyFrom(MONTH)
    burnt.rows[0].pending_unit_seconds = 90 * 3600
    assert "Of h<1> 20.0 unit-hours lie beyond the 100.0 granted." in list(money_lines(burnt))
    assert not any("beyond" in said for said in money_lines(MONTH))
    burnt.name = "companies/-"
    assert not any("beyond" in said for said in money_lines(burnt))


def test_the_drawing_is_true_to_scale() -> None:
    """It is well-formed, its bars are as long as their hours, and the quota is marked where it ends."""
    drawing = ElementTree.fromstring(chart([ROW]))  # noqa: S314 - our own drawing
    bars = {bar.find(f"{SVG}title").text: float(bar.get("width")) for bar in drawing.iter(f"{SVG}rect") if len(bar)}
    assert set(bars) == {"h<1>: used 30 h", "h<1>: released 10 h"}
    assert bars["h<1>: used 30 h"] / bars["h<1>: released 10 h"] == 3
    assert drawing.find(f"{SVG}path") is not None
    assert chart([ledger_api.SummaryRow(resource="empty")]) == ""
