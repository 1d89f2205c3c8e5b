"""One reservation as people see it: where it stands, what it costs, what is held, and what giving it back brings."""

from collections.abc import Iterable
from datetime import tzinfo

from rich.table import Table
from rich.text import Text

from services.cli.tables import (
    Units,
    allocations_table,
    hours_text,
    interval_text,
    lines_text,
    out,
    plain_id,
    state_text,
    table,
)
from services.cli.times import from_timestamp, show_duration, show_interval, show_time
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def print_reservation(item: api.Reservation, units: Units, zone: tzinfo) -> None:
    """One reservation with the units behind it."""
    facts = table("", "")
    facts.show_header = False
    length = from_timestamp(item.end_time) - from_timestamp(item.start_time)
    facts.add_row("state", state_text(item.state))
    facts.add_row("when", f"{interval_text(item, zone)}  ({show_duration(length)})")
    if item.HasField("participants"):
        facts.add_row("people", f"{item.participants.present} of {item.participants.count} have come")
    if item.HasField("desired_start_time"):
        desired = show_interval(from_timestamp(item.desired_start_time), from_timestamp(item.desired_end_time), zone)
        facts.add_row("was wanted", desired)
    facts.add_row("asked", show_time(from_timestamp(item.create_time), zone))
    if item.split_from:
        facts.add_row("split off from", plain_id(item.split_from))
    if item.HasField("late_from_time"):
        facts.add_row("late from", f"{show_time(from_timestamp(item.late_from_time), zone)}, where the whole began")
    if item.HasField("cost"):
        facts.add_row("costs", cost_text(item))
    if item.HasField("expire_time"):
        facts.add_row("expires", show_time(from_timestamp(item.expire_time), zone))
    if item.HasField("approval"):
        facts.add_row("approval", approval_text(item.approval))
    if item.HasField("asked_change"):
        facts.add_row("shall become", asked_text(item.asked_change, item.lines, units, zone))
        facts.add_row("", approval_text(item.asked_change.approval))
    if item.HasField("transfer"):
        facts.add_row("handing over", transfer_text(item.transfer, zone))
    if not item.allocations:
        facts.add_row("what", lines_text(item.lines, units))
    for label, moment in (
        *(("check in by", item.check_in_deadline), ("checked in", item.check_in_time)),
        ("idle, given back at", item.release_time),
    ):
        if moment.seconds:
            facts.add_row(label, show_time(from_timestamp(moment), zone))
    left = api.Condition.Name(item.condition).removeprefix("CONDITION_").lower() if item.condition else ""
    for label, text in (
        *(("note", item.note), ("reason", item.state_reason)),
        *(("left", left), ("hand-over", item.hand_over), ("outage", plain_id(item.outage))),
        *(("overrides", override_text(item)), ("beyond the quota", overburn_text(item, units))),
    ):
        if text:
            facts.add_row(label, text)
    facts.add_row("position", f"{item.position:,}")
    out.print(Text(item.name, style="bold"))
    out.print(facts)
    if item.allocations:
        out.print()
        out.print(allocations_table(item.allocations, units, zone))
    if item.HasField("cancellation_quote"):
        quote = item.cancellation_quote
        out.print("\nGiving it back now:" + (" it would be a strike." if quote.strike else ""))
        if quote.fees:
            out.print(quote_table(quote, zone))
            out.print(f"due {quote.due_krw:,} KRW, and {quote.refund_krw:,} KRW not to pay any more")


def cost_text(item: api.Reservation) -> str:
    """`1,200,000 KRW by krw-2026 (M01 1,200,000)`, and how much more or less a change would make of it."""
    each = ", ".join(f"{plain_id(part.resource)} {part.krw:,}" for part in item.cost.resources)
    more = f", {item.cost_change_krw:+,} KRW" if item.HasField("cost_change_krw") else ""
    less = f", after a discount of {item.cost.discount_krw:,} KRW" if item.cost.discount_krw else ""
    return f"{item.cost.krw:,} KRW by {plain_id(item.cost.tariff)}{f' ({each})' if each else ''}{less}{more}"


def asked_text(asked: api.AskedChange, lines: Iterable[api.Line], units: Units, zone: tzinfo) -> str:
    """`2026-03-04 09:00 - 13:00, +12,000 KRW, unless nobody agrees by 2026-03-03 18:00`, and what, if that is new."""
    times = show_interval(from_timestamp(asked.start_time), from_timestamp(asked.end_time), zone)
    what = f"{lines_text(asked.lines, units)}, " if list(asked.lines) != list(lines) else ""
    more = f", {asked.cost_change_krw:+,} KRW" if asked.HasField("cost_change_krw") else ""
    return f"{what}{times}{more}; given up at {show_time(from_timestamp(asked.expire_time), zone)}"


def transfer_text(transfer: api.TransferOffer, zone: tzinfo) -> str:
    """`offered to CMP-0002 until 2026-03-04 09:00`, or what became of that."""
    company = plain_id(transfer.to)
    if transfer.state == api.TransferOffer.STATE_OPEN:
        return f"offered to {company} until {show_time(from_timestamp(transfer.expire_time), zone)}"
    return f"offered to {company}: {api.TransferOffer.State.Name(transfer.state).removeprefix('STATE_').lower()}"


def overburn_text(item: api.Reservation, units: Units) -> str:
    """`64.0 h of h100-train`: what of it lies beyond each quota, in unit-hours."""
    return ", ".join(f"{hours_text(each.unit_seconds, each.meter, units)} h of {each.meter}" for each in item.overburn)


def override_text(item: api.Reservation) -> str:
    """The rules that an operator let it break, and why."""
    return f"{', '.join(item.override_reasons)}: {item.override_justification}" if item.override_reasons else ""


def approval_text(approval: api.Approval) -> str:
    """`committee: 2 of the 3 votes needed, 1 against`; and what was said."""
    agreed = [vote for vote in approval.votes if vote.approves]
    against = len(approval.votes) - len(agreed)
    text = f"{approval.rule}: {len(agreed)} of the {approval.quorum} votes needed"
    if against:
        text += f", {against} against"
    if approval.reference_required:
        references = [vote.reference for vote in agreed if vote.reference]
        text += f", under reference {references[0]}" if references else ", a reference is needed"
    return text


def quote_table(quote: api.CancellationQuote, zone: tzinfo) -> Table:
    """What a cancellation costs."""
    made = table("of the price of", "free until", "due now", "KRW", "returned if rebooked", right=("due now", "KRW"))
    for fee in quote.fees:
        until = show_time(from_timestamp(fee.free_until_time), zone)
        returned = f"{fee.return_percent} % of that" if fee.return_percent else "no" if fee.percent else ""
        krw = f"{fee.due_krw:,} of {fee.price_krw:,}"
        made.add_row(plain_id(fee.resource), until, f"{fee.percent} %", krw, returned)
    return made
