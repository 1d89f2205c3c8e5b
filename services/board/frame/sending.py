"""A request that was shown and then sent: enclosed whole in its form, so that what happens is what was seen.

Whoever alters it asks for something else in their own name, which the services decide as ever.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from starlette.responses import Response

from services.board.frame import parts
from services.board.frame.document import form, hidden, show
from services.board.frame.visit import Unreadable, Visit
from services.board.paper.markup import Content, Markup, el

ENCLOSED = "request"
UNAVAILABLE = 503
Sent = TypeVar("Sent", bound=Message)


def enclosed(visit: Visit, action: str, request: Message, *content: Content, class_: str | None = None) -> Markup:
    """A form that sends a request as it is."""
    letter = base64.urlsafe_b64encode(request.SerializeToString(deterministic=True)).decode()
    return form(visit, action, hidden(ENCLOSED, letter), *content, class_=class_)


def opened(fields: Mapping[str, str], kind: type[Sent]) -> Sent:
    """The request in a form that was sent. Raises `Unreadable`."""
    try:
        return kind.FromString(base64.urlsafe_b64decode(fields.get(ENCLOSED, "").encode("ascii")))
    except (DecodeError, binascii.Error, ValueError) as problem:
        raise Unreadable from problem


def unknown(visit: Visit, action: str, request: Any, *content: Content) -> Response:
    """Nobody answered, so nobody knows: the same request again tells, and happens once."""
    words = visit.words
    title = words("unknown_title")
    told = parts.note(words("unknown_change_explained"), "warn")
    again = enclosed(visit, action, request, *content, el("button", words("ask_again")))
    return show(visit, title, el("h1", title), told, again, status=UNAVAILABLE, live=False)
