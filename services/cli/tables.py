"""What people see: tables and sentences, in the centre's zone."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.demands import show_units
from services.cli.outcome import Refused
from services.cli.times import from_timestamp, show_duration, show_interval, show_time
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

HOUR_SECONDS = 3600
COUNTER_ACCOUNT = "capacity"
STATE_COLOURS = {
    "held": "magenta",
    "pending": "magenta",
    "confirmed": "cyan",
    "active": "green",
    "completed": "dim",
    "cancelled": "yellow",
    "expired": "yellow",
    "displaced": "red",
    "denied": "red",
}

Units = Mapping[str, "api.ResourceUnit.ValueType"]
"""The unit of each resource, by id."""

WIDTH_IN_FILES = 140
NEVER_FOLDED = ("when", "reservation")
"""What is read as one, and copied whole."""


def console(stream: TextIO, stderr: bool) -> Console:
    """A console as wide as the terminal; what goes to a file or a pipe is not squeezed into 80 columns."""
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_IN_FILES
    return Console(stderr=stderr, highlight=False, width=width)


out = console(sys.stdout, stderr=False)
err = console(sys.stderr, stderr=True)


def plain_id(name: str) -> str:
    """The last part of a resource name: `resources/M01` is `M01`."""
    return name.rpartition("/")[2]


def table(*columns: str, title: str | None = None, right: Sequence[str] = ()) -> Table:
    """An empty table with these columns, some aligned right."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        figure = column in right
        made.add_column(
            column,
            justify="right" if figure else "left",
            overflow="fold",
            no_wrap=figure or column in NEVER_FOLDED,
        )
    return made


def state_name(state: "api.Reservation.State.ValueType") -> str:
    """`confirmed` for STATE_CONFIRMED."""
    return api.Reservation.State.Name(state).removeprefix("STATE_").lower()


def state_text(state: "api.Reservation.State.ValueType") -> Text:
    """The same, in its colour."""
    name = state_name(state)
    return Text(name, style=STATE_COLOURS.get(name, ""))


def standing_text(item: api.Reservation) -> Text:
    """The state of a reservation, and whether a change of it waits for approval."""
    told = state_text(item.state)
    return told.append(", change waits", STATE_COLOURS["pending"]) if item.HasField("asked_change") else told


def lines_text(lines: Iterable[api.Line], units: Units) -> str:
    """`M01 1 seat, a100-dev 8 GPU (30m later)`."""
    return ", ".join(amount_text(line.resource, line.units, units) + _phase(line) for line in lines)


def _phase(line: api.Line) -> str:
    """Who comes along for asking, and when a line begins and ends within its demand, if not with it."""
    later, earlier = line.starts_after.ToTimedelta(), line.ends_before.ToTimedelta()
    told = ["with an operator"] if line.with_operator else []
    told += [f"{show_duration(each)} {word}" for each, word in ((later, "later"), (earlier, "shorter")) if each]
    return f" ({', '.join(told)})" if told else ""


def amount_text(resource: str, amount: int, units: Units) -> str:
    """`a100-dev 8 GPU`."""
    unit = units.get(plain_id(resource), api.RESOURCE_UNIT_UNSPECIFIED)
    return f"{plain_id(resource)} {show_units(amount, unit)}"


def interval_text(item: api.Offer | api.Reservation | api.AskedChange | api.Span, zone: tzinfo) -> str:
    """From when to when."""
    return show_interval(from_timestamp(item.start_time), from_timestamp(item.end_time), zone)


def offers_table(offers: Sequence[api.Offer], units: Units, zone: tzinfo) -> Table:
    """Offers, numbered, the best first."""
    priced = any(offer.HasField("cost") for offer in offers)
    made = table("#", "when", "what", *(("KRW",) if priced else ()), right=("#", "KRW"))
    for number, offer in enumerate(offers, 1):
        price = (f"{offer.cost.krw:,}" if offer.HasField("cost") else "free",) if priced else ()
        made.add_row(str(number), interval_text(offer, zone), lines_text(offer.lines, units), *price)
    return made


