"""What waits for approval, and an operator's vote for or against it. Another time is agreed to by `aidc approve`."""

from uuid import uuid4

from starlette.responses import Response

from services.board import parts
from services.board.actions import REASON_CHARACTERS_MAX, change_one
from services.board.frame import form, hidden
from services.board.markup import Markup, el
from services.board.reading import reservations
from services.board.visit import Visit
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ROWS_MAX = 8
REFERENCE_CHARACTERS_MAX = 64


def vote(visit: Visit, item: api.Reservation) -> Markup | None:
    """A question with two answers, for an operator, while a booking waits for approval."""
    if item.state != api.Reservation.STATE_PENDING or not visit.person.operates:
        return None
    words, needed = visit.words, item.approval.reference_required
    reference = el("input", name="reference", maxlength=REFERENCE_CHARACTERS_MAX)
    return el(
        "details",
        el("summary", words("vote")),
        form(
            visit,
            "/approve",
            hidden("name", item.name),
            hidden("etag", item.etag),
            hidden("request_id", str(uuid4())),
            el("label", words("vote_comment"), el("input", name="comment", maxlength=REASON_CHARACTERS_MAX)),
            el("label", words("vote_reference"), reference) if needed else None,
            el(
                "div",
                el("button", words("vote_approve")),
                el("button", words("vote_deny"), class_="bad", formaction="/deny"),
                class_="buttons",
            ),
        ),
        class_="ask",
    )


async def waiting(visit: Visit) -> Markup | None:
    """What waits for approval, for operators; nothing where nothing does."""
    if not visit.person.operates:
        return None
    found, _, _ = await reservations(visit, visit.clock.now, states=(api.Reservation.STATE_PENDING,))
    if not found:
        return None
    title, more = visit.words("waiting_title"), len(found) - ROWS_MAX
    return parts.section(
        title,
        parts.reservations(visit, found[:ROWS_MAX], title, "start"),
        el("p", visit.words("and_more", count=more), class_="away") if more > 0 else None,
    )


async def approve(visit: Visit) -> Response:
    """A vote for a booking, sent."""
    return await change_one(visit, visit.caller.scheduler.ApproveReservation, api.ApproveReservationRequest, "voted")


async def deny(visit: Visit) -> Response:
    """A vote against it, sent."""
    return await change_one(visit, visit.caller.scheduler.DenyReservation, api.DenyReservationRequest, "voted")
