"""`aidc exempt`: the next review of a company's grants passes it by."""

from typing import Annotated

import typer

from services.cli.booking import DryRun
from services.cli.conduct import Asking, change_record, parent
from services.cli.options import Caller, Data, Json, RequestId
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
    change_record(
        Asking(dry_run, request_id, data, caller, as_json),
        lambda _: api.ExemptFromReviewRequest(parent=parent(company), reason=because),
    )
