"""The drawing of the timeline: all rows under one scale of time, with the lines and hatchings that they share.

Everything stands at percentages of the row's width, so the drawing fits any screen and any paper without a script.
"""

from collections.abc import Sequence
from datetime import datetime

from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el
from services.board.paper.times import HOUR, Window
from services.board.timeline import strips
from services.board.timeline.rows import Row, Span, at


def chart(visit: Visit, drawn: Sequence[Row], window: Window) -> Markup:
    """All rows under one scale of time."""
    span = visit.clock.midnight(window.first), visit.clock.midnight(window.last)
    head = el(
        "tr", el("th", visit.words("head_resource"), scope="col"), el("th", _scale(visit, window, span), scope="col")
    )
    body = [_row(visit, row) for row in drawn]
    caption = el("caption", visit.words("timeline_caption"), class_="unseen")
    table = el("table", caption, el("thead", head), el("tbody", body), class_=f"timeline {window.zoom}")
    return el("div", _definitions(visit, window, span), table)


def _row(visit: Visit, row: Row) -> Markup:
    cells = strips.label(visit, row), el("td", strips.strip(visit, row))
    return el("tr", cells, class_="overlap" if row.overlaps else None)


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
            x=f"{at(moment, span):.3f}%",
            dx=4,
            y=14,
            class_="today" if _today(visit, moment, window) else None,
        )
        for moment, text in _steps(visit, window)
    ]
    marks = el("text", visit.words("now_mark"), x=f"{at(visit.clock.now, span):.3f}%", y=28, class_="nowmark")
    inside = span[0] <= visit.clock.now < span[1]
    return el("svg", texts, marks if inside else None, class_="scale", height=32, aria_hidden="true")


def _today(visit: Visit, moment: datetime, window: Window) -> bool:
    return window.zoom != "day" and visit.clock.local(moment).date() == visit.clock.local(visit.clock.now).date()


def _definitions(visit: Visit, window: Window, span: Span) -> Markup:
    """Hatchings, and the lines that every row has: drawn once, used in each."""
    lines = [_line(at(moment, span), "grid") for moment, _ in _steps(visit, window)[1:]]
    if span[0] <= visit.clock.now < span[1]:
        lines.append(_line(at(visit.clock.now, span), "nowline"))
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


def _line(left: float, name: str) -> Markup:
    return el("line", x1=f"{left:.3f}%", x2=f"{left:.3f}%", y1="0", y2="100%", class_=name)
