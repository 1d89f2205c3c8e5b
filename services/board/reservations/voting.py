"""What waits for approval, and an operator's vote for or against it, perhaps for another time than was asked for."""

from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from starlette.responses import Response

from services.board.frame import parts
from services.board.frame.document import form, hidden
from services.board.frame.fields import REASON_CHARACTERS_MAX, text_field
from services.board.frame.reading import reservations
from services.board.frame.visit import Unreadable, Visit
from services.board.paper.markup import Markup, el
from services.board.paper.times import from_timestamp, to_timestamp
from services.board.reservations.actions import change_one
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ROWS_MAX = 8
REFERENCE_CHARACTERS_MAX = 64


def vote(visit: Visit, item: api.Reservation) -> Markup | None:
    """A question with two answers, for an operator, while a booking or a change of it waits for approval."""
    changes = item.HasField("asked_change")
    if not (changes or item.state == api.Reservation.STATE_PENDING) or not visit.person.operates:
        return None
    words, approval = visit.words, item.asked_change.approval if changes else item.approval
    needed = approval.reference_required
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
            el("p", words("vote_on_change"), class_="away") if changes else _times(visit, item),
            el(
                "div",
                el("button", words("vote_approve")),
                el("button", words("vote_deny"), class_="bad", formaction="/deny"),
                class_="buttons",
            ),
        ),
        class_="ask",
    )


def _times(visit: Visit, item: api.Reservation) -> list[Markup]:
    """The time that a yes is for: the one asked for or another; whoever agreed first has said which."""
    words, clock = visit.words, visit.clock
    agreed = next((vote for vote in item.approval.votes if vote.approves), None)
    if agreed is not None:
        when = agreed_time(visit, agreed) or clock.span(from_timestamp(item.start_time), from_timestamp(item.end_time))
        return [el("p", words("vote_for", when=when), class_="away")]
    start, end = (clock.typed(from_timestamp(each)) for each in (item.start_time, item.end_time))
    return [
        text_field(words("vote_start"), "start", start, type_="datetime-local"),
        text_field(words("vote_end"), "end", end, type_="datetime-local"),
        hidden("asked", f"{start} {end}"),
    ]


def approval_told(visit: Visit, approval: api.Approval, until: datetime | None) -> list[Markup]:
    """Who must agree, by when if that is open, and what was said so far."""
    words, clock = visit.words, visit.clock
    agreed = sum(1 for vote in approval.votes if vote.approves)
    rule = words.either(f"approval_{approval.rule}", approval.rule)
    told = [el("div", words("approval_stands", rule=rule, agreed=agreed, quorum=approval.quorum))]
    if until is not None:
        told.append(el("div", words("approval_until", moment=clock.short(until)), class_="away"))
    for each in approval.votes:
        said = [
            words("vote_yes" if each.approves else "vote_no"),
            agreed_time(visit, each),
            each.comment,
            each.reference,
        ]
        told.append(el("div", clock.stamp(from_timestamp(each.time)), " ", " · ".join(filter(None, said))))
    return told


def agreed_time(visit: Visit, vote: api.Vote) -> str:
    """The time that a vote agrees to, if it is not the one that was asked for."""
    if not vote.HasField("start_time"):
        return ""
    return visit.clock.span(from_timestamp(vote.start_time), from_timestamp(vote.end_time))


async def waiting(visit: Visit) -> Markup | None:
    """What waits for approval, for operators; nothing where nothing does."""
    if not visit.person.operates:
        return None
    found, _, _ = await reservations(visit, visit.clock.now, to_approve=True)
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
    return await change_one(
        visit, visit.caller.scheduler.ApproveReservation, api.ApproveReservationRequest, "voted", _other_time
    )


def _other_time(visit: Visit, fields: Mapping[str, str], request: api.ApproveReservationRequest) -> None:
    """Ask for another time if one was typed. Another start alone moves the whole. Raises `Unreadable`."""
    asked = fields.get("asked", "")
    if not asked:
        return  # Somebody agreed before, and has said to which time.
    try:
        was = [visit.clock.read(each) for each in asked.split()]
        start, end = [
            visit.clock.read(fields.get(name) or asked.split()[at]) for at, name in enumerate(("start", "end"))
        ]
        if was == [start, end]:
            return
    except (ValueError, IndexError) as problem:
        raise Unreadable from problem
    request.start_time.CopyFrom(to_timestamp(start))
    request.end_time.CopyFrom(to_timestamp(start + (was[1] - was[0]) if end == was[1] else end))


async def deny(visit: Visit) -> Response:
    """A vote against it, sent."""
    return await change_one(visit, visit.caller.scheduler.DenyReservation, api.DenyReservationRequest, "voted")
