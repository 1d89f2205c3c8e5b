"""*Series*: what a company books again and again, what became of each occurrence, and giving the rest back."""

from collections.abc import Mapping
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board import parts
from services.board.actions import CONFLICT, REASON_CHARACTERS_MAX, SEE_OTHER
from services.board.answers import Refused, Unavailable
from services.board.catalogue import plain
from services.board.frame import form, hidden, show
from services.board.markup import Content, Markup, el
from services.board.occurrences import occurrences
from services.board.reading import reservations
from services.board.repetition import said
from services.board.sending import ENCLOSED, opened, unknown
from services.board.series_new import path_of
from services.board.times import from_timestamp, length
from services.board.visit import Unreadable, Visit, address, read_sealed_form
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACTION = "/series/cancel"
SERIES_MAX = 200
SECONDS_DIGITS_MAX = 12
DONE = ("series_booked", "given_back")
WAITING = (api.Reservation.STATE_PENDING, api.Reservation.STATE_CONFIRMED)


async def listing(visit: Visit) -> Response:
    """A company's series; everybody's for operators and auditors, unless they choose a company."""
    words, company = visit.words, visit.person.company or visit.query("company").strip()
    title = words("series_title")
    request = api.ListSeriesRequest(parent=f"companies/{company or '-'}", page_size=SERIES_MAX)
    found = await visit.caller.ask(visit.caller.scheduler.ListSeries, request)
    rows = [_row(visit, each) for each in found.series]
    head = [*(words(key) for key in ("head_what", "series_first", "series_rule", "series_booked")), ""]
    made = parts.table(head, rows, title) if rows else parts.empty(words("series_none"))
    more = parts.note(words("timeline_more", count=len(rows)), "warn") if found.next_page_token else None
    link = address("/series/new", company="" if visit.person.company else company)
    again = el("p", el("a", words("series_new_title"), href=link)) if visit.person.books else None
    return show(visit, title, el("h1", title), again, el("section", made, more))


def _row(visit: Visit, series: api.Series) -> parts.Row:
    words = visit.words
    company = series.name.split("/")[1]
    booked = sum(1 for each in series.occurrences if each.reservation)
    over = series.HasField("cancelled_from_time")
    return [
        [
            [el("span", company, class_="owner"), " "] if not visit.person.company else None,
            parts.lines(visit, series.lines),
        ],
        visit.clock.stamp(from_timestamp(series.occurrences[0].start_time)) if series.occurrences else "",
        [said(words, series.recurrence), el("div", series.note, class_="away") if series.note else None],
        [
            words("series_of", count=booked, total=len(series.occurrences)),
            el("div", _given_back(visit, series), class_="away") if over else None,
        ],
        el("a", words("open"), href=path_of(series.name), aria_label=words("open_series", name=plain(series.name))),
    ]


def _given_back(visit: Visit, series: api.Series) -> str:
    return visit.words("series_given_back", moment=visit.clock.short(from_timestamp(series.cancelled_from_time)))


async def one(visit: Visit) -> Response:
    """One series. Raises `Missing` for another company's as for none."""
    path = visit.request.path_params
    done = visit.query("done")
    note = parts.note(visit.words(f"done_{done}"), "good") if done in DONE else None
    return await _page(visit, f"companies/{path['company']}/series/{path['series']}", note)


async def cancel(visit: Visit) -> Response:
    """A form that gives back what is still to come, sent."""
    fields = await read_sealed_form(visit)
    request = opened(fields, api.CancelSeriesRequest) if ENCLOSED in fields else _asked(fields)
    try:
        changed = await visit.caller.ask(visit.caller.scheduler.CancelSeries, request)
    except Refused as refused:
        stale = any(each.reason == "STALE_ETAG" for each in refused.violations)
        told = [
            parts.note(visit.words("change_stale_now" if stale else "change_refused"), "bad"),
            None if stale else parts.violations(visit, refused.violations),
        ]
        return await _page(visit, request.name, told, CONFLICT)
    except Unavailable:
        return unknown(visit, ACTION, request)
    return RedirectResponse(address(path_of(changed.name), done="given_back"), status_code=SEE_OTHER)


