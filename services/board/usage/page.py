"""*Usage and waste*: what was booked, used and given back, from the ledger's balances at two or more moments."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from starlette.responses import Response

from services.board.doors.answers import Missing, Refused, Unavailable
from services.board.doors.catalogue import hours_figure, plain, unit_hours
from services.board.frame import parts, paths
from services.board.frame.document import show
from services.board.frame.reading import reservations
from services.board.frame.visit import Visit, address
from services.board.paper.markup import Markup, el
from services.board.paper.times import DAY, Clock, to_timestamp
from services.board.usage import charts
from services.generated.aidc.ledger.v1 import ledger_pb2 as books
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

RANGES = {"days": (14, DAY), "weeks": (12, 7 * DAY), "months": (12, 30 * DAY)}
COMPANIES_MAX = 25
EVERY_STATE = tuple(value for value in api.Reservation.State.values() if value)

PENDING, USED = ("held", "booked"), ("used", "idle")
GIVEN_BACK = ("released", "refunded", "preempted")
"""Accounts of the ledger's chart, by what the page tells apart."""

Balances = Mapping[tuple[str, str], int]
"""Unit-seconds by resource and account."""


@dataclass(frozen=True)
class Movement:
    """Unit-seconds that came onto the books of one resource between two moments."""

    booked: int
    used: int
    released: int

    @classmethod
    def between(cls, before: Balances, after: Balances, resource: str) -> "Movement":
        """What changed: whatever is held, used or given back was booked once."""
        held, used, released = (
            sum(after.get((resource, account), 0) - before.get((resource, account), 0) for account in accounts)
            for accounts in (PENDING, USED, GIVEN_BACK)
        )
        return cls(booked=held + used + released, used=used, released=released)

    @property
    def wasted(self) -> float:
        """The share given back unused of all that ended."""
        return self.released / ended if (ended := self.used + self.released) else 0.0


async def usage(visit: Visit) -> Response:
    """The page."""
    name = visit.query("range") if visit.query("range") in RANGES else "days"
    moments = edges(visit.clock, *RANGES[name])
    words, parent = visit.words, _parent(visit)
    heading = el(
        "div", el("h1", words("usage_title")), el("p", _whose(visit, parent), class_="period"), class_="heading"
    )
    try:
        found = await asyncio.gather(*(balances(visit, parent, moment) for moment in moments))
    except Unavailable:
        return show(visit, words("usage_title"), heading, parts.note(words("books_away"), "warn"))
    except (Missing, Refused):
        return show(visit, words("usage_title"), heading, parts.empty(words("no_such_company")), status=404)
    pool = _pool(visit, found[-1])
    return show(
        visit,
        words("usage_title"),
        heading,
        _controls(visit, name, pool),
        parts.section(
            words("usage_over_time", pool=visit.name(pool)),
            _over_time(visit, pool, moments, found),
            aside=charts.legend(visit),
        ),
        _by_pool(visit, found[0], found[-1]),
        await _by_company(visit, pool, moments) if parent == "companies/-" else None,
        el("p", words("usage_explained"), class_="away"),
    )


def edges(clock: Clock, count: int, step: timedelta) -> list[datetime]:
    """The moments between which movements are told: local midnights, and now at the end."""
    tomorrow = clock.midnight(clock.local(clock.now).date() + DAY)
    return [*(tomorrow - step * back for back in range(count, 0, -1)), clock.now]


async def balances(visit: Visit, parent: str, moment: datetime) -> Balances:
    """What stood on the accounts at a moment, or stands there now. Raises what `answers` names."""
    past = moment < visit.clock.now
    request = books.GetBalanceRequest(name=parent, as_of=to_timestamp(moment) if past else None)
    found = await visit.caller.ask(visit.caller.ledger.GetBalance, request)
    return {(plain(each.resource), each.account): each.unit_seconds for each in found.accounts}


def _parent(visit: Visit) -> str:
    """Whose usage: one's own, or for operators and auditors anybody's or everybody's."""
    return f"companies/{visit.person.company or visit.query('company') or '-'}"


def _whose(visit: Visit, parent: str) -> str:
    return visit.words("usage_everybody") if parent == "companies/-" else plain(parent)


def _pool(visit: Visit, closing: Balances) -> api.Resource:
    """The pool to draw: the one asked for, else the compute pool with the most on its books."""
    if visit.query("pool") in visit.catalogue:
        return visit.catalogue[visit.query("pool")]
    compute = visit.catalogue.of_kind("compute") or list(visit.catalogue.resources.values())
    most = max(compute, key=lambda each: unit_hours(each, _total(closing, plain(each.name))), default=None)
    return most if most is not None else api.Resource()


def _total(found: Balances, resource: str) -> int:
    return sum(found.get((resource, account), 0) for account in (*PENDING, *USED, *GIVEN_BACK))


