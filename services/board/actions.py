"""What is done with a reservation: a held one confirmed, one given back before its start or while it runs."""

from typing import Any
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board import parts
from services.board.answers import Refused
from services.board.frame import form, hidden, show
from services.board.markup import Markup, el
from services.board.times import from_timestamp
from services.board.visit import Visit, address, read_sealed_form
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

REASON_CHARACTERS_MAX = 500
FIELDS = ("name", "etag", "request_id", "reason")
SEE_OTHER = 303
CONFLICT = 409


def give_back(visit: Visit, item: api.Reservation) -> Markup | None:
    """A button behind a question, for what can be given back by whoever looks."""
    match item.state:
        case api.Reservation.STATE_HELD | api.Reservation.STATE_CONFIRMED if visit.person.books:
            action = "cancel"
        case api.Reservation.STATE_ACTIVE if visit.person.books:
            action = "release"
        case _:
            return None
    words = visit.words
    return el(
        "details",
        el("summary", words(action)),
        form(
            visit,
            f"/{action}",
            hidden("name", item.name),
            hidden("etag", item.etag),
            hidden("request_id", str(uuid4())),
            el("p", words(f"{action}_explained")),
            el("label", words("reason_label"), el("input", name="reason", maxlength=REASON_CHARACTERS_MAX)),
            el("button", words(f"{action}_confirm"), class_="bad"),
        ),
        class_="ask",
    )


def confirm(visit: Visit, item: api.Reservation) -> Markup | None:
    """A button that takes what is held, and until when it can be taken."""
    if item.state != api.Reservation.STATE_HELD or not visit.person.books:
        return None
    words, until = visit.words, from_timestamp(item.expire_time)
    return el(
        "div",
        el("p", words("held_until", moment=visit.clock.short(until), away=visit.clock.away(until))),
        form(
            visit,
            "/confirm",
            hidden("name", item.name),
            hidden("etag", item.etag),
            hidden("request_id", str(uuid4())),
            el("button", words("confirm_held")),
        ),
        class_="notice warn",
    )


async def take(visit: Visit) -> Response:
    """A confirmation that was sent."""
    return await _change(visit, visit.caller.scheduler.ConfirmReservation, api.ConfirmReservationRequest, "booked")


async def cancel(visit: Visit) -> Response:
    """A cancellation that was sent."""
    return await _change(visit, visit.caller.scheduler.CancelReservation, api.CancelReservationRequest, "given_back")


async def release(visit: Visit) -> Response:
    """A release that was sent."""
    return await _change(visit, visit.caller.scheduler.ReleaseReservation, api.ReleaseReservationRequest, "given_back")


async def _change(visit: Visit, method: Any, kind: Any, done: str) -> Response:
    """A change of one reservation, asked for by a form of ours."""
    fields = await read_sealed_form(visit)
    request = kind(**{name: fields[name] for name in FIELDS if name in fields})
    try:
        changed = await visit.caller.ask(method, request)
    except Refused as refused:
        title = visit.words("refused_title")
        return show(
            visit,
            title,
            el("h1", title),
            parts.violations(visit, refused.violations),
            el("p", el("a", visit.words("back_to_company"), href="/company")),
            status=CONFLICT,
            live=False,
        )
    return RedirectResponse(address(parts.path_of(changed.name), done=done), status_code=SEE_OTHER)
