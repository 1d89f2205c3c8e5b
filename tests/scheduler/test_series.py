"""Series and calendar files over the wire: civil times, conflicts, giving back, and what a calendar program reads."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.recurrence import Unreadable, local, occurrences
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import ALPHA, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id
from tests.scheduler.test_grpc_tenants import series

BERLIN, SEOUL = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Seoul")


@pytest.mark.parametrize(
    ("zone", "first", "rule", "expected"),
    [
        (SEOUL, "2026-03-09T09:00", "FREQ=DAILY;COUNT=2", ["03-09 09:00", "03-10 09:00"]),
        (SEOUL, "2026-03-09T09:00", "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", ["03-09 09:00", "03-11 09:00", "03-16 09:00"]),
        (SEOUL, "2026-03-09T09:00", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", ["03-27 09:00", "04-24 09:00"]),
        # The clock skips 02:00 to 03:00 on 29 March, and repeats it on 25 October: there is one occurrence a day.
        (BERLIN, "2026-03-28T02:30", "FREQ=DAILY;COUNT=3", ["03-28 02:30", "03-29 03:30", "03-30 02:30"]),
        (BERLIN, "2026-10-24T02:30", "FREQ=DAILY;COUNT=3", ["10-24 02:30", "10-25 02:30", "10-26 02:30"]),
    ],
)
def test_rules_are_read_by_the_wall_clock(zone: ZoneInfo, first: str, rule: str, expected: list[str]) -> None:
    """An occurrence is at the same civil time every day, whatever the clock of the zone does."""
    found = occurrences(first, zone, [f"RRULE:{rule}"], HOUR)
    assert [f"{local(start, zone):%m-%d %H:%M}" for start, _ in found] == expected
    assert all(end - start == HOUR for start, end in found)


def test_single_times_are_taken_out_and_added() -> None:
    """EXDATE takes an occurrence out, RDATE adds one, and without a rule the first time counts."""
    lines = ["RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260310T090000", "RDATE:20260401T120000"]
    found = occurrences("2026-03-09T09:00", SEOUL, lines, HOUR)
    assert [f"{local(start, SEOUL):%m-%d %H}" for start, _ in found] == ["03-09 09", "03-11 09", "04-01 12"]
    assert len(occurrences("2026-03-09T09:00", SEOUL, [], HOUR)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=DAILY",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2",
        "RRULE:FREQ=DAILY;INTERVAL=7;BYDAY=TU;COUNT=1",
        "RRULE:FREQ=SECONDLY;COUNT=5",
        "RRULE:FREQ=DAILY;COUNT=0",
        "RRULE:FREQ=DAILY;COUNT=5;COUNT",
        "RRULE:",
        "EXDATE:soon",
        "DTSTART:20260309T090000",
        "",
    ],
)
def test_a_rule_that_never_ends_or_never_comes_is_refused(line: str) -> None:
    """What would keep the reader busy for ever, or makes no sense, is refused before anything is expanded."""
    with pytest.raises(Unreadable):
        occurrences("2026-03-09T09:00", SEOUL, [line], HOUR)


async def test_a_series_is_booked_shown_and_given_back(desk: Desk) -> None:
    """Every occurrence is a reservation that names its series; asking again books nothing more (P4)."""
    made = await desk.call("CreateSeries", series("ALPHA"))
    assert [each.start_time.seconds for each in made.occurrences] == [NOON + day * DAY for day in range(3)]
    assert made.tzdata_release
    assert await desk.call("CreateSeries", series("ALPHA")) == made
    first = await desk.call("GetReservation", api.GetReservationRequest(name=made.occurrences[0].reservation))
    assert first.series == made.name
    listed = await desk.call("ListSeries", api.ListSeriesRequest(parent="companies/ALPHA"))
    assert list(listed.series) == [made]
    cancel = api.CancelSeriesRequest(name=made.name, request_id=request_id(6), reason="ill")
    cancel.from_time.seconds = NOON + DAY
    after = await desk.call("CancelSeries", cancel)
    assert after.cancelled_from_time.seconds == NOON + DAY
    states = [
        (await desk.call("GetReservation", api.GetReservationRequest(name=each.reservation))).state
        for each in made.occurrences
    ]
    assert states == [api.Reservation.STATE_CONFIRMED, *[api.Reservation.STATE_CANCELLED] * 2]


async def test_a_series_that_is_only_checked_books_nothing(desk: Desk) -> None:
    """`validate_only` shows what would become of each occurrence, as it then does, and the log stays as it is."""
    await desk.call("CreateReservation", demand(1, ("M01", 1), start=NOON - 3 * HOUR + DAY, hours=4))
    wish = series("ALPHA")
    wish.series.lines[0].resource, wish.series.first = "resources/M01", "2026-03-03T09:00"
    wish.series.duration.seconds, wish.series.policy = 4 * HOUR, api.CONFLICT_POLICY_SKIP
    wish.validate_only = True
    pages = len(desk.log.pages)
    shown = await desk.call("CreateSeries", wish)
    assert [list(each.reasons) for each in shown.occurrences] == [[], ["NO_CAPACITY"], ["CLOSED_DAY"]]
    assert not any(each.reservation for each in shown.occurrences)
    assert len(desk.log.pages) == pages
    wish.validate_only = False
    made = await desk.call("CreateSeries", wish)
    assert [each.reasons for each in made.occurrences] == [each.reasons for each in shown.occurrences]
    assert [bool(each.reservation) for each in made.occurrences] == [True, False, False]


async def test_what_makes_no_sense_is_named(desk: Desk) -> None:
    """Every invalid field is named at once."""
    wish = series("ALPHA")
    wish.series.time_zone, wish.series.note, wish.series.first = "Mars/Olympus", "x" * 501, "soon"
    wish.series.recurrence.append("RRULE:FREQ=YEARLY;COUNT=1")
    with pytest.raises(Refused) as refused:
        await desk.call("CreateSeries", wish)
    told = str(refused.value.status)
    for field in ("time_zone", "note", "first", "recurrence"):
        assert f"series.{field}" in told


async def test_a_calendar_program_reads_what_is_booked(desk: Desk) -> None:
    """The file parses, and holds exactly the stretches that the reservations hold, with the note."""
    await desk.call(
        "CreateReservation", demand(1, ("M01", 1), start=NOON - 3 * HOUR + DAY, hours=4, note="드라이브, test")
    )
    await desk.call("CreateReservation", demand(2, ("a100", 500), start=NOON + 3 * DAY))
    await desk.call("CreateSeries", series("ALPHA"))
    file = await desk.call("ExportCalendar", api.ExportCalendarRequest(name="companies/ALPHA"))
    assert file.content_type.startswith("text/calendar")
    calendar = icalendar.Calendar.from_ical(file.content)
    day = datetime.fromtimestamp(NOON, UTC)
    found = recurring_ical_events.of(calendar).between(day - timedelta(days=1), day + timedelta(days=7))
    booked = sorted((each["DTSTART"].dt.timestamp(), str(each["SUMMARY"])) for each in found)
    assert booked == [
        (NOON, "cpu, 1 core"),
        (NOON - 3 * HOUR + DAY, "M01, 1 seat"),
        (NOON + DAY, "cpu, 1 core"),
        (NOON + 2 * DAY, "cpu, 1 core"),
        (NOON + 3 * DAY, "a100, 0.5 GPUs"),
    ]
    assert {str(each.get("DESCRIPTION", "")) for each in found} == {"", "드라이브, test"}
    assert len({str(each["UID"]) for each in found}) == 5


async def test_a_resources_calendar_shows_no_names_to_companies(desk: Desk) -> None:
    """P8: a company sees when it is busy; an operator sees by whom."""
    await desk.call("CreateReservation", demand(1, company="BETA", note="secret"), BETA)
    asked = api.ExportCalendarRequest(name="resources/cpu")
    mine = await desk.call("ExportCalendar", asked, ALPHA)
    theirs = await desk.call("ExportCalendar", asked, OPERATOR)
    assert b"SUMMARY:Busy" in mine.content
    assert b"BETA" not in mine.content
    assert b"secret" not in mine.content
    assert b"BETA" in theirs.content
