"""`aidc officer`: which support officers of the centre may act for a company, and until when."""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from services.cli.booking import DryRun, Reason
from services.cli.conduct import Asking, change_record, moment, parent
from services.cli.documents import document, print_json
from services.cli.options import COMPANIES, Caller, Company, Data, Json, RequestId, connect
from services.cli.tables import out, plain_id, table
from services.cli.times import from_timestamp, show_interval
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

app = typer.Typer(help="Support officers: who may act for whom; operators say so.", no_args_is_help=True)

Officer = Annotated[str, typer.Argument(metavar="OFFICER", help="The subject of their token, such as officer-1.")]
CompanyId = Annotated[str, typer.Argument(metavar="COMPANY", help="For whom, such as CMP-0001.")]


@app.command()
def assign(
    officer: Officer,
    company: CompanyId,
    until: Annotated[str, typer.Option(metavar="TIME", help="When it ends.")],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Since when; now if not given.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Let an officer act for a company: then `aidc --on-behalf-of COMPANY ... --as OFFICER`."""
    change_record(
        Asking(dry_run, request_id, data, caller, as_json),
        lambda client: api.AssignOfficerRequest(
            parent=parent(company),
            officer=api.Officer(
                officer=f"officers/{officer}",
                start_time=moment(client, start or "now"),
                end_time=moment(client, until),
            ),
        ),
    )


@app.command()
def dismiss(
    officer: Officer,
    company: CompanyId,
    reason: Reason = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Let an officer act for a company no more, from now on; what they did stands."""
    change_record(
        Asking(dry_run, request_id, data, caller, as_json),
        lambda _: api.DismissOfficerRequest(parent=parent(company), officer=f"officers/{officer}", reason=reason),
    )


@app.command("list")
def list_(
    officer: Annotated[str, typer.Option(help="Only for whom this officer may act.")] = "",
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """List who may act for whom, and when: a company's officers, an officer's companies, or all for an operator."""
    with connect(data, caller, company) as client:
        request = api.ListOfficersRequest(
            parent=f"{COMPANIES}{(company or client.connection.company).removeprefix(COMPANIES) or '-'}",
            officer=f"officers/{officer}" if officer else "",
        )
        page = client.read(client.scheduler.ListOfficers, request)
        assignments, zone = list(page.assignments), page.time_zone
        while page.next_page_token:
            request.page_token = page.next_page_token
            page = client.read(client.scheduler.ListOfficers, request)
            assignments.extend(page.assignments)
    if as_json:
        print_json({"assignments": [document(each) for each in assignments]})
        return
    made = table("officer", "for", "when", "now")
    for each in assignments:
        span = from_timestamp(each.officer.start_time), from_timestamp(each.officer.end_time)
        when = show_interval(*span, ZoneInfo(zone))
        made.add_row(plain_id(each.officer.officer), plain_id(each.company), when, "acts" if each.acting else "")
    out.print(made)
