"""What the demonstration tells at its end: asked, granted, refused and why; the story; a statement; the check."""

from datetime import tzinfo
from statistics import quantiles

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.demo.agreement import ACCOUNTS, Views
from services.cli.demo.replay import Tally
from services.cli.demo.story import FIRST, SECOND, Told
from services.cli.one_reservation import approval_text
from services.cli.statement_tables import statement_tables
from services.cli.tables import (
    Units,
    allocations_table,
    hours_text,
    interval_text,
    offers_table,
    table,
    violations_table,
)
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

STATEMENT_LINES_SHOWN = 10


def heading(console: Console, text: str) -> None:
    """The title of a part."""
    console.print()
    console.rule(Text(text, style="bold"), align="left", style="dim")


def print_tally(console: Console, tally: Tally) -> None:
    """Asked, granted and refused, by pool, and the reasons."""
    console.print(tally_table(tally))
    milliseconds = [seconds * 1000 for seconds in tally.latencies]
    if len(milliseconds) > 1:
        cuts = quantiles(milliseconds, n=100)
        console.print(
            f"{len(milliseconds):,} requests; answered in {cuts[49]:.1f} ms (median), {cuts[98]:.1f} ms (p99)."
        )
    if tally.reasons:
        console.print()
        console.print(reasons_table(tally))


def tally_table(tally: Tally) -> Table:
    """One pool a row."""
    columns = ("asked", "granted", "at another time", "refused")
    made = table("pool", *columns, right=columns)
    counters = (tally.asked, tally.granted, tally.granted_later, tally.refused)
    for pool in sorted(tally.asked):
        made.add_row(pool, *(f"{counter[pool]:,}" for counter in counters))
    made.add_section()
    made.add_row("all", *(f"{counter.total():,}" for counter in counters), style="bold")
    return made


def reasons_table(tally: Tally) -> Table:
    """Why some were refused; one refusal may have several reasons."""
    made = table("refused because", "jobs", "for example", right=("jobs",))
    for reason, count in tally.reasons.most_common():
        made.add_row(Text(reason, style="red"), f"{count:,}", tally.examples[reason])
    return made


def print_story(console: Console, told: Told, units: Units, zone: tzinfo) -> None:
    """The story in five sentences, with what the scheduler said to each."""
    console.print(
        f"1. {FIRST} asks for the simulator M01 with the cabin M05: [magenta]pending[/], and all it needs is held."
    )
    console.print(allocations_table(told.asked.allocations, units, zone))
    console.print(f"\n2. The committee approves it: [green]granted[/] ({approval_text(told.first.approval)}).")
    console.print(
        f"3. {SECOND} asks for the same, {interval_text(told.first, zone)}: [red]refused[/], all of it together."
    )
    console.print(violations_table(told.refusal.violations))
    console.print("   These would be granted instead:")
    console.print(offers_table(told.refusal.alternatives, units, zone))
    console.print(
        f"\n4. {SECOND} takes the first of them, {interval_text(told.second, zone)}: [green]granted[/] as well."
    )
    console.print(f"5. {FIRST} cancels ({told.cancelled.state_reason}): everything is free again.")


def print_statement(console: Console, statement: ledger_api.Statement, units: Units, zone: tzinfo) -> None:
    """The last lines of a statement, and its balances."""
    hidden = max(0, len(statement.lines) - STATEMENT_LINES_SHOWN)
    if hidden:
        del statement.lines[:hidden]
        console.print(f"… {hidden:,} lines before these", style="dim")
    lines, balances = statement_tables(statement, units, zone)
    console.print(lines)
    console.print()
    console.print(balances)


def print_agreement(console: Console, views: Views, units: Units, resources: int) -> None:
    """The check, resource by resource."""
    made = table("resource", *ACCOUNTS, "ahead in the calendar", "agree", right=(*ACCOUNTS, "ahead in the calendar"))
    differences = list(views.differences())
    for resource in sorted({key[0] for key in views.scheduler}):
        wrong = any(difference.startswith(f"{resource} ") for difference in differences)
        made.add_row(
            resource,
            *(hours_text(views.scheduler[resource, account], resource, units) for account in ACCOUNTS),
            hours_text(views.calendar[resource], resource, units),
            Text("no", style="bold red") if wrong else Text("yes", style="green"),
        )
    console.print(made)
    console.print("Unit-hours; GPU-hours for pools that share GPUs.\n", style="dim")
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(views.states.items()))
    console.print(f"The clock stands still; of all reservations there are {states}.")
    for difference in differences:
        console.print(f"  {difference}", style="red")
    if differences:
        console.print(Text(f"{len(differences)} figures differ at position {views.position:,}.", style="bold red"))
        return
    seconds = sum(views.scheduler.values())
    console.print(
        f"Scheduler, calendar, ledger and metrics agree on all {resources} resources, to the unit-second, "
        f"at position {views.position:,}: {seconds:,} unit-seconds.",
        style="bold green",
    )
