"""Signing in with a token, signing out, and choosing a language."""

import time

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.board.doors.answers import Limited, Refused, SignedOut, Unavailable
from services.board.doors.calls import Doors
from services.board.doors.catalogue import CatalogueCache
from services.board.doors.session import (
    TOKEN_CHARACTERS_MAX,
    Person,
    person_of,
    remember_language,
    sign_in,
    sign_out,
    signed_in,
)
from services.board.frame import parts
from services.board.frame.document import document, languages
from services.board.frame.visit import Forged, language_of, local_path, read_form
from services.board.paper.markup import Content, el
from services.board.paper.words import LANGUAGES

SEE_OTHER = 303
UNAUTHORIZED = 401
UNAVAILABLE = 503


class SigningIn:
    """The page that asks for a token, and what is done with it."""

    def __init__(self, doors: Doors, catalogue: CatalogueCache) -> None:
        self._doors = doors
        self._catalogue = catalogue

    async def ask(self, request: Request) -> Response:
        """The page."""
        words = language_of(request)
        told = parts.note(words("signed_out_by_time"), "warn") if "ended" in request.query_params else None
        return _page(request, told, local_path(request.query_params.get("next", "/")))

    async def check(self, request: Request) -> Response:
        """A token that was sent: the scheduler says whether it is good."""
        fields = await read_form(request)
        token, onward = "".join(fields.get("token", "").split()), local_path(fields.get("next", "/"))
        words = language_of(request)
        person = person_of(token) if len(token) <= TOKEN_CHARACTERS_MAX else None
        try:
            if person is None:
                raise SignedOut("no token at all")
            await self._known(person)
        except SignedOut:
            return _page(request, parts.note(words("bad_token"), "bad"), onward, UNAUTHORIZED)
        except (Unavailable, Limited):
            return _page(request, parts.note(words("services_away"), "bad"), onward, UNAVAILABLE)
        response = RedirectResponse(onward, status_code=SEE_OTHER)
        sign_in(response, person, time.time(), request.url.scheme == "https")
        return response

    async def _known(self, person: Person) -> None:
        """Ask the scheduler whether a token is good. Raises what `answers` names."""
        try:
            await self._catalogue.get(self._doors.of(person))
        except Refused:
            if not person.officer:  # One who is known is asked for whom they act, here and on the next page.
                raise


async def leave(request: Request) -> Response:
    """Sign out. Raises `Forged`."""
    person, fields = signed_in(request), await read_form(request)
    if person is not None and not person.sealed(fields.get("seal", "")):
        raise Forged
    response = RedirectResponse("/sign-in", status_code=SEE_OTHER)
    sign_out(response, request.url.scheme == "https")
    return response


async def choose_language(request: Request) -> Response:
    """Remember a language, and go back to where it was chosen."""
    response = RedirectResponse(local_path(request.query_params.get("back", "/")), status_code=SEE_OTHER)
    chosen = request.query_params.get("to", "")
    if chosen in LANGUAGES:
        remember_language(response, chosen, request.url.scheme == "https")
    return response


def _page(request: Request, told: Content, onward: str, status: int = 200) -> Response:
    words = language_of(request)
    asked = el(
        "form",
        el("input", type="hidden", name="next", value=onward),
        el(
            "label",
            words("token_label"),
            el(
                "input",
                type="password",
                name="token",
                required=True,
                autofocus=True,
                autocomplete="current-password",
                spellcheck="false",
            ),
        ),
        el("button", words("sign_in")),
        method="post",
        action="/sign-in",
    )
    body = el(
        "body",
        el(
            "main",
            el("p", el("span", "ai", class_="mark"), "dc", class_="brand"),
            el("h1", words("sign_in_title")),
            told,
            asked,
            el("p", words("token_help")),
            el("p", el("code", "aidc token --as CMP-0004")),
            el("p", words("token_kept"), class_="away"),
            el("p", languages(request, words)),
            id="content",
        ),
        class_="sign-in",
    )
    return HTMLResponse(document(words, words("sign_in_title"), body), status_code=status)
