"""What people see of a load test: a line while it lasts, and tables at its end."""

import asyncio
import contextlib
from collections.abc import Iterator

from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from services.cli.load.tally import PERCENTILES, Tally, percentiles_ms
from services.cli.tables import err, out, table

LINE_SECONDS = 0.25
FIGURES = (*PERCENTILES, "max")
LATE_MS = 5.0
"""A generator that sends later than this measures itself as well."""


@contextlib.contextmanager
def progress(tally: Tally) -> Iterator[None]:
    """A line that says how it goes, while the block lasts."""
    bar = Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=err, transient=True)
    line = bar.add_task("")

    async def keep_telling() -> None:
        while True:
            bar.update(line, description=summary(tally))
            await asyncio.sleep(LINE_SECONDS)

    with bar:
        telling = asyncio.get_running_loop().create_task(keep_telling())
        try:
            yield
        finally:
            telling.cancel()


def summary(tally: Tally) -> str:
    """`120 offered, 80 granted, 36 refused, 0 unknown, p99 12.3 ms`."""
    counts = ", ".join(f"{tally.sum_of(name):,} {name}" for name in ("offered", "granted", "refused", "unknown"))
    latency = percentiles_ms(tally.all_seconds)
    return f"{counts}, p99 {latency['p99']:,.1f} ms" if latency else counts


def show(tally: Tally, rate: float, seconds: float) -> None:
    """The tables."""
    made = table(
        *("action", "offered", "granted", "refused", "unknown"),
        *(f"{name} ms" for name in FIGURES),
        right=("offered", "granted", "refused", "unknown", *(f"{name} ms" for name in FIGURES)),
        title=f"{rate:g} a second for {seconds:g} s; latency from the moment at which each was to be asked",
    )
    for action, outcomes in tally.actions.items():
        if outcomes.offered:
            counts = (outcomes.offered, outcomes.granted, outcomes.refused, outcomes.unknown)
            made.add_row(action, *(f"{count:,}" for count in counts), *_figures(outcomes.seconds))
    sums = [tally.sum_of(name) for name in ("offered", "granted", "refused", "unknown")]
    made.add_row("all", *(f"{count:,}" for count in sums), *_figures(tally.all_seconds), style="bold")
    out.print(made)
    if tally.reasons:
        out.print("\nWhy not; one answer may have several reasons:")
        reasons = table("reason", "times", right=("times",))
        for reason, times in tally.reasons.most_common():
            reasons.add_row(Text(reason, style="red"), f"{times:,}")
        out.print(reasons)
    _tell_the_end(tally)


def _tell_the_end(tally: Tally) -> None:
    """What was not sent, and what became of the bookings."""
    late = percentiles_ms(tally.lags).get("p99", 0.0)
    if tally.not_sent:
        out.print(f"\n{tally.not_sent:,} were not sent: too many had no answer yet.")
    if late > LATE_MS:
        out.print(f"\nThis machine sent one in a hundred {late:,.1f} ms late or more; that is in the figures above.")
    out.print(f"\nGiven back: {tally.given_back:,} bookings, for {tally.fees_krw:,} KRW.")
    for name in tally.left:
        err.print(f"Not given back: {name}", style="red", markup=False, soft_wrap=True)


def _figures(seconds: list[float]) -> list[str]:
    found = percentiles_ms(seconds)
    return [f"{found[name]:,.1f}" if found else "" for name in FIGURES]
