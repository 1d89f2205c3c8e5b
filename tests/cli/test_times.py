"""Times and durations, as people write and read them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.cli.times import (
    Unreadable,
    civil_time,
    month_of,
    parse_duration,
    parse_time,
    show_duration,
    show_interval,
    show_time,
)

SEOUL = ZoneInfo("Asia/Seoul")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 3, 20, 30, tzinfo=UTC)  # 05:30 of the next day in Seoul.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-04T09:00:00+09:00", "2026-03-04T00:00:00+00:00"),
        ("2026-03-04T00:00Z", "2026-03-04T00:00:00+00:00"),
        ("2026-03-04 09:00", "2026-03-04T00:00:00+00:00"),
        ("2026-03-04", "2026-03-03T15:00:00+00:00"),
        ("today 09:00", "2026-03-04T00:00:00+00:00"),
        ("Tomorrow 09:00", "2026-03-05T00:00:00+00:00"),
        ("tomorrow", "2026-03-04T15:00:00+00:00"),
        ("now", "2026-03-03T20:30:00+00:00"),
        ("+3h", "2026-03-04T00:00:00+00:00"),
        ("+1d12h30m", "2026-03-05T09:00:00+00:00"),
    ],
)
def test_a_time_is_read_in_the_centres_zone_unless_it_has_an_offset(text: str, expected: str) -> None:
    """A local time means the centre's clock; an offset decides for itself; days count from the centre's today."""
    assert parse_time(text, NOW, SEOUL).astimezone(UTC).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-09T09:00", "2026-03-09T09:00"),
        ("2026-03-09 09:00", "2026-03-09T09:00"),
        ("tomorrow 09:00", "2026-03-05T09:00"),
        ("2026-03-09T09:00Z", "2026-03-09T18:00"),
        ("+3h", "2026-03-04T09:00"),
    ],
)
def test_a_first_time_is_one_of_the_wall_clock(text: str, expected: str) -> None:
    """What recurs begins by the clock on the wall; times that are said in another manner are what that clock shows."""
    assert civil_time(text, NOW, SEOUL) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "tomorrow noon", "+3", "9:00", "2026-12-31 23:59:60Z", "infinity"]
)
def test_an_unreadable_time_says_what_could_be_written(text: str) -> None:
    """Nonsense is refused with examples."""
    with pytest.raises(Unreadable, match="write"):
        parse_time(text, NOW, SEOUL)


@pytest.mark.parametrize("text", ["2026-10-25 02:30", "2026-03-29 02:30"])
def test_a_local_time_that_exists_twice_or_never_needs_an_offset(text: str) -> None:
    """When the clocks change, a local time alone would be a guess."""
    with pytest.raises(Unreadable, match="offset"):
        parse_time(text, NOW, BERLIN)


@pytest.mark.parametrize(
    ("text", "minutes"), [("2h", 120), ("90m", 90), ("1d", 1440), ("1h30m", 90), ("0.5h", 30), ("60s", 1)]
)
def test_a_duration_is_read(text: str, minutes: int) -> None:
    """Days, hours, minutes and seconds add up."""
    assert parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "0m", "2h foo", "0.0001s", "99999d"])
def test_a_senseless_duration_is_refused(text: str) -> None:
    """A duration is a positive number of whole seconds, within reason."""
    with pytest.raises(Unreadable):
        parse_duration(text)


def test_a_time_is_shown_in_the_centres_zone_with_its_offset() -> None:
    """Nobody has to guess which clock a time is on."""
    assert show_time(NOW, SEOUL) == "2026-03-04 05:30 +09:00"


def test_an_interval_names_a_shared_day_once() -> None:
    """Short where it can be, whole where the days differ."""
    nine = datetime(2026, 3, 4, 9, tzinfo=SEOUL)
    assert show_interval(nine, nine + timedelta(hours=4), SEOUL) == "2026-03-04 09:00–13:00 +09:00"
    assert show_interval(nine, nine + timedelta(days=1), SEOUL) == "2026-03-04 09:00 … 2026-03-05 09:00 +09:00"


def test_a_duration_is_shown_in_its_two_largest_units() -> None:
    """Readable at a glance."""
    assert show_duration(timedelta(minutes=90)) == "1h 30m"
    assert show_duration(timedelta(days=2)) == "2d"
    assert show_duration(timedelta()) == "0m"


def test_a_month_begins_and_ends_at_local_midnight() -> None:
    """The books of a month are those of the centre's month."""
    begin, end = month_of(datetime(2025, 12, 31, 16, tzinfo=UTC), SEOUL)
    assert (begin.isoformat(), end.isoformat()) == ("2026-01-01T00:00:00+09:00", "2026-02-01T00:00:00+09:00")
