"""Calendar rules (RFC 5545) read into moments: civil times in a zone, daylight saving exact, by python-dateutil.

Rules by the day, the week and the month are taken, as far as they are sure to give a time soon: one that never does
(the 30th of February) would keep the reader busy for ever. EXDATE and RDATE take out and add single times.

A civil time that a change of the clock leaves out moves forward with it, and of one that comes twice the first counts,
as `zoneinfo` says.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from itertools import islice
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from services.allocation.resources import Interval
from services.allocation.series import OCCURRENCES_MAX

LINES_MAX = 20
LINE_CHARACTERS_MAX = 1_000
CIVIL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?")
KINDS = ("RRULE:", "EXDATE:", "RDATE:")

_WEEKDAY = "(MO|TU|WE|TH|FR|SA|SU)"
_DAYS = re.compile(rf"{_WEEKDAY}(,{_WEEKDAY})*")
_NTH_DAYS = re.compile(rf"(-?[1-4])?{_WEEKDAY}(,(-?[1-4])?{_WEEKDAY})*")
_MONTH_DAYS = re.compile(r"-?([1-9]|1\d|2[0-8])(,-?([1-9]|1\d|2[0-8]))*")
_NUMBER = re.compile(r"[1-9]\d{0,2}")
PARTS = {
    "DAILY": {"BYDAY": _DAYS},
    "WEEKLY": {"BYDAY": _DAYS, "WKST": re.compile(_WEEKDAY)},
    "MONTHLY": {"BYDAY": _NTH_DAYS, "BYMONTHDAY": _MONTH_DAYS, "BYSETPOS": re.compile("-1|1")},
}
"""The parts that a rule may have beside `ALWAYS`, and what each may say."""
ALWAYS = {
    "FREQ": re.compile("[A-Z]+"),
    "INTERVAL": _NUMBER,
    "COUNT": _NUMBER,
    "UNTIL": re.compile(r"\d{8}(T\d{6}Z?)?"),
}


class Unreadable(ValueError):
    """A rule that nothing can be made of. The message says why, and what would do."""


def occurrences(first: str, zone: ZoneInfo, recurrence: Iterable[str], duration: int) -> list[Interval]:
    """The intervals of a series in seconds UTC, in order; one more than allowed if there are more.

    Raises `Unreadable`.
    """
    start = civil(first)
    lines = demand_sound(recurrence)
    if not any(line.startswith("RRULE:") for line in lines):
        lines.append("RDATE:" + start.strftime("%Y%m%dT%H%M%S"))  # The first time is an occurrence in any case.
    try:
        rule = rrulestr("\n".join(lines), dtstart=start, forceset=True, ignoretz=True)
        times = list(islice(_each(rule), OCCURRENCES_MAX + 1))
    except (ValueError, TypeError, OverflowError) as problem:
        raise Unreadable(f"cannot be read: {problem}") from None
    starts = sorted({int(time.replace(tzinfo=zone).timestamp()) for time in times})
    return [(moment, moment + duration) for moment in starts]


def demand_sound(recurrence: Iterable[str]) -> list[str]:
    """The lines of a rule. Raises `Unreadable` for one that is none, never ends, or may never give a time."""
    lines = list(recurrence)
    if len(lines) > LINES_MAX or any(len(line) > LINE_CHARACTERS_MAX for line in lines):
        raise Unreadable(f"has more than {LINES_MAX} lines, or one of more than {LINE_CHARACTERS_MAX} characters")
    for line in lines:
        if not line.startswith(KINDS):
            raise Unreadable(f"begins with none of {', '.join(KINDS)}: {line[:60]!r}")
        if line.startswith("RRULE:"):
            _demand_sound_rule(line)
    return lines


def civil(text: str) -> datetime:
    """A date and time of the wall clock, such as 2026-03-09T09:00. Raises `Unreadable`."""
    if not CIVIL.fullmatch(text):
        raise Unreadable("must be a civil time such as 2026-03-09T09:00")
    try:
        return datetime.fromisoformat(text)
    except ValueError as problem:
        raise Unreadable(f"is no time: {problem}") from None


def tzdata_release() -> str:
    """Which release of the time zone rules this process uses, such as 2026b."""
    for folder in TZPATH:
        source = Path(folder) / "tzdata.zi"
        if source.exists():
            with source.open(encoding="utf-8") as file:
                return file.readline().removeprefix("# version ").strip()
    return metadata.version("tzdata")


def _demand_sound_rule(line: str) -> None:
    """Raises `Unreadable` for a rule that never ends, or may never give a time."""
    parts = dict(part.partition("=")[::2] for part in line.removeprefix("RRULE:").upper().split(";"))
    frequency = parts.get("FREQ", "")
    if frequency not in PARTS:
        raise Unreadable(f"repeats by {frequency or 'nothing'}; FREQ is one of {', '.join(PARTS)}")
    if unknown := parts.keys() - PARTS[frequency].keys() - ALWAYS.keys():
        raise Unreadable(f"{', '.join(sorted(unknown))} cannot be used with FREQ={frequency}")
    for name, value in parts.items():
        form = (PARTS[frequency] | ALWAYS)[name]
        if not form.fullmatch(value):
            raise Unreadable(f"{name}={value[:40]} is not what can be used with FREQ={frequency}")
    if "COUNT" not in parts and "UNTIL" not in parts:
        raise Unreadable("never ends: add COUNT=n or UNTIL=20261231T235959")
    if {"BYDAY", "BYMONTHDAY"} <= parts.keys() or (frequency == "DAILY" and {"BYDAY", "INTERVAL"} <= parts.keys()):
        raise Unreadable("says the days twice; leave one part out")


def _each(rule: rrule | rruleset) -> Iterable[datetime]:
    """The times of a rule, without those of before 1970 or after 2100."""
    return (time for time in rule if 1970 < time.year < 2100)


def local(moment: int, zone: ZoneInfo) -> datetime:
    """A moment in seconds UTC by the clock of a zone."""
    return datetime.fromtimestamp(moment, UTC).astimezone(zone)
