"""`aidc ledger`: look after the books. Where the ledger's own program does the work, this shows how far it is."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.audit.keys import PRIVATE
from services.cli.client import Client
from services.cli.connection import DATA_DEFAULT, read_endpoints
from services.cli.documents import print_json
from services.cli.options import EVERY_COMPANY, Caller, Company, Data, Json, connect, parent_of
from services.cli.outcome import Failed
from services.cli.tables import err, out
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api


class Table(StrEnum):
    """What can be taken home."""

    TRANSFERS = "transfers"
    RESERVATIONS = "reservations"
    EVENTS = "events"


TABLES = {
    Table.TRANSFERS: ledger_api.BOOKS_TABLE_TRANSFERS,
    Table.RESERVATIONS: ledger_api.BOOKS_TABLE_RESERVATIONS,
    Table.EVENTS: ledger_api.BOOKS_TABLE_EVENTS,
}
PHASES = {"folding": "Folding the log, pages", "comparing": "Comparing, tables"}

app = typer.Typer(name="ledger", help="Look after the ledger's books.", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """Look after the ledger's books."""


@app.command()
def rebuild(
    even_if_different: Annotated[
        bool, typer.Option("--even-if-different", help="Exchange tables that turn out not to be the fold of the log.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make all tables anew from the log, beside those that live, compare the two, and exchange them.

    The ledger goes on answering and following. Without --data, AIDC_NATS_URL and AIDC_POSTGRES_DSN say where they are.
    """
    command = [sys.executable, "-m", "services.ledger.app", "--rebuild"]
    if even_if_different:
        command.append("--even-if-different")
    with subprocess.Popen(
        command, env=_environment(data, os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        rebuilt = _watch(_lines(process))
        said = process.stderr.read() if process.stderr else ""
    if process.returncode or not rebuilt:
        raise Failed(f"the books are as they were: {_reason(said)}")
    if as_json:
        print_json(rebuilt)
        return
    out.print(_summary(rebuilt), markup=False, soft_wrap=True)


@app.command()
def archive(
    month: Annotated[str, typer.Argument(metavar="MONTH", help="A month that is over and closed, such as 2026-03.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where it goes; the folder is made.")],
    detach: Annotated[
        bool, typer.Option("--detach", help="Then let the month leave the tables; FOLDER may hold it already.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write a month's pages and events to files with their proofs, and read them back.

    `aidc audit verify FOLDER` verifies them offline. Without --data, AIDC_POSTGRES_DSN and AIDC_CHECKPOINT_KEY
    say where the tables and the key are.
    """
    arguments = ["--archive", month, str(folder), *(["--detach"] if detach else [])]
    done = _work(arguments, data, "nothing was archived")
    if as_json:
        print_json(done)
        return
    out.print(
        f"{done['month']}: {done['pages']:,} pages and {done['events']:,} events in {done['folder']},"
        f" {done['bytes']:,} bytes, read back and verified.",
        markup=False,
        soft_wrap=True,
    )
    if detach:
        told = "They have left the tables. What needs them says so; this brings them back: aidc ledger restore"
        out.print(f"{told} {done['folder']}", markup=False, soft_wrap=True)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The archive of a month that left the tables.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put an archived month back into the tables, once every row of it is verified against the tree that stayed."""
    done = _work(["--restore", str(folder)], data, "nothing was brought back")
    if as_json:
        print_json(done)
        return
    told = f"{done['month']} is in the tables again: {done['pages']:,} pages and {done['events']:,} events, verified."
    out.print(told, markup=False, soft_wrap=True)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where TABLE.parquet goes; it is made if need be.")],
    table: Annotated[list[Table], typer.Option("--table", help="Only this one; may be repeated.")] = [],  # noqa: B006
    known_at: Annotated[int, typer.Option("--known-at", min=0, metavar="POSITION", help="As known there.")] = 0,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Take transfers, reservations and events home as Parquet files: a company's, or for operators the centre's."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with connect(data, caller, company) as client:
        for chosen in table or list(Table):
            request = ledger_api.ExportTableRequest(
                name=parent_of(client.connection, company) if company or client.connection.company else EVERY_COMPANY,
                table=TABLES[chosen],
                known_at=0 if chosen is Table.RESERVATIONS else known_at,
            )
            written.append(_download(client, request, folder / f"{chosen.value}.parquet"))
    if as_json:
        print_json({"files": written})
        return
    for each in written:
        out.print(f"{each['file']}: {each['rows']:,} rows, as of position {each['position']:,}", soft_wrap=True)


def _work(arguments: Sequence[str], data: Path | None, otherwise: str) -> dict[str, Any]:
    """Let the ledger's program do something; give what it tells. Raises `Failed`."""
    ended = subprocess.run(
        [sys.executable, "-m", "services.ledger.app", *arguments],
        env=_environment(data, os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise Failed(f"{otherwise}: {_reason(ended.stderr)}")
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def _download(client: Client, request: ledger_api.ExportTableRequest, path: Path) -> dict[str, Any]:
    """Write one file, whole or not at all."""
    part = path.with_suffix(".part")
    rows = position = 0
    try:
        with part.open("wb") as file:
            for piece in client.stream(client.ledger.ExportTable, request):
                file.write(piece.data)
                rows, position = piece.rows, piece.position
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return {"file": str(path), "rows": rows, "position": position}


def _environment(data: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Where the log and the tables are. Passwords go by files that only their owner reads."""
    told = {"AIDC_NATS_URL", "AIDC_NATS_URL_FILE", "AIDC_POSTGRES_DSN", "AIDC_POSTGRES_DSN_FILE"} & environ.keys()
    if data is None and told:
        return dict(environ)
    folder = data or DATA_DEFAULT
    endpoints = read_endpoints(folder)
    if endpoints is None:
        raise Failed(f"no centre runs on {folder}: start one with `aidc up --data {folder}`, or set AIDC_NATS_URL")
    return {
        **environ,
        "AIDC_CENTRE": endpoints["centre"],
        "AIDC_NATS_URL_FILE": str((folder / "nats-url").absolute()),
        "AIDC_POSTGRES_DSN_FILE": str((folder / "postgres-dsn").absolute()),
        "AIDC_CHECKPOINT_KEY": str((folder / "keys" / PRIVATE).absolute()),
    }


def _lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def _watch(reports: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Show bars for as long as it lasts; give the last word, or nothing if there was none."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as bars:
        shown: dict[str, TaskID] = {}
        for report in reports:
            phase = report.pop("phase")
            if phase == "done":
                return report
            if phase not in shown:
                shown[phase] = bars.add_task(PHASES[phase], total=report["end"])
            bars.update(shown[phase], completed=report["done"], total=report["end"])
    return {}


def _summary(rebuilt: Mapping[str, Any]) -> str:
    events, tables = rebuilt["checkpoint"]["number"], len(rebuilt["digests"])
    made = f"{tables} tables are made anew from {events:,} events, and live from position {rebuilt['position']:,} on."
    same = len(rebuilt["compared"]) - len(rebuilt["differing"])
    if rebuilt["returned"]:
        months = ", ".join(rebuilt["returned"])
        made += f" {months} had left to archives, and came back from the log: archive them again to let them leave."
    if rebuilt["differing"]:
        return f"{made} {same} were as before; not the fold of the log were: {', '.join(rebuilt['differing'])}."
    return f"{made} {same} of them were compared with those before: all equal."


def _reason(said: str) -> str:
    """The last thing that the program's log says."""
    for line in reversed(said.splitlines()):
        try:
            event = json.loads(line)
        except ValueError:
            return line
        if "message" in event or "problems" in event:
            return str(event.get("message") or "; ".join(event["problems"]))
    return "it was ended"
