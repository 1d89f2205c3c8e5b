"""Calendar months in the centre's zone: what the books are kept and closed by."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.allocation.rejections import Reason, refuse
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


def close(month: str, zone: ZoneInfo, closed: ClosedMonth | None, now: int) -> ClosedMonth:
    """Close the books up to the end of a month. Raises `Rejected` while it runs, and if it is closed already."""
    if not MONTH.fullmatch(month):
        raise refuse(Reason.INVALID_INTERVAL, f"{month!r} is not a month of the form 2026-03.", month)
    start, end = bounds(month, zone)
    if closed is not None and end <= closed.end:
        raise refuse(Reason.ALREADY_EXISTS, f"The books are closed up to {closed.month} already.", month)
    if end > now:
        raise refuse(
            Reason.PERIOD_RUNNING,
            f"The month {month} is not over yet; it can be closed from {_shown(end, zone)} on.",
            month,
            limit=end,
            asked=now,
        )
    return ClosedMonth(month=month, start=start, end=end)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _shown(seconds: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone(zone):%Y-%m-%d %H:%M %Z}"
