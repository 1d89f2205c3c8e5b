"""`aidc series change`: all of a series that is still to come, or this one and the following, at once."""

import re
from datetime import datetime
from typing import Annotated

import typer

from services.cli.booking import DryRun, People, Who, checked_request_id, participants_of
from services.cli.changing import Units, changed_lines
from services.cli.client import Client
from services.cli.options import Caller, Company, Data, Json, RequestId, connect, parent_of
from services.cli.outcome import Failed
from services.cli.series import POLICIES, SeriesName, rules_of, series_name, show, zone_of
from services.cli.tariff import asked
from services.cli.times import civil_time, parse_duration, parse_time, to_duration, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
ENDS = re.compile(r";?(COUNT|UNTIL)=[^;]*")


def change(
    name: SeriesName,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="Only what begins then or later.")] = "",
    clock: Annotated[str, typer.Option("--time", metavar="HH:MM", help="Another local time of day.")] = "",
    first: Annotated[str, typer.Option(metavar="TIME", help="Another first time, and with it maybe another day.")] = "",
    zone: Annotated[str, typer.Option(metavar="ZONE", help="By the clock of another zone: Asia/Seoul.")] = "",
    duration: Annotated[str, typer.Option(help="Another length: 2h, 90m.")] = "",
    units: Units = None,
    rule: Annotated[list[str] | None, typer.Option(help="Another rule, for the whole series; may be repeated.")] = None,
    count: Annotated[int, typer.Option(min=0, help="Another number of occurrences, from the first.")] = 0,
    until: Annotated[str, typer.Option(metavar="DATE", help="Another last day: 2027-01-31.")] = "",
    conflict: Annotated[str, typer.Option(help="What becomes of one that is refused: fail, skip, shift.")] = "",
    note: Annotated[str | None, typer.Option(help="Another note; an empty one takes it away.")] = None,
    people: People = 0,
    who: Who = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Change also what was changed of one occurrence alone.")
    ] = False,
    excused: Annotated[bool, typer.Option("--excused", help="No strike for what is late; operators only.")] = False,
    etag: Annotated[str, typer.Option(help="Refuse if the series has changed since it had this etag.")] = "",
    company: Company = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Change what of a series is still to come; what is refused stays as it was. One alone: `aidc change`."""
    if conflict and conflict not in POLICIES:
        raise Failed(f"--conflict {conflict!r} is none of {', '.join(POLICIES)}")
    if bool(clock) + bool(first) > 1 or bool(rule) + bool(count) + bool(until) > 1:
        raise Failed("give one of --time and --first, and one of --rule, --count and --until")
    with connect(data, caller, company) as client:
        full_name = series_name(parent_of(client.connection, company), name)
        found = client.read(client.scheduler.GetSeries, api.GetSeriesRequest(name=full_name))
        request = api.UpdateSeriesRequest(
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
            etag=etag,
            overwrite_exceptions=overwrite,
            excused=excused,
        )
        request.series.name = full_name
        if since:
            request.from_time.CopyFrom(to_timestamp(parse_time(since, client.now, client.zone)))
        moment = clock or (civil_time(first, client.now, zone_of(client, zone or found.time_zone)) if first else "")
        _ask_times(request, found, moment, rule or [], count, until)
        if zone:
            request.series.time_zone = zone
            request.update_mask.paths.append("time_zone")
        _ask_others(client, request, found, duration, units or [], conflict, note)
        if class_ := participants_of(people, who):
            request.series.participants.CopyFrom(class_)
            request.update_mask.paths.append("participants")
        if not request.update_mask.paths:
            raise Failed(
                "nothing to change: --time, --first, --zone, --duration, --units, --rule, --count, --until, --conflict,"
                " --people or --note says what"
            )
        changed = asked(client, client.scheduler.UpdateSeries, request, as_json)
        shown_in = client.zone
    show(changed, shown_in, as_json, dry_run)


def _ask_times(
    request: api.UpdateSeriesRequest, found: api.Series, moment: str, rule: list[str], count: int, until: str
) -> None:
    """Ask for another first time or another rule, as far as one is named."""
    wish, paths = request.series, request.update_mask.paths
    if moment:
        wish.first = f"{found.first.partition('T')[0]}T{moment}" if CLOCK.fullmatch(moment) else moment
        paths.append("first")
    if rule:
        wish.recurrence.extend(rules_of(rule))
    elif count:
        wish.recurrence.extend(_ending(line, f"COUNT={count}") for line in found.recurrence)
    elif until:
        wish.recurrence.extend(_ending(line, f"UNTIL={_last_second(until)}") for line in found.recurrence)
    if wish.recurrence:
        paths.append("recurrence")


def _ask_others(
    client: Client,
    request: api.UpdateSeriesRequest,
    found: api.Series,
    duration: str,
    units: list[str],
    conflict: str,
    note: str | None,
) -> None:
    """Ask for another length, other lines, another policy or note, as far as one is named."""
    wish, paths = request.series, request.update_mask.paths
    if duration:
        wish.duration.CopyFrom(to_duration(parse_duration(duration)))
        paths.append("duration")
    if units:
        wish.lines.extend(changed_lines(client, found.lines, units))
        paths.append("lines")
    if conflict:
        wish.policy = POLICIES[conflict]
        paths.append("policy")
    if note is not None:
        wish.note = note
        paths.append("note")


def _ending(line: str, end: str) -> str:
    """A rule with another end; a line that is no rule as it is."""
    return f"{ENDS.sub('', line)};{end}" if line.startswith("RRULE:") else line


def _last_second(day: str) -> str:
    """The end of a local day, as rules write it."""
    try:
        return f"{datetime.strptime(day, '%Y-%m-%d').date():%Y%m%d}T235959"
    except ValueError:
        raise Failed(f"--until {day!r} is no day such as 2027-01-31") from None
