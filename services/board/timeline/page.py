"""*Timeline*: every resource a row, the past to the left and the future to the right."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from starlette.responses import Response

from services.board.doors.catalogue import KINDS, plain
from services.board.frame import parts
from services.board.frame.document import show
from services.board.frame.reading import calendars, reservations
from services.board.frame.visit import Visit, address
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import ZOOMS, Window, day_of, from_timestamp, zoom_of
from services.board.timeline import chart as timeline_chart
from services.board.timeline.rows import Bar, Row
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SHOWN = (
    api.Reservation.STATE_HELD,
    api.Reservation.STATE_CONFIRMED,
    api.Reservation.STATE_ACTIVE,
    api.Reservation.STATE_COMPLETED,
)
SEARCH_CHARACTERS_MAX = 60


async def timeline(visit: Visit) -> Response:
    """The page."""
    window = _window(visit)
    start, end = visit.clock.midnight(window.first), visit.clock.midnight(window.last)
    shown = _resources(visit)
    only = plain(shown[0].name) if len(shown) == 1 else ""
    found, (booked, more, _) = await asyncio.gather(
        calendars(visit, shown, start, end),
        reservations(visit, start, end, states=SHOWN, resource=only),
    )
    bars = bars_by_resource(booked)
    drawn = [
        Row.of(visit, each, found.get(plain(each.name)), bars.get(plain(each.name), ()), (start, end)) for each in shown
    ]
    words = visit.words
    overlapping = [row for row in drawn if row.overlaps]
    return show(
        visit,
        words("timeline_title"),
        el("div", el("h1", words("timeline_title")), _period(visit, window), class_="heading"),
        _controls(visit, window),
        [parts.note(words("overlap_alert", name=visit.name(row.resource)), "bad") for row in overlapping],
        parts.note(words("timeline_more", count=len(booked)), "warn") if more else None,
        timeline_chart.chart(visit, drawn, window) if drawn else parts.empty(words("nothing_found")),
        timeline_chart.legend(visit),
    )


def bars_by_resource(booked: Sequence[api.Reservation]) -> dict[str, list[Bar]]:
    """Every span that a reservation holds of a resource, by the resource's plain id."""
    bars: dict[str, list[Bar]] = defaultdict(list)
    for item in booked:
        for allocation in item.allocations:
            for span in allocation.spans:
                start, end = from_timestamp(span.start_time), from_timestamp(span.end_time)
                bars[plain(allocation.resource)].append(Bar(item, allocation, start, end))
    return bars


def _window(visit: Visit) -> Window:
    zoom = zoom_of(visit.query("zoom"))
    return Window.around(day_of(visit.query("day"), visit.clock.local(visit.clock.now).date()), zoom)


def _resources(visit: Visit) -> list[api.Resource]:
    """Those that were asked for: one by its id, or a kind, narrowed down by a search."""
    one = visit.query("resource")
    if one in visit.catalogue:
        return [visit.catalogue[one]]
    kind, wanted = visit.query("kind", "compute"), visit.query("search")[:SEARCH_CHARACTERS_MAX].casefold().strip()
    found = visit.catalogue.of_kind(kind if not wanted or kind in KINDS else "")
    if not wanted:
        return found
    return [each for each in found if wanted in f"{each.name} {each.display_name} {each.local_name}".casefold()]


def _period(visit: Visit, window: Window) -> Markup:
    clock = visit.clock
    last = list(window.days())[-1]
    return el("p", clock.day(window.first), "" if last == window.first else f" – {clock.day(last)}", class_="period")


def _controls(visit: Visit, window: Window) -> Markup:
    """Where in time, how much of it, and which rows: all of it in the address, so that it can be kept and sent."""
    words = visit.words
    kept = {name: visit.query(name) for name in ("kind", "resource", "search")}
    today = visit.clock.local(visit.clock.now).date()

    def link(text: str, day: object, zoom: str, **other: Content) -> Markup:
        return el("a", text, href=address("/timeline", **kept, day=str(day), zoom=zoom), **other)  # type: ignore[arg-type]

    moves = [
        link("‹", window.before().first, window.zoom, aria_label=words("earlier"), rel="prev"),
        link(words("today"), today, window.zoom),
        link("›", window.after().first, window.zoom, aria_label=words("later"), rel="next"),
    ]
    day = today if window.first <= today < window.last else window.first
    zooms = [link(words(f"zoom_{z}"), day, z, aria_current="true" if z == window.zoom else None) for z in ZOOMS]
    return el(
        "div",
        el("div", moves, class_="group", role="group", aria_label=words("when_label")),
        el("div", zooms, class_="group", role="group", aria_label=words("zoom_label")),
        _kinds(visit, window),
        _search(visit, window),
        class_="controls",
    )


def _kinds(visit: Visit, window: Window) -> Markup:
    words = visit.words
    chosen = "" if visit.query("resource") in visit.catalogue else visit.query("kind", "compute")
    links = [
        el(
            "a",
            words(f"kind_{kind}"),
            href=address("/timeline", kind=kind, day=str(window.first), zoom=window.zoom),
            aria_current="true" if kind == chosen else None,
        )
        for kind in (*KINDS, "all")
    ]
    return el("div", links, class_="group", role="group", aria_label=words("kind_label"))


def _search(visit: Visit, window: Window) -> Markup:
    words = visit.words
    return el(
        "form",
        el("input", type="hidden", name="kind", value="all"),
        el("input", type="hidden", name="day", value=str(window.first)),
        el("input", type="hidden", name="zoom", value=window.zoom),
        el(
            "input",
            type="search",
            name="search",
            value=visit.query("search")[:SEARCH_CHARACTERS_MAX],
            placeholder=words("search_rows"),
            aria_label=words("search_rows"),
            maxlength=SEARCH_CHARACTERS_MAX,
        ),
        method="get",
        action="/timeline",
        role="search",
    )
