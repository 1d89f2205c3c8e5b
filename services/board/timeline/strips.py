"""One row of the timeline: policy behind, what is busy, and the bars of whom one may see."""

from collections.abc import Iterator
from itertools import groupby
from zlib import crc32

from services.board.doors.catalogue import figure, plain
from services.board.frame import parts, paths
from services.board.frame.visit import Visit, address
from services.board.paper.markup import Markup, el
from services.board.paper.times import from_timestamp
from services.board.timeline.rows import Bar, Row, at, box, lanes

BUSY_HEIGHT = 18
LANE_HEIGHT = 17
SINGLE_TOP = 5
CLOSURE_HEIGHT_MIN = 4.0
LANES_MAX = 6
COLOURS = 8
LABEL_SHARE_MIN = 0.025
"""A bar narrower than this share of the row has no room for words."""


def label(visit: Visit, row: Row) -> Markup:
    """The head of a row: what the resource is called, and how much there is of it."""
    resource, words = row.resource, visit.words
    size = visit.amount(resource, resource.capacity_units)
    flags = [
        el("span", words("overlap"), class_="state bad") if row.overlaps else None,
        el("span", words("restricted"), class_="state") if row.calendar is None and resource.in_service else None,
        el("span", words("out_of_service"), class_="state bad") if not resource.in_service else None,
    ]
    link = address("/timeline", resource=plain(resource.name), zoom="week")
    name = el("a", visit.name(resource), href=link, title=visit.name(resource))
    known = plain(resource.name)
    said = el("span", size if known in visit.name(resource) else f"{known} · {size}", class_="away")
    return el("th", el("div", name, flags, said, class_="label"), scope="row")


def strip(visit: Visit, row: Row) -> Markup:
    """What is drawn of a row: policy behind, what is busy, and who has it."""
    placed, count = lanes(row.bars)
    shown = min(count, LANES_MAX)
    top = SINGLE_TOP if row.single else BUSY_HEIGHT + 2
    height = 2 * SINGLE_TOP + LANE_HEIGHT if row.single and shown < 2 else top + LANE_HEIGHT * shown + 2
    more = len({bar.item.name for lane, bar in placed if lane >= LANES_MAX}) + row.hidden
    bars = [_bar(visit, row, bar, top + lane * LANE_HEIGHT) for lane, bar in placed if lane < LANES_MAX]
    drawing = el(
        "svg",
        _policy(visit, row),
        el("use", href="#grid"),
        _busy(visit, row),
        bars,
        [
            el(
                "rect",
                el("title", visit.words("overlap")),
                class_="overlap",
                y=0,
                height="100%",
                **box(*span, row.window),
            )
            for span in row.overlaps
        ],
        height=height,
        role="group",
        aria_label=_spoken(visit, row),
    )
    return el("div", drawing, el("p", visit.words("and_more", count=more), class_="away") if more else None)


def _policy(visit: Visit, row: Row) -> list[Markup]:
    """When it is closed by its hours, and when it is taken out."""
    closed = [part for part in (row.calendar.intervals if row.calendar else ()) if not part.open]
    made = [
        el(
            "rect",
            class_="closed",
            height="100%",
            **box(from_timestamp(part.start_time), from_timestamp(part.end_time), row.window),
        )
        for part in closed
    ]
    return [*made, *_closures(row)]


def _closures(row: Row) -> Iterator[Markup]:
    """When units are out and why: all of them behind everything, some of them from the top of the strip."""
    intervals = row.calendar.intervals if row.calendar else ()
    for (reasons, units), together in groupby(intervals, key=lambda part: (tuple(part.closures), part.closed_units)):
        pieces = list(together)
        if not reasons:
            continue
        share = units / max(1, row.resource.capacity_units)
        high = "100%" if row.single or share >= 1 else round(max(CLOSURE_HEIGHT_MIN, share * BUSY_HEIGHT), 1)
        place = box(from_timestamp(pieces[0].start_time), from_timestamp(pieces[-1].end_time), row.window)
        yield el("rect", el("title", "; ".join(reasons)), class_="closure", height=high, **place)


def _busy(visit: Visit, row: Row) -> list[Markup]:
    """How much is held, whoever holds it: the company may not know who, and the operator sees it beside the bars."""
    made = []
    # One seat is taken or not, where its bar would stand; of many, so much of the strip above the bars.
    ground, most = (SINGLE_TOP + LANE_HEIGHT - 1, LANE_HEIGHT - 2) if row.single else (BUSY_HEIGHT, BUSY_HEIGHT)
    for part in row.calendar.intervals if row.calendar else ():
        if not part.reserved_units:
            continue
        share = min(1.0, part.reserved_units / max(1, row.resource.capacity_units))
        start, end = from_timestamp(part.start_time), from_timestamp(part.end_time)
        text = visit.words(
            "busy_of",
            held=figure(row.resource, part.reserved_units),
            total=visit.amount(row.resource, row.resource.capacity_units),
            when=visit.clock.span(start, end),
        )
        high = max(1.0, share * most)
        made.append(
            el(
                "rect",
                el("title", text),
                class_="busy",
                y=round(ground - high, 1),
                height=round(high, 1),
                **box(start, end, row.window),
            )
        )
    return made


def _bar(visit: Visit, row: Row, bar: Bar, top: int) -> Markup:
    owner = paths.company_of(bar.item.name)
    own = bool(visit.person.company)
    amount = visit.amount(row.resource, bar.allocation.units)
    text = (
        amount if own and not row.single else bar.item.note if own else owner if row.single else f"{owner} · {amount}"
    )
    state = parts.state_name(bar.item)
    title = ", ".join(
        filter(
            None,
            (
                owner,
                amount,
                visit.clock.span(bar.start, bar.end),
                visit.words.either(f"state_{state}", state),
                parts.price(visit, bar.item),
                bar.item.note,
            ),
        )
    )
    wide = at(bar.end, row.window) - at(bar.start, row.window) >= LABEL_SHARE_MIN * 100
    colour = "own" if own else f"c{crc32(owner.encode()) % COLOURS}"
    drawn = el(
        "svg",
        el("title", title),
        el("rect", width="100%", height="100%", rx=3),
        el("text", text, x=5, y=11) if wide and text else None,
        y=top + 1,
        height=LANE_HEIGHT - 2,
        **box(bar.start, bar.end, row.window),
    )
    return el("a", drawn, href=paths.of_reservation(bar.item.name), class_=f"bar {colour} {state}", aria_label=title)


def _spoken(visit: Visit, row: Row) -> str:
    """The row in a sentence, for those who do not see it."""
    return visit.words("row_spoken", name=visit.name(row.resource), count=len({bar.item.name for bar in row.bars}))