def refused_windows_table(refused: Iterable[api.RefusedWindows], zone: tzinfo) -> Table:
    """Times that are not offered, and every rule that forbids them."""
    made = table("starting", "reason", "about", "why, and what to do")
    for windows in refused:
        first, last = (from_timestamp(moment) for moment in (windows.first_start_time, windows.last_start_time))
        when = show_time(first, zone) if first == last else show_interval(first, last, zone)
        for number, violation in enumerate(windows.violations):
            reason = Text(violation.reason, style="red")
            made.add_row("" if number else when, reason, plain_id(violation.subject), violation.description)
    return made


def violations_table(violations: Iterable[api.Violation]) -> Table:
    """The rules that said no."""
    made = table("reason", "about", "why, and what to do")
    for violation in violations:
        told = violation.description + (" (An operator may override this.)" if violation.operator_may_override else "")
        made.add_row(Text(violation.reason, style="red"), plain_id(violation.subject), told)
    return made


def print_refusal(refused: Refused, units: Units, zone: tzinfo) -> None:
    """A no, on stderr: every rule that said it, and what would be granted instead."""
    err.print(Text("Refused.", style="bold red"))
    err.print(violations_table(refused.violations) if refused.violations else refused.message)
    if refused.smallest_changes:
        err.print("\nThe smallest changes that would be granted now:")
        err.print(changes_table(refused.smallest_changes, units, zone))
    if refused.alternatives:
        err.print("\nThese would be granted now:")
        err.print(offers_table(refused.alternatives, units, zone))


def changes_table(changes: Iterable[api.SmallestChange], units: Units, zone: tzinfo) -> Table:
    """Wishes that differ a little from the refused one."""
    made = table("change", "when", "what")
    for change in changes:
        when, what = interval_text(change.offer, zone), lines_text(change.offer.lines, units)
        made.add_row(change.description, when, what)
    return made


def reservations_table(reservations: Iterable[api.Reservation], units: Units, zone: tzinfo) -> Table:
    """One reservation a row."""
    shown = list(reservations)
    priced = any(item.HasField("cost") for item in shown)
    made = table("reservation", "state", "when", "what", *(("KRW",) if priced else ()), right=("KRW",))
    for item in shown:
        made.add_row(
            item.name.removeprefix("companies/").replace("/reservations/", "/"),
            standing_text(item),
            interval_text(item, zone),
            lines_text(item.lines, units),
            *((f"{item.cost.krw:,}" if item.HasField("cost") else "",) if priced else ()),
        )
    return made


def allocations_table(allocations: Iterable[api.Allocation], units: Units, zone: tzinfo) -> Table:
    """What is held, companions included."""
    made = table("held", "units", "spans", "for")
    for allocation in allocations:
        made.add_row(
            amount_text(allocation.resource, allocation.units, units),
            few(allocation.unit_names),
            few([interval_text(span, zone) for span in allocation.spans]),
            plain_id(allocation.companion_of) or "the demand",
        )
    return made


def few(texts: Sequence[str], shown: int = 4) -> str:
    """The first texts, and how many more there are."""
    more = len(texts) - shown
    return ", ".join(texts[:shown]) + (f" and {more} more" if more > 0 else "")


def hours_text(unit_seconds: int, resource: str, units: Units) -> str:
    """Unit-seconds as unit-hours, milli-GPUs as GPUs."""
    return f"{unit_seconds / seconds_an_hour(resource, units):,.1f}"


def seconds_an_hour(resource: str, units: Units) -> int:
    """How many unit-seconds people call a unit-hour of a resource."""
    unit = units.get(plain_id(resource), api.RESOURCE_UNIT_UNSPECIFIED)
    return HOUR_SECONDS * (1000 if unit == api.RESOURCE_UNIT_MILLI_GPU else 1)
