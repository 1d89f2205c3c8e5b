"""`aidc transfer`, `aidc accept`, `aidc decline`: a reservation is handed over to another company, with its consent."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, Name, Reason, answer, checked_request_id
from services.cli.options import COMPANIES, Caller, Data, Json, RequestId, company_in, connect, reservation_name
from services.cli.outcome import Failed
from services.cli.times import parse_duration, to_duration
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def transfer(
    name: Name,
    to: Annotated[str, typer.Option(metavar="ID", help="The company that may take it over.")] = "",
    offer_for: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long; 3d if not said.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the offer back.")] = False,
    etag: Annotated[str, typer.Option(help="Refuse if the reservation has changed since it had this etag.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Offer a reservation to another company; it stays yours until they `aidc accept` it."""
    if bool(to) == withdraw:
        raise Failed("to whom? Add --to CMP-0002, or --withdraw to take the offer back")
    with connect(data, caller, company_in(name)) as client:
        full_name = reservation_name(client.connection, name)
        request = api.UpdateReservationRequest(
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
            etag=etag,
            offer_for=to_duration(parse_duration(offer_for)) if offer_for else None,
        )
        request.reservation.name = full_name
        request.reservation.company = f"{COMPANIES}{company_in(full_name) if withdraw else to.removeprefix(COMPANIES)}"
        request.update_mask.paths.append("company")
        answer(client, client.scheduler.UpdateReservation, request, {}, as_json)


def accept(
    name: Name,
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Take over what another company offers: CMP-0001/ID, as `aidc list --offered` shows it."""
    with connect(data, caller) as client:
        request = api.AcceptTransferRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        answer(client, client.scheduler.AcceptTransfer, request, {}, as_json)


def decline(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Do not take over what another company offers."""
    with connect(data, caller) as client:
        request = api.DeclineTransferRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            reason=reason,
            validate_only=dry_run,
        )
        answer(client, client.scheduler.DeclineTransfer, request, {}, as_json)
