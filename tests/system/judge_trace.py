"""`python -m tests.system.judge_trace FILE...`: real traces, replayed part by part and judged by their logs alone.

Every part is played on a fresh centre by the command that people use, `aidc demo --trace FILE --part N --log LOG`, and
its log is read by the checker that reads nothing else. Exit status 0 if no log breaks a promise and all views agree.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.system.judge_export import FAULTS_SHOWN, events_of, faults_of, pages_of


class Verdict(NamedTuple):
    """What became of one part of a trace."""

    trace: str
    number: int
    parts: int
    asked: int
    granted: int
    events: int
    faults: list[str]
    seconds: float


def play(trace: Path, number: int, log: Path) -> Verdict:
    """Replay one part, and judge it. A replay that fails is a fault."""
    began = time.monotonic()
    command = ("-m", "services.cli.main", "demo", "--trace", str(trace), "--part", str(number), "--log", str(log))
    done = subprocess.run([sys.executable, *command, "--json"], capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(done.stderr)
    ending = json.loads(done.stdout)
    pages = list(pages_of(log))
    asked, granted = counts(ending)
    faults = [*ending["differences"], *faults_of(pages)]
    took = time.monotonic() - began
    events = events_of(pages).total()
    return Verdict(trace.name, number, ending["parts"], asked, granted, events, faults, took)


def counts(ending: dict[str, object]) -> tuple[int, int]:
    """How much was asked for and granted, of jobs or of bookings."""
    match ending:
        case {"jobs": {"asked": int(asked), "granted": int(granted)}}:
            return asked, granted
        case {"asked": {"ask": int(asked)}, "done": {"ask": int(granted)}}:
            return asked, granted
        case _:
            raise ValueError(f"the demonstration said something else: {ending}")


def verdicts(traces: list[Path]) -> Iterator[Verdict]:
    """Every part of every trace, in order."""
    with tempfile.TemporaryDirectory(prefix="aidc-traces-") as folder:
        for trace in traces:
            number, parts = 1, 1
            while number <= parts:
                verdict = play(trace, number, Path(folder) / "log.ndjson")
                parts, number = verdict.parts, number + 1
                yield verdict


def main(traces: list[Path]) -> int:
    """Print a line for each part as it ends, then all of them together."""
    console = Console()
    table = Table("trace", "parts", "asked", "granted", "events", "violations", "s", title="Judged by their logs alone")
    sums: dict[str, list[Verdict]] = {}
    for verdict in verdicts(traces):
        console.print(
            f"{verdict.trace}, part {verdict.number} of {verdict.parts}: {verdict.granted:,} of {verdict.asked:,} "
            f"granted, {verdict.events:,} events, {len(verdict.faults)} violations, {verdict.seconds:.0f} s",
            soft_wrap=True,
        )
        for fault in verdict.faults[:FAULTS_SHOWN]:
            console.print(f"  {fault}", style="red", markup=False)
        sums.setdefault(verdict.trace, []).append(verdict)
    for name, parts in sums.items():
        table.add_row(
            name,
            f"{len(parts)}",
            f"{sum(each.asked for each in parts):,}",
            f"{sum(each.granted for each in parts):,}",
            f"{sum(each.events for each in parts):,}",
            f"{sum(len(each.faults) for each in parts):,}",
            f"{sum(each.seconds for each in parts):.0f}",
        )
    console.print(table)
    return 1 if any(each.faults for parts in sums.values() for each in parts) else 0


if __name__ == "__main__":
    sys.exit(main([Path(each) for each in sys.argv[1:]]))
