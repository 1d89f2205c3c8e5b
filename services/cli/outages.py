"""`aidc outage`: take units out, give them back, and see who stood in the way and what became of them."""

from typing import Annotated, Any

import typer

from services.cli.booking import DryRun, Reason, checked_request_id, units_of
from services.cli.client import Client
from services.cli.documents import document, print_json, refusal_document
from services.cli.options import Caller, Data, Json, RequestId, connect
from services.cli.outage_words import (
    KINDS,
    kind_text,
    print_outage,
    print_report,
    read_kind,
    read_scope,
    state_text,
    when_text,
)
from services.cli.outcome import REFUSED, Refused
from services.cli.tables import amount_text, few, out, plain_id, print_refusal, table
from services.cli.times import (
    parse_duration,
    parse_time,
    to_duration,
    to_timestamp,
)
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

app = typer.Typer(name="outage", help="Take units out for a while, and give them back.", no_args_is_help=True)

PAGE_SIZE_MAX = 500

Name = Annotated[str, typer.Argument(metavar="NAME", help="The outage: letters, digits and hyphens.")]


@app.command()
def declare(
    name: Name,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT...",
            help="What is out: a resource (M01), one of its nodes (h100-train/h100-train-003), any two of a pool "
            "(OP-DM-mobility:2), rack:R01-01, zone:Z-A, room:DM-M01.",
        ),
    ],
    kind: Annotated[str, typer.Option(help=f"Why: {', '.join(KINDS)}.")] = "maintenance",
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="From here; without it from now on.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Until here; without it until it is lifted.")] = "",
    lead_in: Annotated[
        str, typer.Option(metavar="DURATION", help="So long before, nothing new may start there: 24h.")
    ] = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Take units out. Who stood on them is moved or displaced, and the report names each; --dry-run only tells."""
    with connect(data, caller) as client:
        now = client.now
        outage = api.Outage(
            name=f"outages/{plain_id(name)}",
            kind=read_kind(kind),
            reason=reason,
            start_time=to_timestamp(parse_time(start, now, client.zone)) if start else None,
            end_time=to_timestamp(parse_time(until, now, client.zone)) if until else None,
            lead_in=to_duration(parse_duration(lead_in)) if lead_in else None,
            scopes=[read_scope(text) for text in what],
        )
        request = api.DeclareOutageRequest(
            outage=outage, request_id=checked_request_id(request_id), validate_only=dry_run
        )
        report = changed(client, client.scheduler.DeclareOutage, request, as_json)
        if as_json:
            print_json({**document(report), "request_id": request.request_id})
            return
        if dry_run:
            out.print("This would happen; nothing was changed.\n")
        print_report(client, report)


@app.command()
def lift(
    name: Name,
    reason: Reason = "",
    etag: Annotated[str, typer.Option(help="Refuse if the outage has changed since; `outage show` tells it.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Give the units of an outage back, from now on."""
    with connect(data, caller) as client:
        request = api.LiftOutageRequest(
            name=f"outages/{plain_id(name)}",
            request_id=checked_request_id(request_id),
            etag=etag,
            reason=reason,
            validate_only=dry_run,
        )
        outage = changed(client, client.scheduler.LiftOutage, request, as_json)
        if as_json:
            print_json({**document(outage), "request_id": request.request_id})
            return
        if dry_run:
            out.print("This would be granted; nothing was changed.\n")
        print_outage(client, outage, units_of(client))


@app.command(name="list")
def list_(
    over: Annotated[bool, typer.Option("--over", help="Also those that are over.")] = False,
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """List outages, the earliest start first."""
    with connect(data, caller) as client:
        found = every_outage(client, over)
        if as_json:
            print_json({"outages": [document(outage) for outage in found]})
            return
        units = units_of(client)
        made = table("outage", "state", "kind", "when", "out", "reason")
        for outage in found:
            made.add_row(
                plain_id(outage.name),
                state_text(outage),
                kind_text(outage),
                when_text(client, outage),
                few([amount_text(each.resource, each.units, units) for each in outage.taken]),
                outage.reason,
            )
        out.print(made)


@app.command()
def show(name: Name, data: Data = None, caller: Caller = "", as_json: Json = False) -> None:
    """Show one outage, and what became of whom."""
    with connect(data, caller) as client:
        request = api.GetOutageRequest(name=f"outages/{plain_id(name)}")
        report = client.read(client.scheduler.GetOutage, request)
        if as_json:
            print_json(document(report))
            return
        print_report(client, report)


def changed(client: Client, method: Any, request: Any, as_json: bool) -> Any:
    """Ask for a change and give the yes; a no is shown, and ends with exit status 2."""
    try:
        return client.change(method, request)
    except Refused as refused:
        if as_json:
            print_json({**refusal_document(refused), "request_id": request.request_id})
        else:
            print_refusal(refused, units_of(client), client.zone)
        raise typer.Exit(REFUSED) from None


def every_outage(client: Client, over: bool) -> list[api.Outage]:
    """All pages of an answer."""
    request = api.ListOutagesRequest(page_size=PAGE_SIZE_MAX, show_over=over)
    found: list[api.Outage] = []
    while True:
        page = client.read(client.scheduler.ListOutages, request)
        found += page.outages
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
