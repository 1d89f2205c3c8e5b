"""*Now*: what is free, when the usual sizes fit next, what starts and ends soon, and what is out of order."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from starlette.responses import Response

from services.board.doors.catalogue import figure, plain, unit_key
from services.board.frame import parts, paths
from services.board.frame.document import show
from services.board.frame.reading import calendars, reservations
from services.board.frame.visit import Visit, address
from services.board.now import sparks
from services.board.now.fits import AHEAD, Fit, fits_of, fits_told
from services.board.outages.incidents import Incident, incidents
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp, length
from services.board.reservations.transfers import received
from services.board.reservations.voting import waiting
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SOON = timedelta(hours=24)
SOON_ROWS_MAX = 8
NAMES_MAX = 3
OUTAGES_MAX = 100
PRESSING = ("failure", "closed")

Calendars = Mapping[str, api.Calendar | None]


async def now(visit: Visit) -> Response:
    """The page."""
    moment = visit.clock.now.replace(microsecond=0)
    pools = [each for each in visit.catalogue.of_kind("compute") if each.in_service]
    others = [each for kind in ("equipment", "operators") for each in visit.catalogue.of_kind(kind) if each.in_service]
    ahead, today, (live, _, _), outages = await asyncio.gather(
        calendars(visit, pools, moment, moment + AHEAD),
        calendars(visit, others, moment, moment + SOON),
        reservations(visit, moment, moment + SOON),
        visit.caller.ask(visit.caller.scheduler.ListOutages, api.ListOutagesRequest(page_size=OUTAGES_MAX)),
    )
    fits = await asyncio.gather(*(fits_of(visit, each, ahead[plain(each.name)]) for each in pools))
    cards = [_card(visit, pool, ahead[plain(pool.name)], fit) for pool, fit in zip(pools, fits, strict=True)]
    words = visit.words
    found = incidents(visit.catalogue, outages.outages, visit.clock, AHEAD)
    # What is broken now comes before what is only planned.
    told, pressing = _incidents(visit, found), any(each.kind in PRESSING and each.begun(moment) for each in found)
    return show(
        visit,
        words("now_title"),
        el("h1", words("now_title")),
        el("div", cards, class_="cards") if cards else parts.empty(words("now_no_pools")),
        told if pressing else None,
        await waiting(visit),
        await received(visit, visit.person.parent) if visit.person.operates else None,
        el("div", _soon(visit, live), class_="pair"),
        el("div", _equipment(visit, today), _staff(visit, today), class_="pair"),
        None if pressing else told,
    )


def _card(visit: Visit, pool: api.Resource, calendar: api.Calendar | None, fits: Sequence[Fit]) -> Markup:
    words = visit.words
    free = calendar.intervals[0].free_units if calendar and calendar.intervals else 0
    big = el("b", figure(pool, free), class_="big")
    of = words("free_of", total=figure(pool, pool.capacity_units), unit=words(unit_key(pool)))
    return el(
        "article",
        el("h2", el("a", visit.name(pool), href=address("/timeline", resource=plain(pool.name)))),
        el("p", big, " ", el("span", of, class_="of"), class_="free"),
        sparks.free(visit, pool, calendar, visit.clock.now, AHEAD) if calendar else None,
        fits_told(visit, pool, fits),
        class_="card",
    )


def _soon(visit: Visit, live: Iterable[api.Reservation]) -> list[Markup]:
    words, moment = visit.words, visit.clock.now
    found = list(live)
    starting = [each for each in found if moment <= from_timestamp(each.start_time) < moment + SOON]
    ending = [each for each in found if moment < from_timestamp(each.end_time) <= moment + SOON]
    ending.sort(key=lambda each: each.end_time.seconds)
    return [
        _soon_list(visit, words("starting_soon"), starting, "start"),
        _soon_list(visit, words("ending_soon"), ending, "end"),
    ]


def _soon_list(visit: Visit, title: str, found: Sequence[api.Reservation], moment: str) -> Markup:
    more = len(found) - SOON_ROWS_MAX
    return parts.section(
        title,
        parts.reservations(visit, found[:SOON_ROWS_MAX], title, moment)
        if found
        else parts.empty(visit.words("nothing_soon")),
        el("p", visit.words("and_more", count=more), class_="away") if more > 0 else None,
    )


def _equipment(visit: Visit, today: Calendars) -> Markup:
    """How much of the equipment is free, and until when the rest is not."""
    words = visit.words
    known = [(each, today.get(plain(each.name))) for each in visit.catalogue.of_kind("equipment")]
    shown = [(each, calendar, calendar.intervals[0]) for each, calendar in known if calendar and calendar.intervals]
    free = sum(1 for _, _, first in shown if first.free_units)
    closed = sum(1 for _, _, first in shown if not first.open)
    rows = [
        [
            el("a", visit.name(each), href=address("/timeline", resource=plain(each.name))),
            words("busy_now" if first.reserved_units else "out_now"),
            _free_again(visit, calendar),
        ]
        for each, calendar, first in shown
        if first.open and not first.free_units
    ]
    summary = el(
        "p",
        el("b", f"{free:,}", class_="big"),
        " ",
        el("span", words("equipment_free", total=len(shown)), class_="of"),
        el("span", words("equipment_closed", count=closed), class_="of") if closed else None,
        class_="free",
    )
    head = [words("head_equipment"), words("head_state"), words("head_free_again")]
    listed = parts.table(head, rows, words("equipment_busy")) if rows else None
    return parts.section(words("kind_equipment"), summary, listed)


def _free_again(visit: Visit, calendar: api.Calendar) -> Content:
    for part in calendar.intervals:
        if part.free_units:
            return visit.clock.stamp(from_timestamp(part.start_time))
    return visit.words("not_within", length=length(SOON, visit.words))


def _staff(visit: Visit, today: Calendars) -> Markup:
    """Operators on shift and free, by pool."""
    words = visit.words
    rows = []
    for each in visit.catalogue.of_kind("operators"):
        calendar = today.get(plain(each.name))
        if calendar is None or not calendar.intervals:
            continue
        first = calendar.intervals[0]
        free = figure(each, first.free_units) if first.open else words("off_shift")
        name = el("a", visit.name(each), href=address("/timeline", resource=plain(each.name)))
        rows.append([name, free, figure(each, each.capacity_units)])
    head = [words("kind_operators"), words("head_free"), words("head_of")]
    title = words("kind_operators")
    made = parts.table(head, rows, title, frozenset({1, 2})) if rows else parts.empty(words("nobody"))
    return parts.section(title, made)


def _incidents(visit: Visit, found: Sequence[Incident]) -> Markup:
    """What is out of service, broken or closed, or soon will be."""
    words = visit.words
    rows = [_incident(visit, each) for each in found]
    head = [words("head_incident"), words("head_what"), words("head_when")]
    title = words("incidents")
    aside = el("a", words("outages_all"), href="/outages")
    made = parts.table(head, rows, title) if rows else parts.empty(words("no_incidents"))
    return parts.section(title, made, aside=aside)


def _incident(visit: Visit, incident: Incident) -> parts.Row:
    words, clock = visit.words, visit.clock
    look = "bad" if incident.begun(clock.now) else "warn"
    kind = el("span", words(f"incident_{incident.kind}"), class_=f"state {look}")
    if incident.name:
        kind = el(
            "a", kind, href=paths.of_outage(incident.name), aria_label=words("open_outage", name=plain(incident.name))
        )
    names = [
        f"{visit.name(resource)}{f' ({visit.amount(resource, units)})' if units else ''}"
        for resource, units in incident.parts[:NAMES_MAX]
    ]
    more = len(incident.parts) - NAMES_MAX
    what = [
        ", ".join(names),
        " ",
        el("span", words("and_more", count=more), class_="away") if more > 0 else None,
        el("div", incident.reason, class_="away") if incident.reason else None,
    ]
    if incident.start is None:
        return [kind, what, ""]
    if incident.end is None:
        return [kind, what, clock.stamp(incident.start, words("until_lifted", moment=clock.short(incident.start)))]
    return [kind, what, clock.stamp(incident.start, clock.span(incident.start, incident.end))]
