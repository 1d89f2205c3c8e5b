"""`aidc search`: when a demand would be granted, what that costs, and why not at other times."""

from collections.abc import Iterable
from typing import Annotated

import typer

from services.cli.booking import (
    Duration,
    Hold,
    Lines,
    People,
    PerNode,
    Together,
    Who,
    checked_request_id,
    end_refused,
    participants_of,
    read_lines,
)
from services.cli.client import Client
from services.cli.demands import parse_line, resource_id
from services.cli.documents import document, print_json
from services.cli.one_reservation import print_reservation
from services.cli.options import Caller, Company, Data, Json, RequestId, connect, parent_of
from services.cli.outcome import REFUSED, Failed, Refused
from services.cli.tables import Units, err, offers_table, out, plain_id, refused_windows_table, violations_table
from services.cli.times import (
    from_timestamp,
    parse_duration,
    parse_time,
    show_interval,
    show_time,
    to_duration,
    to_timestamp,
)
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ORDERS = {
    "earliest": api.OFFER_ORDER_UNSPECIFIED,
    "cheapest": api.OFFER_ORDER_CHEAPEST,
    "closest": api.OFFER_ORDER_CLOSEST,
}
MaxDuration = Annotated[
    str, typer.Option(metavar="DURATION", help="--duration is the least then, and this the most; longer is better.")
]
AtLeast = Annotated[
    list[str] | None,
    typer.Option(metavar="RESOURCE:UNITS", help="So few of a resource will do; more are better. Repeatable."),
]
OrderName = Annotated[str, typer.Option(help="Which offer is better: earliest, cheapest, or closest to --near.")]
Near = Annotated[str, typer.Option(metavar="TIME", help="The start that you want most; --order closest.")]
WhyNot = Annotated[int, typer.Option(min=0, max=20, help="Tell of so many stretches of other times what forbids them.")]


def search(
    lines: Lines,
    duration: Duration,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="No earlier than this.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Ending no later than this.")] = "",
    max_duration: MaxDuration = "",
    at_least: AtLeast = None,
    order: OrderName = "",
    near: Near = "",
    why_not: WhyNot = 0,
    limit: Annotated[int, typer.Option(min=1, max=20, help="At most so many offers.")] = 3,
    per_node: PerNode = 0,
    together: Together = "anywhere",
    people: People = 0,
    who: Who = None,
    hold: Hold = "",
    request_id: RequestId = "",
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Find the best times at which a demand would be granted, and their price; --hold holds the first of them for you.

    Exit status 2 when there is none.
    """
    with connect(data, caller, company) as client:
        demand, units = read_lines(client, lines, per_node, together)
        request = api.SearchOffersRequest(
            parent=parent_of(client.connection, company),
            lines=demand,
            duration=to_duration(parse_duration(duration)),
            page_size=limit,
            refused_max=why_not,
            priced=True,
            participants=participants_of(people, who),
        )
        set_range(request, start, until, client)
        set_flexible(request, client, max_duration, at_least or ())
        set_order(request, order, near, client)
        if hold:
            request.hold.CopyFrom(to_duration(parse_duration(hold)))
            request.request_id = checked_request_id(request_id)
        elif request_id:
            raise Failed("--request-id is for a search with --hold; looking changes nothing")
        try:
            ask = client.change if hold else client.read
            found = ask(client.scheduler.SearchOffers, request)
        except Refused as refused:
            end_refused(client, refused, request.request_id, units, as_json)
        if as_json:
            print_json({**document(found), "request_id": request.request_id} if hold else document(found))
        else:
            print_found(client, found, units)
    if not found.offers:
        raise typer.Exit(REFUSED)


def print_found(client: Client, found: api.SearchOffersResponse, units: Units) -> None:
    """The offers, or what stands in the way; and why not at other times."""
    if found.offers:
        out.print(offers_table(found.offers, units, client.zone))
    else:
        err.print("No offer. These rules stand in the way:")
        err.print(violations_table(found.violations))
    if found.HasField("searched_until_time"):
        until = show_time(from_timestamp(found.searched_until_time), client.zone)
        out.print(f"\nOnly what starts before {until} was looked at; search from there for more.")
    if found.refused:
        first, last = (from_timestamp(each) for each in (found.explained_from_time, found.explained_until_time))
        out.print(f"\nNot offered, of what starts from {show_interval(first, last, client.zone)}:")
        out.print(refused_windows_table(found.refused, client.zone))
    if found.HasField("held"):
        out.print()
        print_reservation(found.held, units, client.zone)


def set_range(request: api.SearchOffersRequest, start: str, until: str, client: Client) -> None:
    """Limit the search to what was asked for."""
    now = client.now
    if start:
        request.earliest_start_time.CopyFrom(to_timestamp(parse_time(start, now, client.zone)))
    if until:
        request.latest_end_time.CopyFrom(to_timestamp(parse_time(until, now, client.zone)))


def set_flexible(request: api.SearchOffersRequest, client: Client, max_duration: str, at_least: Iterable[str]) -> None:
    """Let the duration and the units of some lines vary."""
    if max_duration:
        request.duration_max.CopyFrom(to_duration(parse_duration(max_duration)))
    if not at_least:
        return
    known = {plain_id(resource.name): resource for resource in client.resources()}
    asked = {line.resource for line in request.lines}
    for text in at_least:
        name = resource_id(text)
        if name not in known or known[name].name not in asked:
            raise Failed(f"--at-least {text}: {name} is not among what is searched for")
        line = parse_line(text, known[name], None)
        request.units_min[line.resource] = line.units


def set_order(request: api.SearchOffersRequest, order: str, near: str, client: Client) -> None:
    """Say which offers are better. A time to be near to means the closest."""
    if order and order not in ORDERS:
        raise Failed(f"the order {order!r} is none of {', '.join(ORDERS)}")
    if near and order not in ("", "closest"):
        raise Failed("--near is for the closest offers")
    request.order = ORDERS[order or ("closest" if near else "earliest")]
    if near:
        request.desired_start_time.CopyFrom(to_timestamp(parse_time(near, client.now, client.zone)))
