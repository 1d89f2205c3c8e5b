"""Giving a reservation back: cancelled before its start, released while it runs."""

from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board import parts
from services.board.answers import Refused
from services.board.frame import form, hidden, show
from services.board.markup import Markup, el
from services.board.visit import Visit, address, read_sealed_form
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

REASON_CHARACTERS_MAX = 500
SEE_OTHER = 303
CONFLICT = 409


def give_back(visit: Visit, item: api.Reservation) -> Markup | None:
    """A button behind a question, for what can be given back by whoever looks."""
    match item.state:
        case api.Reservation.STATE_CONFIRMED if visit.person.books:
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


async def cancel(visit: Visit) -> Response:
    """A cancellation that was sent."""
    return await _change(visit, visit.caller.scheduler.CancelReservation, api.CancelReservationRequest)


async def release(visit: Visit) -> Response:
    """A release that was sent."""
    return await _change(visit, visit.caller.scheduler.ReleaseReservation, api.ReleaseReservationRequest)


async def _change(
    visit: Visit, method: object, kind: type[api.CancelReservationRequest] | type[api.ReleaseReservationRequest]
) -> Response:
    fields = await read_sealed_form(visit)
    request = kind(
        name=fields.get("name", ""),
        etag=fields.get("etag", ""),
        request_id=fields.get("request_id", ""),
        reason=fields.get("reason", ""),
    )
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
    return RedirectResponse(address(parts.path_of(changed.name), done="given_back"), status_code=SEE_OTHER)
