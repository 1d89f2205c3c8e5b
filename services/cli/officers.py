"""`aidc officer`: which support officers of the centre may act for a company, and until when."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, Reason, checked_request_id
from services.cli.options import COMPANIES, Caller, Data, Json, RequestId, connect
from services.cli.records import show_conduct
from services.cli.tariff import asked
from services.cli.times import parse_time, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

app = typer.Typer(help="Let support officers act for a company, or no longer. Operators only.", no_args_is_help=True)

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
