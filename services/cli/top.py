"""`aidc top`: the centre at a glance, refreshed until Ctrl-C."""

import time
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from services.cli.client import Client
from services.cli.demands import show_units
from services.cli.documents import print_json
from services.cli.glance import Glance, State, look
from services.cli.options import Caller, Company, Data, Json, connect
from services.cli.outage_words import kind_text, when_text
from services.cli.tables import out, plain_id, table
from services.cli.times import show_time
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

BAR_WIDTH = 30


def top(
    interval: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show what is in use right now, what begins and ends soon, and what waits. With --json, look once."""
    with connect(data, caller, company) as client:
        listed = list(client.resources())
        if as_json:
            print_json(document(listed, look(client, company)))
            return
        if once:
            out.print(screen(client, listed, look(client, company)))
            return
        live = Live(screen(client, listed, look(client, company)), console=out, screen=True)
        try:
            # As a context manager it would leave the terminal to us if it is interrupted in its first drawing.
            live.start(refresh=True)
            while True:  # Until Ctrl-C.
                time.sleep(interval)
                live.update(screen(client, listed, look(client, company)))
        except KeyboardInterrupt:
            return
        finally:
            live.stop()


def screen(client: Client, listed: list[api.Resource], seen: Glance) -> Group:
    """Compute always; other resources while they are in use."""
    made = table("resource", "", "in use", "of", "", "", "bookings", right=("in use", "of", "bookings"))
    for resource in listed:
        name = plain_id(resource.name)
        used = seen.units[name]
        if not used and resource.kind != api.RESOURCE_KIND_COMPUTE:
            continue
        made.add_row(
            name,
            "" if resource.display_name.startswith(name) else resource.display_name,
            show_units(used, resource.unit),
            show_units(resource.capacity_units, resource.unit),
            ProgressBar(total=resource.capacity_units, completed=used, width=BAR_WIDTH),
            f"{used / resource.capacity_units:.0%}",
            f"{seen.bookings[name]:,}",
        )
    head = Text(f"{show_time(seen.time, client.zone)}, position {seen.position:,}", style="bold")
    return Group(head, *map(Text, told(client, seen)), "", made)


def told(client: Client, seen: Glance) -> Iterator[str]:
    """What goes on, in a line, and a line for each outage."""
    yield f"{seen.active:,} active; within the hour {seen.starting:,} start and {seen.ending:,} end"
    yield f"{seen.waiting[State.STATE_PENDING]:,} pending, {seen.waiting[State.STATE_HELD]:,} held"
    for outage in seen.outages:
        yield f"{kind_text(outage)} {plain_id(outage.name)}, {when_text(client, outage)}: {outage.reason}"


def document(listed: list[api.Resource], seen: Glance) -> dict[str, object]:
    """The same for programs."""
    return {
        "time": seen.time.isoformat(),
        "position": seen.position,
        "active_reservations": seen.active,
        "starting_within_the_hour": seen.starting,
        "ending_within_the_hour": seen.ending,
        "pending_reservations": seen.waiting[State.STATE_PENDING],
        "held_reservations": seen.waiting[State.STATE_HELD],
        "outages": [outage.name for outage in seen.outages],
        "resources": [
            {
                "resource": resource.name,
                "capacity_units": resource.capacity_units,
                "units_in_use": seen.units[plain_id(resource.name)],
                "bookings": seen.bookings[plain_id(resource.name)],
            }
            for resource in listed
        ],
    }
