"""Fields that several forms have: a text, a box to tick, a resource, a company."""

from collections.abc import Mapping

from services.board.doors.catalogue import KINDS, plain
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el

NOTE_CHARACTERS_MAX = 500
REASON_CHARACTERS_MAX = 500


def field(name: str, number: int) -> str:
    """The name of a field of a line; the first line's has no number, for short addresses."""
    return name if number == 1 else f"{name}{number}"


def text_field(label: str, name: str, value: str, **attributes: str | int | bool) -> Markup:
    """A field with its label."""
    return el("label", label, el("input", name=name, value=value or None, **attributes))


def check(kind: str, name: str, value: str, label: str, checked: bool) -> Markup:
    """A box or a button to tick, with its label."""
    return el("label", el("input", type_=kind, name=name, value=value, checked=checked), label)


def company_field(visit: Visit, fields: Mapping[str, str]) -> Markup:
    """Whose booking it is, for those who may book for anybody."""
    company = fields.get("company", "")
    return el(
        "div",
        text_field(visit.words("whose_company"), "company", company, maxlength=63, required=True),
        class_="fields",
    )


def resource_field(visit: Visit, fields: Mapping[str, str], number: int = 1, *, required: bool = False) -> Markup:
    """One of the resources in service, by their kind."""
    words, chosen = visit.words, fields.get(field("resource", number), "")
    groups = [
        el(
            "optgroup",
            [
                el(
                    "option",
                    f"{visit.name(each)} ({visit.amount(each, each.capacity_units)})",
                    value=plain(each.name),
                    selected=plain(each.name) == chosen,
                )
                for each in visit.catalogue.of_kind(kind)
                if each.in_service
            ],
            label=words(f"kind_{kind}"),
        )
        for kind in KINDS
    ]
    choose = el("option", words("choose"), value="")
    select = el("select", choose, groups, name=field("resource", number), required=required)
    return el("label", words("head_what"), select, class_="wide")
