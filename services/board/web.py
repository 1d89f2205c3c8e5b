"""The board as a web application, and what becomes of a page that cannot be shown."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.board.doors.answers import Forbidden, Limited, Missing, Refused, SignedOut, Unavailable
from services.board.doors.calls import Doors
from services.board.doors.catalogue import CatalogueCache
from services.board.doors.session import sign_out, signed_in
from services.board.entrance import acting
from services.board.entrance.guard import Guard
from services.board.entrance.live import Live
from services.board.entrance.signing_in import SigningIn, choose_language, leave
from services.board.entrance.telemetry import ROUTE, BoardTelemetry
from services.board.frame import parts
from services.board.frame.answering import SEE_OTHER
from services.board.frame.document import document, show
from services.board.frame.visit import Forged, Unreadable, Visit, language_of, to_come_back
from services.board.paper import static
from services.board.paper.markup import el
from services.board.paper.times import Clock
from services.board.routes import PAGES, View

Endpoint = Callable[[Request], Awaitable[Response]]

PROBLEMS: dict[type[Exception], tuple[int, str]] = {
    Missing: (404, "problem_missing"),
    Forbidden: (403, "problem_forbidden"),
    Forged: (403, "problem_forged"),
    Unreadable: (400, "problem_unreadable"),
    Limited: (429, "problem_limited"),
    Unavailable: (503, "problem_unavailable"),
    Refused: (409, "problem_refused"),
}
"""What cannot be shown, by what was raised: a status and a message."""


class Board:
    """The pages over one centre's doors."""

    def __init__(self, doors: Doors, registry: CollectorRegistry) -> None:
        self._doors = doors
        self._catalogue = CatalogueCache()
        self._telemetry = BoardTelemetry(registry)
        self.live = Live(doors)
        self._telemetry.watch_streams(lambda: self.live.streams)

    def app(self) -> ASGIApp:
        """The board as an ASGI application."""
        entrance, deputies = SigningIn(self._doors, self._catalogue), acting.Acting(self._doors, self._catalogue)
        routes = [
            *(_route(method, path, self._page(view)) for method, path, view in PAGES),
            _route("GET", "/live", self.live.follow),
            _route("GET", "/sign-in", entrance.ask),
            _route("POST", "/sign-in", guarded(entrance.check)),
            _route("POST", "/sign-out", guarded(leave)),
            _route("GET", acting.PATH, _for_somebody(deputies.ask)),
            _route("POST", acting.PATH, _for_somebody(deputies.choose)),
            _route("GET", "/language", choose_language),
            _route("GET", "/static/{name}", static.serve),
        ]
        handlers = {404: self._nowhere, 405: self._nowhere}
        return Guard(Starlette(routes=routes, exception_handlers=handlers), self._telemetry)  # type: ignore[arg-type]  # Starlette's handlers are typed by Exception.

    async def _nowhere(self, request: Request, problem: HTTPException) -> Response:
        """What is said where there is no page; who is signed in keeps the way around."""
        if problem.status_code != 404:
            told = "This page answers to something else.\n"
            return PlainTextResponse(told, status_code=problem.status_code, headers=problem.headers)
        if signed_in(request) is None:
            return _problem(request, 404, "problem_missing")
        return await self._page(_nothing)(request)

    def _page(self, view: View) -> Endpoint:
        """A page for those who are signed in."""

        async def endpoint(request: Request) -> Response:
            person = signed_in(request)
            if person is None:
                return _to_sign_in(request)
            if person.officer and not person.company:
                return acting.to_choose(request)
            words, caller = language_of(request), self._doors.of(person)
            try:
                try:
                    catalogue, moment = await self._catalogue.get(caller)
                except Forbidden:
                    if person.officer:  # Their time for this company is over.
                        return acting.to_choose(request, ended=True)
                    raise
                visit = Visit(request, person, caller, catalogue, Clock(moment, catalogue.zone, words), words)
                try:
                    return await view(visit)
                except Missing:
                    return _missing(visit)
            except SignedOut:
                response = _to_sign_in(request, ended=True)
                sign_out(response, request.url.scheme == "https")
                return response

        return guarded(endpoint)


def _route(method: str, path: str, endpoint: Endpoint) -> Route:
    """A route that says its name to the telemetry."""

    async def named(request: Request) -> Response:
        request.scope[ROUTE] = path
        return await endpoint(request)

    return Route(path, named, methods=[method])


def guarded(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose problems are told as pages."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except tuple(PROBLEMS) as problem:
            status, key = PROBLEMS[type(problem)]
            return _problem(request, status, key)

    return answered


def _for_somebody(endpoint: Endpoint) -> Endpoint:
    """An endpoint that asks by itself who looks, and whose problems are told as pages."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except SignedOut:
            return _to_sign_in(request)

    return guarded(answered)


def _to_sign_in(request: Request, *, ended: bool = False) -> Response:
    onward = to_come_back(request)
    return RedirectResponse(
        f"/sign-in?{'ended=1&' if ended else ''}next={quote(onward, safe='')}", status_code=SEE_OTHER
    )


def _problem(request: Request, status: int, key: str) -> Response:
    words = language_of(request)
    body = el(
        "body",
        el(
            "main",
            el("h1", words(key)),
            parts.note(words(f"{key}_advice")),
            el("p", el("a", words("back_to_now"), href="/")),
            id="content",
        ),
        class_="sign-in",
    )
    headers = {"retry-after": "5"} if status in (429, 503) else None
    return HTMLResponse(document(words, words(key), body), status_code=status, headers=headers)


async def _nothing(_: Visit) -> Response:
    """The page of an address that leads nowhere. Raises `Missing`."""
    raise Missing("There is no such page.")


def _missing(visit: Visit) -> Response:
    """That there is nothing here, or nothing that they may see: the two look alike."""
    title = visit.words("problem_missing")
    told = parts.note(visit.words("problem_missing_advice"))
    return show(visit, title, el("h1", title), told, status=404, live=False)