def _asked(fields: Mapping[str, str]) -> api.CancelSeriesRequest:
    """What the form asks for. Raises `Unreadable`."""
    request, since = api.CancelSeriesRequest(), fields.get("from", "")
    for name in ("name", "etag", "request_id", "reason"):
        setattr(request, name, fields.get(name, ""))
    if since:
        if not (since.isascii() and since.isdecimal() and len(since) < SECONDS_DIGITS_MAX):
            raise Unreadable
        request.from_time.seconds = int(since)
    return request


async def _page(visit: Visit, name: str, note: Content, status: int = 200) -> Response:
    series = await visit.caller.ask(visit.caller.scheduler.GetSeries, api.GetSeriesRequest(name=name))
    words, title = visit.words, visit.words("series_one_title")
    found = await _reservations(visit, series)
    skipped = sum(1 for each in series.occurrences if each.reasons)
    shifted = sum(1 for each in series.occurrences if each.HasField("shifted_from_time"))
    told = words("series_counts", total=len(series.occurrences), skipped=skipped, shifted=shifted)
    return show(
        visit,
        title,
        el("div", el("h1", title), el("p", plain(series.name), class_="period"), class_="heading"),
        note,
        _facts(visit, series),
        _cancellation(visit, series, found),
        parts.section(words("series_occurrences"), el("p", told, class_="away"), occurrences(visit, series, found)),
        el("p", el("a", words("series_all"), href="/series")),
        status=status,
        live=status != CONFLICT,
    )


async def _reservations(visit: Visit, series: api.Series) -> Mapping[str, api.Reservation]:
    """The reservations of a series by their names, as far as they are still known."""
    if not series.occurrences:
        return {}
    first = from_timestamp(series.occurrences[0].start_time)
    last = from_timestamp(series.occurrences[-1].end_time)
    parent = series.name.partition("/series/")[0]
    found, _, _ = await reservations(visit, first, last, parent=parent, states=())
    return {each.name: each for each in found}


def _facts(visit: Visit, series: api.Series) -> Markup:
    words = visit.words
    facts: list[tuple[str, Content]] = [
        (words("head_what"), parts.lines(visit, series.lines)),
        (words("series_rule"), said(words, series.recurrence)),
        (words("series_first"), f"{series.first.replace('T', ' ')} ({series.time_zone}, tz {series.tzdata_release})"),
        (words("change_length"), length(series.duration.ToTimedelta(), words)),
        (words("head_company"), series.name.split("/")[1]),
        (words("head_note"), series.note),
        (words("head_state"), _given_back(visit, series) if series.HasField("cancelled_from_time") else ""),
    ]
    return el("dl", [[el("dt", label), el("dd", value)] for label, value in facts if value], class_="facts")


def _cancellation(visit: Visit, series: api.Series, found: Mapping[str, api.Reservation]) -> Markup | None:
    """A question behind a button: all that is to come, or from one occurrence on, and how many each of these is."""
    words = visit.words
    coming = [
        each
        for each in series.occurrences
        if each.reservation in found
        and found[each.reservation].state in WAITING
        and from_timestamp(each.start_time) > visit.clock.now
    ]
    if not coming or not visit.person.acts_for(series.name):
        return None
    choices = [
        el(
            "option",
            words("series_from", moment=visit.clock.short(from_timestamp(each.start_time)), count=len(coming) - at),
            value="" if at == 0 else str(each.start_time.seconds),
        )
        for at, each in enumerate(coming)
    ]
    return el(
        "details",
        el("summary", words("series_cancel")),
        form(
            visit,
            ACTION,
            hidden("name", series.name),
            hidden("etag", series.etag),
            hidden("request_id", str(uuid4())),
            el("p", words("series_cancel_explained")),
            el("label", words("series_cancel_from"), el("select", choices, name="from")),
            el("label", words("reason_label"), el("input", name="reason", maxlength=REASON_CHARACTERS_MAX)),
            el("button", words("cancel_confirm"), class_="bad"),
        ),
        class_="ask",
    )
