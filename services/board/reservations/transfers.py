"""Handing a reservation over: offered by its company, then taken or declined by the other one, or taken back.

The other company sees what it would get, when and at what price, and nothing of what the first one said about it (P8).
"""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.doors.answers import Missing, Refused
from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.answering import CONFLICT, SEE_OTHER, refusal
from services.board.frame.document import form, hidden, show
from services.board.frame.fields import REASON_CHARACTERS_MAX, text_field
from services.board.frame.visit import Unreadable, Visit, address, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp, length
from services.board.reservations.actions import change_one
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

OFFERS_MAX = 50
HOURS, HOURS_MAX = 72, 31 * 24
"""For how long an offer stands unless somebody says otherwise, and at most."""
HOUR_SECONDS = 3600
OPEN = api.TransferOffer.STATE_OPEN
STATES = {
    OPEN: "transfer_open",
    api.TransferOffer.STATE_ACCEPTED: "transfer_accepted",
    api.TransferOffer.STATE_DECLINED: "transfer_declined",
    api.TransferOffer.STATE_WITHDRAWN: "transfer_withdrawn",
    api.TransferOffer.STATE_LAPSED: "transfer_lapsed",
}


def offered_to(visit: Visit, item: api.Reservation) -> bool:
    """Whether whoever looks may take over this reservation of another company."""
    return item.transfer.state == OPEN and bool(visit.person.company) and item.transfer.to == visit.person.parent


def standing(visit: Visit, item: api.Reservation) -> Content:
    """What became of the last offer to hand it over, if there was one; an open one can be taken back."""
    if not item.HasField("transfer"):
        return None
    words, clock, offer = visit.words, visit.clock, item.transfer
    until = from_timestamp(offer.expire_time)
    told = words(STATES.get(offer.state, "transfer_open"), company=plain(offer.to), moment=clock.short(until))
    own = offer.state == OPEN and visit.person.acts_for(item.name)
    return [el("div", told), _withdrawal(visit, item) if own else None]


def _withdrawal(visit: Visit, item: api.Reservation) -> Markup:
    return form(
        visit,
        "/transfer/withdraw",
        hidden("name", item.name),
        hidden("etag", item.etag),
        hidden("request_id", str(uuid4())),
        el("button", visit.words("transfer_withdraw"), class_="plain"),
    )


def offering(visit: Visit, item: api.Reservation) -> Markup | None:
    """A question behind a button: to whom, and for how long; for what has not begun and is nobody else's to take."""
    waits = item.state == api.Reservation.STATE_CONFIRMED and from_timestamp(item.start_time) > visit.clock.now
    if not (waits and visit.person.acts_for(item.name)) or item.transfer.state == OPEN or item.HasField("approval"):
        return None
    words = visit.words
    hours = text_field(words("transfer_hours"), "hours", str(HOURS), type_="number", min_="1", max_=HOURS_MAX)
    return el(
        "details",
        el("summary", words("transfer")),
        form(
            visit,
            "/transfer",
            hidden("name", item.name),
            hidden("etag", item.etag),
            hidden("request_id", str(uuid4())),
            el("p", words("transfer_explained")),
            text_field(words("transfer_to"), "to", "", required=True, maxlength=63, placeholder="CMP-0001"),
            hours,
            el("button", words("transfer_send")),
        ),
        class_="ask",
        id="hand-over",
    )


def answers(visit: Visit, item: api.Reservation) -> bool:
    """Whether whoever looks may take it over or decline: the company that it is offered to, or an operator for it."""
    if item.transfer.state != OPEN or not visit.person.books:
        return False
    return visit.person.operates or offered_to(visit, item)


async def answering(visit: Visit, item: api.Reservation) -> Content:
    """Take it over, at a price that is told first, or do not; where taking it would be refused, every reason."""
    if not answers(visit, item):
        return None
    words = visit.words
    cost, refused = await asked(visit, item)
    told = "transfer_offered_between" if visit.person.operates else "transfer_offered"
    same = [hidden("name", item.name), hidden("etag", item.etag), hidden("request_id", str(uuid4()))]
    until = visit.clock.short(from_timestamp(item.transfer.expire_time))
    reasons = [el("p", el("b", words("transfer_refused"))), parts.violations(visit, refused)] if refused else None
    return form(
        visit,
        "/transfer/accept",
        same,
        el("p", words(told, company=paths.company_of(item.name), to=plain(item.transfer.to), moment=until)),
        el("p", words("transfer_price", price=cost)) if cost else None,
        reasons,
        el("label", words("transfer_decline_reason"), el("input", name="reason", maxlength=REASON_CHARACTERS_MAX)),
        el(
            "div",
            el("button", words("transfer_accept")) if not refused else None,
            el("button", words("transfer_decline"), class_="second", formaction="/transfer/decline"),
            class_="buttons",
        ),
        class_="notice asked",
    )


