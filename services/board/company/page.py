"""*My company*: how far the quotas are, what comes up, and what came of it; who runs the centre chooses whose."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from starlette.responses import Response

from services.board.company.officers import officers
from services.board.company.reserves import reserves
from services.board.conduct.standing import bars, record
from services.board.doors.answers import Missing, Refused
from services.board.doors.catalogue import hours_figure, plain
from services.board.frame import parts, paths
from services.board.frame.document import show
from services.board.frame.reading import LIVE, reservations
from services.board.frame.visit import Visit, address
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import DAY, from_timestamp, to_timestamp
from services.board.reservations import changing, transfers
from services.board.reservations.actions import confirm, give_back_link
from services.board.reservations.attendance import check_in_here
from services.board.usage.books import meter_name, meter_unit, of_this_month
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

QUOTAS_AHEAD = 40 * DAY
PAST = 30 * DAY
PAST_ROWS_MAX = 20
QUOTAS_MAX = 100
ENDED = tuple(value for value in api.Reservation.State.values() if value and value not in LIVE)


async def company(visit: Visit) -> Response:
    """The page."""
    name, words = visit.person.company or visit.query("company").strip(), visit.words
    title = words("company_title" if visit.person.company else "companies_title")
    choice = None if visit.person.company else _choice(visit, name)
    if not name:
        kept = await reserves(visit) if visit.person.oversees else None
        return show(visit, title, el("h1", title), parts.empty(words("which_company")), kept, still=choice, live=False)
    parent, moment = f"companies/{name}", visit.clock.now
    try:
        (upcoming, more, position), (past, _, _), quotas, conduct, offered = await asyncio.gather(
            reservations(visit, moment, parent=parent),
            reservations(visit, moment - PAST, moment + QUOTAS_AHEAD, parent=parent, states=ENDED),
            _quotas(visit, parent),
            visit.caller.ask(visit.caller.scheduler.GetConduct, api.GetConductRequest(parent=parent)),
            transfers.received(visit, parent),
        )
    except (Missing, Refused):
        return show(visit, title, el("h1", title), parts.empty(words("no_such_company")), still=choice, live=False)
    return show(
        visit,
        title,
        el("div", el("h1", title), el("p", name, class_="period"), class_="heading"),
        parts.note(words("done_declined"), "good") if visit.query("done") == "declined" else None,
        bars(visit, name, conduct),
        offered,
        _burn(visit, quotas),
        _upcoming(visit, name, upcoming, more),
        _past(visit, past),
        await of_this_month(visit, parent, position),
        await record(visit, name, conduct),
        officers(visit, name, conduct.officers),
        still=choice,
    )


def _choice(visit: Visit, name: str) -> Markup:
    words = visit.words
    return el(
        "form",
        el(
            "label",
            words("whose_company"),
            " ",
            el("input", name="company", value=name, required=True, maxlength=63, placeholder="CMP-0001"),
        ),
        el("button", words("show_company")),
        method="get",
        action="/company",
        class_="controls",
    )


async def calendar_file(visit: Visit) -> Response:
    """A company's bookings for a calendar program."""
    name = visit.person.company or visit.query("company").strip()
    request = api.ExportCalendarRequest(name=f"companies/{name}")
    found = await visit.caller.ask(visit.caller.scheduler.ExportCalendar, request)
    headers = {"content-disposition": 'attachment; filename="bookings.ics"'}
    return Response(found.content, media_type=found.content_type, headers=headers)


async def _quotas(visit: Visit, parent: str) -> Sequence[api.Quota]:
    request = api.ListQuotasRequest(
        parent=parent,
        page_size=QUOTAS_MAX,
        start_time=to_timestamp(visit.clock.now),
        end_time=to_timestamp(visit.clock.now + QUOTAS_AHEAD),
    )
    found: api.ListQuotasResponse = await visit.caller.ask(visit.caller.scheduler.ListQuotas, request)
    return found.quotas


