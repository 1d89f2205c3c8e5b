"""The support officers who may act for a company: who they are, and for operators the forms that say so."""

from collections.abc import Sequence
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.doors.answers import Forbidden, Refused
from services.board.doors.catalogue import plain
from services.board.frame import parts
from services.board.frame.answering import SEE_OTHER, refusal
from services.board.frame.document import form, hidden
from services.board.frame.fields import text_field
from services.board.frame.visit import Unreadable, Visit, address, read_sealed_form
from services.board.paper.markup import Markup, el
from services.board.paper.times import from_timestamp, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

OFFICER_CHARACTERS_MAX = 63


def officers(visit: Visit, company: str, assigned: Sequence[api.Officer]) -> Markup | None:
    """Who may act for a company and until when; nothing where nobody may, and nobody here could say so."""
    words, clock = visit.words, visit.clock
    title = words("officers_title")
    if not assigned and not visit.person.operates:
        return None
    rows = []
    for each in assigned:
        start, end = from_timestamp(each.start_time), from_timestamp(each.end_time)
        rows.append([plain(each.officer), clock.stamp(start, clock.span(start, end)), _dismissal(visit, company, each)])
    head = [words("officers_who"), words("head_when"), ""]
    made = parts.table(head, rows, title) if rows else parts.empty(words("officers_none"))
    return parts.section(title, made, _assignment(visit, company) if visit.person.operates else None)


def _dismissal(visit: Visit, company: str, each: api.Officer) -> Markup | None:
    if not visit.person.operates:
        return None
    name = plain(each.officer)
    return form(
        visit,
        "/officers/dismiss",
        hidden("company", company),
        hidden("officer", name),
        hidden("request_id", str(uuid4())),
        el(
            "button",
            visit.words("officers_dismiss"),
            class_="plain",
            aria_label=f"{visit.words('officers_dismiss')} {name}",
        ),
    )


def _assignment(visit: Visit, company: str) -> Markup:
    """A question behind a button: who, and until when."""
    words = visit.words
    return el(
        "details",
        el("summary", words("officers_assign")),
        form(
            visit,
            "/officers",
            hidden("company", company),
            hidden("request_id", str(uuid4())),
            el("p", words("officers_explained")),
            text_field(
                words("officers_who"),
                "officer",
                "",
                required=True,
                maxlength=OFFICER_CHARACTERS_MAX,
                placeholder="officer-1",
            ),
            text_field(words("officers_until"), "until", "", type_="datetime-local", required=True),
            el("button", words("officers_assign_send")),
        ),
        class_="ask",
    )


async def assign(visit: Visit) -> Response:
    """An assignment, sent. Raises `Forbidden` and `Unreadable`."""
    fields = await _fields(visit)
    try:
        until = to_timestamp(visit.clock.read(fields.get("until", "")))
    except ValueError as problem:
        raise Unreadable from problem
    request = api.AssignOfficerRequest(
        parent=f"companies/{fields['company']}",
        officer=api.Officer(
            officer=f"officers/{fields.get('officer', '').strip()}",
            start_time=to_timestamp(visit.clock.now),
            end_time=until,
        ),
        request_id=fields.get("request_id", ""),
    )
    return await _sent(visit, visit.caller.scheduler.AssignOfficer, request, fields["company"])


async def dismiss(visit: Visit) -> Response:
    """The end of an assignment, sent. Raises `Forbidden`."""
    fields = await _fields(visit)
    request = api.DismissOfficerRequest(
        parent=f"companies/{fields['company']}",
        officer=f"officers/{fields.get('officer', '')}",
        request_id=fields.get("request_id", ""),
    )
    return await _sent(visit, visit.caller.scheduler.DismissOfficer, request, fields["company"])


async def _fields(visit: Visit) -> dict[str, str]:
    fields = dict(await read_sealed_form(visit))
    if not visit.person.operates:
        raise Forbidden
    if not fields.get("company"):
        raise Unreadable
    return fields


async def _sent(
    visit: Visit, method: object, request: api.AssignOfficerRequest | api.DismissOfficerRequest, company: str
) -> Response:
    back = address("/company", company=company)
    try:
        await visit.caller.ask(method, request)
    except Refused as refused:
        return refusal(visit, refused, back)
    return RedirectResponse(back, status_code=SEE_OTHER)
