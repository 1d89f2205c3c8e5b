"""`aidc resources`: what can be booked, and how busy it is."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from services.cli.booking import (
    units_of,
)
from services.cli.client import Client
from services.cli.demands import resource_id, show_units
from services.cli.documents import document, print_json
from services.cli.options import Caller, Data, Json, connect
from services.cli.outcome import Failed
from services.cli.tables import (
    Units,
    amount_text,
    out,
    plain_id,
    table,
)
from services.cli.times import (
    from_timestamp,
    parse_time,
    show_duration,
    show_interval,
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
        reserved = show_units(part.reserved_units, resource.unit) if part.reserved_units else ""
        if part.open:
            free = show_units(part.free_units, resource.unit)
            made.add_row(when, free, reserved, style=None if part.free_units else "red")
        else:
            made.add_row(when, "closed", reserved, style="dim")
    out.print(made)
