"""`aidc officer`: which support officers of the centre may act for a company, and until when."""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from services.cli.booking import DryRun, Reason, checked_request_id
from services.cli.documents import document, print_json
from services.cli.options import COMPANIES, Caller, Company, Data, Json, RequestId, connect
from services.cli.records import show_conduct
from services.cli.tables import out, plain_id, table
from services.cli.tariff import asked
from services.cli.times import from_timestamp, parse_time, show_interval, to_timestamp
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
    with connect(data, caller) as client:
        now, zone = client.now, client.zone
        assigned = api.Officer(
            officer=f"officers/{officer}",
            start_time=to_timestamp(parse_time(start or "now", now, zone)),
            end_time=to_timestamp(parse_time(until, now, zone)),
        )
        request = api.AssignOfficerRequest(
            parent=f"{COMPANIES}{company.removeprefix(COMPANIES)}",
            officer=assigned,
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        found = asked(client, client.scheduler.AssignOfficer, request, as_json)
    show_conduct(found, zone, as_json)


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
    with connect(data, caller) as client:
        request = api.DismissOfficerRequest(
            parent=f"{COMPANIES}{company.removeprefix(COMPANIES)}",
            officer=f"officers/{officer}",
            reason=reason,
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        found = asked(client, client.scheduler.DismissOfficer, request, as_json)
        zone = client.zone
    show_conduct(found, zone, as_json)


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
