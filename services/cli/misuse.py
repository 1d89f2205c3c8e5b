"""`aidc misuse`: a company uses what it has for something else, and loses it."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, Reason
from services.cli.conduct import Asking, change_record, parent
from services.cli.options import Caller, Data, Json, RequestId
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

app = typer.Typer(
    help="Take back all that a company has, for misuse, and lift that again. Operators only.", no_args_is_help=True
)

CompanyId = Annotated[str, typer.Argument(metavar="COMPANY", help="Who it is, such as CMP-0001.")]


@app.command()
def record(
    company: CompanyId,
    because: Annotated[
        str,
        typer.Option(
            "--because", "--reason", metavar="TEXT", help="What happened: the company and its auditors read it."
        ),
    ],
    reference: Annotated[str, typer.Option(metavar="TEXT", help="Where that is found, such as an audit.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Record a misuse: all reservations of the company are taken back, and it books nothing more until it is lifted."""
    change_record(
        Asking(dry_run, request_id, data, caller, as_json),
        lambda _: api.RecordMisuseRequest(
            parent=parent(company), misuse=api.Misuse(reason=because, reference=reference)
        ),
    )


@app.command()
def lift(
    company: CompanyId,
    reason: Reason = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Let the company book again; what was taken back stays so."""
    change_record(
        Asking(dry_run, request_id, data, caller, as_json),
        lambda _: api.LiftMisuseRequest(parent=parent(company), reason=reason),
    )
