"""`aidc reserve`: the hours that reviews took back for each programme, and how many of them were given again."""

from typing import Annotated

import typer

from services.cli.booking import units_of
from services.cli.client import Client
from services.cli.demands import hour_unit
from services.cli.documents import document, print_json
from services.cli.options import Caller, Data, Json, connect
from services.cli.tables import Units, hours_text, out, plain_id, table
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

PAGE_SIZE_MAX = 500


def reserve(
    programme: Annotated[str, typer.Option(metavar="ID", help="Only of this programme, such as academy.")] = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """List what reviews returned to each programme, what was given of it, and what is left. Operators and auditors.

    `aidc correct COMPANY --hours H --of METER --from-reserve` gives hours out of it.
    """
    with connect(data, caller) as client:
        found = every_reserve(client, programme)
        units = units_of(client) if found else {}
    if as_json:
        print_json({"reserves": [document(each) for each in found]})
    elif found:
        print_reserves(found, units)
    else:
        whose = f"the programme {programme}" if programme else "any programme"
        out.print(f"No review has returned hours to {whose} yet.")


def every_reserve(client: Client, programme: str) -> list[api.Reserve]:
    """All pages of an answer."""
    request = api.ListReservesRequest(programme=programme, page_size=PAGE_SIZE_MAX)
    found: list[api.Reserve] = []
    while True:
        page = client.read(client.scheduler.ListReserves, request)
        found += page.reserves
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def print_reserves(found: list[api.Reserve], units: Units) -> None:
    """A meter of a programme a row, in unit-hours; milli-GPUs as GPUs."""
    made = table("programme", "meter", "in", "returned", "given", "left", right=("returned", "given", "left"))
    for each in found:
        amounts = each.returned_unit_seconds, each.given_unit_seconds, each.left_unit_seconds
        made.add_row(
            each.programme,
            plain_id(each.meter),
            hour_unit(units.get(plain_id(each.meter))),
            *(hours_text(amount, each.meter, units) for amount in amounts),
        )
    out.print(made)
