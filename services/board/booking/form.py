"""The form that asks for offers: what, how long, and within which window."""

from collections.abc import Mapping

from services.board.booking.classes import FIELDS, people_fields
from services.board.booking.wishes import COLOCATIONS, HOURS_MAX, LINES_MAX, ORDERS
from services.board.frame.fields import NOTE_CHARACTERS_MAX, company_field, field, resource_field, text_field
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el


def drawn(visit: Visit, fields: Mapping[str, str]) -> Markup:
    """The form, filled in as it was sent."""
    words = visit.words
    more = [line_fields(visit, fields, number) for number in range(2, LINES_MAX + 1)]
    opened = any(fields.get(field("resource", number)) for number in range(2, LINES_MAX + 1))
    placed = fields.get("together", "anywhere") not in ("", "anywhere")
    together = [
        el("option", words(f"together_{name}"), value=name, selected=name == fields.get("together", "anywhere"))
        for name in COLOCATIONS
    ]
    return el(
        "form",
        company_field(visit, fields) if not visit.person.company else None,
        line_fields(visit, fields, 1),
        el(
            "div",
            text_field(
                words("book_hours"),
                "hours",
                fields.get("hours", "2"),
                type_="number",
                min_="0.25",
                max_=HOURS_MAX,
                step="any",
            ),
            text_field(words("book_earliest"), "earliest", fields.get("earliest", ""), type_="datetime-local"),
            text_field(words("book_latest"), "latest", fields.get("latest", ""), type_="datetime-local"),
            class_="fields",
        ),
        el(
            "details",
            el("summary", words("book_better")),
            _better(visit, fields),
            open_=any(fields.get(name) for name in ("longest", "least", "near", "why"))
            or fields.get("order", "earliest") not in ("", "earliest"),
        ),
        el(
            "details",
            el("summary", words("book_more")),
            more,
            el("div", people_fields(visit, fields), class_="fields"),
            el(
                "div",
                el("label", words("book_together"), el("select", together, name="together")),
                text_field(words("book_note"), "note", fields.get("note", ""), maxlength=NOTE_CHARACTERS_MAX),
                class_="fields",
            ),
            open_=opened or placed or any(fields.get(name) for name in ("note", *FIELDS)),
        ),
        el(
            "p",
            el("button", words("book_search")),
            " ",
            el("span", words("footer_zone", zone=visit.clock.zone_name()), class_="away"),
        ),
        method="get",
        action="/book",
        class_="search",
    )


def _better(visit: Visit, fields: Mapping[str, str]) -> Markup:
    """Which offers come first, how much longer would be better, and whether refused windows are told of."""
    words, chosen = visit.words, fields.get("order", "earliest")
    orders = [el("option", words(f"order_{name}"), value=name, selected=name == chosen) for name in ORDERS]
    longest = text_field(
        words("book_longest"),
        "longest",
        fields.get("longest", ""),
        type_="number",
        min_="0.25",
        max_=HOURS_MAX,
        step="any",
    )
    why = el("input", type_="checkbox", name="why", value="on", checked=bool(fields.get("why")))
    return el(
        "div",
        el(
            "div",
            el("label", words("book_order"), el("select", orders, name="order")),
            text_field(words("book_near"), "near", fields.get("near", ""), type_="datetime-local"),
            longest,
            text_field(words("book_fewest"), "least", fields.get("least", ""), inputmode="decimal", maxlength=16),
            class_="fields",
        ),
        el("div", el("label", why, words("book_why")), class_="checks"),
    )


def line_fields(visit: Visit, fields: Mapping[str, str], number: int) -> Markup:
    """What to book, and how much of it."""
    words = visit.words
    amount = fields.get(field("amount", number), "")
    return el(
        "div",
        resource_field(visit, fields, number, required=number == 1),
        text_field(
            words("book_amount"),
            field("amount", number),
            amount,
            inputmode="decimal",
            placeholder=words("book_least"),
            maxlength=16,
        ),
        class_="fields",
    )
