"""`aidc arrears`: which bills a company has not paid, and what the terms make of them."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, Reason, checked_request_id
from services.cli.options import COMPANIES, Caller, Data, Json, RequestId, connect
from services.cli.records import show_conduct
from services.cli.tariff import asked
from services.cli.times import parse_time, to_timestamp
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
    with connect(data, caller) as client:
        zone = client.zone
        bill = api.Arrear(
            month=month, krw=krw, due_time=to_timestamp(parse_time(due, client.now, zone)), reference=reference
        )
        request = api.RecordArrearsRequest(
            parent=f"{COMPANIES}{company.removeprefix(COMPANIES)}",
            arrear=bill,
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        found = asked(client, client.scheduler.RecordArrears, request, as_json)
    show_conduct(found, zone, as_json)


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
    with connect(data, caller) as client:
        request = api.ClearArrearsRequest(
            parent=f"{COMPANIES}{company.removeprefix(COMPANIES)}",
            month=month,
            reason=reason,
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        found = asked(client, client.scheduler.ClearArrears, request, as_json)
        zone = client.zone
    show_conduct(found, zone, as_json)
