"""The demonstration from the stage's edge: what is about to happen, the performance, and what it has to tell."""

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from services.cli.catalogue import CENTRE_FOLDER, Catalogue, read_catalogue
from services.cli.demo.booking_show import show_bookings
from services.cli.demo.bookings import is_bookings
from services.cli.demo.clock import Simulation
from services.cli.demo.play import Outcome, Play
from services.cli.demo.report import (
    heading,
    print_agreement,
    print_statement,
    print_story,
    print_tally,
)
from services.cli.demo.stage import Stage, fresh_folder
from services.cli.demo.trace import Job, Part, read_jobs, synthetic_jobs
from services.cli.documents import document, print_json
from services.cli.outcome import Failed
from services.cli.tables import err, out, plain_id
from services.cli.times import show_time

START = datetime.fromisoformat("2026-03-03T09:00:00+09:00")
DAYS = 6
SPEED = 25_920
"""Six days pass in twenty seconds."""


def show(trace: Path | None, part: int, log: Path | None, as_json: bool) -> bool:
    """Show the main job end to end, with the jobs or bookings of a trace; whether all views agree. Raises `Failed`."""
    begun = time.monotonic()
    bookings = trace is not None and is_bookings(trace)
    agree = show_bookings(trace, part, log, as_json) if trace and bookings else show_jobs(trace, part, log, as_json)
    kept = "nothing is left running" if log is None else f"nothing is left running, and the log is in {log}"
    err.print(f"\nDone in {time.monotonic() - begun:.0f} s; {kept}.", style="dim")
    return agree


def show_jobs(trace: Path | None, part: int, log: Path | None, as_json: bool) -> bool:
    """Replay jobs and play the story; whether all views agree. Raises `Failed`."""
    synthetic = synthetic_jobs()
    jobs = Part(entries=synthetic, total=len(synthetic)) if trace is None else read_jobs(trace, part)
    catalogue = read_catalogue(CENTRE_FOLDER)
    simulation = Simulation(start=START, end=START + timedelta(days=DAYS), speed=SPEED)
    introduce(err, jobs, trace, simulation, catalogue)
    with fresh_folder() as folder:
        play = Play(Stage(folder, catalogue, simulation.setting, log), jobs.entries, simulation)
        asyncio.run(play.run())
        if play.outcome is None:
            raise Failed("interrupted")
    if as_json:
        print_json(outcome_document(jobs, play.outcome))
    else:
        print_outcome(out, play.outcome, catalogue)
    return not list(play.outcome.views.differences())


def introduce(
    console: Console, jobs: Part[Job], trace: Path | None, simulation: Simulation, catalogue: Catalogue
) -> None:
    """Say what is about to happen."""
    zone = ZoneInfo(catalogue.time_zone)
    source = (
        f"{len(jobs.entries):,} jobs of a synthetic workload"
        if trace is None
        else f"{len(jobs.entries):,} jobs of {trace.name}, part {jobs.number} of {jobs.parts} (--part)"
    )
    start, end = show_time(simulation.start, zone), show_time(simulation.end, zone)
    console.print(
        f"A fresh {catalogue.centre}, {source}. The clock starts at {start}, "
        f"runs {simulation.speed:,} times as fast as ours, and stands still at {end}.",
    )


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


def outcome_document(jobs: Part[Job], outcome: Outcome) -> dict[str, Any]:
    """The same for programs."""
    tally, told = outcome.tally, outcome.told
    return {
        "part": jobs.number,
        "parts": jobs.parts,
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