def _controls(visit: Visit, chosen: str, pool: api.Resource) -> Markup:
    words, company = visit.words, "" if visit.person.company else visit.query("company")
    ranges = [
        el(
            "a",
            words(f"range_{name}"),
            href=address("/usage", range=name, pool=plain(pool.name), company=company),
            aria_current="true" if name == chosen else None,
        )
        for name in RANGES
    ]
    pools = [
        el(
            "a",
            visit.name(each),
            href=address("/usage", range=chosen, pool=plain(each.name), company=company),
            aria_current="true" if each.name == pool.name else None,
        )
        for each in visit.catalogue.of_kind("compute")
    ]
    return el(
        "div",
        el("div", ranges, class_="group", role="group", aria_label=words("range_label")),
        el("div", pools, class_="group", role="group", aria_label=words("pool_label")),
        class_="controls",
    )


def _over_time(visit: Visit, pool: api.Resource, moments: Sequence[datetime], found: Sequence[Balances]) -> Markup:
    pairs = list(pairwise(found))
    moves = [Movement.between(before, after, plain(pool.name)) for before, after in pairs]
    hours = [tuple(unit_hours(pool, each) for each in (move.booked, move.used, move.released)) for move in moves]
    if not any(any(each) for each in hours):
        return parts.empty(visit.words("no_usage"))
    labels = [visit.clock.day(moment) for moment in moments[:-1]]
    return charts.columns(visit, labels, hours, visit.unit_hours(pool))


def _by_pool(visit: Visit, opening: Balances, closing: Balances) -> Markup:
    words = visit.words
    booked = {resource for resource, _ in closing}
    names = [name for name in visit.catalogue.resources if name in booked]
    moves = [(visit.catalogue[name], Movement.between(opening, closing, name)) for name in names]
    moved = [(pool, move) for pool, move in moves if move.booked or move.used or move.released]
    compute = [each for each in moved if each[0].kind == api.RESOURCE_KIND_COMPUTE]
    others = [each for each in moved if each[0].kind != api.RESOURCE_KIND_COMPUTE]
    title = words("usage_by_pool")
    more = words("usage_more", count=len(others))
    return parts.section(
        title,
        _pools(visit, compute, title) if compute else parts.empty(words("no_usage")),
        el("details", el("summary", more), _pools(visit, others, more)) if others else None,
    )


def _pools(visit: Visit, moves: Sequence[tuple[api.Resource, Movement]], caption: str) -> Markup:
    words = visit.words
    rows = [
        [
            el("a", visit.name(pool), href=address("/timeline", resource=plain(pool.name))),
            *_figures(visit, pool, move),
            visit.unit_hours(pool),
        ]
        for pool, move in moves
    ]
    return parts.table([words("head_pool"), *_heads(visit), words("head_unit")], rows, caption, frozenset({1, 2, 3}))


async def _by_company(visit: Visit, pool: api.Resource, moments: Sequence[datetime]) -> Markup:
    """The companies with the most reservations in the period, and what the ledger says of each on the pool drawn."""
    words = visit.words
    booked, _, _ = await reservations(
        visit, moments[0], moments[-1] + 30 * DAY, states=EVERY_STATE, resource=plain(pool.name)
    )
    busiest = [name for name, _ in Counter(paths.company_of(each.name) for each in booked).most_common(COMPANIES_MAX)]
    moved = await asyncio.gather(*(_moved(visit, name, plain(pool.name), moments) for name in busiest))
    ranked = sorted(zip(busiest, moved, strict=True), key=lambda each: -each[1].booked)
    rows = [
        [el("a", name, href=address("/company", company=name)), *_figures(visit, pool, move)]
        for name, move in ranked
        if move.booked or move.used or move.released
    ]
    title = words("usage_by_company", pool=visit.name(pool), unit=visit.unit_hours(pool))
    head = [words("head_company"), *_heads(visit)]
    made = parts.table(head, rows, title, frozenset({1, 2, 3})) if rows else parts.empty(words("no_usage"))
    return parts.section(title, made)


async def _moved(visit: Visit, company: str, pool: str, moments: Sequence[datetime]) -> Movement:
    ends = (moments[0], moments[-1])
    try:
        before, after = await asyncio.gather(*(balances(visit, f"companies/{company}", each) for each in ends))
    except (Missing, Unavailable):
        return Movement(0, 0, 0)  # The ledger has not heard of it yet.
    return Movement.between(before, after, pool)


def _heads(visit: Visit) -> list[str]:
    return [visit.words(f"usage_{name}") for name in ("booked", "used", "released", "share")]


def _figures(visit: Visit, pool: api.Resource, move: Movement) -> list[str | Markup]:
    percent = f"{move.wasted * 100:.0f} %"
    bar = parts.share_bar([("used", 1 - move.wasted), ("released", move.wasted)], percent)
    ended = bool(move.used or move.released)
    figures = [hours_figure(pool, each) for each in (move.booked, move.used, move.released)]
    return [*figures, el("span", bar, percent, class_="share") if ended else "–"]
