"""A month by resource as a drawing: one bar each, of what was used, idle, still booked, given back, against the quota.

One self-contained SVG, so that it prints, scales, and is read aloud by its titles.
"""

from collections.abc import Iterable, Sequence
from html import escape

from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

PARTS = (
    ("used", "#2f6fc4"),
    ("idle", "#e0a030"),
    ("pending", "#9cc2f0"),
    ("released", "#c9ccd1"),
    ("refunded", "#d96c6c"),
)
"""What becomes of what was reserved, in the order of the bar, with its colour."""
HOUR_SECONDS = 3600
WIDTH, LABEL_WIDTH, FIGURE_WIDTH = 860, 170, 150
ROW_HEIGHT, BAR_HEIGHT, TOP = 26, 14, 26
ROWS_MAX = 40
"""More bars than this nobody reads; those with the most hours are drawn."""


def chart(rows: Sequence[ledger_api.SummaryRow]) -> str:
    """The drawing; empty where nothing was reserved or granted."""
    drawn = [row for row in rows if row.resource != "equipment" and _length(row)]
    drawn = sorted(drawn, key=_length, reverse=True)[:ROWS_MAX]
    if not drawn:
        return ""
    height = TOP + ROW_HEIGHT * len(drawn)
    body = "\n".join([*_legend(), *(line for place, row in enumerate(drawn) for line in _bar(place, row))])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" class="chart">\n'
        f"<title>What became of the hours reserved, by resource</title>\n{body}\n</svg>"
    )


def _legend() -> Iterable[str]:
    for place, (part, colour) in enumerate(PARTS):
        x = LABEL_WIDTH + place * 100
        yield f'<rect x="{x}" y="4" width="10" height="10" fill="{colour}"/><text x="{x + 15}" y="13">{part}</text>'


def _bar(place: int, row: ledger_api.SummaryRow) -> Iterable[str]:
    """A bar as long as what was granted or reserved, whichever is more; a mark where the quota ends."""
    y, room = TOP + place * ROW_HEIGHT, WIDTH - LABEL_WIDTH - FIGURE_WIDTH
    scale, x = room / _length(row), float(LABEL_WIDTH)
    yield f'<text x="{LABEL_WIDTH - 8}" y="{y + 12}" text-anchor="end">{escape(row.resource)}</text>'
    for part, colour in PARTS:
        amount = getattr(row, f"{part}_unit_seconds")
        if amount:
            said = escape(f"{row.resource}: {part} {_hours(amount, row)}")
            yield (
                f'<rect x="{x:.1f}" y="{y}" width="{amount * scale:.1f}" height="{BAR_HEIGHT}" fill="{colour}">'
                f"<title>{said}</title></rect>"
            )
            x += amount * scale
    if row.granted_unit_seconds:
        mark = LABEL_WIDTH + row.granted_unit_seconds * scale
        yield f'<path d="M{mark:.1f} {y - 3}v{BAR_HEIGHT + 6}" stroke="#222" stroke-width="1.5"/>'
    whole = row.granted_unit_seconds or row.reserved_unit_seconds
    figure = f"{_hours(row.used_unit_seconds, row)} of {_hours(whole, row)}"
    yield f'<text x="{WIDTH - FIGURE_WIDTH + 12}" y="{y + 12}">{figure}</text>'


def _length(row: ledger_api.SummaryRow) -> int:
    return max(row.granted_unit_seconds, row.reserved_unit_seconds)


def _hours(unit_seconds: int, row: ledger_api.SummaryRow) -> str:
    return f"{unit_seconds / max(1, row.units_each) / HOUR_SECONDS:,.0f} h"
