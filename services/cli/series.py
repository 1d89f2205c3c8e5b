"""`aidc series` and `aidc calendar`: one demand again and again, and what is booked as a file for calendar programs."""

from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from services.cli.booking import (
    DryRun,
    Duration,
    Lines,
    People,
    Who,
    WhyBack,
    checked_request_id,
    participants_of,
    read_lines,
)
from services.cli.client import Client
from services.cli.documents import document, print_json
from services.cli.options import Caller, Company, Data, Json, RequestId, connect, parent_of
from services.cli.outcome import Failed
from services.cli.tables import out, plain_id, table
from services.cli.tariff import asked
from services.cli.times import (
    civil_time,
    from_timestamp,
    parse_duration,
    parse_time,
    show_interval,
    show_time,
    to_duration,
    to_timestamp,
)
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

app = typer.Typer(no_args_is_help=True, help="One demand again and again, by a calendar rule.")

POLICIES = {
    "fail": api.CONFLICT_POLICY_FAIL,
    "skip": api.CONFLICT_POLICY_SKIP,
    "shift": api.CONFLICT_POLICY_SHIFT,
}
EFFECTS = {
    api.Occurrence.EFFECT_UNSPECIFIED: "",
    api.Occurrence.EFFECT_KEPT: "kept",
    api.Occurrence.EFFECT_CHANGED: "changed",
    api.Occurrence.EFFECT_BOOKED: "booked",
    api.Occurrence.EFFECT_GIVEN_BACK: "given back",
    api.Occurrence.EFFECT_LEFT: "left as it was",
    api.Occurrence.EFFECT_SKIPPED: "skipped",
    api.Occurrence.EFFECT_ASKED: "asked for",
}
SeriesName = Annotated[str, typer.Argument(metavar="SERIES", help="companies/C/series/S, C/S, or S.")]
PAGE_SIZE_MAX = 200


