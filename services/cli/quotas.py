"""`aidc quotas` and `aidc token`: what a company may still book, and the token that proves who asks."""

from typing import Annotated

import typer

from services.cli.booking import units_of
from services.cli.client import Client
from services.cli.demands import hour_unit
from services.cli.documents import document, print_json
from services.cli.options import Caller, Company, Data, Json, connect, parent_of
from services.cli.tables import Units, hours_text, out, plain_id, table
from services.cli.times import from_timestamp, parse_time, show_interval, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

PAGE_SIZE_MAX = 500
MILLI = 1000


def quotas(
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Only periods that end after this.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Only periods that start before this.")] = "",
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """List what a company may hold in each period, and how much of that is booked."""
    with connect(data, caller, company) as client:
        now = client.now
        request = api.ListQuotasRequest(
            parent=parent_of(client.connection, company),
            page_size=PAGE_SIZE_MAX,
            start_time=to_timestamp(parse_time(start, now, client.zone)) if start else None,
            end_time=to_timestamp(parse_time(until, now, client.zone)) if until else None,
        )
        found = every_quota(client, request)
        if as_json:
            print_json({"quotas": [document(quota) for quota in found]})
            return
        print_quotas(client, found, units_of(client))


def every_quota(client: Client, request: api.ListQuotasRequest) -> list[api.Quota]:
    """All pages of an answer."""
    found: list[api.Quota] = []
    while True:
        page = client.read(client.scheduler.ListQuotas, request)
        found += page.quotas
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def print_quotas(client: Client, found: list[api.Quota], units: Units) -> None:
    """One period of a meter a row, in unit-hours; milli-GPUs as GPUs."""
    made = table(
        *("meter", "in", "period", "granted", "reclaimed", "booked", "left", "at once"),
        right=("granted", "reclaimed", "booked", "left", "at once"),
    )
    for quota in found:
        left = quota.unit_seconds - quota.booked_unit_seconds
        made.add_row(
            plain_id(quota.meter),
            hour_unit(units.get(plain_id(quota.meter))),
            show_interval(from_timestamp(quota.start_time), from_timestamp(quota.end_time), client.zone),
            *(
                hours_text(amount, quota.meter, units)
                for amount in (quota.unit_seconds, quota.reclaimed_unit_seconds, quota.booked_unit_seconds, left)
            ),
            at_once_text(quota, units),
        )
    out.print(made)


def at_once_text(quota: api.Quota, units: Units) -> str:
    """`64`, or `4` where 4,000 milli-GPUs are meant; nothing without a limit."""
    scale = MILLI if units.get(plain_id(quota.meter)) == api.RESOURCE_UNIT_MILLI_GPU else 1
    return f"{quota.concurrent_units_max / scale:,g}" if quota.concurrent_units_max else ""


def token(data: Data = None, caller: Caller = "") -> None:
    """Print the token of --as WHO. It is good for a day, and whoever has it is WHO: show it to nobody."""
    with connect(data, caller) as client:
        print(client.connection.token)
