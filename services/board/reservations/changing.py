"""Changing a reservation: another time or amount is tried first, its effect shown beside what holds, and then sent.

What is sent is the very request that was tried, with the etag of the reservation that was shown. If it has changed
meanwhile, nothing happens, and the page shows how it stands now and what the same wish would come to.
"""

from collections.abc import Mapping
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.doors.answers import Forbidden, Refused, Unavailable
from services.board.doors.catalogue import figure, plain
from services.board.frame import parts, paths
from services.board.frame.answering import CONFLICT, SEE_OTHER
from services.board.frame.document import show
from services.board.frame.fields import NOTE_CHARACTERS_MAX, text_field
from services.board.frame.sending import enclosed, opened, unknown
from services.board.frame.visit import Visit, address, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.board.reservations.alterations import Alteration, read_alteration, sent_alteration
from services.board.reservations.asked import as_asked
from services.board.reservations.comparison import compared
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACTION = "/change"
EXTENSIONS_MAX = 6
STALE = "STALE_ETAG"
CHANGEABLE = (api.Reservation.STATE_HELD, api.Reservation.STATE_CONFIRMED, api.Reservation.STATE_ACTIVE)


def link(visit: Visit, item: api.Reservation) -> Markup | None:
    """The way to this page, from a reservation that can be changed by whoever looks."""
    if item.state not in CHANGEABLE or not visit.person.acts_for(item.name):
        return None
    label = visit.words("change_named", name=plain(item.name))
    return el("a", visit.words("change_link"), href=f"{paths.of_reservation(item.name)}/change", aria_label=label)


async def change(visit: Visit) -> Response:
    """The page. Raises `Missing` for another company's as for none."""
    if not visit.person.books:
        raise Forbidden
    path = visit.request.path_params
    item = await _found(visit, f"companies/{path['company']}/reservations/{path['reservation']}")
    asked = dict(visit.request.query_params)
    return await _page(visit, item, read_alteration(visit, item, asked) if asked else None)


async def send(visit: Visit) -> Response:
    """A change that was seen and sent."""
    request = opened(await read_sealed_form(visit), api.UpdateReservationRequest)
    try:
        changed = await visit.caller.ask(visit.caller.scheduler.UpdateReservation, request)
    except Refused as refused:
        item = await _found(visit, request.reservation.name)
        stale = any(each.reason == STALE for each in refused.violations)
        key = "change_stale" if stale else "change_refused"
        notes = [parts.note(visit.words(key), "bad"), None if stale else parts.violations(visit, refused.violations)]
        return await _page(visit, item, sent_alteration(visit, item, request), notes, CONFLICT)
    except Unavailable:
        return unknown(visit, ACTION, request)
    done = "change_asked" if changed.HasField("asked_change") else "changed"
    return RedirectResponse(address(paths.of_reservation(changed.name), done=done), status_code=SEE_OTHER)


async def _found(visit: Visit, name: str) -> api.Reservation:
    found: api.Reservation = await visit.caller.ask(
        visit.caller.scheduler.GetReservation, api.GetReservationRequest(name=name)
    )
    return found


async def _page(
    visit: Visit, item: api.Reservation, wanted: Alteration | None, notes: Content = None, status: int = 200
) -> Response:
    """The form, how far the reservation could be extended, and what was asked for would come to."""
    words = visit.words
    title, name = words("change_title"), plain(item.name)
    back = el("p", el("a", words("change_back"), href=paths.of_reservation(item.name)))
    head = el("div", el("h1", title), el("p", name, class_="period"), class_="heading")
    if item.state not in CHANGEABLE:
        told = [
            parts.note(words("change_over"), "warn"),
            el("p", parts.state(visit, item), " ", parts.when(visit, item)),
        ]
        return show(visit, title, head, notes, told, back, status=status, live=False)
    fields = wanted.fields if wanted else {}
    still = [head, notes, _form(visit, item, fields)]
    shown = [
        await _effect(visit, item, wanted) if wanted else None,
        await _extensions(visit, item) if wanted is None or not wanted.paths else None,
        back,
    ]
    return show(visit, title, shown, still=still, status=status, live=status != CONFLICT)


