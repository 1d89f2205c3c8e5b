"""`aidc exempt`: the next review of a company's grants passes it by."""

from typing import Annotated

import typer

from services.cli.booking import DryRun, checked_request_id
from services.cli.options import COMPANIES, Caller, Data, Json, RequestId, connect
from services.cli.records import show_conduct
from services.cli.tariff import asked
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def exempt(
    company: Annotated[str, typer.Argument(metavar="COMPANY", help="Who asked for it, such as CMP-0001.")],
    because: Annotated[
        str, typer.Option("--because", "--reason", metavar="TEXT", help="Why: the company and its auditors read it.")
    ],
    dry_run: DryRun = False,
    request_id: RequestId = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Let the next review of a company's grants take nothing from it; in time, as `aidc terms` says. Operators only."""
    with connect(data, caller) as client:
        request = api.ExemptFromReviewRequest(
            parent=f"{COMPANIES}{company.removeprefix(COMPANIES)}",
            reason=because,
            request_id=checked_request_id(request_id),
            validate_only=dry_run,
        )
        found = asked(client, client.scheduler.ExemptFromReview, request, as_json)
        zone = client.zone
    show_conduct(found, zone, as_json)
