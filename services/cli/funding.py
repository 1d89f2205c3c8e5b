"""`aidc funding`: how many units of a resource there is money and power for, and who no longer fits."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, Reason, checked_request_id, units_of
from services.cli.client import Client
from services.cli.demands import resource_id
from services.cli.documents import document, print_json
from services.cli.options import Caller, Data, Json, RequestId, connect
from services.cli.outage_words import outcome_text
from services.cli.outages import changed
from services.cli.tables import Units, amount_text, out, table
from services.cli.times import from_timestamp, parse_time, show_time, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def funding(
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="Such as h100-train.")],
    units: Annotated[
        int | None, typer.Option(min=0, help="So many are funded; without it what is set is shown.")
    ] = None,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="From here; without it from this hour on.")] = "",
    displace: Annotated[
        bool, typer.Option("--displace", help="Displace what no longer fits, the newest first; else it stays.")
    ] = False,
    reason: Reason = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show or set how many units of a resource are funded, and see which reservations no longer fit."""
    with connect(data, caller) as client:
        name = f"resources/{resource_id(resource)}"
        if units is None:
            show(client, client.read(client.scheduler.GetResource, api.GetResourceRequest(name=name)), as_json)
            return
        now = client.now
        wish = api.Funding(
            resource=name,
            start_time=to_timestamp(parse_time(start, now, client.zone)) if start else None,
            units=units,
            reason=reason,
            displace=displace,
        )
        request = api.SetFundingRequest(funding=wish, request_id=checked_request_id(request_id), validate_only=dry_run)
        report = changed(client, client.scheduler.SetFunding, request, as_json)
        if as_json:
            print_json({**document(report), "request_id": request.request_id})
            return
        if dry_run:
            out.print("This would happen; nothing was changed.\n")
        print_report(client, report, units_of(client))


def show(client: Client, resource: api.Resource, as_json: bool) -> None:
    """The steps of a resource."""
    if as_json:
        print_json({"funding": [document(step) for step in resource.funding]})
        return
    made = table("from", "funded", "reason")
    for step in resource.funding:
        funded = amount_text(step.resource, step.units, units_of(client))
        made.add_row(show_time(from_timestamp(step.start_time), client.zone), funded, step.reason)
    out.print(made if resource.funding else "All that is installed is funded.")


def print_report(client: Client, report: api.FundingReport, units: Units) -> None:
    """A step, and who no longer fits."""
    step = report.funding
    when = show_time(from_timestamp(step.start_time), client.zone)
    out.print(f"{amount_text(step.resource, step.units, units)} funded from {when} on.")
    out.print(f"{report.affected_count} reservations no longer fit.")
    if report.affected:
        made = table("reservation", "what becomes of it")
        for each in report.affected:
            name = each.reservation.removeprefix("companies/").replace("/reservations/", "/")
            made.add_row(name, outcome_text(each))
        out.print(made)
