"""`aidc up`: start the centre, fill it from its catalogue, say what runs and what to type, and stop it cleanly."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.cli.catalogue import CENTRE_FOLDER, read_catalogue
from services.cli.options import Json
from services.cli.outcome import Failed
from services.cli.tables import err

Port = Annotated[int, typer.Option(min=0, max=65535, help="0 is a free one.")]


def up(
    data: Annotated[Path, typer.Option("--data", help="The folder that holds everything.")] = Path("data"),
    empty: Annotated[bool, typer.Option("--empty", help="Register nothing.")] = False,
    centre: Annotated[
        Path, typer.Option(metavar="FOLDER", show_default="deploy/centre", help="The catalogue to load.")
    ] = CENTRE_FOLDER,
    clock: Annotated[
        str,
        typer.Option(metavar="START@SPEED[/UNTIL]", help="Simulated time, such as 2026-03-03T09:00:00+09:00@60."),
    ] = "",
    prometheus: Annotated[
        str,
        typer.Option(
            metavar="PROGRAM", show_default="the installed one, if any", help="What to watch the centre with."
        ),
    ] = "",
    port_scheduler: Port = 0,
    port_ledger: Port = 0,
    port_metrics: Port = 0,
    port_board: Port = 0,
    port_nats: Port = 0,
    port_postgres: Port = 0,
    as_json: Json = False,
) -> None:
    """Run the whole centre here, in the foreground; Ctrl-C stops it."""
    # The embedded servers take longer to import than most commands take to run.
    from services.cli.up.centre import Centre, Ports
    from services.cli.up.folder import DataFolder
    from services.cli.up.serve import serve
    from services.runtime.embedded.prometheus import binary

    ports = Ports(
        scheduler=port_scheduler,
        ledger=port_ledger,
        metrics=port_metrics,
        board=port_board,
        nats=port_nats,
        postgres=port_postgres,
    )
    catalogue = read_catalogue(centre)
    watcher = binary(prometheus)
    if prometheus and watcher is None:
        raise Failed(f"there is no program {prometheus}: give the path of a Prometheus, or leave --prometheus out")
    with DataFolder(data) as folder:
        whole = Centre(folder, catalogue.centre, clock, ports, watched=True, prometheus=watcher)
        asyncio.run(serve(whole, catalogue, empty, data, as_json))
    err.print("Stopped; nothing is left running.")
