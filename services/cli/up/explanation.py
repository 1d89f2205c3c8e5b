"""What `aidc up` says once everything runs: what it is, where it is, and what to type next."""

import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.catalogue import Catalogue
from services.cli.connection import DATA_DEFAULT
from services.cli.up.centre import Centre

EXAMPLE_COMPANY = "CMP-0004"


def explain(console: Console, centre: Centre, catalogue: Catalogue, empty: bool, data: Path) -> None:
    """Print it."""
    console.print()
    content = (
        "nothing registered" if empty else f"{len(catalogue.resources)} resources, {len(catalogue.companies)} companies"
    )
    console.print(Text(f"{catalogue.centre} is running: {content}.", style="bold green"))
    console.print(addresses(centre, data))
    console.print("In another terminal:")
    for line, meaning in suggestions(program(), data):
        console.print(f"  {line}", style="cyan", soft_wrap=True)
        console.print(f"      {meaning}", style="dim", soft_wrap=True)
    console.print("\nCtrl-C stops everything; what was booked is kept in the folder.")


def addresses(centre: Centre, data: Path) -> Table:
    """What runs, and where."""
    made = Table(box=None, show_header=False, pad_edge=True)
    if centre.board is not None:
        made.add_row("board", f"http://{centre.board.web}/", "the centre in a browser: sign in with a token, see below")
    made.add_row("scheduler", centre.scheduler.grpc, "gRPC aidc.scheduler.v1: decides")
    made.add_row("ledger", centre.ledger.grpc, "gRPC aidc.ledger.v1: remembers and accounts")
    made.add_row("metrics", f"http://{centre.metrics.http}/metrics", "shows usage to Prometheus")
    if centre.prometheus is None:
        made.add_row("dashboards", "none", "no `prometheus` is installed: install one, or name it with --prometheus")
    elif centre.prometheus.running:
        made.add_row("dashboards", centre.prometheus.url, "Prometheus: rules, alerts and what was seen")
    made.add_row("log", centre.nats.address, "NATS JetStream: the truth")
    made.add_row("books", centre.postgres.address, "Postgres: what the ledger made of it")
    made.add_row("tokens", str(data / "endpoints.json"), "readable by you alone, good for a day")
    made.add_row("logs", str(data / "*" / "*.log"), "JSON lines")
    return made


def suggestions(command: str, data: Path) -> list[tuple[str, str]]:
    """What to type next, and what it does."""
    where = "" if data == DATA_DEFAULT else f" --data {data}"
    company = f" --as {EXAMPLE_COMPANY}{where}"
    return [
        (
            f"{command} token{company}",
            "the token to sign in to the board as this company; `--as operator` for an operator",
        ),
        (f"{command} resources{where}", "everything that can be booked"),
        (f"{command} search M01 M05 --duration 4h{company}", "when the driving simulator could be had with a cabin"),
        (f"{command} book h100-train:16 --start +4d --duration 1d{company}", "two whole GPU servers for a day"),
        (f"{command} list{where}", "what is booked; `show`, `cancel`, `statement`, `watch` and `top` go on from there"),
    ]


def program() -> str:
    """How the reader can call this program."""
    invoked = Path(sys.argv[0])
    if shutil.which("aidc") or not invoked.exists():
        return "aidc"
    path = invoked.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