@app.command("book")
def book(
    lines: Lines,
    first: Annotated[str, typer.Option(metavar="TIME", help="The first time: 2026-03-09 09:00, tomorrow 09:00.")],
    duration: Duration,
    rule: Annotated[
        list[str], typer.Option(help="RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10, EXDATE:20260316T090000; may be repeated.")
    ],
    zone: Annotated[str, typer.Option(help="IANA zone of the wall clock; the centre's if not given.")] = "",
    conflict: Annotated[
        str, typer.Option(help="What becomes of one that cannot be granted: fail, skip, shift.")
    ] = "fail",
    note: Annotated[str, typer.Option(help="For people, at most 500 characters.")] = "",
    people: People = 0,
    who: Who = None,
    company: Company = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Book one demand again and again."""
    if conflict not in POLICIES:
        raise Failed(f"--conflict {conflict!r} is none of {', '.join(POLICIES)}")
    with connect(data, caller, company) as client:
        demand, _ = read_lines(client, lines, 0, "anywhere")
        series = api.Series(
            lines=demand,
            first=civil_time(first, client.now, zone_of(client, zone)),
            time_zone=zone or str(client.zone),
            duration=to_duration(parse_duration(duration)),
            recurrence=rules_of(rule),
            policy=POLICIES[conflict],
            note=note,
            participants=participants_of(people, who),
        )
        request = api.CreateSeriesRequest(
            parent=parent_of(client.connection, company),
            series=series,
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        found = asked(client, client.scheduler.CreateSeries, request, as_json)
        shown = client.zone
    show(found, shown, as_json, dry_run)


def zone_of(client: Client, name: str) -> tzinfo:
    """The zone of a wall clock: the one that is named, else the centre's."""
    try:
        return ZoneInfo(name) if name else client.zone
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise Failed(f"--zone {name!r} is no time zone: write Asia/Seoul") from problem


@app.command("show")
def show_one(
    name: SeriesName, data: Data = None, caller: Caller = "", company: Company = "", as_json: Json = False
) -> None:
    """Show a series, and what became of each occurrence."""
    with connect(data, caller, company) as client:
        request = api.GetSeriesRequest(name=series_name(parent_of(client.connection, company), name))
        found = client.read(client.scheduler.GetSeries, request)
        zone = client.zone
    show(found, zone, as_json)


@app.command("list")
def list_all(company: Company = "", data: Data = None, caller: Caller = "", as_json: Json = False) -> None:
    """List a company's series."""
    with connect(data, caller, company) as client:
        request = api.ListSeriesRequest(parent=parent_of(client.connection, company), page_size=PAGE_SIZE_MAX)
        found: list[api.Series] = []
        while True:
            page = client.read(client.scheduler.ListSeries, request)
            found += page.series
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
    if as_json:
        print_json({"series": [document(each) for each in found]})
        return
    made = table("series", "first", "zone", "rule", "booked", right=("booked",))
    for each in found:
        booked = sum(bool(occurrence.reservation) for occurrence in each.occurrences)
        made.add_row(plain_id(each.name), each.first, each.time_zone, " ".join(each.recurrence), str(booked))
    out.print(made)


@app.command("cancel")
def cancel(
    name: SeriesName,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="Only what begins then or later.")] = "",
    reason: WhyBack = "",
    excused: Annotated[bool, typer.Option("--excused", help="Free, and no strikes; operators only.")] = False,
    company: Company = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Give back what of a series is still to come. One occurrence alone: `aidc cancel`."""
    with connect(data, caller, company) as client:
        request = api.CancelSeriesRequest(
            name=series_name(parent_of(client.connection, company), name),
            request_id=checked_request_id(request_id),
            reason=reason,
            excused=excused,
            validate_only=dry_run,
            from_time=to_timestamp(parse_time(since, client.now, client.zone)) if since else None,
        )
        found = asked(client, client.scheduler.CancelSeries, request, as_json)
        zone = client.zone
    show(found, zone, as_json, dry_run)


def calendar(
    resource: Annotated[str, typer.Argument(metavar="[RESOURCE]", help="Its busy times; else your bookings.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it here.")] = None,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
) -> None:
    """Write what is booked as an .ics file that calendar programs read."""
    with connect(data, caller, company) as client:
        name = f"resources/{resource}" if resource else parent_of(client.connection, company)
        found: Any = client.read(client.scheduler.ExportCalendar, api.ExportCalendarRequest(name=name))
    if output is None:
        print(found.content.decode(), end="")
        return
    try:
        output.write_bytes(found.content)
    except OSError as problem:
        raise Failed(f"cannot write {output}: {problem.strerror}") from problem
    out.print(f"{output} holds {found.content.count(b'BEGIN:VEVENT')} events, true at position {found.position:,}.")


def rules_of(texts: list[str]) -> list[str]:
    """Lines of RFC 5545, of which `RRULE:` may be left out."""
    return [each if ":" in each else f"RRULE:{each}" for each in texts]


def series_name(parent: str, text: str) -> str:
    """The full name of a series, of which the ends may be left out."""
    parts = text.strip("/").split("/")
    match parts:
        case ["companies", _, "series", _]:
            return text
        case [company, series]:
            return f"companies/{company}/series/{series}"
        case [series]:
            return f"{parent}/series/{series}"
        case _:
            raise Failed(f"{text!r} names no series: give companies/C/series/S, C/S, or S")


def show(found: api.Series, zone: tzinfo, as_json: bool, dry_run: bool = False) -> None:
    """A series, for people or as JSON; with `dry_run` as it would be."""
    if as_json:
        print_json(document(found))
        return
    if dry_run:
        out.print("This would be granted; nothing was changed.\n")
    if plain_id(found.name):
        out.print(found.name, style="bold")
    out.print(f"{found.first} {found.time_zone} (rules of {found.tzdata_release}), {' '.join(found.recurrence)}")
    if found.HasField("participants"):
        out.print(f"A class of {found.participants.count} people each time.")
    if found.HasField("cancelled_from_time"):
        out.print(f"Given back from {show_time(from_timestamp(found.cancelled_from_time), zone)} on.", style="red")
    made = table("when", "reservation", "")
    for each in sorted((*found.occurrences, *found.given_back), key=lambda each: each.start_time.seconds):
        when = show_interval(from_timestamp(each.start_time), from_timestamp(each.end_time), zone)
        made.add_row(when, plain_id(each.reservation), remark(each, zone))
    out.print(made)
    _show_price(found)


def _show_price(found: api.Series) -> None:
    """What a change that was only looked at would come to, in KRW."""
    if found.HasField("cost_change_krw"):
        out.print(f"It would cost {found.cost_change_krw:+,} KRW.")
    if found.HasField("cancellation_quote"):
        quote = found.cancellation_quote
        strike = ", and that is a strike" if quote.strike else ""
        out.print(f"Of what is given back {quote.due_krw:,} KRW would be due, {quote.refund_krw:,} not{strike}.")


def remark(occurrence: api.Occurrence, zone: tzinfo) -> str:
    """What became of an occurrence, where that is not just that it is booked."""
    told = EFFECTS[occurrence.effect]
    if occurrence.reasons:
        return f"{'left as it was' if occurrence.reservation else 'skipped'}: {', '.join(occurrence.reasons)}"
    if occurrence.HasField("shifted_from_time"):
        shifted = f"shifted from {show_time(from_timestamp(occurrence.shifted_from_time), zone)}"
        return f"{told}, {shifted}" if told else shifted
    return told
