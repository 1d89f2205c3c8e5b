"""A company's record: asked to be changed by operators, and shown."""

from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.booking import checked_request_id
from services.cli.client import Client
from services.cli.documents import document, print_json
from services.cli.options import COMPANIES, connect
from services.cli.tables import out, plain_id, table
from services.cli.tariff import asked
from services.cli.times import from_timestamp, parse_time, show_interval, show_time, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

CAUSES = {api.Strike.CAUSE_NO_SHOW: "nobody came", api.Strike.CAUSE_LATE_CANCEL: "given back too late"}


class Asking(NamedTuple):
    """How a change is asked for: the options that all such commands have."""

    dry_run: bool
    request_id: str
    data: Path | None
    caller: str
    as_json: bool


def change_record(asking: Asking, make: Callable[[Client], Any]) -> None:
    """Ask for a change of a company's record, and show the record then. A no is shown, and ends with exit status 2.

    `make` gives the request, but for what every request has; its type says which method takes it.
    """
    with connect(asking.data, asking.caller) as client:
        request = make(client)
        request.request_id, request.validate_only = checked_request_id(asking.request_id), asking.dry_run
        method = getattr(client.scheduler, type(request).__name__.removesuffix("Request"))
        found = asked(client, method, request, asking.as_json)
        zone = client.zone
    show_conduct(found, zone, asking.as_json)


def parent(company: str) -> str:
    """`companies/CMP-0001`, as which a company may also be given."""
    return f"{COMPANIES}{company.removeprefix(COMPANIES)}"


def moment(client: Client, text: str) -> Timestamp:
    """A time as it is typed, by the centre's clock. Raises `Unreadable`."""
    return to_timestamp(parse_time(text, client.now, client.zone))


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
