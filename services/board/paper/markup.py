"""HTML and SVG as values: whatever is not markup is escaped on its way in, so no text can become a tag."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})
EMPTY_SVG = frozenset({"circle", "line", "path", "polyline", "rect", "use"})


class Markup(str):
    """Text that is markup already. Only this module makes it."""

    __slots__ = ()


Content: TypeAlias = "str | int | Iterable[Content] | None"
"""What may stand in an element: text, figures, markup, nothing, or several of these."""


def el(tag: str, /, *children: Content, **attributes: str | int | float | bool | None) -> Markup:
    """An element. `class_` is class and `aria_label` aria-label; True is a bare attribute, None and False are none."""
    opening = f"<{tag}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if tag in VOID:
        assert not children, f"{tag} holds nothing"
        return Markup(opening)
    if tag in EMPTY_SVG and not children:
        return Markup(f"{opening[:-1]}/>")
    return Markup(f"{opening}{join(children)}</{tag}>")


def join(content: Content) -> Markup:
    """Content as markup: text escaped, lists one after the other."""
    if content is None:
        return Markup()
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(escape(content))
    if isinstance(content, int):
        return Markup(content)
    return Markup("".join(join(each) for each in content))


def page(content: Content) -> str:
    """A whole document."""
    return f"<!doctype html>\n{join(content)}\n"


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escape(f"{value:.6g}" if isinstance(value, float) else str(value))}"'
