"""`aidc outage`: take units out, give them back, and see who stood in the way and what became of them."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from services.cli.booking import DryRun, Reason, checked_request_id, units_of
from services.cli.client import Client
from services.cli.demands import resource_id
from services.cli.documents import document, print_json, refusal_document
from services.cli.options import Caller, Data, Json, RequestId, connect
from services.cli.outcome import REFUSED, Refused
from services.cli.tables import Units, amount_text, few, interval_text, out, plain_id, print_refusal, table
from services.cli.times import (
    Unreadable,
    from_timestamp,
    parse_duration,
    parse_time,
    show_interval,
    show_time,
    to_duration,
    to_timestamp,
)
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

app = typer.Typer(name="outage", help="Take units out for a while, and give them back.", no_args_is_help=True)

PAGE_SIZE_MAX = 500
KINDS = {
    "maintenance": api.Outage.KIND_MAINTENANCE,
    "failure": api.Outage.KIND_FAILURE,
    "closure": api.Outage.KIND_CLOSURE,
}
PLACES = ("rack", "zone", "room")

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


def read_kind(text: str) -> "api.Outage.Kind.ValueType":
    """The kind of this name."""
    if text.lower() not in KINDS:
        raise Unreadable(f"unknown kind {text!r}: write {', '.join(KINDS)}")
    return KINDS[text.lower()]


def read_scope(text: str) -> api.OutageScope:
    """What is out, as it is written."""
    place, _, name = text.partition(":")
    if place in PLACES and name:
        scope = api.OutageScope()
        setattr(scope, place, name)
        return scope
    resource, _, node = text.removeprefix("resources/").partition("/")
    if node:
        return api.OutageScope(resource=f"resources/{resource}", nodes=[node])
    pool, _, count = text.partition(":")
    if count and not count.isdecimal():
        raise Unreadable(f"cannot read {text!r}: write M01, POOL/NODE, POOL:2, rack:R, zone:Z or room:R")
    return api.OutageScope(resource=f"resources/{resource_id(pool)}", count=int(count) if count else 0)


def print_report(client: Client, report: api.OutageReport) -> None:
    """An outage, and everybody in its way."""
    units = units_of(client)
    print_outage(client, report.outage, units)
    out.print(f"\n{report.affected_count} reservations in the way, {report.pending_count} of them not dealt with yet.")
    if report.affected:
        made = table("reservation", "what became of it", "lost", "KRW given for it", "would be granted now")
        for each in report.affected:
            made.add_row(
                each.reservation.removeprefix("companies/").replace("/reservations/", "/"),
                api.AffectedReservation.Outcome.Name(each.outcome).removeprefix("OUTCOME_").lower(),
                show_interval(from_timestamp(each.lost_start_time), from_timestamp(each.lost_end_time), client.zone)
                if each.HasField("lost_end_time")
                else "",
                f"{each.compensation_krw:,}" if each.compensation_krw else "",
                "\n".join(offers_text(each.offers, client)),
            )
        out.print(made)


def offers_text(offers: Iterable[api.Offer], client: Client) -> list[str]:
    """One interval a line."""
    return [interval_text(offer, client.zone) for offer in offers]


def print_outage(client: Client, outage: api.Outage, units: Units) -> None:
    """One outage and what it takes out."""
    facts = table("", "")
    facts.show_header = False
    facts.add_row("outage", plain_id(outage.name))
    facts.add_row("state", f"{state_text(outage)} ({kind_text(outage)})")
    facts.add_row("when", when_text(client, outage))
    for label, text in (("reason", outage.reason), ("lifted", outage.lift_reason)):
        if text:
            facts.add_row(label, text)
    for each in outage.taken:
        facts.add_row("out", f"{amount_text(each.resource, each.units, units)}: {few(each.nodes)}")
    facts.add_row("etag", outage.etag)
    out.print(facts)


def state_text(outage: api.Outage) -> str:
    """`in force` for STATE_IN_FORCE."""
    return api.Outage.State.Name(outage.state).removeprefix("STATE_").lower().replace("_", " ")


def kind_text(outage: api.Outage) -> str:
    """`failure` for KIND_FAILURE."""
    return api.Outage.Kind.Name(outage.kind).removeprefix("KIND_").lower()


def when_text(client: Client, outage: api.Outage) -> str:
    """From when to when, or until it is lifted."""
    start = from_timestamp(outage.start_time)
    if outage.HasField("lift_time"):
        end = from_timestamp(outage.lift_time)
        if end <= start:
            return "lifted before it began"
        return show_interval(start, end, client.zone)
    if outage.HasField("end_time"):
        return show_interval(start, from_timestamp(outage.end_time), client.zone)
    return f"{show_time(start, client.zone)}, until it is lifted"
