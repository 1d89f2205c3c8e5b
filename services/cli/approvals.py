"""`aidc approvals`, `aidc approve` and `aidc deny`: what waits for a manager or the committee, and what they say."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, Name, answer, checked_request_id, units_of
from services.cli.client import RESERVATIONS_PAGE_SIZE_MAX, Client
from services.cli.documents import document, print_json
from services.cli.one_reservation import approval_text
from services.cli.options import Caller, Company, Data, Json, RequestId, connect, reservation_name
from services.cli.reservations import LIST_DEFAULT, ending, parent_or_every, take
from services.cli.tables import Units, interval_text, lines_text, out, table
from services.cli.times import from_timestamp, parse_time, show_time, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def approvals(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = LIST_DEFAULT,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """List what waits for approval, changes too, the oldest deadline first: a company's, or all for an operator."""
    with connect(data, caller, company) as client:
        request = api.ListReservationsRequest(
            parent=parent_or_every(client, company),
            to_approve=True,
            order_by="expire_time",
            page_size=min(limit, RESERVATIONS_PAGE_SIZE_MAX),
        )
        found, position, more = take(client, request, limit)
        if as_json:
            print_json({"reservations": [document(item) for item in found], "position": position, "more": more})
            return
        units: Units = units_of(client)
        made = table("until", "reservation", "when", "what", "approval", "note")
        for item in found:
            changes = item.HasField("asked_change")
            asked = item.asked_change if changes else item
            made.add_row(
                show_time(from_timestamp(asked.expire_time), client.zone),
                item.name.removeprefix("companies/").replace("/reservations/", "/"),
                f"{interval_text(item, client.zone)} becomes " * changes + interval_text(asked, client.zone),
                f"{lines_text(item.lines, units)} becomes " * (changes and asked.lines != item.lines)
                + lines_text(asked.lines, units),
                approval_text(asked.approval),
                asked.note,
            )
    if not found:
        out.print("Nothing waits for approval.")
        return
    out.print(made)
    out.print(ending(len(found), "waits" if len(found) == 1 else "wait", more, position))


def approve(
    name: Name,
    comment: Annotated[str, typer.Option(help="For people.")] = "",
    reference: Annotated[str, typer.Option(help="Number of the review, for human subjects or restricted data.")] = "",
    start: Annotated[str, typer.Option(help="Confirm a booking from then on, and not as it was asked for.")] = "",
    end: Annotated[str, typer.Option(help="When it then ends; without it the length stays.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Agree to a pending reservation, or to a change of one, as one voter. For operators and the committee."""
    with connect(data, caller) as client:
        request = api.ApproveReservationRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            comment=comment,
            reference=reference,
            validate_only=dry_run,
        )
        if start or end:
            set_time(client, request, start, end)
        answer(client, client.scheduler.ApproveReservation, request, {}, as_json)


def set_time(client: Client, request: api.ApproveReservationRequest, start: str, end: str) -> None:
    """Agree to another time: another start moves the whole, another end alone makes it longer or shorter."""
    found = client.read(client.scheduler.GetReservation, api.GetReservationRequest(name=request.name))
    now, length = client.now, from_timestamp(found.end_time) - from_timestamp(found.start_time)
    begins = parse_time(start, now, client.zone) if start else from_timestamp(found.start_time)
    request.start_time.CopyFrom(to_timestamp(begins))
    request.end_time.CopyFrom(to_timestamp(parse_time(end, now, client.zone) if end else begins + length))


def deny(
    name: Name,
    comment: Annotated[str, typer.Option(help="Why, for the company.")],
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Speak against a pending reservation, or a change of one, as one voter. For operators and the committee."""
    with connect(data, caller) as client:
        request = api.DenyReservationRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            comment=comment,
            validate_only=dry_run,
        )
        answer(client, client.scheduler.DenyReservation, request, {}, as_json)