def _burn(visit: Visit, quotas: Sequence[api.Quota]) -> Markup:
    """Each period with what is booked of it, beside how much of its time is gone."""
    words = visit.words
    rows = [_burn_row(visit, quota) for quota in quotas]
    figures = [words(f"quota_{key}") for key in ("booked", "granted", "left")]
    head = [words("quota_meter"), words("quota_period"), *figures, words("head_unit"), words("quota_burn")]
    title = words("quota_title")
    made = parts.table(head, rows, title, frozenset({2, 3, 4})) if rows else parts.empty(words("no_quotas"))
    return parts.section(title, made)


def _burn_row(visit: Visit, quota: api.Quota) -> parts.Row:
    words, meter = visit.words, visit.catalogue[quota.meter]
    start, end = from_timestamp(quota.start_time), from_timestamp(quota.end_time)
    share = quota.booked_unit_seconds / quota.unit_seconds if quota.unit_seconds else 0.0
    gone = min(1.0, max(0.0, (visit.clock.now - start) / (end - start)))
    said = words("quota_said", booked=f"{share * 100:.0f}", gone=f"{gone * 100:.0f}")
    bar = parts.share_bar([("over" if share > 0.9 else "used", share)], said, mark=gone)
    name = meter_name(visit, quota.meter)
    left = quota.unit_seconds - quota.booked_unit_seconds
    figures = [hours_figure(meter, each) for each in (quota.booked_unit_seconds, quota.unit_seconds, left)]
    period = f"{visit.clock.day(start)} – {visit.clock.day(end - timedelta(seconds=1))}"
    return [
        name,
        period,
        *figures,
        meter_unit(visit, quota.meter),
        el("span", bar, el("span", said, class_="away"), class_="burn"),
    ]


def _upcoming(visit: Visit, company: str, found: Sequence[api.Reservation], more: bool) -> Markup:
    words, costly = visit.words, parts.any_priced(found)
    rows = [
        [
            parts.lines(visit, item.lines),
            [
                parts.when(visit, item),
                " ",
                el("span", visit.clock.away(from_timestamp(item.start_time)), class_="away"),
            ],
            parts.state(visit, item),
            *([parts.price(visit, item)] if costly else []),
            item.note,
            el(
                "div",
                el(
                    "a",
                    words("open"),
                    href=paths.of_reservation(item.name),
                    aria_label=words("open_named", name=plain(item.name)),
                ),
                confirm(visit, item),
                check_in_here(visit, item),
                changing.link(visit, item),
                give_back_link(visit, item),
                class_="actions",
            ),
        ]
        for item in found
    ]
    title = words("upcoming_title")
    cost_head = parts.price_head(visit, costly)
    head = [words("head_what"), words("head_when"), words("head_state"), *cost_head, words("head_note"), ""]
    numbers = frozenset({3}) if costly else frozenset[int]()
    made: Content = parts.table(head, rows, title, numbers) if rows else _nothing(visit, company)
    cut = parts.note(words("timeline_more", count=len(found)), "warn") if more else None
    whose = "" if visit.person.company else company
    links = [
        el("a", words("series_title"), href=address("/series", company=whose)),
        " · ",
        el("a", words("calendar_file"), href=address("/company/bookings.ics", company=whose), download=True),
    ]
    return parts.section(title, made, cut, aside=el("span", links))


def _nothing(visit: Visit, company: str) -> Markup:
    """What is said to whom has nothing booked, with the way to book something."""
    words = visit.words
    target = address("/book", company="" if visit.person.company else company)
    link = [" ", el("a", words("book_first"), href=target)] if visit.person.books else None
    return el("p", words("nothing_upcoming"), link, class_="empty")


def _past(visit: Visit, found: Sequence[api.Reservation]) -> Markup:
    title = visit.words("past_title")
    latest = sorted(found, key=lambda item: -item.end_time.seconds)[:PAST_ROWS_MAX]
    made = parts.reservations(visit, latest, title) if latest else parts.empty(visit.words("nothing_past"))
    return parts.section(title, made)
