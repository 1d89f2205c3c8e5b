"""What is done with a reservation: a held one confirmed, one given back; and the sending of any one change."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.doors.answers import Refused
from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.answering import SEE_OTHER, refusal
from services.board.frame.document import form, hidden
from services.board.frame.fields import REASON_CHARACTERS_MAX, check
from services.board.frame.visit import Visit, address, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.board.reservations.comparison import quoted
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

FIELDS = ("name", "etag", "request_id", "reason", "hand_over", "comment", "reference")
WAITING = (api.Reservation.STATE_HELD, api.Reservation.STATE_PENDING, api.Reservation.STATE_CONFIRMED)
CONDITIONS = {
    "good": api.CONDITION_GOOD,
    "worn": api.CONDITION_WORN,
    "damaged": api.CONDITION_DAMAGED,
}
GIVING_BACK = "give-back"
EXCUSED = "excused"


def give_back(visit: Visit, item: api.Reservation, quote: Content = None) -> Markup | None:
    """A button behind a question, for what can be given back by whoever looks; `quote` says what that would bring."""
    action, words = _giving_back(visit, item), visit.words
    if not action:
        return None
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
            quote,
            reason(visit),
            _check_out(visit, item) if action == "release" else None,
            check("checkbox", EXCUSED, "on", words("excused"), False) if visit.person.operates else None,
            el("button", words(f"{action}_confirm"), class_="bad"),
        ),
        class_="ask",
        id=GIVING_BACK,
        open_=visit.query("ask") == GIVING_BACK,
    )


def reason(visit: Visit) -> Markup:
    """Why something is given back; an operator must say, for it is a company's."""
    needed = visit.person.operates
    field = el("input", name="reason", maxlength=REASON_CHARACTERS_MAX, required=needed)
    return el("label", visit.words("why_given_back" if needed else "reason_label"), field)


def give_back_link(visit: Visit, item: api.Reservation) -> Markup | None:
    """The way to that question, which says what it would cost before it is answered."""
    action, words = _giving_back(visit, item), visit.words
    if not action:
        return None
    target = f"{address(paths.of_reservation(item.name), ask=GIVING_BACK)}#{GIVING_BACK}"
    return el("a", words(action), href=target, aria_label=words(f"{action}_named", name=plain(item.name)))


def _giving_back(visit: Visit, item: api.Reservation) -> str:
    """How whoever looks may give it back: cancel or release; an empty string if they may not."""
    if not visit.person.acts_for(item.name):
        return ""
    if item.state in WAITING:
        return "cancel"
    return "release" if item.state == api.Reservation.STATE_ACTIVE else ""


def confirm(visit: Visit, item: api.Reservation) -> Markup | None:
    """A button that takes what is held, and until when it can be taken."""
    if item.state != api.Reservation.STATE_HELD or not visit.person.acts_for(item.name):
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


async def quote(visit: Visit, item: api.Reservation) -> Content:
    """What giving it back would bring, for what can be given back by whoever looks."""
    asked: dict[str, tuple[Any, Any]] = {
        "cancel": (visit.caller.scheduler.CancelReservation, api.CancelReservationRequest),
        "release": (visit.caller.scheduler.ReleaseReservation, api.ReleaseReservationRequest),
    }
    if not (action := _giving_back(visit, item)):
        return None
    method, kind = asked[action]
    try:
        told = await visit.caller.ask(method, kind(name=item.name, request_id=str(uuid4()), validate_only=True))
    except Refused:
        return None  # It has changed since; the page will too.
    return quoted(visit, told.cancellation_quote)


def _check_out(visit: Visit, item: api.Reservation) -> list[Markup] | None:
    """How equipment was left, and what whoever comes next should know."""
    words = visit.words
    if not any(visit.catalogue[line.resource].kind == api.RESOURCE_KIND_EQUIPMENT for line in item.lines):
        return None
    states = [el("option", words(f"condition_{name}"), value=name) for name in CONDITIONS]
    chosen = el("select", el("option", words("condition_none"), value=""), states, name="condition")
    return [
        el("label", words("condition_label"), chosen),
        el("label", words("hand_over_label"), el("input", name="hand_over", maxlength=REASON_CHARACTERS_MAX)),
    ]


async def take(visit: Visit) -> Response:
    """A confirmation that was sent."""
    return await change_one(visit, visit.caller.scheduler.ConfirmReservation, api.ConfirmReservationRequest, "")


async def cancel(visit: Visit) -> Response:
    """A cancellation that was sent."""
    return await change_one(
        visit, visit.caller.scheduler.CancelReservation, api.CancelReservationRequest, "given_back", _excuse
    )


async def release(visit: Visit) -> Response:
    """A release that was sent."""
    return await change_one(
        visit, visit.caller.scheduler.ReleaseReservation, api.ReleaseReservationRequest, "given_back", _excuse
    )


def _excuse(visit: Visit, fields: Mapping[str, str], request: Any) -> None:
    """Free of charge and no strike, where an operator says so; of anybody else the box is not there."""
    request.excused = visit.person.operates and EXCUSED in fields


async def change_one(
    visit: Visit, method: Any, kind: Any, done: str, more: Callable[[Visit, Mapping[str, str], Any], None] | None = None
) -> Response:
    """A change of one reservation, asked for by a form of ours; `done` is what to say of it, if it is not its state.

    `more` puts into the request what only this form has.
    """
    fields = await read_sealed_form(visit)
    known = kind.DESCRIPTOR.fields_by_name
    request = kind(**{name: fields[name] for name in FIELDS if name in fields and name in known})
    if "condition" in known and fields.get("condition") in CONDITIONS:
        request.condition = CONDITIONS[fields["condition"]]
    try:
        if more is not None:
            more(visit, fields, request)
        changed = await visit.caller.ask(method, request)
    except Refused as refused:
        return refusal(visit, refused)
    told = done or parts.done_of(changed)
    return RedirectResponse(address(paths.of_reservation(changed.name), done=told), status_code=SEE_OTHER)
