"""Splitting a reservation: a part of it, from a time on or some units, becomes one of its own that is shown next."""

from collections.abc import Iterator, Mapping
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.doors.answers import Refused
from services.board.doors.catalogue import plain, units_of
from services.board.frame import paths
from services.board.frame.answering import SEE_OTHER, refusal
from services.board.frame.document import form, hidden
from services.board.frame.fields import text_field
from services.board.frame.visit import Unreadable, Visit, address, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

LEAVING = "leaving-"
"""How the fields begin that say how many units of a resource leave."""


def splitting(visit: Visit, item: api.Reservation) -> Markup | None:
    """A question behind a button, for what has not begun, is nobody's to take, waits for nothing and is no class."""
    waits = item.state == api.Reservation.STATE_CONFIRMED and from_timestamp(item.start_time) > visit.clock.now
    bound = item.transfer.state == api.TransferOffer.STATE_OPEN or item.HasField("asked_change")
    if not (waits and visit.person.acts_for(item.name)) or bound or item.HasField("participants"):
        return None
    words = visit.words
    amounts = [_amount(visit, line) for line in item.lines if len(item.lines) > 1 or line.units > 1]
    return el(
        "details",
        el("summary", words("split")),
        form(
            visit,
            "/split",
            hidden("name", item.name),
            hidden("etag", item.etag),
            hidden("request_id", str(uuid4())),
            el("p", words("split_explained")),
            text_field(words("split_at"), "at", "", type_="datetime-local"),
            el("p", words("split_or")) if amounts else None,
            amounts,
            el("button", words("split_send")),
        ),
        class_="ask",
        id="split",
    )


def _amount(visit: Visit, line: api.Line) -> Markup:
    resource = visit.catalogue[line.resource]
    label = visit.words("split_amount", name=visit.name(resource), amount=visit.amount(resource, line.units))
    return text_field(label, f"{LEAVING}{plain(line.resource)}", "", inputmode="decimal", maxlength=16)


def whole(item: api.Reservation) -> Content:
    """The way to what it was split off from."""
    return el("a", plain(item.split_from), href=paths.of_reservation(item.split_from)) if item.split_from else None


async def split(visit: Visit) -> Response:
    """A split, sent: the part is shown."""
    fields = await read_sealed_form(visit)
    request = api.SplitReservationRequest(
        name=fields.get("name", ""), etag=fields.get("etag", ""), request_id=fields.get("request_id", "")
    )
    try:
        if fields.get("at"):
            request.at_time.CopyFrom(to_timestamp(visit.clock.read(fields["at"])))
        request.lines.extend(_leaving(visit, fields))
    except (ValueError, KeyError) as problem:
        raise Unreadable from problem
    try:
        made = await visit.caller.ask(visit.caller.scheduler.SplitReservation, request)
    except Refused as refused:
        return refusal(visit, refused)
    return RedirectResponse(address(paths.of_reservation(made.part.name), done="split"), status_code=SEE_OTHER)


def _leaving(visit: Visit, fields: Mapping[str, str]) -> Iterator[api.Line]:
    """What leaves, as it was typed. Raises ValueError or KeyError."""
    for field, text in fields.items():
        if field.startswith(LEAVING) and text.strip():
            resource = visit.catalogue[f"resources/{field.removeprefix(LEAVING)}"]
            yield api.Line(resource=resource.name, units=units_of(resource, text))
