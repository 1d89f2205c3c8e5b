"""What a replay of bookings tells at its end: what was asked and done, what was refused and why, and the hours."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.demo.bookings import Booking, Fate
from services.cli.demo.report import heading
from services.cli.demo.stays import APPROVE, ASK, CANCEL, CHANGE, CHECK_IN, Account
from services.cli.demo.trace import Part
from services.cli.tables import table

HOUR_SECONDS = 3600
WORDS = {
    ASK: "bookings asked for",
    APPROVE: "approvals, each a vote",
    CHANGE: "changes",
    CANCEL: "cancellations",
    CHECK_IN: "check-ins",
}
ACCOUNT_WORDS = {
    "used": "used",
    "idle": "idle, since nobody came",
    "released": "given back",
    "penalty": "due all the same: given back late, or missed",
    "refunded": "returned: booked again by others, or taken by an outage",
    "booked": "still booked",
    "held": "still held",
}


@dataclass
class Ending:
    """What stands at the end of a replay: in the ledger, in the metrics and in the companies' records.

    `accounts` and `krw` are of equipment, by account: unit-seconds, and won.
    """

    account: Account
    position: int
    accounts: Counter[str] = field(default_factory=Counter)
    krw: Counter[str] = field(default_factory=Counter)
    strikes: int = 0
    suspended: int = 0
    differences: Sequence[str] = ()


def print_replay(console: Console, bookings: Part[Booking], ending: Ending) -> None:
    """Everything, for people."""
    heading(console, "What they asked")
    console.print(deeds_table(ending.account))
    told = sum(booking.fate is Fate.NO_SHOW for booking in bookings.entries)
    console.print(
        f"\n{ending.account.no_shows:,} did not come to what they had booked, of {told:,} in the trace: the others "
        "were refused, or had something that is lent out, where nobody checks in. "
        f"{ending.strikes:,} strikes were given, for that and for cancelling too late; {ending.suspended:,} companies "
        "were suspended for a time."
    )
    heading(console, "What was refused, and why")
    console.print(reasons_table(ending.account))
    heading(console, "Equipment, in the ledger")
    console.print(hours_table(ending))
    console.print()
    for difference in ending.differences:
        console.print(f"  {difference}", style="red")
    said = f"at position {ending.position:,}, after {ending.account.calls:,} calls"
    if ending.differences:
        console.print(Text(f"Ledger and metrics differ in {len(ending.differences)} figures {said}.", style="bold red"))
    else:
        console.print(
            f"Ledger and metrics agree on what was held and used, to the unit-second, {said}.", style="bold green"
        )


def deeds_table(account: Account) -> Table:
    """One kind of asking a row."""
    columns = ("asked", "granted", "refused")
    made = table("", *columns, right=columns)
    for kind, words in WORDS.items():
        asked, done = account.asked[kind], account.done[kind]
        made.add_row(words, f"{asked:,}", f"{done:,}", f"{asked - done:,}")
    return made


def reasons_table(account: Account) -> Table:
    """Why; one refusal may have several reasons."""
    made = table("refused because", "of what", "times", "for example", right=("times",))
    for (kind, reason), count in account.refused.most_common():
        made.add_row(Text(reason, style="red"), WORDS[kind], f"{count:,}", account.examples[reason])
    return made


def hours_table(ending: Ending) -> Table:
    """Unit-hours and KRW by what became of them."""
    made = table("", "unit-hours", "KRW", right=("unit-hours", "KRW"))
    for account, words in ACCOUNT_WORDS.items():
        if ending.accounts[account] or ending.krw[account]:
            made.add_row(words, f"{ending.accounts[account] / HOUR_SECONDS:,.1f}", f"{ending.krw[account]:,}")
    return made
