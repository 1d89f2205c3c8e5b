"""The drawing of the timeline: a row for each resource, policy behind, what is busy, and who has it.

Everything stands at percentages of the row's width, so the drawing fits any screen and any paper without a script.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zlib import crc32

from services.board import parts
from services.board.catalogue import figure, plain
from services.board.markup import Markup, el
from services.board.times import HOUR, Window, from_timestamp
from services.board.visit import Visit, address
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

BUSY_HEIGHT = 18
LANE_HEIGHT = 17
SINGLE_TOP = 5
LANES_MAX = 6
BARS_MAX = 400
"""In one row; more than that nobody can tell apart."""
COLOURS = 8
LABEL_SHARE_MIN = 0.025
"""A bar narrower than this share of the row has no room for words."""

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Bar:
    """What a reservation holds of a resource, for one span of time."""

    item: api.Reservation
    allocation: api.Allocation
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Row:
    """One resource over the window."""

    resource: api.Resource
    calendar: api.Calendar | None
    bars: Sequence[Bar]
    window: Span
    hidden: int = 0
    overlaps: Sequence[Span] = field(default_factory=tuple)

    @classmethod
    def of(
        cls, visit: Visit, resource: api.Resource, calendar: api.Calendar | None, bars: Sequence[Bar], window: Span
    ) -> "Row":
        """A row with as many bars as can be told apart, the earliest first."""
        shown = sorted(bars, key=lambda bar: (bar.start, bar.item.name))
        twice = overlaps(resource.capacity_units, shown, calendar)
        return cls(resource, calendar, shown[:BARS_MAX], window, max(0, len(shown) - BARS_MAX), twice)

    @property
    def single(self) -> bool:
        """Whether only one reservation at a time can hold it."""
        return self.resource.capacity_units == 1


def overlaps(capacity: int, bars: Iterable[Bar], calendar: api.Calendar | None) -> list[Span]:
    """When more is held than there is. It must never happen, so it must never be hidden."""
    found = [
        (from_timestamp(part.start_time), from_timestamp(part.end_time))
        for part in (calendar.intervals if calendar else ())
        if part.reserved_units > calendar.capacity_units  # type: ignore[union-attr]  # there are intervals
    ]
    edges = sorted(
        edge for bar in bars for edge in ((bar.start, bar.allocation.units), (bar.end, -bar.allocation.units))
    )
    held, since = 0, None
    for moment, units in edges:
        held += units
        if held > capacity and since is None:
            since = moment
        elif held <= capacity and since is not None:
            found.append((since, moment))
            since = None
    return found


def lanes(bars: Iterable[Bar]) -> tuple[list[tuple[int, Bar]], int]:
    """Bars one under the other where they overlap, each in the first free lane; and how many lanes there are."""
    ends: list[datetime] = []
    placed = []
    for bar in bars:
        lane = next((number for number, end in enumerate(ends) if end <= bar.start), len(ends))
        if lane == len(ends):
            ends.append(bar.end)
        ends[lane] = bar.end
        placed.append((lane, bar))
    return placed, len(ends)


def chart(visit: Visit, drawn: Sequence[Row], window: Window) -> Markup:
    """All rows under one scale of time."""
    span = visit.clock.midnight(window.first), visit.clock.midnight(window.last)
    head = el(
        "tr", el("th", visit.words("head_resource"), scope="col"), el("th", _scale(visit, window, span), scope="col")
    )
    body = [
        el("tr", _label(visit, row), el("td", _drawing(visit, row)), class_="overlap" if row.overlaps else None)
        for row in drawn
    ]
    caption = el("caption", visit.words("timeline_caption"), class_="unseen")
    table = el("table", caption, el("thead", head), el("tbody", body), class_=f"timeline {window.zoom}")
    return el("div", _definitions(visit, window, span), table)


def legend(visit: Visit) -> Markup:
    """What the colours and hatchings mean."""
    keys = ["busy", "closed", "closure", "overlap"]
    if visit.person.company:
        keys.insert(0, "own")
    return el(
        "ul",
        [
            el(
                "li",
                el("svg", el("rect", class_=key, width="100%", height="100%"), class_="key", aria_hidden="true"),
                visit.words(f"legend_{key}"),
            )
            for key in keys
        ],
        class_="legend",
    )


def _at(moment: datetime, span: Span) -> float:
    """Where a moment stands, in per cent, cut to the window."""
    start, end = span
    return max(0.0, min(100.0, (moment - start) / (end - start) * 100))


def _box(start: datetime, end: datetime, span: Span) -> dict[str, str]:
    left, right = _at(start, span), _at(end, span)
    return {"x": f"{left:.3f}%", "width": f"{max(right - left, 0.05):.3f}%"}


def _steps(visit: Visit, window: Window) -> list[tuple[datetime, str]]:
    """The lines of the scale: hours of a day, days of a week or a month."""
    clock = visit.clock
    if window.zoom == "day":
        midnight = clock.midnight(window.first)
        return [(midnight + hour * HOUR, f"{hour:02}") for hour in range(0, 24, 2)]
    if window.zoom == "week":
        return [(clock.midnight(day), clock.weekday(day)) for day in window.days()]
    return [(clock.midnight(day), str(day.day)) for day in window.days()]


def _scale(visit: Visit, window: Window, span: Span) -> Markup:
    texts = [
        el(
            "text",
            text,
            x=f"{_at(moment, span):.3f}%",
            dx=4,
            y=14,
            class_="today" if _today(visit, moment, window) else None,
        )
        for moment, text in _steps(visit, window)
    ]
    marks = el("text", visit.words("now_mark"), x=f"{_at(visit.clock.now, span):.3f}%", y=28, class_="nowmark")
    inside = span[0] <= visit.clock.now < span[1]
    return el("svg", texts, marks if inside else None, class_="scale", height=32, aria_hidden="true")


def _today(visit: Visit, moment: datetime, window: Window) -> bool:
    return window.zoom != "day" and visit.clock.local(moment).date() == visit.clock.local(visit.clock.now).date()


def _definitions(visit: Visit, window: Window, span: Span) -> Markup:
    """Hatchings, and the lines that every row has: drawn once, used in each."""
    lines = [
        el("line", x1=f"{at:.3f}%", x2=f"{at:.3f}%", y1="0", y2="100%", class_="grid")
        for moment, _ in _steps(visit, window)[1:]
        for at in (_at(moment, span),)
    ]
    if span[0] <= visit.clock.now < span[1]:
        at = f"{_at(visit.clock.now, span):.3f}%"
        lines.append(el("line", x1=at, x2=at, y1="0", y2="100%", class_="nowline"))
    hatches = [
        el(
            "pattern",
            el("rect", width=8, height=8, class_=f"{name}-ground"),
            el("path", d="M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4", class_=f"{name}-line"),
            id=f"hatch-{name}",
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
        )
        for name in ("closed", "closure", "overlap")
    ]
    return el(
        "svg",
        el("defs", hatches, el("g", lines, id="grid")),
        class_="definitions",
        width=0,
        height=0,
        aria_hidden="true",
    )


def _label(visit: Visit, row: Row) -> Markup:
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


def _drawing(visit: Visit, row: Row) -> Markup:
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
                **_box(*span, row.window),
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
            **_box(from_timestamp(part.start_time), from_timestamp(part.end_time), row.window),
        )
        for part in closed
    ]
    for closure in row.resource.closures:
        start, end = from_timestamp(closure.start_time), from_timestamp(closure.end_time)
        if start < row.window[1] and end > row.window[0]:
            title = el("title", f"{visit.words('incident_closure')}: {closure.reason} {closure.zone}".strip())
            made.append(el("rect", title, class_="closure", height="100%", **_box(start, end, row.window)))
    return made


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
                **_box(start, end, row.window),
            )
        )
    return made


def _bar(visit: Visit, row: Row, bar: Bar, top: int) -> Markup:
    box = _box(bar.start, bar.end, row.window)
    owner = parts.company_of(bar.item.name)
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
                bar.item.note,
            ),
        )
    )
    wide = _at(bar.end, row.window) - _at(bar.start, row.window) >= LABEL_SHARE_MIN * 100
    colour = "own" if own else f"c{crc32(owner.encode()) % COLOURS}"
    drawn = el(
        "svg",
        el("title", title),
        el("rect", width="100%", height="100%", rx=3),
        el("text", text, x=5, y=11) if wide and text else None,
        y=top + 1,
        height=LANE_HEIGHT - 2,
        **box,
    )
    return el("a", drawn, href=parts.path_of(bar.item.name), class_=f"bar {colour} {state}", aria_label=title)


def _spoken(visit: Visit, row: Row) -> str:
    """The row in a sentence, for those who do not see it."""
    return visit.words("row_spoken", name=visit.name(row.resource), count=len({bar.item.name for bar in row.bars}))
