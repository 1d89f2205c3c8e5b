"""`aidc correct`: an operator credits a company with KRW or hours of a quota, or debits it."""

from enum import StrEnum
from typing import Annotated

import typer

from services.cli.booking import DryRun, checked_request_id, units_of
from services.cli.documents import document, print_json
from services.cli.options import Caller, Data, Json, RequestId, connect
from services.cli.tables import hours_text, out, plain_id, seconds_an_hour
from services.cli.tariff import asked
from services.cli.times import parse_time, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

EQUIPMENT = "equipment"
"""The one meter of all equipment."""


class Kind(StrEnum):
    """What a correction is for."""

    COMPENSATION = "compensation"
    GOODWILL = "goodwill"
    ERROR = "error"


def correct(
    company: Annotated[str, typer.Argument(metavar="COMPANY", help="Whom it is for, or against.")],
    credit: Annotated[int, typer.Option(metavar="KRW", help="Give so much.", min=0)] = 0,
    debit: Annotated[int, typer.Option(metavar="KRW", help="Take so much.", min=0)] = 0,
    hours: Annotated[
        float, typer.Option(metavar="H", help="Give so many unit-hours of a quota instead; negative: take them.")
    ] = 0.0,
    of: Annotated[str, typer.Option(metavar="METER", help="The quota's pool, or `equipment`; with --hours.")] = "",
    at: Annotated[
        str, typer.Option(metavar="TIME", help="A time within the quota's period; now if it is not said.")
    ] = "",
    kind: Annotated[Kind, typer.Option("--for", help="What it is for.")] = Kind.ERROR,
    because: Annotated[
        str, typer.Option("--because", "--reason", metavar="TEXT", help="Why: the company and its auditors read it.")
    ] = "",
    from_reserve: Annotated[
        bool, typer.Option("--from-reserve", help="Give --hours out of the reserve of its programme: `aidc reserve`.")
    ] = False,
    reservation: Annotated[str, typer.Option(metavar="ID", help="The reservation that it is about, if any.")] = "",
    reverses: Annotated[str, typer.Option(metavar="ID", help="An earlier correction that it takes back.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Credit a company with KRW or hours of a quota, or debit it, and say why; nothing is edited. Operators only."""
    if sum(map(bool, (credit, debit, hours))) != 1:
        raise typer.BadParameter("one of --credit KRW, --debit KRW and --hours H says how much")
    if bool(hours) != bool(of):
        raise typer.BadParameter("--hours H and --of METER come together")
    if from_reserve and not hours:
        raise typer.BadParameter("--from-reserve gives hours: say --hours H and --of METER")
    parent = f"companies/{company}"
    request = api.PostCorrectionRequest(
        parent=parent,
        correction=api.Correction(
            krw=credit or -debit,
            from_reserve=from_reserve,
            meter=of if of in ("", EQUIPMENT) else f"resources/{plain_id(of)}",
            kind=api.Correction.Kind.Value(f"KIND_{kind.name}"),
            reason=because,
            reservation=f"{parent}/reservations/{plain_id(reservation)}" if reservation else "",
            reverses=f"{parent}/corrections/{plain_id(reverses)}" if reverses else "",
        ),
        request_id=checked_request_id(request_id),
        validate_only=dry_run,
    )
    with connect(data, caller) as client:
        units = units_of(client) if hours else {}
        if hours:
            request.correction.unit_seconds = round(hours * seconds_an_hour(of, units))
            if at:
                request.correction.quota_time.CopyFrom(to_timestamp(parse_time(at, client.now, client.zone)))
        made = asked(client, client.scheduler.PostCorrection, request, as_json)
    if as_json:
        print_json({**document(made), "request_id": request.request_id})
        return
    told = "would be" if dry_run else "is"
    much = f"{abs(made.krw):,} KRW"
    if made.unit_seconds:
        much = f"{hours_text(abs(made.unit_seconds), made.meter, units)} unit-hours of {plain_id(made.meter)}"
    positive = (made.unit_seconds or made.krw) > 0
    given = "credited" if positive else "debited"
    reserve = f" {'out of' if positive else 'for'} its programme's reserve" if made.from_reserve else ""
    out.print(f"{company} {told} {given} with {much}{reserve}: {made.reason}")
    if made.name:
        out.print(f"It is the correction {plain_id(made.name)}, at position {made.position:,}.")
