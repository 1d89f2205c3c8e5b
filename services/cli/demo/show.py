"""The demonstration from the stage's edge: what is about to happen, the performance, and what it has to tell."""

import asyncio
import shutil
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from services.cli.catalogue import CENTRE_FOLDER, Catalogue, read_catalogue
from services.cli.demo.clock import Simulation
from services.cli.demo.play import Outcome, Play
from services.cli.demo.report import (
    heading,
    print_agreement,
    print_statement,
    print_story,
    print_tally,
)
from services.cli.demo.trace import Job, read_jobs, synthetic_jobs
from services.cli.documents import document, print_json
from services.cli.outcome import Failed
from services.cli.tables import err, out, plain_id
from services.cli.times import show_time
from services.cli.up.folder import DataFolder

START = datetime.fromisoformat("2026-03-03T09:00:00+09:00")
DAYS = 6
SPEED = 25_920
"""Six days pass in twenty seconds."""


def show(trace: Path | None, as_json: bool) -> bool:
    """Show the main job end to end; whether all views agree. Raises `Failed`."""
    begun = time.monotonic()
    jobs = synthetic_jobs() if trace is None else read_jobs(trace)
    catalogue = read_catalogue(CENTRE_FOLDER)
    simulation = Simulation(start=START, end=START + timedelta(days=DAYS), speed=SPEED)
    introduce(err, jobs, trace, simulation, catalogue)
    outcome = play_in_fresh_folder(jobs, catalogue, simulation)
    if as_json:
        print_json(outcome_document(outcome))
    else:
        print_outcome(out, outcome, catalogue)
    err.print(f"\nDone in {time.monotonic() - begun:.0f} s; nothing is left running.", style="dim")
    return not list(outcome.views.differences())


def introduce(
    console: Console, jobs: list[Job], trace: Path | None, simulation: Simulation, catalogue: Catalogue
) -> None:
    """Say what is about to happen."""
    zone = ZoneInfo(catalogue.time_zone)
    source = f"of {trace.name}" if trace else "of a synthetic workload"
    start, end = show_time(simulation.start, zone), show_time(simulation.end, zone)
    console.print(
        f"A fresh {catalogue.centre}, {len(jobs):,} jobs {source}. The clock starts at {start}, "
        f"runs {simulation.speed:,} times as fast as ours, and stands still at {end}.",
    )


def play_in_fresh_folder(jobs: list[Job], catalogue: Catalogue, simulation: Simulation) -> Outcome:
    """Play in a folder that goes away afterwards, unless something went wrong. Raises `Failed`."""
    path = Path(tempfile.mkdtemp(prefix="aidc-demo-"))
    try:
        with DataFolder(path) as folder:
            play = Play(folder, catalogue, jobs, simulation)
            asyncio.run(play.run())
    except Failed as problem:
        raise Failed(f"{problem} (the logs are kept in {path})") from problem
    shutil.rmtree(path)
    if play.outcome is None:
        raise Failed("interrupted")
    return play.outcome


def print_outcome(console: Console, outcome: Outcome, catalogue: Catalogue) -> None:
    """Everything, for people."""
    units = {plain_id(resource.name): resource.unit for resource in catalogue.resources}
    zone = ZoneInfo(catalogue.time_zone)
    heading(console, "The jobs")
    print_tally(console, outcome.tally)
    heading(console, "The driving simulator")
    print_story(console, outcome.told, units, zone)
    heading(console, f"Statement of {outcome.statement.name}, in unit-hours")
    print_statement(console, outcome.statement, units, zone)
    heading(console, "Do all views agree?")
    print_agreement(console, outcome.views, units, len(catalogue.resources))


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """The same for programs."""
    tally, told = outcome.tally, outcome.told
    return {
        "jobs": {
            "asked": tally.asked.total(),
            "granted": tally.granted.total(),
            "granted_at_another_time": tally.granted_later.total(),
            "refused": tally.refused.total(),
            "reasons": dict(tally.reasons.most_common()),
        },
        "story": {
            "asked": document(told.asked),
            "granted": document(told.first),
            "reasons": [violation.reason for violation in told.refusal.violations],
            "granted_instead": document(told.second),
            "cancelled": document(told.cancelled),
        },
        "statement": document(outcome.statement),
        "position": outcome.views.position,
        "differences": list(outcome.views.differences()),
    }
