"""Changing a series: all that is still to come, or from one of its times on; its effect is shown, and then sent.

What is sent is the very request that was tried, with the etag of the series that was shown. One time alone is changed,
or given back, on its own page; left out here it is not asked for again when the series changes.
"""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.booking.wishes import HOURS_MAX
from services.board.doors.answers import Forbidden, Refused, Unavailable
from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.answering import SEE_OTHER, refusal
from services.board.frame.document import show
from services.board.frame.fields import NOTE_CHARACTERS_MAX, check, text_field
from services.board.frame.sending import enclosed, opened, unknown
from services.board.frame.visit import Visit, address, read_sealed_form
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.board.series.cancel import Found, coming, found_of, losses, since_field
from services.board.series.new import policies, rhythm
from services.board.series.occurrences import occurrences
from services.board.series.repetition import said
from services.board.series.wishes import as_fields, left_out, read_series_wish, rule_of
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACTION = "/series/change"


def link(visit: Visit, series: api.Series, found: Found) -> Markup | None:
    """The way to this page, where something is still to come and whoever looks may change it."""
    if not coming(visit, series, found) or not visit.person.acts_for(series.name):
        return None
    words = visit.words
    label = words("series_change_named", name=plain(series.name))
    return el("a", words("series_change_link"), href=f"{paths.of_series(series.name)}/change", aria_label=label)


async def change(visit: Visit) -> Response:
    """The page: the form, and what was asked for would come to. Raises `Missing` for another company's as for none."""
    if not visit.person.books:
        raise Forbidden
    path, words = visit.request.path_params, visit.words
    name = f"companies/{path['company']}/series/{path['series']}"
    series = await visit.caller.ask(visit.caller.scheduler.GetSeries, api.GetSeriesRequest(name=name))
    waiting = coming(visit, series, await found_of(visit, series))
    title = words("series_change_title")
    head = el("div", el("h1", title), el("p", plain(name), class_="period"), class_="heading")
    back = el("p", el("a", words("series_back"), href=paths.of_series(name)))
    if not waiting:
        return show(visit, title, head, parts.empty(words("series_nothing_coming")), back, live=False)
    asked = dict(visit.request.query_params)
    # A box that is not ticked is not sent, so what was sent is all there is.
    fields = {**as_fields(visit, series), **asked} if "time" not in asked else asked
    effect = await _effect(visit, series, asked) if "time" in asked else None
    return show(visit, title, effect, back, still=[head, _form(visit, series, waiting, fields)])


async def send(visit: Visit) -> Response:
    """A change that was seen and sent."""
    request = opened(await read_sealed_form(visit), api.UpdateSeriesRequest)
    try:
        changed = await visit.caller.ask(visit.caller.scheduler.UpdateSeries, request)
    except Refused as refused:
        if any(each.reason == "STALE_ETAG" for each in refused.violations):
            return RedirectResponse(
                address(paths.of_series(request.series.name), done="series_stale"), status_code=SEE_OTHER
            )
        return refusal(visit, refused, paths.of_series(request.series.name))
    except Unavailable:
        return unknown(visit, ACTION, request)
    return RedirectResponse(address(paths.of_series(changed.name), done="series_changed"), status_code=SEE_OTHER)


async def _effect(visit: Visit, series: api.Series, fields: Mapping[str, str]) -> Content:
    """What would become of each occurrence, with the button that sends it; or why it would be refused."""
    words, wish = visit.words, read_series_wish(visit, series, fields)
    if wish.faults:
        return [parts.note(fault, "bad") for fault in wish.faults]
    if not wish.request.update_mask.paths:
        return parts.note(words("change_nothing"))
    request = wish.request
    request.validate_only, request.request_id = True, str(uuid4())
    try:
        then = await visit.caller.ask(visit.caller.scheduler.UpdateSeries, request)
    except Refused as refused:
        advice = parts.note(words("series_advice")) if then_fails(request, series) else None
        return parts.section(words("change_refused_title"), parts.violations(visit, refused.violations), advice)
    request.validate_only, request.request_id = False, str(uuid4())
    return parts.section(
        words("change_effect"),
        el("p", said(words, then.recurrence), class_="away"),
        occurrences(visit, then, effects=True),
        [el("h3", words("series_given_back_head")), await losses(visit, [each.reservation for each in then.given_back])]
        if then.given_back
        else None,
        enclosed(visit, ACTION, request, el("button", words("series_change_send")), class_="send"),
    )


def then_fails(request: api.UpdateSeriesRequest, series: api.Series) -> bool:
    """Whether one time that cannot be granted refuses the whole change."""
    policy = request.series.policy if "policy" in request.update_mask.paths else series.policy
    return policy not in (api.CONFLICT_POLICY_SKIP, api.CONFLICT_POLICY_SHIFT)


def _form(visit: Visit, series: api.Series, waiting: Sequence[api.Occurrence], fields: Mapping[str, str]) -> Markup:
    words = visit.words
    hours = text_field(
        words("book_hours"), "hours", fields.get("hours", ""), type_="number", min_="0.25", max_=HOURS_MAX, step="any"
    )
    known = "times" in as_fields(visit, series)
    rule = rhythm(visit, fields) if known else el("p", said(words, [rule_of(series)]), class_="away")
    boxes = [_left_out(visit, series, each, fields) for each in waiting]
    overwrite = check("checkbox", "overwrite", "on", words("series_overwrite"), bool(fields.get("overwrite")))
    return el(
        "form",
        el("p", words("series_change_explained"), class_="away"),
        el(
            "div",
            since_field(visit, words("series_change_from"), waiting, fields.get("from", "")),
            text_field(words("series_time"), "time", fields.get("time", ""), type_="time", required=True),
            hours,
            class_="fields",
        ),
        el(
            "div",
            [_amount(visit, line, at, fields) for at, line in enumerate(series.lines, 1)],
            text_field(words("book_note"), "note", fields.get("note", ""), maxlength=NOTE_CHARACTERS_MAX),
            class_="fields",
        ),
        rule,
        el("details", el("summary", words("series_leave_out")), el("div", boxes, class_="checks"), open_=_any(fields)),
        policies(visit, fields),
        el("div", overwrite, class_="checks"),
        el(
            "p",
            el("button", words("series_try")),
            " ",
            el("span", words("footer_zone", zone=visit.clock.zone_name()), class_="away"),
        ),
        method="get",
        action=f"{paths.of_series(series.name)}/change",
        class_="search",
    )


def _any(fields: Mapping[str, str]) -> bool:
    return any(name.startswith("out_") for name in fields)


def _left_out(visit: Visit, series: api.Series, each: api.Occurrence, fields: Mapping[str, str]) -> Markup:
    name = left_out(series, each)
    return check("checkbox", name, "on", visit.clock.short(from_timestamp(each.start_time)), bool(fields.get(name)))


def _amount(visit: Visit, line: api.Line, at: int, fields: Mapping[str, str]) -> Markup | None:
    resource = visit.catalogue[line.resource]
    if resource.capacity_units == 1:
        return None
    label = visit.words("change_amount", name=visit.name(resource))
    return text_field(label, f"amount{at}", fields.get(f"amount{at}", ""), inputmode="decimal", maxlength=16)
