"""`make ledger-check`, its last part: a million events rebuilt beside the living tables, timed, and two yardsticks.

`--events N` takes another number. Exit 1 if the two generations differ.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from loadtests import ledger, past, yardsticks
from services.eventlog.jetstream import JetStreamLog
from services.ledger.rebuild import Report, rebuild
from services.runtime import logs
from services.runtime.embedded import NatsServer, Postgres

SEED = 20_260_303


async def check(console: Console, folder: Path, events: int) -> bool:
    """Write a log, fold it, rebuild it, and say how long each took; whether both generations are the same."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with NatsServer(folder / "nats") as nats, Postgres(folder / "postgres") as postgres:
        with Progress(*columns, console=console) as bars:
            tasks: dict[str, TaskID] = {}

            def shown(what: str, done: int, end: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=end)
                bars.update(tasks[what], completed=done, total=end)

            history = await past.build(nats, SEED, lambda done, end: shown("writing events", done, end), events)
            log = await JetStreamLog.connect(nats.url, past.CENTRE, monitor_url=nats.monitor_url, create=False)
            folded = await ledger.follow(log, postgres.dsn, history)
            began = time.perf_counter()

            def report(told: Report) -> None:
                shown(
                    {"folding": "rebuilding, pages", "comparing": "comparing, tables"}[told.phase], told.done, told.end
                )

            rebuilt = await rebuild(log, past.CENTRE, postgres.dsn, report=report)
            took = time.perf_counter() - began
            await log.close()
        beside = await yardsticks.measure(postgres.dsn, history.events)
    for what, found in (("ledger", folded), ("bare COPY", beside.bare_copy), ("eventsourcing", beside.eventsourcing)):
        console.print(f"{what:<14}{found.events:>10,} events  {found.events_per_second:>10,.0f}/s")
    console.print(f"rebuilt {rebuilt.checkpoint.number:,} events in {took:,.0f} s, compared and exchanged")
    console.print(f"{len(rebuilt.compared)} tables compared, differing: {', '.join(rebuilt.differing) or 'none'}")
    return not rebuilt.differing


def main() -> int:
    """Run; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.ledger_check", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    told = parser.parse_args()
    logs.configure("ledger-check", "warning")
    with tempfile.TemporaryDirectory(prefix="aidc-ledger-") as folder:
        return 0 if asyncio.run(check(Console(), Path(folder), told.events)) else 1


if __name__ == "__main__":
    sys.exit(main())
