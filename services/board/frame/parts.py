"""Pieces that several pages are made of: tables, badges, figures, notices, refusals."""

from collections.abc import Iterable, Sequence

from services.board.doors.catalogue import plain
from services.board.frame import paths
from services.board.frame.visit import Visit, address
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

Row = Sequence[Content]


def table(head: Sequence[str], rows: Iterable[Row], caption: str, numbers: frozenset[int] = frozenset()) -> Markup:
    """A table with a caption for those who do not see it; `numbers` are the columns to set to the right."""
    cells = [el("th", text, scope="col", class_="number" if at in numbers else None) for at, text in enumerate(head)]
    body = [
        el("tr", [el("td", cell, class_="number" if at in numbers else None) for at, cell in enumerate(row)])
        for row in rows
    ]
    made = el("table", el("caption", caption, class_="unseen"), el("thead", el("tr", cells)), el("tbody", body))
    # A table that is wider than the screen is scrolled by itself, by keyboard too.
    return el("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)


def section(
    title: str, *content: Content, class_: str | None = None, aside: Content = None, id_: str | None = None
) -> Markup:
    """A part of a page under its heading."""
    return el("section", el("div", el("h2", title), aside, class_="heading"), *content, class_=class_, id=id_)


def note(text: Content, kind: str = "note") -> Markup:
    """A sentence that stands out: note, good, warn or bad."""
    return el("p", text, class_=f"notice {kind}", role="alert" if kind == "bad" else None)


def empty(text: str) -> Markup:
    """What is said where there is nothing."""
    return el("p", text, class_="empty")


def state(visit: Visit, item: api.Reservation) -> Markup:
    """Where a reservation stands, and whether a change of it waits."""
    name = state_name(item)
    told = el("span", visit.words.either(f"state_{name}", name.replace("_", " ")), class_=f"state {name}")
    if not item.HasField("asked_change"):
        return told
    return el("span", told, " ", el("span", visit.words("state_change_waits"), class_="state pending"))


def state_name(item: api.Reservation) -> str:
    """`confirmed` for STATE_CONFIRMED; a state that this board does not know yet by its number."""
    try:
        return api.Reservation.State.Name(item.state).removeprefix("STATE_").lower()
    except ValueError:
        return f"state-{item.state}"


def price(visit: Visit, item: api.Reservation | api.Offer) -> str:
    """What it costs by its rate card; nothing where there is none."""
    return visit.words("price_krw", krw=f"{item.cost.krw:,}") if item.HasField("cost") else ""


def done_of(made: api.Reservation) -> str:
    """What to say of a booking that was just made: it is not always more than held, or asked for."""
    match made.state:
        case api.Reservation.STATE_HELD:
            return "held"
        case api.Reservation.STATE_PENDING:
            return "asked"
        case _:
            return "booked"


def lines(visit: Visit, found: Iterable[api.Line]) -> Markup:
    """What a demand asks for: `Driving simulator · a100-dev 8 GPU`."""
    shown: list[Content] = []
    for line in found:
        resource = visit.catalogue[line.resource]
        amount = visit.amount(resource, line.units) if resource.capacity_units != 1 else ""
        inside = [el("span", visit.name(resource)), " ", el("b", amount) if amount else None]
        shown.append(el("a", inside, href=address("/timeline", resource=plain(line.resource)), class_="line"))
    return el("span", shown, class_="lines")


def when(visit: Visit, item: api.Reservation | api.Offer | api.Span | api.Occurrence) -> Markup:
    """From when to when."""
    start, end = from_timestamp(item.start_time), from_timestamp(item.end_time)
    return visit.clock.stamp(start, visit.clock.span(start, end))


def reservations(visit: Visit, found: Sequence[api.Reservation], caption: str, moment: str = "") -> Markup:
    """Reservations, one a row. `moment` (start or end) is said as well as how far off it is."""
    words, costly = visit.words, any_priced(found)
    head = [words("head_what"), words("head_when"), words("head_state"), *price_head(visit, costly), ""]
    rows: list[Row] = []
    for item in found:
        who = [el("span", paths.company_of(item.name), class_="owner"), " "] if not visit.person.company else None
        due = from_timestamp(item.start_time if moment == "start" else item.end_time)
        off = el("div", visit.clock.away(due), class_="away") if moment else None
        open_ = el(
            "a",
            words("open"),
            href=paths.of_reservation(item.name),
            aria_label=words("open_named", name=plain(item.name)),
        )
        cost = [price(visit, item)] if costly else []
        rows.append([[who, lines(visit, item.lines)], [when(visit, item), " ", off], state(visit, item), *cost, open_])
    return table(head, rows, caption, frozenset({3}) if costly else frozenset())


def any_priced(found: Iterable[api.Reservation]) -> bool:
    """Whether something here has a price: without a rate card a column of prices would be empty."""
    return any(item.HasField("cost") for item in found)


def price_head(visit: Visit, costly: bool) -> list[str]:
    """The head of the column of prices, if there is one."""
    return [visit.words("head_price")] if costly else []


def violations(visit: Visit, found: Iterable[api.Violation]) -> Markup:
    """Every rule that said no."""
    return el(
        "ul",
        [
            el(
                "li",
                el("b", visit.words.either(f"reason_{each.reason}", each.reason.replace("_", " ").capitalize())),
                " ",
                el("code", each.reason),
                el("p", each.description, lang="en"),
            )
            for each in found
        ],
        class_="violations",
    )


def share_bar(shares: Sequence[tuple[str, float]], label: str, mark: float | None = None) -> Markup:
    """Parts of a whole as one bar, each a share between 0 and 1 with its class; `mark` is a line across it."""
    drawn, at = [], 0.0
    for name, share in shares:
        wide = max(0.0, min(share, 1.0 - at))
        drawn.append(el("rect", class_=name, x=f"{at * 100:.3f}%", width=f"{wide * 100:.3f}%", height="100%"))
        at += wide
    if mark is not None:
        drawn.append(el("line", class_="mark", x1=f"{mark * 100:.3f}%", x2=f"{mark * 100:.3f}%", y1="0", y2="100%"))
    return el("svg", drawn, class_="bar", role="img", aria_label=label, focusable="false")
