"""What somebody wants to be different about a series, read from the fields of its form.

The rule is written back as one that the form knows (every so many days, weeks or months) where the series has such a
one; any other rule stays as it stands. Times that are left out are the EXDATEs of RFC 5545, and follow the series when
it moves to another hour.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.board.booking.wishes import hours_of
from services.board.doors.catalogue import figure
from services.board.frame.visit import Visit
from services.board.paper.times import from_timestamp, to_duration
from services.board.reservations.alterations import changed_line
from services.board.series.cancel import since_of
from services.board.series.new import POLICIES
from services.board.series.repetition import RULE, WEEKDAY_CODES, fields_of, read_rule
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
LEFT_OUT, EXDATE = "out_", "EXDATE:"


@dataclass(frozen=True)
class SeriesWish:
    """A wish: the request for it, and what about it could not be read."""

    request: api.UpdateSeriesRequest
    faults: tuple[str, ...]


def as_fields(visit: Visit, series: api.Series) -> dict[str, str]:
    """The fields of the form, as the series stands."""
    fields = {
        "time": series.first.partition("T")[2][:5],
        "hours": f"{series.duration.seconds / 3600:g}",
        "note": series.note,
        "policy": next((name for name, value in POLICIES.items() if value == series.policy), "fail"),
        **fields_of(rule_of(series)),
    }
    for at, line in enumerate(series.lines, 1):
        fields[f"amount{at}"] = figure(visit.catalogue[line.resource], line.units).replace(",", "")
    return fields


def rule_of(series: api.Series) -> str:
    """The one rule of a series; an empty string if it has none, or several."""
    rules = [line for line in series.recurrence if line.startswith(RULE)]
    return rules[0] if len(rules) == 1 else ""


def left_out(series: api.Series, occurrence: api.Occurrence) -> str:
    """The name of the field that leaves an occurrence out: its own local day, whatever hour it was moved to."""
    shifted = occurrence.HasField("shifted_from_time")
    moment = from_timestamp(occurrence.shifted_from_time if shifted else occurrence.start_time)
    return f"{LEFT_OUT}{moment.astimezone(ZoneInfo(series.time_zone)):%Y%m%d}"


def read_series_wish(visit: Visit, series: api.Series, fields: Mapping[str, str]) -> SeriesWish:
    """A wish from the fields of the form; what is as it was is not asked for. Raises `Unreadable`."""
    faults, was = list[str](), as_fields(visit, series)
    request = api.UpdateSeriesRequest(etag=series.etag, overwrite_exceptions=bool(fields.get("overwrite")))
    if since := since_of(fields):
        request.from_time.seconds = since
    wish, paths = request.series, request.update_mask.paths
    wish.name = series.name
    time = fields.get("time") or was["time"]
    if not CLOCK.fullmatch(time):
        faults.append(visit.words("fault_moment", text=time))
    elif time != was["time"]:
        wish.first = f"{series.first.partition('T')[0]}T{time}"
        paths.append("first")
    if fields.get("hours", was["hours"]) != was["hours"]:
        wish.duration.CopyFrom(to_duration(hours_of(visit, fields["hours"], faults)))
        paths.append("duration")
    lines = [
        changed_line(visit, line, fields.get(f"amount{at}", ""), faults) for at, line in enumerate(series.lines, 1)
    ]
    if lines != list(series.lines):
        wish.lines.extend(lines)
        paths.append("lines")
    recurrence = _recurrence(visit, series, fields, faults, time if CLOCK.fullmatch(time) else was["time"])
    if recurrence != list(series.recurrence):
        wish.recurrence.extend(recurrence)
        paths.append("recurrence")
    if POLICIES.get(fields.get("policy", ""), series.policy) != POLICIES[was["policy"]]:
        wish.policy = POLICIES[fields["policy"]]
        paths.append("policy")
    if fields.get("note", series.note) != series.note:
        wish.note = fields["note"]
        paths.append("note")
    return SeriesWish(request, tuple(faults))


def _recurrence(
    visit: Visit, series: api.Series, fields: Mapping[str, str], faults: list[str], time: str
) -> Sequence[str]:
    """The lines of the rule: that of the form where it differs, then what is left out, at the hour of the series."""
    rule, known = rule_of(series), fields_of(rule_of(series))
    keys = ("every", "interval", "times", *(f"day_{code}" for code in WEEKDAY_CODES))
    asked = {key: fields[key] for key in keys if fields.get(key)}
    written = read_rule(visit, asked, faults) if known and "times" in asked and asked != known else rule
    others = [line for line in series.recurrence if line != rule and not line.startswith(EXDATE)]
    was = f"T{series.first.partition('T')[2].replace(':', '')[:4]}00"
    dates = [date for line in series.recurrence if line.startswith(EXDATE) for date in line[len(EXDATE) :].split(",")]
    hour = f"T{time.replace(':', '')}00"
    moved = {date.replace(was, hour) for date in dates}
    moved |= {f"{name.removeprefix(LEFT_OUT)}{hour}" for name in fields if re.fullmatch(rf"{LEFT_OUT}\d{{8}}", name)}
    if moved == set(dates) and written == rule:
        return list(series.recurrence)
    return [*([written] if written else []), *others, *([EXDATE + ",".join(sorted(moved))] if moved else [])]
