"""`aidc resources` and `aidc search`: what can be booked, how busy it is, and when a demand would be granted."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from services.cli.booking import (
    Duration,
    Hold,
    Lines,
    PerNode,
    Together,
    checked_request_id,
    end_refused,
    read_lines,
    units_of,
)
from services.cli.client import Client
from services.cli.demands import resource_id, show_units
from services.cli.documents import document, print_json
from services.cli.one_reservation import print_reservation
from services.cli.options import Caller, Company, Data, Json, RequestId, connect, parent_of
from services.cli.outcome import REFUSED, Failed, Refused
from services.cli.tables import (
    Units,
    amount_text,
    err,
    offers_table,
    out,
    plain_id,
    table,
    violations_table,
)
from services.cli.times import (
    from_timestamp,
    parse_duration,
    parse_time,
    show_duration,
    show_interval,
    to_duration,
    to_timestamp,
)
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

KINDS = {
    "all": api.RESOURCE_KIND_UNSPECIFIED,
    "compute": api.RESOURCE_KIND_COMPUTE,
    "equipment": api.RESOURCE_KIND_EQUIPMENT,
    "operators": api.RESOURCE_KIND_OPERATORS,
}
CALENDAR_DAYS_MAX = 92


def resources(
    name: Annotated[str, typer.Argument(metavar="[RESOURCE]", help="One resource, with its calendar.")] = "",
    kind: Annotated[str, typer.Option(help="all, compute, equipment or operators.")] = "all",
    days: Annotated[int, typer.Option(min=1, max=CALENDAR_DAYS_MAX, help="Days of calendar to show.")] = 7,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="First moment of the calendar.")] = "now",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """List what can be booked, or describe one resource and show when it is free."""
    if kind not in KINDS:
        raise Failed(f"unknown kind {kind!r}: write {', '.join(KINDS)}")
    with connect(data, caller) as client:
        if name:
            show_resource(client, resource_id(name), start, timedelta(days=days), as_json)
            return
        every = list(client.resources())
    listed = [resource for resource in every if KINDS[kind] in (api.RESOURCE_KIND_UNSPECIFIED, resource.kind)]
    if as_json:
        print_json({"resources": [document(resource) for resource in listed]})
        return
    print_resources(listed, {plain_id(resource.name): resource.unit for resource in every})


def print_resources(listed: list[api.Resource], units: Units) -> None:
    """One resource a row."""
    made = table("resource", "what", "capacity", "slot", "booked with", right=("capacity", "slot"))
    for resource in listed:
        made.add_row(
            plain_id(resource.name),
            resource.display_name if resource.in_service else f"{resource.display_name} (out of service)",
            show_units(resource.capacity_units, resource.unit),
            show_duration(resource.slot.ToTimedelta()),
            ", ".join(
                amount_text(each.resource, each.units, units) for each in resource.companions if not each.optional
            ),
        )
    out.print(made)
    out.print(f"\n{len(listed)} resources. `aidc resources RESOURCE` shows the rules and the calendar of one.")


def show_resource(client: Client, name: str, start: str, length: timedelta, as_json: bool) -> None:
    """One resource: its rules, and its calendar from `start` on."""
    resource = client.read(client.scheduler.GetResource, api.GetResourceRequest(name=f"resources/{name}"))
    begin = parse_time(start, client.now, client.zone)
    request = api.GetCalendarRequest(
        name=resource.name, start_time=to_timestamp(begin), end_time=to_timestamp(begin + length)
    )
    calendar = client.read(client.scheduler.GetCalendar, request)
    if as_json:
        print_json({"resource": document(resource), "calendar": document(calendar)})
        return
    out.print(Text(f"{plain_id(resource.name)}  {resource.display_name}  {resource.local_name}", style="bold"))
    print_rules(resource, units_of(client))
    out.print()
    print_calendar(calendar, resource, client)


def print_rules(resource: api.Resource, units: Units) -> None:
    """Every rule that is not empty."""
    facts = table("", "")
    facts.show_header = False
    facts.add_row("capacity", show_units(resource.capacity_units, resource.unit))
    facts.add_row("asked in", f"steps of {show_units(resource.units_step, resource.unit)}")
    plain = document(resource)
    for key in ("slot", "notice", "horizon", "changeover", "setup", "teardown", "free_cancel", "no_show_grace"):
        length = getattr(resource, key).ToTimedelta()
        if length:
            facts.add_row(key.replace("_", " "), show_duration(length))
    if resource.HasField("opening_hours"):
        facts.add_row("open", hours_text(resource.opening_hours))
    for companion in resource.companions:
        need = f"can have, by {plain_id(resource.name)}+operator" if companion.optional else "needs"
        facts.add_row(need, amount_text(companion.resource, companion.units, units))
    if resource.HasField("batch"):
        limits = resource.batch
        facts.add_row(
            "a company has",
            f"at most {limits.reservations_max} reservations, {limits.long_at_once_max} at a time of more than "
            f"{show_duration(limits.long.ToTimedelta())}",
        )
    for key in ("slots_max", "only_with", "exclusive_group", "data_zone", "approval", "fee_krw_per_slot"):
        if plain[key]:
            facts.add_row(key.replace("_", " "), str(plain[key]))
    for key, value in plain["attributes"].items():
        facts.add_row(Text(key.replace("_", " "), style="dim"), Text(value, style="dim"))
    out.print(facts)


def hours_text(hours: api.OpeningHours) -> str:
    """`Mon Tue Wed Thu Fri 09:00-18:00, break 13:00-14:00`."""
    days = " ".join(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day - 1] for day in hours.weekdays)
    text = f"{days} {minute_text(hours.opens_minute)}-{minute_text(hours.closes_minute)}"
    if hours.break_starts_minute == hours.break_ends_minute:
        return text
    return f"{text}, break {minute_text(hours.break_starts_minute)}-{minute_text(hours.break_ends_minute)}"


def minute_text(minute: int) -> str:
    """`09:30`; the next day's hours carry +1."""
    days, rest = divmod(minute, 24 * 60)
    if days and not rest:
        return "24:00"
    return f"{rest // 60:02d}:{rest % 60:02d}{f'+{days}' if days else ''}"