async def asked(visit: Visit, item: api.Reservation) -> tuple[str, Sequence[api.Violation]]:
    """What it would cost the company that takes it over, by its own discounts; or every rule that forbids it."""
    request = api.AcceptTransferRequest(name=item.name, request_id=str(uuid4()), validate_only=True)
    try:
        return parts.price(visit, await visit.caller.ask(visit.caller.scheduler.AcceptTransfer, request)), ()
    except Refused as refused:
        return "", refused.violations
    except Missing:
        return "", ()  # It was answered since; the page will say so.


async def received(visit: Visit, parent: str) -> Markup | None:
    """What other companies offer to one, or to any of them; nothing where nothing is offered."""
    request = api.ListReservationsRequest(parent=parent, offered=True, page_size=OFFERS_MAX)
    found = (await visit.caller.ask(visit.caller.scheduler.ListReservations, request)).reservations
    if not found:
        return None
    words, own = visit.words, bool(visit.person.company)
    prices = [cost for cost, _ in await asyncio.gather(*(asked(visit, item) for item in found))] if own else []
    costly = any(prices)
    rows: list[parts.Row] = []
    for number, item in enumerate(found):
        to = [] if own else [el("span", plain(item.transfer.to), class_="owner")]
        cost = [prices[number]] if costly else []
        rows.append(
            [
                el("span", paths.company_of(item.name), class_="owner"),
                *to,
                parts.lines(visit, item.lines),
                [parts.when(visit, item), el("div", _length(visit, item), class_="away")],
                *cost,
                visit.clock.short(from_timestamp(item.transfer.expire_time)),
                el("a", words("transfer_look"), href=paths.of_reservation(item.name), aria_label=_look(visit, item)),
            ]
        )
    title = words("transfers_title" if own else "transfers_between")
    whom = [words("transfer_from"), *([] if own else [words("transfer_whom")])]
    what = [words("head_what"), words("head_when"), *parts.price_head(visit, costly)]
    numbers = frozenset({3}) if costly else frozenset[int]()
    return parts.section(title, parts.table([*whom, *what, words("transfer_until"), ""], rows, title, numbers))


def _length(visit: Visit, item: api.Reservation) -> str:
    return length(from_timestamp(item.end_time) - from_timestamp(item.start_time), visit.words)


def _look(visit: Visit, item: api.Reservation) -> str:
    return visit.words("open_named", name=plain(item.name))


async def offer(visit: Visit) -> Response:
    """An offer to another company, sent."""
    fields = await read_sealed_form(visit)
    hours, to = fields.get("hours", ""), fields.get("to", "").strip()
    if not (hours.isascii() and hours.isdecimal() and 1 <= int(hours[:4]) <= HOURS_MAX and to):
        raise Unreadable
    request = _update(fields.get("name", ""), fields.get("etag", ""), fields.get("request_id", ""), to)
    request.offer_for.seconds = int(hours) * HOUR_SECONDS
    return await _sent(visit, request, "offered")


async def withdraw(visit: Visit) -> Response:
    """An offer taken back."""
    fields = await read_sealed_form(visit)
    name = fields.get("name", "")
    own = paths.company_of(name)
    return await _sent(visit, _update(name, fields.get("etag", ""), fields.get("request_id", ""), own), "withdrawn")


async def accept(visit: Visit) -> Response:
    """An offer of another company, taken, or by an operator for the company that it is offered to."""
    done = "handed_over" if visit.person.operates else "taken_over"
    return await change_one(visit, visit.caller.scheduler.AcceptTransfer, api.AcceptTransferRequest, done)


async def decline(visit: Visit) -> Response:
    """An offer of another company, declined: then only an operator may still see it."""
    fields = await read_sealed_form(visit)
    request = api.DeclineTransferRequest()
    for key in ("name", "etag", "request_id", "reason"):
        setattr(request, key, fields.get(key, ""))
    try:
        await visit.caller.ask(visit.caller.scheduler.DeclineTransfer, request)
    except Refused as refused:
        return refusal(visit, refused)
    back = paths.of_reservation(request.name) if visit.person.operates else "/company"
    return RedirectResponse(address(back, done="declined"), status_code=SEE_OTHER)


def _update(name: str, etag: str, request_id: str, to: str) -> api.UpdateReservationRequest:
    request = api.UpdateReservationRequest(etag=etag, request_id=request_id)
    request.reservation.name, request.reservation.company = name, f"companies/{to}"
    request.update_mask.paths.append("company")
    return request


async def _sent(visit: Visit, request: api.UpdateReservationRequest, done: str) -> Response:
    try:
        changed = await visit.caller.ask(visit.caller.scheduler.UpdateReservation, request)
    except Refused as refused:
        return refusal(visit, refused)
    except Missing as missing:
        if missing.reason != "COMPANY_NOT_FOUND":
            raise
        told = parts.note(visit.words("no_such_company"), "bad")
        return show(visit, visit.words("refused_title"), el("h1", visit.words("refused_title")), told, status=CONFLICT)
    return RedirectResponse(address(paths.of_reservation(changed.name), done=done), status_code=SEE_OTHER)
