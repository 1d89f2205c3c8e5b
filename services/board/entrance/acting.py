"""For whom a support officer acts: asked once after signing in, and again whenever they like.

The centre says for whom they may; the board only remembers the one that they chose, and names it in every call. What
they then see and do is what that company sees and may, and the log says who it was.
"""

import time
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.board.doors.answers import Forbidden, Refused, SignedOut
from services.board.doors.calls import Doors
from services.board.doors.catalogue import CatalogueCache
from services.board.doors.session import COMPANY, SEAL, Person, act_for, signed_in
from services.board.frame import parts
from services.board.frame.document import document, hidden, languages
from services.board.frame.visit import Forged, address, language_of, local_path, read_form, to_come_back
from services.board.paper.markup import Content, el

PATH = "/acting"
SEE_OTHER, FORBIDDEN = 303, 403


def to_choose(request: Request, *, ended: bool = False) -> Response:
    """The way to the page, and from there back to where somebody was."""
    return RedirectResponse(
        address(PATH, next=to_come_back(request), ended=1 if ended else None), status_code=SEE_OTHER
    )


class Acting:
    """The page that asks for a company, and what is done with it."""

    def __init__(self, doors: Doors, catalogue: CatalogueCache) -> None:
        self._doors = doors
        self._catalogue = catalogue

    async def ask(self, request: Request) -> Response:
        """The page. Raises `Forbidden` for whoever is no officer."""
        person, words = _officer(request), language_of(request)
        told = parts.note(words("acting_over"), "warn") if "ended" in request.query_params else None
        return _page(request, person, told, local_path(request.query_params.get("next", "/")))

    async def choose(self, request: Request) -> Response:
        """A company that was named: the scheduler says whether this officer may act for it. Raises `Forged`."""
        person, fields = _officer(request), await read_form(request)
        if not person.sealed(fields.get(SEAL, "")):
            raise Forged
        company, onward = fields.get("company", "").strip(), local_path(fields.get("next", "/"))
        try:
            if not COMPANY.fullmatch(company):
                raise Forbidden
            await self._catalogue.get(self._doors.of(replace(person, company=company)))
        except (Forbidden, Refused):
            words = language_of(request)
            return _page(request, person, parts.note(words("acting_denied"), "bad"), onward, FORBIDDEN)
        response = RedirectResponse(onward, status_code=SEE_OTHER)
        act_for(response, company, person, time.time(), request.url.scheme == "https")
        return response


def _officer(request: Request) -> Person:
    """The officer who asks. Raises `SignedOut` or `Forbidden`."""
    person = signed_in(request)
    if person is None:
        raise SignedOut
    if not person.officer:
        raise Forbidden
    return person


def _page(request: Request, person: Person, told: Content, onward: str, status: int = 200) -> Response:
    words = language_of(request)
    title = words("acting_title")
    company = el(
        "input",
        name="company",
        value=person.company,
        required=True,
        autofocus=True,
        maxlength=63,
        placeholder="CMP-0001",
        autocomplete="off",
    )
    asked = el(
        "form",
        hidden(SEAL, person.seal),
        hidden("next", onward),
        el("label", words("acting_label"), company),
        el("button", words("acting_go")),
        method="post",
        action=PATH,
    )
    leave = el(
        "form",
        hidden(SEAL, person.seal),
        el("button", words("sign_out"), class_="plain"),
        method="post",
        action="/sign-out",
    )
    shown = el(
        "main",
        el("h1", title),
        told,
        asked,
        el("p", words("acting_explained")),
        el("p", words("signed_in_as", who=person.subject), class_="away"),
        leave,
        el("p", languages(request, words)),
        id="content",
    )
    body = el("body", shown, class_="sign-in")
    return HTMLResponse(document(words, title, body), status_code=status)
