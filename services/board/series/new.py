"""A new series: what, when first and how often; what would become of each occurrence; and then the booking of them."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.booking.classes import people_fields
from services.board.booking.form import line_fields
from services.board.booking.wishes import HOURS_MAX, read_wish
from services.board.doors.answers import Forbidden, Refused, Unavailable
from services.board.frame import parts, paths
from services.board.frame.answering import CONFLICT, SEE_OTHER
from services.board.frame.document import hidden, show
from services.board.frame.fields import NOTE_CHARACTERS_MAX, check, company_field, text_field
from services.board.frame.sending import enclosed, opened, unknown
from services.board.frame.visit import Visit, address, local_path, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import WEEKDAYS, to_duration
from services.board.series.occurrences import occurrences
from services.board.series.repetition import EVERY, INTERVAL_MAX, TIMES_MAX, WEEKDAY_CODES, read_rule, said
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACTION = "/series"
POLICIES = {
    "fail": api.CONFLICT_POLICY_FAIL,
    "skip": api.CONFLICT_POLICY_SKIP,
    "shift": api.CONFLICT_POLICY_SHIFT,
}
TIMES = "10"


async def new(visit: Visit) -> Response:
    """The form, and what it would come to if something was asked."""
    if not visit.person.books:
        raise Forbidden
    words = visit.words
    fields = dict(visit.request.query_params)
    asked = bool(fields.get("resource") and fields.get("first"))
    still = [el("h1", words("series_new_title")), _form(visit, fields)]
    found = await _effect(visit, fields) if asked else parts.empty(words("series_begin"))
    return show(visit, words("series_new_title"), found, still=still, live=asked)


async def book(visit: Visit) -> Response:
    """A series that was seen and sent."""
    fields = await read_sealed_form(visit)
    request = opened(fields, api.CreateSeriesRequest)
    words = visit.words
    try:
        made = await visit.caller.ask(visit.caller.scheduler.CreateSeries, request)
    except Refused as refused:
        title = words("refused_title")
        told = [
            parts.note(words("refused_explained"), "bad"),
            parts.violations(visit, refused.violations),
            el("p", el("a", words("series_again"), href=local_path(fields.get("back", "/series/new")))),
        ]
        return show(visit, title, el("h1", title), told, status=CONFLICT, live=False)
    except Unavailable:
        return unknown(visit, ACTION, request)
    return RedirectResponse(address(paths.of_series(made.name), done="series_booked"), status_code=SEE_OTHER)


async def _effect(visit: Visit, fields: Mapping[str, str]) -> Content:
    """What would become of each occurrence, with the button that books them; or why none would be."""
    words = visit.words
    request, faults = _request(visit, fields)
    if faults:
        return [parts.note(fault, "bad") for fault in faults]
    request.validate_only, request.request_id = True, str(uuid4())
    try:
        planned = await visit.caller.ask(visit.caller.scheduler.CreateSeries, request)
    except Refused as refused:
        advice = parts.note(words("series_advice")) if request.series.policy == api.CONFLICT_POLICY_FAIL else None
        return parts.section(words("series_refused_title"), parts.violations(visit, refused.violations), advice)
    request.validate_only, request.request_id = False, str(uuid4())
    granted = sum(1 for each in planned.occurrences if not each.reasons)
    here = f"{visit.request.url.path}?{visit.request.url.query}"
    return parts.section(
        words("series_effect", count=granted, total=len(planned.occurrences)),
        el("p", said(words, planned.recurrence), class_="away"),
        occurrences(visit, planned),
        enclosed(
            visit,
            ACTION,
            request,
            hidden("back", here),
            el("button", words("series_book", count=granted)),
            class_="send",
        ),
    )


def _request(visit: Visit, fields: Mapping[str, str]) -> tuple[api.CreateSeriesRequest, Sequence[str]]:
    """What the form asks for, and messages about what of it makes no sense."""
    wish = read_wish(visit, fields)
    faults = list(wish.faults)
    first = fields.get("first", "").strip()
    try:
        visit.clock.read(first)
    except ValueError:
        faults.append(visit.words("fault_moment", text=first))
    series = api.Series(
        lines=wish.lines,
        first=first,
        time_zone=visit.clock.zone.key,
        duration=to_duration(wish.length),
        recurrence=[read_rule(visit, fields, faults)],
        policy=POLICIES.get(fields.get("policy", ""), api.CONFLICT_POLICY_FAIL),
        note=wish.note,
        participants=wish.people,
    )
    return api.CreateSeriesRequest(parent=wish.parent, series=series), faults


def _form(visit: Visit, fields: Mapping[str, str]) -> Markup:
    words = visit.words
    hours = text_field(
        words("book_hours"), "hours", fields.get("hours", "2"), type_="number", min_="0.25", max_=HOURS_MAX, step="any"
    )
    first = text_field(words("series_first"), "first", fields.get("first", ""), type_="datetime-local", required=True)
    note = text_field(words("book_note"), "note", fields.get("note", ""), maxlength=NOTE_CHARACTERS_MAX)
    return el(
        "form",
        company_field(visit, fields) if not visit.person.company else None,
        line_fields(visit, fields, 1),
        el("div", first, hours, note, class_="fields"),
        el("div", people_fields(visit, fields), class_="fields"),
        rhythm(visit, fields),
        policies(visit, fields),
        el(
            "p",
            el("button", words("series_try")),
            " ",
            el("span", words("footer_zone", zone=visit.clock.zone_name()), class_="away"),
        ),
        method="get",
        action="/series/new",
        class_="search",
    )


def rhythm(visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
    """Every so many days, weeks or months, on which days of the week, and how many times."""
    words = visit.words
    chosen = fields.get("every", "week")
    units = [el("option", words(f"every_unit_{name}"), value=name, selected=name == chosen) for name in EVERY]
    counted = (("interval", "1", INTERVAL_MAX), ("times", TIMES, TIMES_MAX))
    interval, times = (
        text_field(words(f"series_{name}"), name, fields.get(name, usual), type_="number", min_="1", max_=most)
        for name, usual, most in counted
    )
    every = el("label", words("series_every"), el("select", units, name="every"))
    named = zip(WEEKDAY_CODES, WEEKDAYS[words.language], strict=True)
    days = [check("checkbox", f"day_{code}", "on", name, bool(fields.get(f"day_{code}"))) for code, name in named]
    return [
        el("div", interval, every, times, class_="fields"),
        el("fieldset", el("legend", words("series_days")), el("div", days, class_="checks")),
    ]


def policies(visit: Visit, fields: Mapping[str, str]) -> Markup:
    """What becomes of a time that cannot be granted."""
    words, chosen = visit.words, fields.get("policy", "fail")
    choices = [check("radio", "policy", name, words(f"policy_{name}"), name == chosen) for name in POLICIES]
    return el("fieldset", el("legend", words("policy_label")), el("div", choices, class_="checks"))
