"""*Series*: what a company books again and again, and what became of each occurrence."""

from starlette.responses import Response

from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.document import show
from services.board.frame.visit import Visit, address
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp, length
from services.board.series import change as series_change
from services.board.series.cancel import found_of, question
from services.board.series.occurrences import occurrences
from services.board.series.repetition import said
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SERIES_MAX = 200
DONE = {"series_booked": "good", "given_back": "good", "series_changed": "good", "series_stale": "bad"}
"""What was done, and whether that is good to hear."""


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
        el(
            "a",
            words("open"),
            href=paths.of_series(series.name),
            aria_label=words("open_series", name=plain(series.name)),
        ),
    ]


def _given_back(visit: Visit, series: api.Series) -> str:
    return visit.words("series_given_back", moment=visit.clock.short(from_timestamp(series.cancelled_from_time)))


async def one(visit: Visit) -> Response:
    """One series. Raises `Missing` for another company's as for none."""
    path = visit.request.path_params
    done = visit.query("done")
    note = parts.note(visit.words(f"done_{done}"), DONE[done]) if done in DONE else None
    return await _page(visit, f"companies/{path['company']}/series/{path['series']}", note)


async def _page(visit: Visit, name: str, note: Content) -> Response:
    series = await visit.caller.ask(visit.caller.scheduler.GetSeries, api.GetSeriesRequest(name=name))
    words, title = visit.words, visit.words("series_one_title")
    found = await found_of(visit, series)
    skipped = sum(1 for each in series.occurrences if each.reasons and not each.reservation)
    shifted = sum(1 for each in series.occurrences if each.HasField("shifted_from_time"))
    told = words("series_counts", total=len(series.occurrences), skipped=skipped, shifted=shifted)
    return show(
        visit,
        title,
        el("div", el("h1", title), el("p", plain(series.name), class_="period"), class_="heading"),
        note,
        _facts(visit, series),
        el("div", series_change.link(visit, series, found), question(visit, series, found), class_="choices"),
        parts.section(words("series_occurrences"), el("p", told, class_="away"), occurrences(visit, series, found)),
        el("p", el("a", words("series_all"), href="/series")),
    )


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
