"""Giving back what of a series is still to come: which, and what that would bring, is shown before it happens."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.doors.answers import Forbidden, Refused, Unavailable
from services.board.frame import parts, paths
from services.board.frame.answering import SEE_OTHER, refusal
from services.board.frame.document import show
from services.board.frame.reading import reservations
from services.board.frame.sending import enclosed, opened, unknown
from services.board.frame.visit import Unreadable, Visit, address, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.board.reservations.actions import reason
from services.board.reservations.comparison import quoted
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACTION = "/series/cancel"
SECONDS_DIGITS_MAX = 12
WAITING = (api.Reservation.STATE_PENDING, api.Reservation.STATE_CONFIRMED)
Found = Mapping[str, api.Reservation]


async def found_of(visit: Visit, series: api.Series) -> Found:
    """The reservations of a series by their names, as far as they are still known."""
    if not series.occurrences:
        return {}
    first = from_timestamp(series.occurrences[0].start_time)
    last = from_timestamp(series.occurrences[-1].end_time)
    parent = series.name.partition("/series/")[0]
    found, _, _ = await reservations(visit, first, last, parent=parent, states=())
    return {each.name: each for each in found}


def coming(visit: Visit, series: api.Series, found: Found) -> list[api.Occurrence]:
    """What of a series has not begun and was not given back, in order."""
    return [
        each
        for each in series.occurrences
        if each.reservation in found
        and found[each.reservation].state in WAITING
        and from_timestamp(each.start_time) > visit.clock.now
    ]


def since_field(visit: Visit, label: str, waiting: Sequence[api.Occurrence], chosen: str = "") -> Markup:
    """From which occurrence on: all that is to come, or one of them, and how many each of these is."""
    options = [
        el(
            "option",
            visit.words(
                "series_from", moment=visit.clock.short(from_timestamp(each.start_time)), count=len(waiting) - at
            ),
            value="" if at == 0 else str(each.start_time.seconds),
            selected=at > 0 and chosen == str(each.start_time.seconds),
        )
        for at, each in enumerate(waiting)
    ]
    return el("label", label, el("select", options, name="from"))


def since_of(fields: Mapping[str, str]) -> int:
    """The start of the occurrence that was chosen, in seconds; 0 for all. Raises `Unreadable`."""
    text = fields.get("from", "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < SECONDS_DIGITS_MAX):
        raise Unreadable
    return int(text or 0)


def question(visit: Visit, series: api.Series, found: Found) -> Markup | None:
    """From when on, behind a button; the next page says what that would bring."""
    waiting, words = coming(visit, series, found), visit.words
    if not waiting or not visit.person.acts_for(series.name):
        return None
    asked = el(
        "form",
        el("p", words("series_cancel_explained")),
        since_field(visit, words("series_cancel_from"), waiting),
        el("button", words("series_cancel_try")),
        method="get",
        action=f"{paths.of_series(series.name)}/cancel",
    )
    return el("details", el("summary", words("series_cancel")), asked, class_="ask")


async def preview(visit: Visit) -> Response:
    """What would be given back, what that would bring, and the button that does it."""
    if not visit.person.books:
        raise Forbidden
    path, words = visit.request.path_params, visit.words
    name = f"companies/{path['company']}/series/{path['series']}"
    series = await visit.caller.ask(visit.caller.scheduler.GetSeries, api.GetSeriesRequest(name=name))
    since = since_of(visit.request.query_params)
    gone = [each for each in coming(visit, series, await found_of(visit, series)) if each.start_time.seconds >= since]
    title, back = words("series_cancel_title"), el("p", el("a", words("series_back"), href=paths.of_series(name)))
    if not gone:
        return show(visit, title, el("h1", title), parts.empty(words("series_nothing_coming")), back, live=False)
    request = api.CancelSeriesRequest(name=name, etag=series.etag, request_id=str(uuid4()))
    if since:
        request.from_time.seconds = since
    return show(
        visit,
        title,
        el("h1", title),
        parts.section(
            words("series_cancel_effect", count=len(gone)),
            el("ul", [el("li", parts.when(visit, each)) for each in gone], class_="links"),
            await losses(visit, [each.reservation for each in gone]),
            enclosed(
                visit,
                ACTION,
                request,
                reason(visit),
                el("div", el("button", words("series_cancel_send", count=len(gone)), class_="bad")),
                class_="send asked",
            ),
        ),
        back,
        live=False,
    )


async def losses(visit: Visit, names: Sequence[str]) -> Content:
    """What giving these reservations back would bring, all together."""
    quotes = [each for each in await asyncio.gather(*(_quote(visit, name) for name in names)) if each is not None]
    total = api.CancellationQuote(
        due_krw=sum(each.due_krw for each in quotes),
        refund_krw=sum(each.refund_krw for each in quotes),
        strike=any(each.strike for each in quotes),
        fees=[fee for each in quotes for fee in each.fees],
    )
    return quoted(visit, total)


async def _quote(visit: Visit, name: str) -> api.CancellationQuote | None:
    request = api.CancelReservationRequest(name=name, request_id=str(uuid4()), validate_only=True)
    try:
        told: api.Reservation = await visit.caller.ask(visit.caller.scheduler.CancelReservation, request)
    except Refused:
        return None  # It has begun or gone since.
    return told.cancellation_quote


async def send(visit: Visit) -> Response:
    """A form that gives back what is still to come, sent."""
    fields = await read_sealed_form(visit)
    request = opened(fields, api.CancelSeriesRequest)
    if "reason" in fields:  # Asked again after nobody answered, all of it is in the request.
        request.reason = fields["reason"]
    try:
        changed = await visit.caller.ask(visit.caller.scheduler.CancelSeries, request)
    except Refused as refused:
        if any(each.reason == "STALE_ETAG" for each in refused.violations):
            return RedirectResponse(address(paths.of_series(request.name), done="series_stale"), status_code=SEE_OTHER)
        return refusal(visit, refused, paths.of_series(request.name))
    except Unavailable:
        return unknown(visit, ACTION, request)
    return RedirectResponse(address(paths.of_series(changed.name), done="given_back"), status_code=SEE_OTHER)
