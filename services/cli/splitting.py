"""`aidc split`: a part of a reservation becomes one of its own, to be handed over, given back or changed by itself."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, Name, checked_request_id, end_refused, units_of
from services.cli.client import Client
from services.cli.demands import parse_line, resource_id, unknown_resource
from services.cli.documents import document, print_json
from services.cli.one_reservation import print_reservation
from services.cli.options import Caller, Data, Json, RequestId, company_in, connect, reservation_name
from services.cli.outcome import Failed, Refused
from services.cli.tables import out, plain_id
from services.cli.times import parse_time, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def split(
    name: Name,
    at: Annotated[str, typer.Option(help="What it holds from then on leaves: 2026-03-04 09:00, tomorrow 09:00.")] = "",
    units: Annotated[
        list[str] | None,
        typer.Option(metavar="RESOURCE:UNITS", help="What leaves, for the same time: h100-train:8; repeatable."),
    ] = None,
    etag: Annotated[str, typer.Option(help="Refuse if the reservation has changed since it had this etag.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Make two reservations of one, at a time or by units; no unit moves, and they cost no more than it did."""
    if bool(at) == bool(units):
        raise Failed("how? Add --at TIME, or --units RESOURCE:UNITS for what leaves")
    with connect(data, caller, company_in(name)) as client:
        request = api.SplitReservationRequest(
            name=reservation_name(client.connection, name),
            at_time=to_timestamp(parse_time(at, client.now, client.zone)) if at else None,
            lines=leaving(client, units or []),
            etag=etag,
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        try:
            made = client.change(client.scheduler.SplitReservation, request)
        except Refused as refused:
            end_refused(client, refused, request.request_id, {}, as_json)
        if as_json:
            print_json({**document(made), "request_id": request.request_id})
        else:
            show(client, made, dry_run)


def leaving(client: Client, texts: list[str]) -> list[api.Line]:
    """What leaves, in the units of each resource."""
    known = {plain_id(resource.name): resource for resource in client.resources()}
    for name in map(resource_id, texts):
        if name not in known:
            raise Failed(unknown_resource(name, known))
    return [parse_line(text, known[resource_id(text)]) for text in texts]


def show(client: Client, made: api.SplitReservationResponse, dry_run: bool) -> None:
    """Both, one below the other."""
    units = units_of(client)
    if dry_run:
        out.print("This would be granted; nothing was changed.\n")
    if made.HasField("reservation"):
        out.print("What stays:")
        print_reservation(made.reservation, units, client.zone)
        out.print()
    out.print("What left:" if not dry_run else "What would leave:")
    print_reservation(made.part, units, client.zone)
