"""A reservation as it stands beside what it would become: only what differs is said twice."""

from services.board import parts
from services.board.markup import Content, Markup, el
from services.board.times import from_timestamp, length
from services.board.visit import Visit
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

UNITS_SHOWN = 8


def compared(visit: Visit, now: api.Reservation, then: api.Reservation) -> Markup:
    """A table with a row for each thing; what stays the same says so."""
    words = visit.words
    rows = []
    for label, before, after in zip(_labels(visit), _facts(visit, now), _facts(visit, then), strict=True):
        if not before and not after:
            continue
        same = before == after
        rows.append([label, before, el("span", words("change_same"), class_="away") if same else el("b", after)])
    head = ["", words("change_now"), words("change_then")]
    return parts.table(head, rows, words("change_effect"))


def _labels(visit: Visit) -> list[str]:
    words = visit.words
    return [
        words(key) for key in ("change_start", "change_end", "change_length", "head_what", "head_units", "head_note")
    ]


def _facts(visit: Visit, item: api.Reservation) -> list[Content]:
    start, end = from_timestamp(item.start_time), from_timestamp(item.end_time)
    return [
        visit.clock.stamp(start),
        visit.clock.stamp(end),
        length(end - start, visit.words),
        parts.lines(visit, item.lines),
        _units(visit, item),
        item.note,
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