def _form(visit: Visit, item: api.Reservation, fields: Mapping[str, str]) -> Markup:
    words, clock = visit.words, visit.clock
    begun = item.state == api.Reservation.STATE_ACTIVE
    start, end = (clock.typed(from_timestamp(each)) for each in (item.start_time, item.end_time))
    times = [
        None
        if begun
        else text_field(words("change_start"), "start", fields.get("start") or start, type_="datetime-local"),
        text_field(words("change_end"), "end", fields.get("end") or end, type_="datetime-local"),
    ]
    return el(
        "form",
        el("div", times, class_="fields"),
        el("div", [_amount(visit, line, at, fields) for at, line in enumerate(item.lines, 1)], class_="fields"),
        el(
            "div",
            text_field(words("book_note"), "note", fields.get("note", item.note), maxlength=NOTE_CHARACTERS_MAX),
            class_="fields",
        ),
        el("p", words("change_begun" if begun else "change_explained"), class_="away"),
        el(
            "p",
            el("button", words("change_try")),
            " ",
            el("span", words("footer_zone", zone=clock.zone_name()), class_="away"),
        ),
        method="get",
        action=f"{paths.of_reservation(item.name)}/change",
        class_="search",
    )


def _amount(visit: Visit, line: api.Line, at: int, fields: Mapping[str, str]) -> Markup | None:
    resource = visit.catalogue[line.resource]
    if resource.capacity_units == 1:
        return None
    value = fields.get(f"amount{at}") or figure(resource, line.units).replace(",", "")
    label = visit.words("change_amount", name=visit.name(resource))
    return text_field(label, f"amount{at}", value, inputmode="decimal", maxlength=16)


async def _effect(visit: Visit, item: api.Reservation, wanted: Alteration) -> Content:
    """What the change would come to, with the button that sends it; or why it would be refused."""
    words = visit.words
    if wanted.faults:
        return [parts.note(fault, "bad") for fault in wanted.faults]
    if not wanted.paths:
        return parts.note(words("change_nothing"))
    request = wanted.request(item)
    request.validate_only, request.request_id = True, str(uuid4())
    try:
        then = await visit.caller.ask(visit.caller.scheduler.UpdateReservation, request)
    except Refused as refused:
        return parts.section(
            words("change_refused_title"), parts.violations(visit, refused.violations), _smaller(visit, item, refused)
        )
    request.validate_only, request.request_id = False, str(uuid4())
    return parts.section(
        words("change_effect"),
        compared(visit, item, as_asked(then)),
        parts.note(words("change_waits"), "warn") if then.HasField("asked_change") else None,
        enclosed(visit, ACTION, request, el("button", words("change_send")), class_="send"),
    )


def _smaller(visit: Visit, item: api.Reservation, refused: Refused) -> Content:
    """The smallest changes that would be granted instead, each a link to its effect."""
    if not refused.changes:
        return None
    made = []
    for each in refused.changes:
        amounts = {
            f"amount{at}": figure(visit.catalogue[line.resource], line.units).replace(",", "")
            for at, line in enumerate(each.offer.lines, 1)
        }
        start, end = from_timestamp(each.offer.start_time), from_timestamp(each.offer.end_time)
        times = {"start": visit.clock.typed(start), "end": visit.clock.typed(end)}
        target = address(f"{paths.of_reservation(item.name)}/change", **times, **amounts)
        text = visit.clock.span(start, end)
        made.append(el("li", el("a", text, href=target), " ", el("span", each.description, lang="en", class_="away")))
    return [el("h3", visit.words("changes_title")), el("ul", made, class_="links")]


async def _extensions(visit: Visit, item: api.Reservation) -> Markup:
    """Until when it could run, each a link to what that would come to."""
    words, clock = visit.words, visit.clock
    parent = item.name.partition("/reservations/")[0]
    request = api.SearchOffersRequest(parent=parent, reservation=item.name, page_size=EXTENSIONS_MAX)
    try:
        found = await visit.caller.search(request)
    except Refused as refused:
        return parts.section(words("extend_title"), parts.violations(visit, refused.violations))
    if not found.offers:
        reasons = parts.violations(visit, found.violations)
        return parts.section(words("extend_title"), parts.empty(words("extend_none")), reasons)
    made = []
    for each in found.offers:
        end = from_timestamp(each.end_time)
        target = address(f"{paths.of_reservation(item.name)}/change", end=clock.typed(end))
        made.append(el("li", el("a", clock.short(end), href=target)))
    return parts.section(words("extend_title"), el("ul", made, class_="links"))
