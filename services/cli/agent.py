"""`aidc agent`: say how busy this node is, again and again, or look once."""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from services.agent.driver import Driver, NoDriver
from services.agent.observer import Observer
from services.agent.recorded import append_reports
from services.cli.connection import DATA_DEFAULT, read_endpoints
from services.cli.documents import print_json_line
from services.cli.options import Json
from services.cli.outcome import Failed, because
from services.cli.tables import out, table
from services.eventlog.use import NodeUse

Node = Annotated[
    str, typer.Option("--node", metavar="ID", help="The node's id in the catalogue; its host name unless given.")
]
Accelerators = Annotated[int | None, typer.Option(min=0, help="How many must be there; 0 for a node without any.")]
Recorded = Annotated[Path | None, typer.Option(metavar="FILE", help="Play a trace instead of reading a machine.")]
Record = Annotated[Path | None, typer.Option(metavar="FILE", help="Write every report to this file too.")]
Once = Annotated[bool, typer.Option("--once", help="Read for one interval, print it, and end; NATS is not asked.")]
AgentData = Annotated[
    Path | None,
    typer.Option("--data", help="The folder that `aidc up` runs on; without it AIDC_NATS_URL, or ./data."),
]


def agent(
    node: Node = "",
    interval: Annotated[float, typer.Option(help="Seconds between two reports, from 1 to 20.")] = 15.0,
    accelerators: Accelerators = None,
    recorded: Recorded = None,
    seed: Annotated[int | None, typer.Option(help="Play a trace that is drawn from this number.")] = None,
    record: Record = None,
    once: Once = False,
    centre: Annotated[str, typer.Option(metavar="NAME", help="The centre that the node belongs to.")] = "mudeung-ai",
    data: AgentData = None,
    as_json: Json = False,
) -> None:
    """Report how busy the accelerators and the processor of this node are; Ctrl-C ends."""
    # NATS takes longer to import than most commands take to run.
    from services.agent.app import Count, Interval, NodeName, Settings, drivers_of, run
    from services.runtime import lifecycle, logs
    from services.runtime.settings import NatsUrl, read_centre

    if recorded is not None and seed is not None:
        raise Failed("--recorded and --seed are two traces: give one of them")
    try:
        told = Settings(
            nats_url=NatsUrl(""),
            centre=read_centre(centre),
            node=NodeName.parse(node) if node else NodeName(""),
            interval_seconds=Interval.parse(str(interval)),
            accelerators=None if accelerators is None else Count(accelerators),
            recorded=recorded,
            seed=seed,
            record=record,
        )
    except ValueError as wrong:
        raise Failed(f"--node, --interval or --centre {wrong}") from wrong
    if once:
        try:
            reports = look_once(drivers_of(told), told.interval_seconds)
            if record is not None:
                append_reports(record, reports)
        except NoDriver as problem:
            raise Failed(str(problem)) from problem
        for report in reports:
            show(report, as_json)
        return
    told = replace(told, nats_url=NatsUrl(nats_url(data)))
    logs.configure("agent")
    raise typer.Exit(lifecycle.run(lambda stop: run(told, stop)))


def nats_url(data: Path | None) -> str:
    """Where NATS is: as the data folder says, else AIDC_NATS_URL or the file that AIDC_NATS_URL_FILE names."""
    if data is None and (told := told_by(os.environ)):
        return told
    folder = data or DATA_DEFAULT
    endpoints = read_endpoints(folder)
    if endpoints is None:
        raise Failed(f"no centre runs on {folder}: start one with `aidc up --data {folder}`, or set AIDC_NATS_URL")
    return str(endpoints["nats"])


def told_by(environ: Mapping[str, str]) -> str:
    """The address in the environment, or an empty string."""
    file = environ.get("AIDC_NATS_URL_FILE", "")
    try:
        return environ.get("AIDC_NATS_URL", "") or (Path(file).read_text(encoding="utf-8").strip() if file else "")
    except OSError as problem:
        raise Failed(f"cannot read AIDC_NATS_URL_FILE: {because(problem)}") from problem


def look_once(drivers: Mapping[str, Driver], seconds: float) -> list[NodeUse]:
    """Read for so long; give what was seen of each node."""
    observer = Observer(drivers, time.time)
    time.sleep(seconds + 1)  # Reports are about whole seconds.
    return observer.look()


def show(report: NodeUse, as_json: bool) -> None:
    """Print one report."""
    if as_json:
        print_json_line(to_builtins(report))
        return
    made = table("node", "device", "busy", "memory", "processes", right=("busy", "memory", "processes"))
    counts = report.processes or (None,) * len(report.accelerators)
    for number, (busy, memory, count) in enumerate(zip(report.accelerators, report.memory, counts, strict=True)):
        processes = "unknown" if count is None else str(count)
        made.add_row(report.node, f"accelerator {number}", per_cent(busy), per_cent(memory), processes)
    made.add_row(report.node, "processor", per_cent(report.processor), per_cent(report.host_memory), "")
    out.print(made)
    out.print(f"Read for {report.end - report.start} s by {report.source}.")


def per_cent(rate: int | None) -> str:
    """Such as `97.5 %`."""
    return "unknown" if rate is None else f"{rate / 10:.1f} %"
