"""`aidc check-in`, `aidc conduct`, `aidc qualify`, `aidc forgive`, `aidc terms`: who came, and what follows."""

from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer

from services.cli.booking import DryRun, Name, Reason, answer, checked_request_id
from services.cli.catalogue.terms import read_terms
from services.cli.client import Client
from services.cli.conduct import Asking, change_record, moment, parent, show_conduct
from services.cli.demands import resource_id
from services.cli.documents import document, print_json
from services.cli.options import (
    Caller,
    Company,
    Data,
    Json,
    RequestId,
    company_in,
    connect,
    parent_of,
    reservation_name,
)
from services.cli.outcome import Failed
from services.cli.tables import out
from services.cli.tariff import asked
from services.cli.times import from_timestamp, show_duration, show_time
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def check_in(
    name: Name,
    present: Annotated[int, typer.Option(min=0, help="Of a class: how many are there now, all together.")] = 0,
    who: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="Of a class: who came; repeatable.")
    ] = None,
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Say that somebody has come to use a reservation, or who of a class; what nobody comes to is given back."""
    with connect(data, caller, company_in(name)) as client:
        request = api.CheckInRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
            present=present,
            ids=who or (),
        )
        answer(client, client.scheduler.CheckIn, request, {}, as_json)


def conduct(company: Company = "", data: Data = None, caller: Caller = "", as_json: Json = False) -> None:
    """Show a company's record: strikes, suspension, trainings, reliability."""
    with connect(data, caller, company) as client:
        request = api.GetConductRequest(parent=parent_of(client.connection, company))
        found = client.read(client.scheduler.GetConduct, request)
        zone = client.zone
    show_conduct(found, zone, as_json)


def qualify(
    company: Annotated[str, typer.Argument(metavar="COMPANY", help="Whose people were trained.")],
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="For which piece of equipment.")],
    until: Annotated[str, typer.Option(metavar="TIME", help="When the training expires.")] = "",
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Since when; now if not given.")] = "",
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the training back.")] = False,
    reason: Reason = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Record that a company's people are trained for a piece of equipment, or take it back. Operators only."""
    if bool(until) == revoke:
        raise Failed("give either --until TIME or --revoke")
    item = f"resources/{resource_id(resource)}"

    def request(client: Client) -> api.GrantQualificationRequest | api.RevokeQualificationRequest:
        if revoke:
            return api.RevokeQualificationRequest(parent=parent(company), resource=item, reason=reason)
        start_time, end_time = moment(client, start or "now"), moment(client, until)
        training = api.Qualification(resource=item, start_time=start_time, end_time=end_time)
        return api.GrantQualificationRequest(parent=parent(company), qualification=training)

    change_record(Asking(dry_run, request_id, data, caller, as_json), request)


def forgive(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Take back the strike for a reservation, and the suspension that it carried. Operators only."""
    change_record(
        Asking(dry_run, request_id, data, caller, as_json),
        lambda client: api.ForgiveStrikeRequest(name=reservation_name(client.connection, name), reason=reason),
    )


def terms(
    publish: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Publish these terms; operators only.", dir_okay=False)
    ] = None,
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Show the terms that hold for everybody, or publish new ones."""
    with connect(data, caller) as client:
        if publish is None:
            found = client.read(client.scheduler.GetTerms, api.GetTermsRequest())
        else:
            request = api.PublishTermsRequest(
                terms=read_terms(publish, client.zone),
                request_id=checked_request_id(request_id),
                validate_only=dry_run,
            )
            found = asked(client, client.scheduler.PublishTerms, request, as_json)
        zone = client.zone
    if as_json:
        print_json(document(found))
    else:
        show_terms(found, zone)


def show_terms(found: api.Terms, zone: tzinfo) -> None:
    """The terms in sentences."""
    out.print(f"In effect from {show_time(from_timestamp(found.effective_time), zone)} on.")
    window, most = show_duration(found.extend_window.ToTimedelta()), show_duration(found.extend_max.ToTimedelta())
    out.print(f"An active reservation is extended in its last {window}, by at most {most} at a time.")
    out.print(f"One checks in at most {show_duration(found.check_in_early.ToTimedelta())} before the start.")
    if found.overburn_percent > 100:
        out.print(f"Of a quota of compute {found.overburn_percent} % may be booked in all.")
    if found.HasField("idle"):
        spared = f", but for {', '.join(found.idle.exempt)}" if found.idle.exempt else ""
        out.print(
            f"Compute that is used less than {found.idle.below_percent} % over"
            f" {show_duration(found.idle.window.ToTimedelta())} is given back"
            f" {show_duration(found.idle.warning.ToTimedelta())} after a warning{spared}."
        )
    for late in found.arrears:
        after = f"A bill that has been overdue for {late.months} months"
        if late.surcharge_percent:
            out.print(f"{after} costs {late.surcharge_percent} % more.")
        if late.suspends:
            out.print(f"{after} suspends a company from booking until it is paid.")
    if found.misuse_revokes:
        out.print("Whoever misuses what it has loses all of it, and books nothing more until that is lifted.")
    if found.HasField("no_process"):
        spared = f", but for {', '.join(found.no_process.exempt)}" if found.no_process.exempt else ""
        out.print(
            f"Compute on which no process runs for {show_duration(found.no_process.grace.ToTimedelta())} from its start"
            f" is given back as a no-show{spared}."
        )
    for row in found.reclaim.rows:
        out.print(
            f"After {row.at_percent} % of an agreement, whoever has booked less than {row.below_percent} % of a grant"
            f" of compute loses {row.remove_percent} % of the rest."
        )
    if found.reclaim.rows:
        reviews, spared = (
            found.reclaim,
            f", and spares {', '.join(found.reclaim.exempt)}" if found.reclaim.exempt else "",
        )
        out.print(
            f"That is announced {show_duration(reviews.notice.ToTimedelta())} before, not done in the first"
            f" {show_duration(reviews.grace.ToTimedelta())} of an agreement{spared}."
        )
        if reviews.to_reserve:
            out.print("What is lost goes to the reserve of the company's programme: `aidc reserve` shows it.")
    for rule in found.strike_rules:
        out.print(
            f"{rule.strikes} strikes within {rule.window.ToTimedelta().days} days suspend from booking equipment for"
            f" {rule.suspension.ToTimedelta().days} days."
        )
