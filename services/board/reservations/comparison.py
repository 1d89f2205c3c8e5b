"""A reservation as it stands beside what it would become: only what differs is said twice."""

from services.board.frame import parts
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp, length
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

UNITS_SHOWN = 8


def compared(visit: Visit, now: api.Reservation, then: api.Reservation) -> list[Content]:
    """A table with a row for each thing, where what stays the same says so; and what it would cost."""
    words = visit.words
    rows = []
    for label, before, after in zip(_labels(visit), _facts(visit, now), _facts(visit, then), strict=True):
        if not before and not after:
            continue
        same = before == after
        rows.append([label, before, el("span", words("change_same"), class_="away") if same else el("b", after)])
    head = ["", words("change_now"), words("change_then")]
    return [parts.table(head, rows, words("change_effect")), _costs(visit, then)]


def _costs(visit: Visit, then: api.Reservation) -> list[Markup]:
    """How much more or less it would cost, and what would be due for giving a part back late."""
    words, told = visit.words, list[Markup]()
    if then.cost_change_krw:
        more = then.cost_change_krw > 0
        text = words("change_costs_more" if more else "change_costs_less", krw=f"{abs(then.cost_change_krw):,}")
        told.append(el("p", text, class_="slot"))
    if then.HasField("cancellation_quote"):
        told += quoted(visit, then.cancellation_quote)
    return told


def quoted(visit: Visit, quote: api.CancellationQuote) -> list[Markup]:
    """What giving something back would bring: what is due, what is not due any more, and a strike."""
    words, told = visit.words, list[Markup]()
    if quote.due_krw:
        told.append(el("p", words("quote_due", due=f"{quote.due_krw:,}", refund=f"{quote.refund_krw:,}")))
    elif quote.refund_krw:
        told.append(el("p", words("quote_refund", refund=f"{quote.refund_krw:,}")))
    until = [fee.free_until_time for fee in quote.fees if fee.HasField("free_until_time") and not fee.percent]
    if until:
        first = from_timestamp(min(until, key=lambda each: each.seconds))
        told.append(el("p", words("quote_free_until", moment=visit.clock.short(first)), class_="away"))
    if quote.strike:
        told.append(parts.note(words("quote_strike"), "warn"))
    return told


def _labels(visit: Visit) -> list[str]:
    keys = ("change_start", "change_end", "change_length", "head_what", "head_units", "head_note", "head_price")
    return [visit.words(key) for key in keys]


def _facts(visit: Visit, item: api.Reservation) -> list[Content]:
    start, end = from_timestamp(item.start_time), from_timestamp(item.end_time)
    return [
        visit.clock.stamp(start),
        visit.clock.stamp(end),
        length(end - start, visit.words),
        parts.lines(visit, item.lines),
        _units(visit, item),
        item.note,
        parts.price(visit, item),
    ]


def _units(visit: Visit, item: api.Reservation) -> Markup:
    """What it holds, by name as far as that is short."""
    shown = []
    for each in item.allocations:
        names = list(each.unit_names)
        more = len(names) - UNITS_SHOWN
        text = ", ".join(names[:UNITS_SHOWN]) + (f" {visit.words('and_more', count=more)}" if more > 0 else "")
        shown.append(el("div", visit.name(visit.catalogue[each.resource]), ": ", text))
    return el("div", shown)
