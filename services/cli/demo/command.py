"""`aidc demo`: starts a fresh centre, replays a workload, plays a story, and checks that every view agrees."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import Json
from services.cli.outcome import DONE, FAILED

Trace = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="A trace of jobs or of bookings, .csv or .csv.gz; without it a synthetic workload.",
    ),
]
PartNumber = Annotated[
    int,
    typer.Option("--part", min=1, metavar="N", help="Which part of the trace: each takes about a minute."),
]
Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Keep the log that was written, as `aidc audit export` does."),
]


def demo(trace: Trace = None, part: PartNumber = 1, log: Log = None, as_json: Json = False) -> None:
    """Show the main job end to end on a fresh centre, then stop. Exit status 1 if two views disagree."""
    # The embedded servers take longer to import than most commands take to run.
    from services.cli.demo.show import show

    if part > 1 and trace is None:
        raise typer.BadParameter("only a --trace has parts", param_hint="--part")
    agreed = show(trace, part, log, as_json)
    raise typer.Exit(DONE if agreed else FAILED)
