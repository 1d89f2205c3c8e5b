"""`aidc change`: a reservation is extended, shortened, moved or resized, or gets another note. All of it or nothing."""

from collections.abc import Iterable
from typing import Annotated

import typer

from services.cli.booking import DryRun, Name, People, Who, answer, checked_request_id, participants_of, units_of
from services.cli.client import Client
from services.cli.demands import COLOCATIONS, parse_line, parse_shape, resource_id, unknown_resource
from services.cli.documents import document, print_json
from services.cli.options import Caller, Data, Json, RequestId, company_in, connect, reservation_name
from services.cli.outcome import REFUSED, Failed
from services.cli.tables import err, offers_table, out, plain_id, violations_table
from services.cli.times import from_timestamp, parse_duration, parse_time, to_duration, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

Start = Annotated[str, typer.Option(help="Another start; without another end or duration the length stays.")]
Units = Annotated[
    list[str] | None,
    typer.Option(metavar="RESOURCE:UNITS", help="Another amount; 0 takes the line out, a new resource adds one."),
]

EXTENSIONS_SHOWN = 8


def change(
    name: Name,
    start: Start = "",
    end: Annotated[str, typer.Option(help="Another end.")] = "",
    duration: Annotated[str, typer.Option(help="Another length, from the start: 2h, 90m, 1d.")] = "",
    units: Units = None,
    together: Annotated[str, typer.Option(help=f"How close nodes must stand: {', '.join(COLOCATIONS)}.")] = "",
    note: Annotated[str | None, typer.Option(help="Another note; an empty one takes it away.")] = None,
    people: People = 0,
    who: Who = None,
    etag: Annotated[str, typer.Option(help="Refuse if the reservation has changed since it had this etag.")] = "",
    excused: Annotated[
        bool, typer.Option("--excused", help="What it gives back late is free, and no strike; operators only.")
    ] = False,
    offers: Annotated[
        bool, typer.Option("--offers", help="Only tell until when it could be extended; exit status 2 if not at all.")
    ] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take back the change that waits for approval.")] = False,
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Change a reservation; one that is refused, or not approved, stays as it is."""
    if end and duration:
        raise Failed("an end or a duration, not both")
    if withdraw and (start or end or duration or units or together or note is not None):
        raise Failed("--withdraw leaves the reservation as it is: ask for something else without it")
    with connect(data, caller, company_in(name)) as client:
        full_name = reservation_name(client.connection, name)
        if offers:
            show_extensions(client, full_name, as_json)
            return
        found = client.read(client.scheduler.GetReservation, api.GetReservationRequest(name=full_name))
        request = api.UpdateReservationRequest(
            request_id=checked_request_id(request_id), validate_only=dry_run, etag=etag, excused=excused
        )
        request.reservation.name = full_name
        if withdraw:
            take_back(request, found)
        set_times(client, request, found, start, end, duration)
        if units or together:
            request.reservation.lines.extend(changed_lines(client, found.lines, units or (), together))
            request.update_mask.paths.append("lines")
        if note is not None:
            request.reservation.note = note
            request.update_mask.paths.append("note")
        if class_ := participants_of(people, who):
            request.reservation.participants.CopyFrom(class_)
            request.update_mask.paths.append("participants")
        if not request.update_mask.paths:
            raise Failed(
                "nothing to change: --start, --end, --duration, --units, --together, --people or --note says what"
            )
        answer(client, client.scheduler.UpdateReservation, request, {}, as_json)


def take_back(request: api.UpdateReservationRequest, found: api.Reservation) -> None:
    """Ask for what there is, and so for nothing else any more."""
    if not found.HasField("asked_change"):
        raise Failed("no change of it waits for approval")
    request.reservation.start_time.CopyFrom(found.start_time)
    request.reservation.end_time.CopyFrom(found.end_time)
    request.update_mask.paths.extend(["start_time", "end_time"])


def show_extensions(client: Client, name: str, as_json: bool) -> None:
    """Until when a reservation could be extended, the latest end last."""
    parent = "/".join(name.split("/")[:2])
    request = api.SearchOffersRequest(parent=parent, reservation=name, page_size=EXTENSIONS_SHOWN)
    found = client.read(client.scheduler.SearchOffers, request)
    if as_json:
        print_json(document(found))
    elif found.offers:
        out.print(offers_table(found.offers, units_of(client), client.zone))
    else:
        err.print("It cannot be extended. These rules stand in the way:")
        err.print(violations_table(found.violations))
    if not found.offers:
        raise typer.Exit(REFUSED)


def set_times(
    client: Client, request: api.UpdateReservationRequest, found: api.Reservation, start: str, end: str, duration: str
) -> None:
    """Ask for another interval, as far as one is named. A start alone moves the whole."""
    wish, paths, now = request.reservation, request.update_mask.paths, client.now
    if start:
        wish.start_time.CopyFrom(to_timestamp(parse_time(start, now, client.zone)))
        paths.append("start_time")
    if end:
        wish.end_time.CopyFrom(to_timestamp(parse_time(end, now, client.zone)))
        paths.append("end_time")
    elif duration or start:
        length = from_timestamp(found.end_time) - from_timestamp(found.start_time)
        wish.duration.CopyFrom(to_duration(parse_duration(duration) if duration else length))
        paths.append("duration")


def changed_lines(
    client: Client, before: Iterable[api.Line], texts: Iterable[str], together: str = ""
) -> list[api.Line]:
    """Some lines, with what is named put in their place."""
    known = {plain_id(resource.name): resource for resource in client.resources()}
    lines = {plain_id(line.resource): line for line in before}
    for text in texts:
        name, amount = resource_id(text), text.rpartition(":")[2]
        if name not in known:
            raise Failed(unknown_resource(name, known))
        if amount == "0":
            lines.pop(name, None)
            continue
        shape = lines[name].shape if name in lines and lines[name].HasField("shape") else None
        lines[name] = parse_line(text, known[name], shape)
    for line in lines.values() if together else ():
        line.ClearField("shape")
        line.MergeFrom(api.Line(shape=parse_shape(0, together)))
    return list(lines.values())
