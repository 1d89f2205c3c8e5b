"""`aidc list`, `aidc show` and `aidc watch`: reservations as they stand, their history, and their changes."""

from datetime import tzinfo
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.cli.booking import Name, units_of
from services.cli.client import RESERVATIONS_PAGE_SIZE_MAX, Client
from services.cli.demands import resource_id
from services.cli.documents import document, print_json, print_json_line
from services.cli.one_reservation import print_reservation
from services.cli.options import (
    EVERY_COMPANY,
    Caller,
    Company,
    Data,
    Json,
    company_in,
    connect,
    parent_of,
    reservation_name,
)
from services.cli.outcome import Failed
from services.cli.tables import (
    interval_text,
    lines_text,
    out,
    reservations_table,
    state_name,
    state_text,
    table,
)
from services.cli.times import from_timestamp, parse_time, show_time, to_timestamp
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

STATES = {state_name(state): state for state in api.Reservation.State.values() if state}
LIST_DEFAULT = 50
HANDED_OVER = "transfer_accepted"
"""The last event that a former company hears of what it handed over."""


def list_(
    state: Annotated[list[str] | None, typer.Option(help="Only this state; may be repeated.")] = None,
    resource: Annotated[str, typer.Option(help="Only those that hold this resource.")] = "",
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Ending after this.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Starting before this.")] = "",
    offered: Annotated[bool, typer.Option("--offered", help="What other companies offer to hand over.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = LIST_DEFAULT,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """List reservations: a company's, or everyone's for an operator or auditor."""
    with connect(data, caller, company) as client:
        request = api.ListReservationsRequest(
            parent=parent_or_every(client, company),
            states=[read_state(text) for text in state or ()],
            resource=f"resources/{resource_id(resource)}" if resource else "",
            page_size=min(limit, RESERVATIONS_PAGE_SIZE_MAX),
            offered=offered,
        )
        set_range(request, start, until, client)
        found, position, more = take(client, request, limit)
        if as_json:
            print_json({"reservations": [document(item) for item in found], "position": position, "more": more})
            return
        out.print(reservations_table(found, units_of(client), client.zone))
    out.print(ending(len(found), "reservation" if len(found) == 1 else "reservations", more, position))


def ending(count: int, what: str, more: bool, position: int) -> str:
    """The line below a list: how many there are, and the position that this is true at."""
    return f"\n{count} {what}{' and more: see --limit' if more else ''}, at position {position:,}."


def take(client: Client, request: api.ListReservationsRequest, limit: int) -> tuple[list[api.Reservation], int, bool]:
    """At most `limit` reservations, the position they are true at, and whether there are more."""
    found: list[api.Reservation] = []
    position = 0
    for page in client.reservations(request):
        found.extend(page.reservations)
        position = page.position
        if len(found) >= limit:
            return found[:limit], position, len(found) > limit or bool(page.next_page_token)
    return found, position, False


def parent_or_every(client: Client, company: str) -> str:
    """The company concerned; everyone for a caller that is no company."""
    if company or client.connection.company:
        return parent_of(client.connection, company)
    return EVERY_COMPANY


def read_state(text: str) -> "api.Reservation.State.ValueType":
    """The state of this name."""
    if text.lower() not in STATES:
        raise Failed(f"unknown state {text!r}: write {', '.join(STATES)}")
    return STATES[text.lower()]


def set_range(request: api.ListReservationsRequest, start: str, until: str, client: Client) -> None:
    """Limit the list to what was asked for."""
    now = client.now
    if start:
        request.start_time.CopyFrom(to_timestamp(parse_time(start, now, client.zone)))
    if until:
        request.end_time.CopyFrom(to_timestamp(parse_time(until, now, client.zone)))


def show(name: Name, data: Data = None, caller: Caller = "", as_json: Json = False) -> None:
    """Show one reservation, the units behind it, and its history in the ledger."""
    with connect(data, caller, company_in(name)) as client:
        full_name = reservation_name(client.connection, name)
        found = client.find(client.scheduler.GetReservation, api.GetReservationRequest(name=full_name))
        history = ledger_api.History()
        if client.connection.company in ("", company_in(full_name)):  # What another company offers has none for us.
            request = ledger_api.GetHistoryRequest(name=full_name, min_position=found.position if found else 0)
            history = told(client, request) if found is None else client.read(client.ledger.GetHistory, request)
        if found is None and not history.entries:
            raise Failed(f"there is no reservation {full_name}")
        entries = [document(entry) for entry in history.entries]
        if as_json:
            print_json({**(document(found) if found else {"name": full_name, **over(history)}), "history": entries})
            return
        if found is None:
            out.print(Text(full_name, style="bold"))
            out.print("It is no longer yours: it was handed over." if over(history) else "It is long over.")
        else:
            print_reservation(found, units_of(client), client.zone)
        made = history_table(history, client.zone)
    if history.entries:
        out.print()
        out.print(made)


def told(client: Client, request: ledger_api.GetHistoryRequest) -> ledger_api.History:
    """What the ledger remembers of a reservation that the scheduler does not show; nothing where it was never ours."""
    try:
        history: ledger_api.History = client.read(client.ledger.GetHistory, request)
        return history
    except Failed:
        return ledger_api.History()


def over(history: ledger_api.History) -> dict[str, str]:
    """When a reservation was handed over to another company, for its former one; nothing where it was not."""
    last = history.entries[-1] if history.entries else None
    return {"handed_over_time": last.time.ToJsonString()} if last and last.event == HANDED_OVER else {}


def history_table(history: ledger_api.History, zone: tzinfo) -> Table:
    """What happened to a reservation, in order."""
    made = table("when", "what happened", "by", "position", right=("position",))
    for entry in history.entries:
        made.add_row(show_time(from_timestamp(entry.time), zone), entry.description, entry.actor, f"{entry.position:,}")
    return made


def watch(
    after: Annotated[int, typer.Option(min=0, help="Changes after this position; 0 is from now on.")] = 0,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Follow changes as they happen, without gaps; Ctrl-C ends. With --json, one object a line."""
    with connect(data, caller, company) as client:
        request = api.WatchReservationsRequest(parent=parent_or_every(client, company), after_position=after)
        units = {} if as_json else units_of(client)
        try:
            for message in client.watch(request):
                if as_json:
                    print_json_line(document(message))
                elif message.HasField("reservation"):
                    print_change(client, message.reservation, units)
        except KeyboardInterrupt:
            return


def print_change(client: Client, item: api.Reservation, units: dict[str, "api.ResourceUnit.ValueType"]) -> None:
    """One change, on one line."""
    colour = state_text(item.state).style
    out.print(
        f"{item.position:>8,}  [{colour}]{state_name(item.state):<9}[/]  {item.name}  "
        f"{interval_text(item, client.zone)}  {lines_text(item.lines, units)}",
        soft_wrap=True,
    )
