"""Calendar months in the centre's zone: what the books are kept and closed by."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.allocation.resources import Interval

MONTH = re.compile(r"(?:19[7-9]\d|20\d\d)-(?:0[1-9]|1[0-2])")
ZONE_DEFAULT = "UTC"
"""The zone of a centre that has no resources yet; afterwards it is that of the first one."""


class ClosedMonth(Struct, frozen=True, gc=False, kw_only=True):
    """A month that the books are closed up to: such as `2026-03`, and its bounds in seconds UTC."""

    month: str
    start: int
    end: int


def bounds(month: str, zone: ZoneInfo) -> Interval:
    """The first second of a month such as `2026-03`, and that of the next one."""
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return _midnight(first, zone), _midnight(after, zone)


def month_at(seconds: int, zone: ZoneInfo) -> str:
    """The month that a moment lies in."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone(zone):%Y-%m}"


def months_later(seconds: int, count: int, zone: ZoneInfo) -> int:
    """The same time of day so many months later; the last day of a month that has no such day."""
    moment = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
    year, month = divmod(moment.year * 12 + moment.month - 1 + count, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return int(moment.replace(year=year, month=month + 1, day=day).timestamp())


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
