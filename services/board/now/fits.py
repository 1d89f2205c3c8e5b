"""When the usual sizes of a pool fit next: by the real search for a company, by what is free for everybody else."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.board.doors.answers import Limited, Refused
from services.board.doors.catalogue import figure, plain, sizes
from services.board.frame.visit import Visit, address
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp, length, to_duration, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

AHEAD = timedelta(days=14)
BUSY = "TOO_MANY_SEARCHES"
FIT_LENGTH = timedelta(days=1)
"""The reference demands on compute are for a day, as the metrics have them."""

Fit = tuple[int, datetime | None, str]
"""An amount, when it could start, and why not if it could not."""


async def fits_of(visit: Visit, pool: api.Resource, calendar: api.Calendar | None) -> list[Fit]:
    """When the usual sizes could start: by the real search for a company, by what is free for everybody else."""
    wanted = list(sizes(pool))
    if visit.person.company:
        return list(await asyncio.gather(*(_offered(visit, pool, units) for units in wanted)))
    return [(units, _free_from(calendar, units), "") for units in wanted]


async def _offered(visit: Visit, pool: api.Resource, units: int) -> Fit:
    request = api.SearchOffersRequest(
        parent=visit.person.parent,
        lines=[api.Line(resource=pool.name, units=units)],
        duration=to_duration(FIT_LENGTH),
        latest_end_time=to_timestamp(visit.clock.now + AHEAD + FIT_LENGTH),
        page_size=1,
    )
    try:
        found = await visit.caller.search(request)
    except Refused as refused:
        return units, None, refused.violations[0].reason if refused.violations else ""
    except Limited:
        return units, None, BUSY  # The rest of the page is as true without it.
    if found.offers:
        return units, from_timestamp(found.offers[0].start_time), ""
    return units, None, found.violations[0].reason if found.violations else ""


def _free_from(calendar: api.Calendar | None, units: int) -> datetime | None:
    """The first moment from which so many units stay free for the reference length."""
    since: datetime | None = None
    for part in calendar.intervals if calendar else ():
        if part.free_units < units:
            since = None
            continue
        since = since or from_timestamp(part.start_time)
        if from_timestamp(part.end_time) - since >= FIT_LENGTH:
            return since
    return None


def fits_told(visit: Visit, pool: api.Resource, fits: Sequence[Fit]) -> Markup:
    """When each size fits; what stands in the way of all of them is said once."""
    words, reasons = visit.words, {reason for _, start, reason in fits if start is None}
    if len(reasons) == 1 and all(start is None for _, start, _ in fits) and reasons != {""}:
        [reason] = reasons
        return el("p", words.either(f"reason_{reason}", reason), class_="away")
    told = el("dl", [_fit(visit, pool, fit) for fit in fits], class_="fits")
    return el("div", el("p", words("next_fit"), class_="away"), told)


def _fit(visit: Visit, pool: api.Resource, fit: Fit) -> list[Markup]:
    units, start, reason = fit
    words, clock = visit.words, visit.clock
    if start is None:
        text: Content = words.either(f"reason_{reason}", words("no_fit", length=length(AHEAD, words)))
        when = el("span", text, class_="away")
    else:
        soon = start <= clock.now + timedelta(hours=1)
        shown = el("b", words("fit_now"), class_="yes") if soon else clock.stamp(start)
        earliest = "" if soon else clock.typed(start)
        link = address("/book", resource=plain(pool.name), amount=figure(pool, units), hours=24, earliest=earliest)
        label = words("book_named", what=f"{visit.amount(pool, units)}, {visit.name(pool)}")
        when = el("a", shown, href=link, aria_label=label) if visit.person.books else shown
    return [el("dt", visit.amount(pool, units)), el("dd", when)]