def print_calendar(calendar: api.Calendar, resource: api.Resource, client: Client) -> None:
    """Free and reserved units over time."""
    made = table("when", "free", "reserved", right=("free", "reserved"))
    for part in calendar.intervals:
        when = show_interval(from_timestamp(part.start_time), from_timestamp(part.end_time), client.zone)
        if part.open:
            free, reserved = show_units(part.free_units, resource.unit), f"{part.reserved_units:,}"
            made.add_row(when, free, reserved if part.reserved_units else "", style=None if part.free_units else "red")
        else:
            made.add_row(when, "closed", f"{part.reserved_units:,}" if part.reserved_units else "", style="dim")
    out.print(made)


def search(
    lines: Lines,
    duration: Duration,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="No earlier than this.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Ending no later than this.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=20, help="At most so many offers.")] = 3,
    per_node: PerNode = 0,
    together: Together = "anywhere",
    hold: Hold = "",
    request_id: RequestId = "",
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Find the earliest times at which a demand would be granted; --hold holds the first of them for you.

    Exit status 2 when there is none.
    """
    with connect(data, caller, company) as client:
        demand, units = read_lines(client, lines, per_node, together)
        request = api.SearchOffersRequest(
            parent=parent_of(client.connection, company),
            lines=demand,
            duration=to_duration(parse_duration(duration)),
            page_size=limit,
        )
        set_range(request, start, until, client)
        if hold:
            request.hold.CopyFrom(to_duration(parse_duration(hold)))
            request.request_id = checked_request_id(request_id)
        elif request_id:
            raise Failed("--request-id is for a search with --hold; looking changes nothing")
        try:
            ask = client.change if hold else client.read
            found = ask(client.scheduler.SearchOffers, request)
        except Refused as refused:
            end_refused(client, refused, request.request_id, units, as_json)
        zone = client.zone
    if as_json:
        print_json({**document(found), "request_id": request.request_id} if hold else document(found))
    elif found.offers:
        out.print(offers_table(found.offers, units, zone))
        if found.HasField("held"):
            out.print()
            print_reservation(found.held, units, zone)
    else:
        err.print("No offer. These rules stand in the way:")
        err.print(violations_table(found.violations))
    if not found.offers:
        raise typer.Exit(REFUSED)


def set_range(request: api.SearchOffersRequest, start: str, until: str, client: Client) -> None:
    """Limit the search to what was asked for."""
    now = client.now
    if start:
        request.earliest_start_time.CopyFrom(to_timestamp(parse_time(start, now, client.zone)))
    if until:
        request.latest_end_time.CopyFrom(to_timestamp(parse_time(until, now, client.zone)))
