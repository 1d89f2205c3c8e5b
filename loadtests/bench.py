"""`make bench`: measure the budgets side by side in one run, print them beside their limits, and keep the figures.

`--only STAGE` measures a part, prints it and writes nothing. `--profile` puts the scheduler into a profiler, under the
load of `echo_ratio`, and prints where its time goes. Exit 0 when everything ran; with `--strict`, 1 when a budget is
missed.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from loadtests import batches, contest, core, flatness, ledger, mixed, past, profiling, report, scrape, visible
from loadtests.header import header
from loadtests.measures import Round
from loadtests.site import Advance
from services.runtime import garbage, logs
from services.runtime.embedded import NatsServer

SEED = 20_260_303


class Run:
    """One run: its figures, the details behind them, and how it shows its progress."""

    def __init__(self, console: Console, folder: Path, seed: int) -> None:
        self.figures: dict[str, float] = {}
        self.details: dict[str, Any] = {"header": header(seed)}
        self._console = console
        self._folder = folder
        self._seed = seed

    async def core(self) -> None:
        """Decisions and searches, in memory."""
        with garbage.tuned(), self.progress("filling a pool") as advance:
            decision = core.decision_us(self._seed, advance)
            earliest = core.earliest_ms(self._seed)
        self.figures |= {"decision_us": decision["median"], "earliest_ms": max(earliest.values())}
        self.details["core"] = {"decision_us": decision, "earliest_ms": earliest}

    async def past(self) -> None:
        """Restart and replay, on a log of a million events."""
        async with NatsServer(self._folder / "past") as nats:
            with self.progress("writing a million events") as advance:
                history = await past.build(nats, self._seed, advance)
            restarts = await past.restart_s(self._folder, nats, history)
            with self.progress("replaying them") as advance:
                replayed = await past.replay(nats, history, advance)
        self.figures |= {
            "restart_s": statistics.median(restarts),
            "replay_events_per_second": replayed.events_per_second,
        }
        self.details["past"] = {"history": history, "restart_s": restarts, "replay": replayed}

    async def contest(self) -> None:
        """The scheduler against a bare echo and against Postgres."""
        with self.progress("registering a centre, then rounds of load") as advance:
            async with contest.ring(self._folder / "contest", advance, postgres=True) as client:
                played = await contest.compete(client, self._seed, self._say)
        self.details["contest"] = played
        played.demand_granted()
        self.figures |= {
            "echo_ratio": played.ratio("scheduler", "echo"),
            "echo_p99_ratio": played.p99_ratio("scheduler", "echo"),
            "postgres_ratio": played.ratio("scheduler", "postgres"),
        }

    async def batches(self) -> None:
        """Durable bookings a hundred at a time, and the memory that they take."""
        with self.progress("registering a centre, then batches") as advance:
            booked = await batches.book(self._folder / "batches", self._seed, advance, self._say)
        self.details["batches"] = booked
        booked.demand_granted()
        self.figures |= {
            "stream_bookings_per_second": booked.bookings_per_second,
            "bytes_per_reservation": booked.bytes_per_reservation,
        }

    async def flatness(self) -> None:
        """Batches in a full centre beside an empty one."""
        with self.progress("booking a hundred thousand") as advance:
            found = await flatness.flatness(self._seed, advance)
        self.figures["flatness_ratio"] = found.ratio
        self.details["flatness"] = found

    async def mixed(self) -> None:
        """Searches for mixed demands in the real catalogue."""
        with garbage.tuned():
            found = mixed.mixed_search(self._seed)
        self.figures["mixed_search_p99_ms"] = found.latency_ms["p99"]
        self.details["mixed"] = found

    async def ledger(self) -> None:
        """A log into Postgres, with all books."""
        with self.progress("writing events, then posting them") as advance:
            folded, beside = await ledger.fold(self._folder / "ledger", self._seed, advance)
        self.figures["ledger_events_per_second"] = folded.events_per_second
        self.details["ledger"] = {"ledger": folded, "beside": beside}

    async def visible(self) -> None:
        """A thousand bookings a second, and when the ledger and the metrics show them."""
        with self.progress("registering a centre, then 20 s of bookings") as advance:
            seen = await visible.visible(self._folder / "visible", self._seed, advance)
        self.figures["visible_p99_ms"] = seen.p99_ms
        self.details["visible"] = seen
        self._say(seen.played)
        self._console.print(f"  seen after, ms: ledger {seen.ledger_ms}, metrics {seen.metrics_ms}")

    async def scrape(self) -> None:
        """What Prometheus gets, of a thousand companies."""
        with self.progress("a thousand companies' log, then scrapes"):
            scraped = await scrape.scrape(self._folder / "scrape")
        self.figures |= {"metrics_series": scraped.series, "scrape_ms": scraped.median_ms}
        self.details["scrape"] = scraped

    @contextmanager
    def progress(self, what: str) -> Iterator[Advance]:
        """A bar, while a long step runs."""
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as bars:
            task = bars.add_task(what)
            yield lambda done, total: bars.update(task, completed=done, total=total)

    def _say(self, played: Round) -> None:
        kind = "open" if played.offered_per_second else "closed"
        self._console.print(
            f"{played.target:>10} {kind:6} {played.granted_per_second:8,.0f}/s"
            f"  p50 {played.latency_ms['p50']:7.2f} ms  p99 {played.latency_ms['p99']:7.2f} ms  {played.outcomes}"
        )


Stage = Callable[[Run], Awaitable[None]]
STAGES: dict[str, Stage] = {
    "core": Run.core,
    "flatness": Run.flatness,
    "mixed": Run.mixed,
    "ledger": Run.ledger,
    "visible": Run.visible,
    "scrape": Run.scrape,
    "past": Run.past,
    "batches": Run.batches,
    "contest": Run.contest,
}


async def bench(console: Console, folder: Path, seed: int, only: str) -> Run:
    """Measure everything, or one stage."""
    run = Run(console, folder, seed)
    for name, stage in STAGES.items():
        if only in ("", name):
            began = time.monotonic()
            await stage(run)
            console.print(f"{name}: {time.monotonic() - began:.0f} s")
    run.details["load_average_at_end"] = os.getloadavg()[0]
    return run


async def profile(console: Console, folder: Path, seed: int) -> None:
    """One round against a profiled scheduler."""
    run = Run(console, folder, seed)
    with run.progress("registering a centre, then a round of load") as advance:
        played, kept = await profiling.profile(folder / "profile", seed, advance)
    profiling.show(played, kept)


def main() -> int:
    """Run; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--only", choices=STAGES, default="", help="measure this stage, and write nothing")
    parser.add_argument("--profile", action="store_true", help="show where the scheduler's time goes")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a budget is missed")
    parser.add_argument("--seed", type=int, default=SEED)
    told = parser.parse_args()
    console = Console()
    logs.configure("bench", "warning")
    with tempfile.TemporaryDirectory(prefix="aidc-bench-") as folder:
        if told.profile:
            uvloop.run(profile(console, Path(folder), told.seed))
            return 0
        run = uvloop.run(bench(console, Path(folder), told.seed, told.only))
    met = report.show(console, run.figures)
    if not told.only:
        report.write(run.figures, run.details)
    return 0 if met or not told.strict else 1


if __name__ == "__main__":
    sys.exit(main())
