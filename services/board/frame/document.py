"""The frame of every page: head, way around, who looks, and the clock that all times are on."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.board.doors.session import SEAL
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup, el, page
from services.board.paper.static import ICON, SCRIPT, STYLE
from services.board.paper.words import LANGUAGES, Words

PAGES = (
    ("/", "nav_now"),
    ("/timeline", "nav_timeline"),
    ("/usage", "nav_usage"),
    ("/company", "nav_company"),
    ("/book", "nav_book"),
)


def show(
    visit: Visit, title: str, *content: Content, still: Content = None, status: int = 200, live: bool = True
) -> Response:
    """A page for somebody who is signed in. A live one changes when the centre does, but for what is `still`."""
    body = el(
        "body",
        el("a", visit.words("skip"), class_="skip", href="#content"),
        _header(visit),
        el("main", still, _live(visit, content) if live else content, id="content", tabindex="-1"),
        _footer(visit),
        data_live="/live" if live else None,
    )
    return HTMLResponse(document(visit.words, title, body), status_code=status)


def document(words: Words, title: str, body: Markup) -> str:
    """A whole document."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} · aidc"),
        el("link", rel="stylesheet", href=STYLE.path),
        el("link", rel="icon", href=ICON.path, type="image/svg+xml"),
        el("script", src=SCRIPT.path, defer=True),
    )
    return page(el("html", head, body, lang=words.language))


def form(visit: Visit, action: str, *content: Content, class_: str | None = None) -> Markup:
    """A form that changes something, sealed for this person."""
    seal = el("input", type="hidden", name=SEAL, value=visit.person.seal)
    return el("form", seal, *content, method="post", action=action, class_=class_)


def hidden(name: str, value: str) -> Markup:
    """A field that nobody sees."""
    return el("input", type="hidden", name=name, value=value)


def languages(request: Request, words: Words) -> Markup:
    """A link to this page in the other language."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = here if request.method == "GET" else "/"
    links = [
        el("a", name, href=f"/language?{urlencode({'to': code, 'back': back})}", lang=code, hreflang=code)
        for code, name in LANGUAGES.items()
        if code != words.language
    ]
    return el("span", links, class_="languages")


def _header(visit: Visit) -> Markup:
    path, words = visit.request.url.path, visit.words
    links = [
        el("li", el("a", words(key), href=target, aria_current="page" if target == path else None))
        for target, key in PAGES
        if target != "/book" or visit.person.books
    ]
    return el(
        "header",
        el("a", el("span", "ai", class_="mark"), "dc", class_="brand", href="/", aria_label=words("brand")),
        el("nav", el("ul", links), aria_label=words("nav_label")),
        el(
            "div",
            _who(visit),
            languages(visit.request, words),
            form(visit, "/sign-out", el("button", words("sign_out"), class_="plain")),
            class_="account",
        ),
        class_="top",
    )


def _who(visit: Visit) -> Markup:
    """Who looks; of a support officer for whom, with the way to another company."""
    person, words = visit.person, visit.words
    who = person.company or words.either(f"role_{person.role}", person.role)
    title = words("signed_in_as", who=person.subject)
    if not person.officer:
        return el("span", who, class_="who", title=title)
    shown = words("acting_for", company=who, officer=person.subject)
    return el("a", shown, class_="who", href="/acting", title=words("acting_change"))


def _live(visit: Visit, content: Content) -> list[Content]:
    words = visit.words
    told = el("p", id="live", class_="live", role="status", data_on=words("live_on"), data_lost=words("live_lost"))
    return [told, el("div", content, id="part")]


def _footer(visit: Visit) -> Markup:
    words, clock = visit.words, visit.clock
    return el(
        "footer",
        el("p", words("footer_clock"), " ", clock.stamp(clock.now, f"{clock.day(clock.now)} {clock.hour(clock.now)}")),
        el("p", words("footer_zone", zone=clock.zone_name())),
    )
