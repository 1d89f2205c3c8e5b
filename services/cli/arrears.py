"""`aidc arrears`: which bills a company has not paid, and what the terms make of them."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, Reason
from services.cli.conduct import Asking, change_record, moment, parent
from services.cli.options import Caller, Data, Json, RequestId
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

app = typer.Typer(help="Record which bills are overdue, and which are paid. Operators only.", no_args_is_help=True)

CompanyId = Annotated[str, typer.Argument(metavar="COMPANY", help="Whose bill, such as CMP-0001.")]
Month = Annotated[str, typer.Argument(metavar="YYYY-MM", help="Of which month.")]


@app.command()
def record(
    company: CompanyId,
    month: Month,
    krw: Annotated[int, typer.Option(metavar="KRW", help="What is not paid.", min=1)],
    due: Annotated[str, typer.Option(metavar="TIME", help="By when it should have been paid.")],
    reference: Annotated[str, typer.Option(metavar="TEXT", help="Where the bill is found.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Record a bill that is overdue: what follows after how many months, `aidc terms` says."""
    change_record(
        Asking(dry_run, request_id, data, caller, as_json),
        lambda client: api.RecordArrearsRequest(
            parent=parent(company),
            arrear=api.Arrear(month=month, krw=krw, due_time=moment(client, due), reference=reference),
        ),
    )


@app.command()
def clear(
    company: CompanyId,
    month: Month,
    reason: Reason = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Record that a bill is paid, or waived: its suspension ends, and its surcharge stays until it is corrected."""
    change_record(
        Asking(dry_run, request_id, data, caller, as_json),
        lambda _: api.ClearArrearsRequest(parent=parent(company), month=month, reason=reason),
    )
