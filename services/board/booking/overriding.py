"""Operators' overrides: a booking against rules that an operator may break, each named, with a reason that is recorded.

Only rules of policy can be overridden, and only where nothing else stands in the way; the scheduler says which, and has
the last word. What was broken and why stands in the log, in the reservation's history and on its page.
"""

from collections.abc import Sequence
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.booking.wishes import Wish
from services.board.doors.answers import Forbidden, Refused, Unavailable
from services.board.frame import parts, paths
from services.board.frame.answering import CONFLICT, SEE_OTHER
from services.board.frame.document import show
from services.board.frame.fields import REASON_CHARACTERS_MAX
from services.board.frame.sending import enclosed, opened, unknown
from services.board.frame.visit import Visit, address, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACTION = "/override"
CHOSEN = "reason_"


def offered(visit: Visit, request: api.CreateReservationRequest, violations: Sequence[api.Violation]) -> Markup | None:
    """For an operator: the form that books all the same, or which rules nobody may override."""
    words = visit.words
    if not visit.person.operates or not violations:
        return None
    fixed = sorted({each.reason for each in violations if not each.operator_may_override})
    if fixed:
        names = ", ".join(words.either(f"reason_{each}", each) for each in fixed)
        return parts.section(words("override_title"), parts.empty(words("override_never", names=names)))
    request.validate_only, request.request_id = False, str(uuid4())
    del request.override_reasons[:]
    boxes = [
        el(
            "label",
            el("input", type_="checkbox", name=f"{CHOSEN}{reason}", value="on", required=True),
            words.either(f"reason_{reason}", reason),
            " ",
            el("code", reason),
        )
        for reason in sorted({each.reason for each in violations})
    ]
    because = el("input", name="justification", required=True, maxlength=REASON_CHARACTERS_MAX)
    return parts.section(
        words("override_title"),
        el("p", words("override_explained"), class_="away"),
        enclosed(
            visit,
            ACTION,
            request,
            el("fieldset", el("legend", words("override_rules")), el("div", boxes, class_="checks")),
            el("label", words("override_because"), because),
            el("div", el("button", words("override_send"), class_="bad")),
            class_="send asked",
        ),
    )


async def exactly(visit: Visit, wish: Wish) -> Content:
    """For an operator who says when: whether it would be granted just then, and against which rules."""
    if not visit.person.operates or wish.earliest is None:
        return None
    request = api.CreateReservationRequest(parent=wish.parent)
    request.reservation.lines.extend(wish.lines)
    request.reservation.note = wish.note
    if wish.people is not None:
        request.reservation.participants.CopyFrom(wish.people)
    request.reservation.start_time.CopyFrom(to_timestamp(wish.earliest))
    request.reservation.end_time.CopyFrom(to_timestamp(wish.earliest + wish.length))
    broken = await _broken(visit, request)
    if not broken:
        return None
    when = visit.clock.span(wish.earliest, wish.earliest + wish.length)
    title = visit.words("override_exactly", when=when)
    return [parts.section(title, parts.violations(visit, broken)), offered(visit, request, broken)]


async def _broken(visit: Visit, wish: api.CreateReservationRequest) -> Sequence[api.Violation]:
    """Every rule that a booking would break if nobody overrode any."""
    request = api.CreateReservationRequest(
        parent=wish.parent, reservation=wish.reservation, request_id=str(uuid4()), validate_only=True
    )
    try:
        await visit.caller.ask(visit.caller.scheduler.CreateReservation, request)
    except Refused as refused:
        return refused.violations
    return ()


async def send(visit: Visit) -> Response:
    """An override that was sent, with its rules and its reason."""
    if not visit.person.operates:
        raise Forbidden
    fields = await read_sealed_form(visit)
    request = opened(fields, api.CreateReservationRequest)
    if "justification" in fields:  # Asked again after nobody answered, all of it is in the request.
        chosen = [name.removeprefix(CHOSEN) for name in fields if name.startswith(CHOSEN)]
        request.override_reasons[:] = sorted(chosen)
        request.justification = fields["justification"] if chosen else ""
    try:
        made = await visit.caller.ask(visit.caller.scheduler.CreateReservation, request)
    except Refused as refused:
        title = visit.words("refused_title")
        told = [
            parts.note(visit.words("refused_explained"), "bad"),
            parts.violations(visit, refused.violations),
            offered(visit, request, await _broken(visit, request)),
            el("p", el("a", visit.words("search_again"), href="/book")),
        ]
        return show(visit, title, el("h1", title), told, status=CONFLICT, live=False)
    except Unavailable:
        return unknown(visit, ACTION, request)
    return RedirectResponse(address(paths.of_reservation(made.name), done=parts.done_of(made)), status_code=SEE_OTHER)
