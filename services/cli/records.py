"""`aidc check-in`, `aidc conduct`, `aidc qualify`, `aidc forgive`, `aidc terms`: who came, and what follows."""

from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer

from services.cli.booking import DryRun, Name, Reason, answer, checked_request_id
from services.cli.catalogue.terms import read_terms
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
from services.cli.tables import out, plain_id, table
from services.cli.tariff import asked
from services.cli.times import from_timestamp, parse_time, show_duration, show_interval, show_time, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

CAUSES = {api.Strike.CAUSE_NO_SHOW: "nobody came", api.Strike.CAUSE_LATE_CANCEL: "given back too late"}


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
    with connect(data, caller) as client:
        parent, item, identifier = (
            f"companies/{company}",
            f"resources/{resource_id(resource)}",
            checked_request_id(request_id),
        )
        if revoke:
            taken = api.RevokeQualificationRequest(
                parent=parent, resource=item, request_id=identifier, reason=reason, validate_only=dry_run
            )
            found = asked(client, client.scheduler.RevokeQualification, taken, as_json)
        else:
            now = client.now
            training = api.Qualification(
                resource=item,
                start_time=to_timestamp(parse_time(start or "now", now, client.zone)),
                end_time=to_timestamp(parse_time(until, now, client.zone)),
            )
            given = api.GrantQualificationRequest(
                parent=parent, qualification=training, request_id=identifier, validate_only=dry_run
            )
            found = asked(client, client.scheduler.GrantQualification, given, as_json)
        zone = client.zone
    show_conduct(found, zone, as_json)


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
    with connect(data, caller) as client:
        request = api.ForgiveStrikeRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            reason=reason,
            validate_only=dry_run,
        )
        found = asked(client, client.scheduler.ForgiveStrike, request, as_json)
        zone = client.zone
    show_conduct(found, zone, as_json)


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


def show_conduct(found: api.Conduct, zone: tzinfo, as_json: bool) -> None:
    """A company's record, for people or as JSON."""
    if as_json:
        print_json(document(found))
        return
    out.print(
        f"{plain_id(found.company)}: reliability {found.reliability:.0%}, {found.kept} kept, {found.missed} missed."
    )
    if found.HasField("suspended_until_time"):
        until = show_time(from_timestamp(found.suspended_until_time), zone)
        out.print(f"Suspended from booking equipment until {until}.", style="red")
    if found.HasField("misuse"):
        since = show_time(from_timestamp(found.misuse.time), zone)
        reference = f" ({found.misuse.reference})" if found.misuse.reference else ""
        revoked = "All that it had is revoked, and it books nothing more" if found.misuse.revokes else "A misuse"
        out.print(f"{revoked}, since {since}: {found.misuse.reason}{reference}", style="red", markup=False)
    for spared in found.exemptions:
        moment = show_time(from_timestamp(spared.review_time), zone)
        out.print(f"The review of its grants at {moment} passes it by: {spared.reason}", markup=False)
    if found.arrears:
        bills = table("bill of", "KRW", "was due", "reference", "", right=("KRW",))
        for bill in found.arrears:
            due = show_time(from_timestamp(bill.due_time), zone)
            bills.add_row(bill.month, f"{bill.krw:,}", due, bill.reference, "suspends" if bill.suspends else "")
        out.print(bills)
    if found.strikes:
        strikes = table("strike", "when", "for")
        for strike in found.strikes:
            strikes.add_row(
                plain_id(strike.reservation), show_time(from_timestamp(strike.time), zone), CAUSES[strike.cause]
            )
        out.print(strikes)
    if found.qualifications:
        trainings = table("trained for", "valid")
        for each in found.qualifications:
            valid = show_interval(from_timestamp(each.start_time), from_timestamp(each.end_time), zone)
            trainings.add_row(plain_id(each.resource), valid)
        out.print(trainings)
    if found.officers:
        officers = table("may act for it", "valid")
        for officer in found.officers:
            valid = show_interval(from_timestamp(officer.start_time), from_timestamp(officer.end_time), zone)
            officers.add_row(plain_id(officer.officer), valid)
        out.print(officers)


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
    for rule in found.strike_rules:
        out.print(
            f"{rule.strikes} strikes within {rule.window.ToTimedelta().days} days suspend from booking equipment for"
            f" {rule.suspension.ToTimedelta().days} days."
        )
