"""`aidc series` and `aidc calendar`, against a centre that answers what the test says."""

import json
from pathlib import Path

import pytest

from services.cli import main
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import FakeCentre
from tests.cli.samples import LINES, NINE, ONE, refused

BOOKED = "companies/CMP-0004/reservations/r1"
WEEKLY = api.Series(
    name="companies/CMP-0004/series/s1",
    lines=LINES,
    first="2026-03-16T09:00",
    time_zone="Asia/Seoul",
    recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"],
    tzdata_release="2026a",
    occurrences=[
        api.Occurrence(start_time=NINE, end_time=ONE, reservation=BOOKED, shifted_from_time=NINE),
        api.Occurrence(start_time=NINE, end_time=ONE, reasons=["CLOSED_DAY"]),
    ],
)
BOOK = ["series", "book", "M01", "--first", "2026-03-16T09:00", "--duration", "4h", "--rule", "FREQ=WEEKLY;COUNT=2"]


def test_a_series_is_booked_and_shown(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The rule goes out as RFC 5545, in the centre's zone, and every occurrence is told."""
    centre.answers["CreateSeries"] = lambda _: WEEKLY
    assert main.run([*BOOK, "--conflict", "shift"]) == 0
    [sent] = [request for request in centre.requests if isinstance(request, api.CreateSeriesRequest)]
    assert list(sent.series.recurrence) == ["RRULE:FREQ=WEEKLY;COUNT=2"]
    assert (sent.series.time_zone, sent.series.policy) == ("Asia/Seoul", api.CONFLICT_POLICY_SHIFT)
    shown = capsys.readouterr().out
    assert "skipped: CLOSED_DAY" in shown
    assert "shifted from" in shown


def test_a_refused_series_ends_with_2(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """A no says why; a policy that there is not is a mistake."""
    centre.answers["CreateSeries"] = refused
    assert main.run(BOOK) == 2
    assert main.run([*BOOK, "--conflict", "maybe"]) == 1
    assert "fail, skip, shift" in capsys.readouterr().err
    assert main.run([*BOOK, "--zone", "Mars/Olympus"]) == 1
    assert "Asia/Seoul" in capsys.readouterr().err


def test_series_are_listed_and_given_back(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """A short name is enough."""
    centre.answers["ListSeries"] = lambda _: api.ListSeriesResponse(series=[WEEKLY])
    assert main.run(["series", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["series"][0]["name"] == WEEKLY.name
    assert main.run(["series", "list"]) == 0
    centre.answers["GetSeries"] = centre.answers["CancelSeries"] = lambda _: WEEKLY
    assert main.run(["series", "show", "s1"]) == 0
    assert main.run(["series", "cancel", "CMP-0004/s1", "--from", "2026-03-20 00:00", "--reason", "ill"]) == 0
    [sent] = [request for request in centre.requests if isinstance(request, api.CancelSeriesRequest)]
    assert (sent.name, sent.reason, sent.from_time.seconds) == (WEEKLY.name, "ill", 1_773_932_400)
    assert main.run(["series", "show", "a/b/c"]) == 1


def test_a_series_is_changed_from_a_day_on(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what is named is asked for; an end is put into the rule; what becomes of each is told."""
    after = api.Series(
        name=WEEKLY.name,
        first=WEEKLY.first,
        time_zone="Asia/Seoul",
        occurrences=[
            api.Occurrence(start_time=NINE, end_time=ONE, reservation=BOOKED, effect=api.Occurrence.EFFECT_CHANGED),
            api.Occurrence(
                start_time=NINE,
                end_time=ONE,
                reservation=BOOKED,
                reasons=["NO_CAPACITY"],
                effect=api.Occurrence.EFFECT_LEFT,
            ),
        ],
        given_back=[
            api.Occurrence(start_time=NINE, end_time=ONE, reservation=BOOKED, effect=api.Occurrence.EFFECT_GIVEN_BACK)
        ],
        cost_change_krw=-1200,
        cancellation_quote=api.CancellationQuote(due_krw=300, refund_krw=900, strike=True),
    )
    centre.answers["GetSeries"], centre.answers["UpdateSeries"] = lambda _: WEEKLY, lambda _: after
    wish = ["series", "change", "s1", "--from", "2026-03-20 00:00", "--time", "10:30", "--count", "5"]
    assert main.run([*wish, "--units", "M01:2", "--conflict", "skip", "--note", "", "--dry-run", "--overwrite"]) == 0
    [sent] = [request for request in centre.requests if isinstance(request, api.UpdateSeriesRequest)]
    assert (sent.series.name, sent.series.first) == (WEEKLY.name, "2026-03-16T10:30")
    assert list(sent.series.recurrence) == ["RRULE:FREQ=WEEKLY;COUNT=5"]
    assert list(sent.update_mask.paths) == ["first", "recurrence", "lines", "policy", "note"]
    assert (sent.series.lines[0].units, sent.validate_only, sent.overwrite_exceptions) == (2, True, True)
    assert sent.from_time.seconds == 1_773_932_400
    shown = capsys.readouterr().out
    assert all(told in shown for told in ("nothing was changed", "left as it was: NO_CAPACITY", "given back"))
    assert all(told in shown for told in ("-1,200 KRW", "300 KRW would be due, 900 not, and that is a strike"))
    assert (
        main.run(["series", "change", "s1", "--until", "2026-05-01", "--duration", "2h", "--zone", "UTC", "--json"])
        == 0
    )
    assert centre.requests[-1].series.time_zone == "UTC"
    assert list(centre.requests[-1].series.recurrence) == ["RRULE:FREQ=WEEKLY;UNTIL=20260501T235959"]
    assert json.loads(capsys.readouterr().out)["given_back"][0]["effect"] == "EFFECT_GIVEN_BACK"


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ([], "nothing to change"),
        (["--time", "10:00", "--first", "2026-03-17T09:00"], "one of --time and --first"),
        (["--count", "3", "--until", "2026-05-01"], "one of --rule, --count and --until"),
        (["--until", "May"], "no day such as"),
        (["--conflict", "maybe"], "fail, skip, shift"),
    ],
)
def test_a_change_that_makes_no_sense_asks_nothing(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], wish: list[str], told: str
) -> None:
    """A mistake ends with 1, in a line that says what would do; a refusal ends with 2."""
    centre.answers["GetSeries"], centre.answers["UpdateSeries"] = lambda _: WEEKLY, refused
    assert main.run(["series", "change", "s1", *wish]) == 1
    assert told in capsys.readouterr().err
    assert not any(isinstance(request, api.UpdateSeriesRequest) for request in centre.requests)
    assert main.run(["series", "change", "s1", "--note", "x"]) == 2


def test_a_calendar_is_written_or_printed(
    centre: FakeCentre, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The file is exactly what the centre gave."""
    content = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    centre.answers["ExportCalendar"] = lambda _: api.CalendarFile(content=content, position=9)
    file = tmp_path / "mine.ics"
    assert main.run(["calendar", "-o", str(file)]) == 0
    assert file.read_bytes() == content
    assert "1 events" in capsys.readouterr().out
    assert main.run(["calendar", "M01"]) == 0
    assert centre.requests[-1].name == "resources/M01"
    assert main.run(["calendar", "-o", str(tmp_path / "no" / "where.ics")]) == 1
