"""Times and durations as people write and read them, in the centre's zone.

Written: `2026-03-04T09:00+09:00` (an offset decides), `2026-03-04 09:00` (the centre's zone), `today 14:00`,
`tomorrow 09:00`, `now`, `+3h` (the next whole hour after that). Durations: `2h`, `90m`, `1d`, `1h30m`. Shown:
`2026-03-04 09:00 +09:00`.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
DURATION = re.compile(r"(\d+(?:\.\d+)?[dhms])+")
DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
DURATION_MAX = timedelta(days=3660)
CIVIL = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?")
DAYS_FROM_TODAY = {"today": 0, "tomorrow": 1, "yesterday": -1}


class Unreadable(ValueError):
    """A person wrote something that cannot be read. The message says what could be."""


def parse_duration(text: str) -> timedelta:
    """Read a positive duration of whole seconds."""
    wanted = text.strip().lower()
    if not DURATION.fullmatch(wanted):
        raise Unreadable(f"cannot read the duration {text!r}: write 2h, 90m, 1d or 1h30m")
    total = sum((float(n) * UNITS[unit] for n, unit in DURATION_PART.findall(wanted)), timedelta())
    if not timedelta() < total <= DURATION_MAX or total.microseconds:
        raise Unreadable(f"the duration {text!r} must be a positive number of whole seconds, at most ten years")
    return total


def parse_time(text: str, now: datetime, zone: tzinfo) -> datetime:
    """Read a moment. `now` has an offset; local times are in `zone`."""
    wanted = text.strip()
    if wanted.lower() == "now":
        return now.replace(microsecond=0)
    if wanted.startswith("+"):
        return next_hour(now + parse_duration(wanted[1:]))
    day, _, clock = wanted.lower().partition(" ")
    if day in DAYS_FROM_TODAY:
        wanted = f"{now.astimezone(zone).date() + timedelta(days=DAYS_FROM_TODAY[day])} {clock or '00:00'}"
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError as problem:
        example = "2026-03-04 09:00, 2026-03-04T09:00+09:00, tomorrow 09:00 or +3h"
        raise Unreadable(f"cannot read the time {text!r}: write {example}") from problem
    return moment if moment.tzinfo else in_zone(moment, zone, text)


def civil_time(text: str, now: datetime, zone: tzinfo) -> str:
    """A time of the wall clock, without an offset: as it is written, or what `tomorrow 09:00` and `+3h` are there."""
    if CIVIL.fullmatch(text.strip()):
        return text.strip().replace(" ", "T")
    return parse_time(text, now, zone).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def next_hour(moment: datetime) -> datetime:
    """The first whole hour at or after a moment, since slots hardly ever start in between."""
    whole = moment.replace(minute=0, second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(hours=1)


def in_zone(moment: datetime, zone: tzinfo, text: str) -> datetime:
    """A local time that exists once in the zone."""
    early, late = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if early.utcoffset() != late.utcoffset():
        raise Unreadable(f"the clocks change around {text!r}: write the offset, such as {early.isoformat()}")
    return early


def show_time(moment: datetime, zone: tzinfo) -> str:
    """A moment on the zone's clock, with its offset: `2026-03-04 09:00 +09:00`."""
    local = moment.astimezone(zone)
    seconds = ":%S" if local.second else ""
    offset = local.strftime("%z")
    return f"{local.strftime(f'%Y-%m-%d %H:%M{seconds}')} {offset[:3]}:{offset[3:]}"


def show_interval(start: datetime, end: datetime, zone: tzinfo) -> str:
    """A stretch of time; an offset and a day that both ends share are said once."""
    local_start, local_end = start.astimezone(zone), end.astimezone(zone)
    if local_start.utcoffset() != local_end.utcoffset():
        return f"{show_time(start, zone)} … {show_time(end, zone)}"
    begin = show_time(start, zone).rpartition(" ")[0]
    if local_start.date() != local_end.date():
        return f"{begin} … {show_time(end, zone)}"
    return f"{begin}–{show_time(end, zone)[len('2026-03-04 ') :]}"


def show_duration(duration: timedelta) -> str:
    """A duration in the two largest units that it has: `1d 6h`, `90m` as `1h 30m`."""
    seconds = round(duration.total_seconds())
    parts: list[str] = []
    for name, unit in UNITS.items():
        count, seconds = divmod(seconds, round(unit.total_seconds()))
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2]) or "0m"


def month_of(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The calendar month that a moment lies in."""
    first = moment.astimezone(zone).date().replace(day=1)
    return midnight(first, zone), midnight((first + timedelta(days=31)).replace(day=1), zone)


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day."""
    return datetime.combine(day, time(), tzinfo=zone)


def to_timestamp(moment: datetime) -> Timestamp:
    """For the wire."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def from_timestamp(stamp: Timestamp) -> datetime:
    """From the wire."""
    return stamp.ToDatetime(tzinfo=UTC)


def to_duration(duration: timedelta) -> Duration:
    """For the wire."""
    message = Duration()
    message.FromTimedelta(duration)
    return message
