"""*Book*: a demand and a window, the offers that would be granted, and the booking or holding of one of them.

An offer is a promise about the moment in which it was made. Each has request ids of its own, so that a form that is
sent twice books once, and what was taken meanwhile is refused with reasons and with what would be granted instead. An
offer that is held is a promise for some minutes: nobody else takes it until it is confirmed on its own page.
"""

from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response

from services.board.booking import classes, overriding
from services.board.booking import form as search_form
from services.board.booking.offers import Asked, changes, demand, offers
from services.board.booking.wishes import Wish, read_sent, read_wish
from services.board.doors.answers import Forbidden, Refused, Unavailable
from services.board.frame import parts, paths
from services.board.frame.answering import CONFLICT, SEE_OTHER
from services.board.frame.document import form, hidden, show
from services.board.frame.visit import Unreadable, Visit, address, local_path, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

UNAVAILABLE = 503
HOPELESS = (
    *("OUTSIDE_AGREEMENT", "NO_QUOTA", "NOT_ENTITLED", "NOT_QUALIFIED", "OUT_OF_SERVICE"),
    *("SUSPENDED", "ARREARS", "REVOKED"),
)
"""What no other time or amount changes: somebody else must do something first."""


async def book(visit: Visit) -> Response:
    """The search, and what it found if something was asked."""
    if not visit.person.books:
        raise Forbidden
    words = visit.words
    fields = dict(visit.request.query_params)
    asked = bool(fields.get("resource"))
    same = {name: fields.get(name, "") for name in ("resource", "amount", "hours", "note", *classes.FIELDS)}
    whose = "" if visit.person.company else fields.get("company", "")
    again = el("p", el("a", words("book_series"), href=address("/series/new", company=whose, **same)))
    still = [el("h1", words("book_title")), search_form.drawn(visit, fields), again]
    if not asked:
        return show(visit, words("book_title"), parts.empty(words("book_begin")), still=still, live=False)
    wish = read_wish(visit, fields)
    found = [await _found(visit, wish), None if wish.faults else await overriding.exactly(visit, wish)]
    return show(visit, words("book_title"), found, still=still)


async def confirm(visit: Visit) -> Response:
    """A booking that was sent."""
    fields = await read_sealed_form(visit)
    try:
        request = read_sent(visit, fields)
    except ValueError as problem:
        raise Unreadable from problem
    back = local_path(fields.get("back", "/book"))
    try:
        made = await visit.caller.ask(visit.caller.scheduler.CreateReservation, request)
    except Refused as refused:
        return _refused(visit, request, refused, back)
    except Unavailable:
        return _unknown(visit, request, back)
    return RedirectResponse(address(paths.of_reservation(made.name), done=parts.done_of(made)), status_code=SEE_OTHER)


async def _found(visit: Visit, wish: Wish) -> Content:
    words = visit.words
    if wish.faults:
        return [parts.note(fault, "bad") for fault in wish.faults]
    try:
        answer = await visit.caller.search(wish.search())
    except Refused as refused:
        return _why_not(visit, refused.violations)
    cut = None
    if answer.HasField("searched_until_time"):
        cut = parts.note(words("offers_until", when=visit.clock.short(from_timestamp(answer.searched_until_time))))
    refused_windows = _refused_windows(visit, answer.refused)
    if not answer.offers:
        return [_why_not(visit, answer.violations), cut, refused_windows]
    here = f"{visit.request.url.path}?{visit.request.url.query}"
    told = words("offers_explained"), words(f"order_{wish.preference.order}_told")
    section = parts.section(
        words("offers_title"),
        el("p", " ".join(told), class_="away"),
        offers(visit, Asked(wish.company, wish.note, wish.people, here), answer.offers),
        cut,
    )
    return [section, refused_windows]


def _refused_windows(visit: Visit, refused: Sequence[api.RefusedWindows]) -> Markup | None:
    """Which starts are not offered, and every rule that says so; nothing where nobody asked."""
    if not refused:
        return None
    told = []
    for each in refused:
        first, last = from_timestamp(each.first_start_time), from_timestamp(each.last_start_time)
        when = visit.clock.short(first) if first == last else visit.clock.span(first, last)
        told.append(
            el("li", el("p", visit.clock.stamp(first, when), class_="slot"), parts.violations(visit, each.violations))
        )
    return parts.section(visit.words("refused_windows_title"), el("ul", told, class_="windows"))


def _why_not(visit: Visit, violations: Sequence[api.Violation]) -> Markup:
    """Every rule in the way; and what to try, where another wish would help."""
    words = visit.words
    hopeless = any(each.reason in HOPELESS for each in violations)
    advice = None if hopeless else el("p", words("no_offers_advice"), class_="away")
    return parts.section(words("no_offers_title"), parts.violations(visit, violations), advice)


def _refused(visit: Visit, request: api.CreateReservationRequest, refused: Refused, back: str) -> Response:
    """Why it was refused, and what would be granted instead, one click away."""
    words = visit.words
    asked = Asked.of(request, back)
    instead = offers(visit, asked, refused.alternatives)
    return show(
        visit,
        words("refused_title"),
        el("h1", words("refused_title")),
        parts.note(words("refused_explained"), "bad"),
        parts.violations(visit, refused.violations),
        parts.section(words("alternatives_title"), instead) if refused.alternatives else None,
        changes(visit, asked, refused.changes) if refused.changes else None,
        overriding.offered(visit, request, refused.violations),
        el("p", el("a", words("search_again"), href=back)),
        status=CONFLICT,
        live=False,
    )


def _unknown(visit: Visit, request: api.CreateReservationRequest, back: str) -> Response:
    """Nobody answered, so nobody knows: the same request again tells, and books once."""
    words, wish = visit.words, request.reservation
    again = form(
        visit,
        "/book",
        demand(Asked.of(request, back), wish.lines, wish.start_time.seconds, wish.end_time.seconds),
        hidden("hold_request_id" if request.HasField("hold") else "request_id", request.request_id),
        hidden("hold", str(request.hold.seconds)) if request.HasField("hold") else None,
        el("button", words("ask_again")),
    )
    title = words("unknown_title")
    told = parts.note(words("unknown_explained"), "warn")
    return show(visit, title, el("h1", title), told, again, status=UNAVAILABLE, live=False)
