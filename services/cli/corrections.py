"""`aidc correct`: an operator credits a company with KRW, or debits it, beside what its bookings cost."""

from enum import StrEnum
from typing import Annotated

import typer

from services.cli.booking import DryRun, checked_request_id
from services.cli.documents import document, print_json
from services.cli.options import Caller, Data, Json, RequestId, connect
from services.cli.tables import out, plain_id
from services.cli.tariff import asked
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


class Kind(StrEnum):
    """What a correction is for."""

    COMPENSATION = "compensation"
    GOODWILL = "goodwill"
    ERROR = "error"


def correct(
    company: Annotated[str, typer.Argument(metavar="COMPANY", help="Whom it is for, or against.")],
    credit: Annotated[int, typer.Option(metavar="KRW", help="Give so much.", min=0)] = 0,
    debit: Annotated[int, typer.Option(metavar="KRW", help="Take so much.", min=0)] = 0,
    kind: Annotated[Kind, typer.Option("--for", help="What it is for.")] = Kind.ERROR,
    because: Annotated[str, typer.Option(metavar="TEXT", help="Why: the company and its auditors read it.")] = "",
    reservation: Annotated[str, typer.Option(metavar="ID", help="The reservation that it is about, if any.")] = "",
    reverses: Annotated[str, typer.Option(metavar="ID", help="An earlier correction that it takes back.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Credit a company with KRW, or debit it, and say why; nothing that was posted is edited. Operators only."""
    if bool(credit) == bool(debit):
        raise typer.BadParameter("either --credit KRW or --debit KRW says how much")
    parent = f"companies/{company}"
    request = api.PostCorrectionRequest(
        parent=parent,
        correction=api.Correction(
            krw=credit or -debit,
            kind=api.Correction.Kind.Value(f"KIND_{kind.name}"),
            reason=because,
            reservation=f"{parent}/reservations/{plain_id(reservation)}" if reservation else "",
            reverses=f"{parent}/corrections/{plain_id(reverses)}" if reverses else "",
        ),
        request_id=checked_request_id(request_id),
        validate_only=dry_run,
    )
    with connect(data, caller) as client:
        made = asked(client, client.scheduler.PostCorrection, request, as_json)
    if as_json:
        print_json({**document(made), "request_id": request.request_id})
        return
    told = "would be" if dry_run else "is"
    out.print(f"{company} {told} {'credited' if made.krw > 0 else 'debited'} with {abs(made.krw):,} KRW: {made.reason}")
    if made.name:
        out.print(f"It is the correction {plain_id(made.name)}, at position {made.position:,}.")
