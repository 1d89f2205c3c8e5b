"""`aidc tariff` and `aidc close`: what things cost, and when the books of a month are frozen."""

from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.booking import DryRun, checked_request_id, units_of
from services.cli.catalogue.tables import DAY_MINUTES, WEEKDAYS
from services.cli.catalogue.tariff import read_tariff
from services.cli.client import Client
from services.cli.demands import hour_unit
from services.cli.documents import document, print_json, refusal_document
from services.cli.options import Caller, Data, Json, RequestId, connect
from services.cli.outcome import REFUSED, Refused
from services.cli.tables import Units, out, plain_id, print_refusal, table
from services.cli.times import from_timestamp, show_interval, show_time
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ANSWERS = {"True": "yes", "False": "no"}
"""How the catalogue's truths are said."""


def tariff(
    publish: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Publish this rate card; operators only.", dir_okay=False)
    ] = None,
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show what things cost, or publish a rate card."""
    with connect(data, caller) as client:
        if publish is not None:
            request = api.PublishTariffRequest(
                tariff=read_tariff(publish, client.zone),
                request_id=checked_request_id(request_id),
                validate_only=dry_run,
            )
            found = asked(client, client.scheduler.PublishTariff, request, as_json)
            if as_json:
                print_json({**document(found), "request_id": request.request_id})
            elif dry_run:
                out.print("This would be published; nothing was changed.")
            else:
                print_tariff(found, client.zone, units_of(client))
            return
        listed = client.read(client.scheduler.ListTariffs, api.ListTariffsRequest())
        zone, units = client.zone, units_of(client)
    if as_json:
        print_json(document(listed))
        return
    for found in listed.tariffs:
        print_tariff(found, zone, units)
    if not listed.tariffs:
        out.print("No tariff is published: everything is free.")
    if listed.closed_month:
        out.print(f"The books are closed up to the end of {listed.closed_month}.")


def close(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="A calendar month that is over.")],
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Freeze the books up to the end of a month; what is learnt later counts in the open one. Operators only."""
    with connect(data, caller) as client:
        request = api.ClosePeriodRequest(month=month, request_id=checked_request_id(request_id), validate_only=dry_run)
        closed = asked(client, client.scheduler.ClosePeriod, request, as_json)
        zone = client.zone
    if as_json:
        print_json({**document(closed), "request_id": request.request_id})
    elif dry_run:
        out.print("This would be closed; nothing was changed.")
    else:
        shown = show_interval(from_timestamp(closed.start_time), from_timestamp(closed.end_time), zone)
        out.print(f"The books of {closed.month} and before are closed: {shown}.")


def asked(client: Client, method: Any, request: Any, as_json: bool) -> Any:
    """What a change gave; a no is shown, and ends with exit status 2."""
    try:
        return client.change(method, request)
    except Refused as refused:
        if as_json:
            print_json({**refusal_document(refused), "request_id": request.request_id})
        else:
            print_refusal(refused, {}, client.zone)
        raise typer.Exit(REFUSED) from None


def basis_text(price: api.Price, units: Units) -> str:
    """`a GPU-hour`, or `a slot`."""
    if price.basis == api.PRICE_BASIS_SLOT:
        return "a slot"
    return f"a {hour_unit(units.get(plain_id(price.resource))).removesuffix('s')}"


def print_tariff(found: api.Tariff, zone: tzinfo, units: Units) -> None:
    """One rate card."""
    since = show_time(from_timestamp(found.valid_from_time), zone)
    out.print(f"Tariff {plain_id(found.name)}, for what is booked after its publication and starts from {since} on.")
    made = table("resource", "KRW", "for", right=("KRW",))
    for price in found.prices:
        made.add_row(plain_id(price.resource), f"{price.krw:,}", basis_text(price, units))
    out.print(made)
    for peak in found.peaks:
        names = ", ".join(map(plain_id, peak.resources)) or "everything"
        out.print(f"  {peak.percent} % of the price {window(peak)} for {names}")
    for (percent, attribute), values in discounted(found).items():
        out.print(f"  {percent} % off where {attribute.replace('_', ' ')} is {', '.join(values)}")
    out.print(
        f"  late cancellation: {found.compute_late_percent} % for compute, {found.equipment_late_percent} % for"
        f" equipment; no-show: {found.no_show_percent} %"
    )
    out.print(
        f"  returned of a late charge as far as somebody books the time again: {found.late_return_percent} %;"
        f" given for what an outage takes: {found.displacement_percent} % of its price\n"
    )


def discounted(found: api.Tariff) -> dict[tuple[int, str], list[str]]:
    """The values of an attribute that bring the same discount; `yes` and `no` for what is true or false."""
    told: dict[tuple[int, str], list[str]] = {}
    for each in found.discounts:
        told.setdefault((each.percent, each.attribute), []).append(ANSWERS.get(each.value, each.value))
    return told


def window(peak: api.Peak) -> str:
    """Such as `Mon Tue Wed 18:00-08:00+1` or `every day 22:00-06:00+1`, in the centre's time."""
    days = " ".join(WEEKDAYS[day - 1].title() for day in peak.weekdays)
    if len(peak.weekdays) == len(WEEKDAYS):
        days = "every day"
    return f"{days} {clock(peak.starts_minute)}-{clock(peak.ends_minute)}"


def clock(minute: int) -> str:
    """What a clock shows so many minutes after midnight; `+1` is on the next day."""
    days, minute = (1, minute - DAY_MINUTES) if minute > DAY_MINUTES else (0, minute)
    return f"{minute // 60:02}:{minute % 60:02}{'+1' if days else ''}"
