"""The routes of the board, and what becomes of a page that cannot be shown."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.board import (
    acting,
    actions,
    changing,
    officers,
    outage_new,
    outages,
    overriding,
    parts,
    series,
    series_cancel,
    series_change,
    series_new,
    static,
    transfers,
    voting,
)
from services.board.answers import Forbidden, Limited, Missing, Refused, SignedOut, Unavailable
from services.board.book import book, confirm
from services.board.catalogue import CatalogueCache
from services.board.company import calendar_file, company
from services.board.doors import Doors
from services.board.frame import document
from services.board.guard import Guard
from services.board.live import Live
from services.board.markup import el
from services.board.now import now
from services.board.reservation import reservation
from services.board.session import sign_out, signed_in
from services.board.signing_in import SigningIn, choose_language, leave
from services.board.telemetry import ROUTE, BoardTelemetry
from services.board.timeline import timeline
from services.board.times import Clock
from services.board.usage import usage
from services.board.visit import Forged, Unreadable, Visit, language_of

View = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
SEE_OTHER = 303

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
            _route("GET", "/", self._page(now)),
            _route("GET", "/timeline", self._page(timeline)),
            _route("GET", "/usage", self._page(usage)),
            _route("GET", "/company", self._page(company)),
            _route("GET", "/company/bookings.ics", self._page(calendar_file)),
            _route("GET", "/book", self._page(book)),
            _route("POST", "/book", self._page(confirm)),
            _route("POST", "/override", self._page(overriding.send)),
            _route("POST", "/approve", self._page(voting.approve)),
            _route("POST", "/deny", self._page(voting.deny)),
            _route("POST", "/transfer", self._page(transfers.offer)),
            _route("POST", "/transfer/withdraw", self._page(transfers.withdraw)),
            _route("POST", "/transfer/accept", self._page(transfers.accept)),
            _route("POST", "/transfer/decline", self._page(transfers.decline)),
            _route("POST", "/officers", self._page(officers.assign)),
            _route("POST", "/officers/dismiss", self._page(officers.dismiss)),
            _route("POST", "/confirm", self._page(actions.take)),
            _route("POST", "/check-in", self._page(actions.come)),
            _route("POST", "/cancel", self._page(actions.cancel)),
            _route("POST", "/release", self._page(actions.release)),
            _route("GET", "/reservations/{company}/{reservation}", self._page(reservation)),
            _route("GET", "/reservations/{company}/{reservation}/change", self._page(changing.change)),
            _route("POST", "/change", self._page(changing.send)),
            _route("GET", "/series", self._page(series.listing)),
            _route("GET", "/series/new", self._page(series_new.new)),
            _route("POST", "/series", self._page(series_new.book)),
            _route("POST", "/series/cancel", self._page(series_cancel.send)),
            _route("POST", "/series/change", self._page(series_change.send)),
            _route("GET", "/series/{company}/{series}", self._page(series.one)),
            _route("GET", "/series/{company}/{series}/change", self._page(series_change.change)),
            _route("GET", "/series/{company}/{series}/cancel", self._page(series_cancel.preview)),
            _route("GET", "/outages", self._page(outages.listing)),
            _route("GET", "/outages/new", self._page(outage_new.new)),
            _route("POST", "/outages", self._page(outage_new.declare)),
            _route("POST", "/outages/lift", self._page(outages.lift)),
            _route("GET", "/outages/{outage}", self._page(outages.one)),
            _route("GET", "/live", self.live.follow),
            _route("GET", "/sign-in", entrance.ask),
            _route("POST", "/sign-in", guarded(entrance.check)),
            _route("POST", "/sign-out", guarded(leave)),
            _route("GET", acting.PATH, _for_somebody(deputies.ask)),
            _route("POST", acting.PATH, _for_somebody(deputies.choose)),
            _route("GET", "/language", choose_language),
            _route("GET", "/static/{name}", static.serve),
        ]
        handlers = {404: _nowhere, 405: _nowhere}
        return Guard(Starlette(routes=routes, exception_handlers=handlers), self._telemetry)  # type: ignore[arg-type]  # Starlette's handlers are typed by Exception.

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
                clock = Clock(moment, catalogue.zone, words)
                return await view(Visit(request, person, caller, catalogue, clock, words))
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
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    onward = here if request.method == "GET" else "/"
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


async def _nowhere(request: Request, problem: HTTPException) -> Response:
    if problem.status_code == 404:
        return _problem(request, 404, "problem_missing")
    return PlainTextResponse(
        "This page answers to something else.\n", status_code=problem.status_code, headers=problem.headers
    )
