"""Closing the books up to the end of a month."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.rejections import Reason, refuse
from services.allocation.values.months import MONTH, ClosedMonth, bounds


def close_period(centre: Centre, command: commands.ClosePeriod, now: int) -> Events:
    """Close the books up to the end of a month. Raises `Rejected` while it runs, and if it is closed already."""
    month, zone, closed = command.month, centre.zone, centre.closed
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
    return (events.PeriodClosed(period=ClosedMonth(month=month, start=start, end=end)),)


def _shown(seconds: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone(zone):%Y-%m-%d %H:%M %Z}"
