"""`aidc top`: what is running now, resource by resource, refreshed until Ctrl-C."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from services.cli.client import RESERVATIONS_PAGE_SIZE_MAX, Client
from services.cli.demands import show_units
from services.cli.documents import print_json
from services.cli.options import Caller, Company, Data, Json, connect
from services.cli.reservations import parent_or_every
from services.cli.tables import out, plain_id, table
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

BAR_WIDTH = 30


@dataclass
class Running:
    """Units in use and active reservations, by resource, at a log position."""

    position: int = 0
    reservations: int = 0
    units: Counter[str] = field(default_factory=Counter)
    bookings: Counter[str] = field(default_factory=Counter)


def top(
    interval: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show what is in use right now. With --json, look once."""
    with connect(data, caller, company) as client:
        listed = list(client.resources())
        if as_json:
            print_json(usage_document(listed, look(client, company)))
            return
        if once:
            out.print(screen(listed, look(client, company)))
            return
        live = Live(screen(listed, look(client, company)), console=out, screen=True)
        try:
            # As a context manager it would leave the terminal to us if it is interrupted in its first drawing.
            live.start(refresh=True)
            while True:  # Until Ctrl-C.
                time.sleep(interval)
                live.update(screen(listed, look(client, company)))
        except KeyboardInterrupt:
            return
        finally:
            live.stop()


def look(client: Client, company: str) -> Running:
    """Add up the active reservations."""
    running = Running()
    request = api.ListReservationsRequest(
        parent=parent_or_every(client, company),
        states=[api.Reservation.STATE_ACTIVE],
        page_size=RESERVATIONS_PAGE_SIZE_MAX,
    )
    for page in client.reservations(request):
        running.position = page.position
        running.reservations += len(page.reservations)
        for reservation in page.reservations:
            for allocation in reservation.allocations:
                running.units[plain_id(allocation.resource)] += allocation.units
                running.bookings[plain_id(allocation.resource)] += 1
    return running


def screen(listed: list[api.Resource], running: Running) -> Group:
    """Compute always; other resources while they are in use."""
    made = table("resource", "in use", "capacity", "", "bookings", right=("in use", "capacity", "bookings"))
    for resource in listed:
        name = plain_id(resource.name)
        used = running.units[name]
        if not used and resource.kind != api.RESOURCE_KIND_COMPUTE:
            continue
        made.add_row(
            name,
            show_units(used, resource.unit),
            show_units(resource.capacity_units, resource.unit),
            ProgressBar(total=resource.capacity_units, completed=used, width=BAR_WIDTH),
            str(running.bookings[name]),
        )
    head = f"{running.reservations:,} active reservations at position {running.position:,}\n"
    return Group(Text(head, style="bold"), made)


def usage_document(listed: list[api.Resource], running: Running) -> dict[str, object]:
    """The same for programs."""
    return {
        "position": running.position,
        "active_reservations": running.reservations,
        "resources": [
            {
                "resource": resource.name,
                "capacity_units": resource.capacity_units,
                "units_in_use": running.units[plain_id(resource.name)],
                "bookings": running.bookings[plain_id(resource.name)],
            }
            for resource in listed
        ],
    }
