"""Column charts, drawn here: they need no script, and print as they look."""

from collections.abc import Sequence
from math import floor, log10

from services.board.frame import parts
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el

SERIES = ("booked", "used", "released")
HEIGHT = 180
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
LABELS_MAX = 14
TOP_MIN = 0.1


def legend(visit: Visit) -> Markup:
    """What each column is."""
    return el(
        "ul",
        [
            el(
                "li",
                el("svg", el("rect", class_=name, width="100%", height="100%"), class_="key", aria_hidden="true"),
                visit.words(f"usage_{name}"),
            )
            for name in SERIES
        ],
        class_="legend",
    )


def columns(visit: Visit, labels: Sequence[str], values: Sequence[Sequence[float]], unit: str) -> Markup:
    """Groups of columns over a scale, and the same figures as a table that can be opened."""
    top = ceiling(max((max(group) for group in values), default=0.0))
    drawn = [
        _scale(top),
        [
            _group(visit, at, len(labels), label, group, top)
            for at, (label, group) in enumerate(zip(labels, values, strict=True))
        ],
    ]
    ticks = [
        el("text", label, x=f"{(at + 0.5) / len(labels) * 100:.3f}%", y=14)
        for at, label in enumerate(labels)
        if at % (-(-len(labels) // LABELS_MAX)) == 0
    ]
    head = [visit.words("head_when"), *(visit.words(f"usage_{name}") for name in SERIES)]
    rows = [[label, *(f"{value:,.1f}" for value in group)] for label, group in zip(labels, values, strict=True)]
    return el(
        "figure",
        el("p", unit, class_="away"),
        el(
            "div",
            el(
                "div",
                [el("span", f"{top * share:,.0f}" if top >= 10 else f"{top * share:.1f}") for share in (1, 0.5, 0)],
                class_="axis",
                aria_hidden="true",
            ),
            el(
                "svg", drawn, class_="plot", height=HEIGHT, role="img", aria_label=visit.words("chart_label", unit=unit)
            ),
            el("svg", ticks, class_="ticks", height=20, aria_hidden="true"),
            class_="chart",
        ),
        el("details", el("summary", visit.words("as_table")), parts.table(head, rows, unit, frozenset({1, 2, 3}))),
        class_="figure",
    )


def ceiling(value: float) -> float:
    """The next round figure, for the top of a scale; nothing at all has a scale too."""
    if value <= TOP_MIN:
        return TOP_MIN if value > 0 else 1.0
    power = 10.0 ** floor(log10(value))
    return next((step * power for step in STEPS if step * power >= value), 10 * power)


def _scale(top: float) -> list[Markup]:
    return [el("line", x1="0", x2="100%", y1=f"{at}%", y2=f"{at}%", class_="grid") for at in (0, 50, 100)]


def _group(visit: Visit, at: int, count: int, label: str, group: Sequence[float], top: float) -> Markup:
    wide = 100 / count
    gap = wide * 0.2
    each = (wide - gap) / len(SERIES)
    made = []
    for place, (name, value) in enumerate(zip(SERIES, group, strict=True)):
        high = max(0.0, value / top * 100)
        left = at * wide + gap / 2 + place * each
        title = el("title", f"{label}: {visit.words(f'usage_{name}')} {value:,.1f}")
        made.append(
            el(
                "rect",
                title,
                class_=name,
                x=f"{left:.3f}%",
                width=f"{each * 0.9:.3f}%",
                y=f"{100 - high:.2f}%",
                height=f"{high:.2f}%",
            )
        )
    return el("g", made)
