"""The books by command: rate cards, months, statements, reports and what changed."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.cli import main
from services.cli.times import to_timestamp
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import FakeCentre
from tests.cli.samples import NINE, ONE, refused


def test_a_tariff_is_shown_and_published(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What is published is what stands in the file, and everybody can read what things cost."""
    centre.answers["PublishTariff"] = lambda request: request.tariff
    card = tmp_path / "card.yaml"
    card.write_text(
        "id: krw-2027\nvalid_from: 2027-01-01\nprices: {M01: {slot: 650000}}\nshare_step: 125\n"
        "peaks:\n- {when: mon-fri 18:00-08:00+1, percent: 70, resources: [M01]}\n"
        "- {when: sun 00:00-24:00, percent: 50}\n"
    )
    assert main.run(["tariff", "--publish", str(card)]) == 0
    sent = centre.requests[-1].tariff
    assert (sent.name, sent.valid_from_time.seconds, sent.share_step) == ("tariffs/krw-2027", 1_798_729_200, 125)
    assert [(price.resource, price.krw, price.basis) for price in sent.prices] == [
        ("resources/M01", 650_000, api.PRICE_BASIS_SLOT)
    ]
    capsys.readouterr()
    sent.discounts.add(attribute="stage", value="academy", percent=100)
    sent.discounts.add(attribute="stage", value="hospital", percent=100)
    sent.discounts.add(attribute="youth_founder", value="True", percent=50)
    sent.peaks.add(weekdays=range(1, 8), starts_minute=0, ends_minute=60, percent=90)
    centre.answers["ListTariffs"] = lambda _: api.ListTariffsResponse(tariffs=[sent], closed_month="2026-03")
    assert main.run(["tariff"]) == 0
    shown = capsys.readouterr().out
    assert "650,000" in shown
    assert "70 % of the price Mon Tue Wed Thu Fri 18:00-08:00+1 for M01" in shown
    assert "50 % of the price Sun 00:00-24:00 for everything" in shown
    assert "90 % of the price every day 00:00-01:00 for everything" in shown
    assert "100 % off where stage is academy, hospital" in shown
    assert "50 % off where youth founder is yes" in shown
    assert "closed up to the end of 2026-03" in shown


