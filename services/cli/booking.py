"""`aidc book`, `aidc cancel` and `aidc release`: a reservation is asked for, given back, or ended early."""

import uuid
from typing import Annotated, Any, NoReturn

import typer

from services.cli.client import Client
from services.cli.completion import complete_resource
from services.cli.demands import COLOCATIONS, parse_line, parse_shape, resource_id, unknown_resource
from services.cli.documents import document, print_json, refusal_document
from services.cli.one_reservation import print_reservation
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
from services.cli.outcome import REFUSED, Failed, Refused
from services.cli.tables import Units, out, plain_id, print_refusal
from services.cli.times import parse_duration, parse_time, to_duration, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

Lines = Annotated[
    list[str],
    typer.Argument(
        metavar="RESOURCE[:UNITS]...",
        help="What to book, all together: M01, h100-train:16, a100-dev:0.5gpu; M04+operator has somebody run it.",
        autocompletion=complete_resource,
    ),
]
Duration = Annotated[str, typer.Option(help="How long: 2h, 90m, 1d.")]
PerNode = Annotated[
    int, typer.Option(min=0, show_default=False, help="A gang of equal parts of so many units, one a node.")
]
Together = Annotated[str, typer.Option(help=f"How close the nodes must stand: {', '.join(COLOCATIONS)}.")]
Name = Annotated[str, typer.Argument(metavar="RESERVATION", help="companies/C/reservations/R, C/R, or R.")]
Reason = Annotated[str, typer.Option("--reason", "--because", help="Why, for people.")]
WhyBack = Annotated[str, typer.Option("--reason", "--because", help="Why, for people; an operator must say.")]
People = Annotated[
    int, typer.Option(min=0, show_default=False, help="A class of so many people; there must be room for all.")
]
Who = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="ID", help="A pseudonym for one of the class, never a name; repeatable."),
]
Hold = Annotated[str, typer.Option(metavar="DURATION", help="Hold it for so long, at most 15m, and do not book yet.")]
CONDITIONS = {"good": api.CONDITION_GOOD, "worn": api.CONDITION_WORN, "damaged": api.CONDITION_DAMAGED}
DryRun = Annotated[bool, typer.Option("--dry-run", help="Decide and explain, but change nothing.")]


def book(
    lines: Lines,
    start: Annotated[str, typer.Option(help="2026-03-04 09:00 (centre's time), with offset, tomorrow 09:00, +3h.")],
    duration: Duration,
    company: Company = "",
    note: Annotated[str, typer.Option(help="For people, at most 500 characters.")] = "",
    per_node: PerNode = 0,
    together: Together = "anywhere",
    hold: Hold = "",
    people: People = 0,
    who: Who = None,
    override: Annotated[
        list[str] | None,
        typer.Option(metavar="REASON", help="Break this rule, such as NOTICE_TOO_SHORT; operators only, repeatable."),
    ] = None,
    because: Annotated[
        str, typer.Option("--because", "--reason", metavar="TEXT", help="Why --override is right here; it is recorded.")
    ] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Book every line of a demand, together or not at all; with --hold, hold it until `aidc confirm`."""
    with connect(data, caller, company) as client:
        demand, units = read_lines(client, lines, per_node, together)
        reservation = api.Reservation(
            lines=demand,
            start_time=to_timestamp(parse_time(start, client.now, client.zone)),
            duration=to_duration(parse_duration(duration)),
            note=note,
            participants=participants_of(people, who),
        )
        request = api.CreateReservationRequest(
            parent=parent_of(client.connection, company),
            reservation=reservation,
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
            hold=to_duration(parse_duration(hold)) if hold else None,
            override_reasons=override or (),
            justification=because,
        )
        answer(client, client.scheduler.CreateReservation, request, units, as_json)


def confirm(
    name: Name,
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Take an offer that is held, before it expires."""
    with connect(data, caller, company_in(name)) as client:
        request = api.ConfirmReservationRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        answer(client, client.scheduler.ConfirmReservation, request, {}, as_json)


def cancel(
    name: Name,
    reason: WhyBack = "",
    excused: Annotated[bool, typer.Option("--excused", help="Free, and no strike; operators only.")] = False,
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Give a reservation back before it starts."""
    with connect(data, caller, company_in(name)) as client:
        request = api.CancelReservationRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            reason=reason,
            excused=excused,
            validate_only=dry_run,
        )
        answer(client, client.scheduler.CancelReservation, request, {}, as_json)


def release(
    name: Name,
    reason: WhyBack = "",
    condition: Annotated[str, typer.Option(help="How the equipment was left: good, worn, damaged.")] = "",
    hand_over: Annotated[str, typer.Option(help="What whoever comes next should know.")] = "",
    excused: Annotated[bool, typer.Option("--excused", help="Free, and no strike; operators only.")] = False,
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """End an active reservation early and give the rest back, which costs what giving it back late does."""
    with connect(data, caller, company_in(name)) as client:
        request = api.ReleaseReservationRequest(
            name=reservation_name(client.connection, name),
            request_id=checked_request_id(request_id),
            reason=reason,
            condition=read_condition(condition),
            hand_over=hand_over,
            excused=excused,
            validate_only=dry_run,
        )
        answer(client, client.scheduler.ReleaseReservation, request, {}, as_json)


def read_condition(text: str) -> "api.Condition.ValueType":
    """How equipment was left, by its name."""
    if not text:
        return api.CONDITION_UNSPECIFIED
    if text not in CONDITIONS:
        raise Failed(f"the condition {text!r} is none of {', '.join(CONDITIONS)}")
    return CONDITIONS[text]


def answer(client: Client, method: Any, request: Any, units: Units, as_json: bool) -> None:
    """Ask for a change and show the yes or the no; a no ends with exit status 2."""
    try:
        reservation = client.change(method, request)
    except Refused as refused:
        end_refused(client, refused, request.request_id, units, as_json)
    if as_json:
        print_json({**document(reservation), "request_id": request.request_id})
        return
    if request.validate_only:
        out.print("This would be granted; nothing was changed.\n")
    print_reservation(reservation, units or units_of(client), client.zone)


def end_refused(client: Client, refused: Refused, request_id: str, units: Units, as_json: bool) -> NoReturn:
    """Show a no, and end with exit status 2."""
    if as_json:
        print_json({**refusal_document(refused), "request_id": request_id})
    else:
        print_refusal(refused, units or units_of(client), client.zone)
    raise typer.Exit(REFUSED) from None


def read_lines(
    client: Client, texts: list[str], per_node: int, together: str
) -> tuple[list[api.Line], dict[str, "api.ResourceUnit.ValueType"]]:
    """The lines of a demand, in the units of their resources, and what each resource counts in."""
    known = {plain_id(resource.name): resource for resource in client.resources()}
    for name in map(resource_id, texts):
        if name not in known:
            raise Failed(unknown_resource(name, known))
    shape = parse_shape(per_node, together)
    demand = [parse_line(text, known[resource_id(text)], shape) for text in texts]
    return demand, {name: resource.unit for name, resource in known.items()}


def units_of(client: Client) -> dict[str, "api.ResourceUnit.ValueType"]:
    """What each resource counts in."""
    return {plain_id(resource.name): resource.unit for resource in client.resources()}


def participants_of(people: int, who: list[str] | None) -> api.Participants | None:
    """The people of a class; None where there is none."""
    return api.Participants(count=people or len(who or ()), ids=who or ()) if people or who else None


def checked_request_id(text: str) -> str:
    """The UUID that was given, or a new one."""
    if not text:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(text))
    except ValueError as problem:
        raise Failed(f"the request id {text!r} is not a UUID") from problem