def test_a_file_that_is_no_tariff_is_named(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A rate card that cannot be read publishes nothing."""
    card = tmp_path / "card.yaml"
    for text in (
        "prices: {}",
        "id: x\nprices: {}\npeaks: [{when: daily, percent: 3}]",
        "id: x\nprices: {M01: {day: 3}}",
        "id: x\nvalid_from: soon\nprices: {}",
        "- x",
    ):
        card.write_text(text)
        assert main.run(["tariff", "--publish", str(card)]) == 1
        assert "card.yaml" in capsys.readouterr().err
    assert not any(isinstance(request, api.PublishTariffRequest) for request in centre.requests)


def test_a_month_is_closed_or_refused(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Closing says which month is frozen; a no says why, with exit status 2."""
    centre.answers["ClosePeriod"] = lambda request: api.ClosedPeriod(month=request.month)
    assert main.run(["close", "2026-03"]) == 0
    assert "2026-03" in capsys.readouterr().out
    centre.answers["ClosePeriod"] = refused
    assert main.run(["close", "2026-03"]) == 2


def test_a_statement_is_shown_in_unit_hours(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Milli-GPU seconds become GPU-hours; the month is the centre's."""
    line = ledger_api.StatementLine(
        event="reservation_confirmed",
        resource="a100-dev",
        from_account="capacity",
        to_account="held",
        unit_seconds=8000 * 4 * 3600,
    )
    centre.answers["GetStatement"] = lambda _: ledger_api.Statement(name="companies/CMP-0004", lines=[line], position=5)
    assert main.run(["statement", "--month", "2026-03"]) == 0
    assert centre.requests[0].month == "2026-03"
    shown = capsys.readouterr().out
    assert "32.0" in shown
    assert "reservation confirmed" in shown
    assert main.run(["statement", "--from", "2026-03-01 00:00", "--until", "2026-03-02 00:00"]) == 0
    assert centre.requests[1].start_time == to_timestamp(datetime(2026, 2, 28, 15, tzinfo=UTC))
    assert not centre.requests[1].month


def test_a_year_is_told_and_its_use_log_written(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Every group has its row; the log has a line for each use, of all pages, in the centre's zone."""
    figures = ledger_api.ReportFigures(companies=2, gpu_hours_used=1234.5, charged_krw=600_000)
    groups = [ledger_api.ReportGroup(dimension="region", value=value, figures=figures) for value in ("gwangju", "")]
    centre.answers["GetYearReport"] = lambda request: ledger_api.YearReport(
        year=request.year, total=figures, groups=groups, position=9
    )
    use = ledger_api.EquipmentUse(
        resource="M01",
        start_time=NINE,
        end_time=ONE,
        hours=4,
        organisation="A, B",
        user="companies/CMP-0004",
        fee_krw=5,
    )
    pages = iter(
        (
            ledger_api.ListEquipmentUseResponse(uses=[use], next_page_token="more"),
            ledger_api.ListEquipmentUseResponse(uses=[use]),
        )
    )
    centre.answers["ListEquipmentUse"] = lambda _: next(pages)
    log = tmp_path / "use.csv"
    assert main.run(["report", "2026", "--use-log", str(log)]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("1,234.5", "600,000", "gwangju", "not said"))
    header, *rows = csv.reader(log.read_text().splitlines())
    assert len(rows) == 2
    told = dict(zip(header, rows[0], strict=True))
    assert (told["used_at"], told["organisation"], told["user"]) == ("2026-03-16T09:00+09:00", "A, B", "CMP-0004")
    assert {request.known_at for request in centre.requests[1:]} == {9}


def test_tables_are_taken_home_whole_or_not_at_all(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each table is a file of its pieces; one that breaks off leaves no file."""
    pieces = [ledger_api.ExportTableResponse(data=data, rows=2, position=9) for data in (b"PAR1", b"PAR1")]
    centre.answers["ExportTable"] = lambda _: pieces
    assert main.run(["ledger", "export", str(tmp_path / "home")]) == 0
    names = ("events.parquet", "reservations.parquet", "transfers.parquet")
    assert {path.name: path.read_bytes() for path in (tmp_path / "home").iterdir()} == dict.fromkeys(names, b"PAR1PAR1")
    assert {request.name for request in centre.requests} == {"companies/CMP-0004"}
    assert "2 rows, as of position 9" in capsys.readouterr().out
    centre.answers["ExportTable"] = refused
    assert main.run(["ledger", "export", str(tmp_path / "none"), "--table", "events"]) == 1
    assert list((tmp_path / "none").iterdir()) == []


def test_what_changed_is_shown_account_by_account(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Since a position or a time; nothing is said to be nothing."""
    changed = ledger_api.AccountChange(resource="a100-dev", account="used", krw_before=1000, krw_after=4000)
    line = ledger_api.StatementLine(event="reservation_completed", from_account="booked", to_account="used", krw=3000)
    answers = iter((ledger_api.Changes(accounts=[changed], lines=[line], base_position=5), ledger_api.Changes()))
    centre.answers["GetChanges"] = lambda _: next(answers)
    assert main.run(["changes", "5", "--month", "2026-03"]) == 0
    assert (centre.requests[0].base_known_at, centre.requests[0].month) == (5, "2026-03")
    shown = capsys.readouterr().out
    assert "4,000" in shown
    assert "reservation completed" in shown
    assert main.run(["changes", "2026-03-01 00:00"]) == 0
    assert centre.requests[1].base_as_of == to_timestamp(datetime(2026, 2, 28, 15, tzinfo=UTC))
    assert "Nothing changed" in capsys.readouterr().out
