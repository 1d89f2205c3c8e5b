"""The core alone, in memory: how long one decision takes, and one search for the earliest start."""

import random
import statistics
import time
from collections.abc import Callable, Iterator

from loadtests.founding import founding
from loadtests.workload import COMPANIES, DAY_SECONDS, GPUS_PER_NODE, HOUR_SECONDS, NODES, POOL, UNITS
from services.allocation import commands
from services.allocation.centre import Centre
from services.allocation.decide import decide
from services.allocation.events import Event, ReservationActivated, ReservationConfirmed
from services.allocation.offering import offers
from services.allocation.rejections import Rejected
from services.allocation.reservations import Allocation, Colocation, Line

NOW = 1_772_496_000  # 2026-03-03, midnight UTC: the core knows no other clock than its arguments
SEARCH_DAYS = 90
FULL_DAYS = 85
PIECES_DAYS_MIN = 8
"""For so long no node is whole in the fragmented case: nearly as many hours as one search tries."""
FILL = 0.7
DECISIONS = 2_000
SEARCHES = 30

Advance = Callable[[int, int], None]


def centre_with(*events: Event) -> Centre:
    """A centre of the workload's pool in which some events have happened."""
    centre = Centre()
    centre.apply(founding(NOW), NOW, 1)
    centre.apply(events, NOW, 2)
    return centre


def decision_us(seed: int, advance: Advance) -> dict[str, float]:
    """Median microseconds to decide on 4 GPUs for 4 hours, in a pool that is about 70 % full for three months."""
    chance = random.Random(seed)
    centre = centre_with()
    _fill(centre, chance, advance)
    took: list[float] = []
    refused = 0
    for _ in range(DECISIONS):
        start = NOW + chance.randrange(1, (SEARCH_DAYS - 1) * 24) * HOUR_SECONDS
        wish = _wish(chance, start, start + 4 * HOUR_SECONDS, 4)
        began = time.perf_counter()
        try:
            decide(centre, wish, NOW)
        except Rejected:
            refused += 1
        else:
            took.append(time.perf_counter() - began)
    ordered = sorted(took)
    return {
        "median": statistics.median(ordered) * 1e6,
        "p99": ordered[int(len(ordered) * 0.99)] * 1e6,
        "granted_share": len(took) / DECISIONS,
        "fill": _fill_share(centre),
    }


def _fill_share(centre: Centre) -> float:
    calendar = centre.pools[POOL].calendar
    first, last = calendar.window((NOW, NOW + SEARCH_DAYS * DAY_SECONDS))
    return float(calendar.total[first:last].mean()) / UNITS


def earliest_ms(seed: int) -> dict[str, float]:
    """Median milliseconds to find the earliest start, by case."""
    company = COMPANIES[seed % len(COMPANIES)]
    full = centre_with(*_whole_nodes_for_days())
    fragmented = centre_with(*_one_gpu_of_every_node())
    return {
        "full": _search(full, company, Line(resource=POOL, units=4)),
        "fragmented": _search(fragmented, company, Line(resource=POOL, units=8, colocation=Colocation.NODE)),
    }


def _search(centre: Centre, company: str, line: Line) -> float:
    wish = offers.Search(
        company=company,
        lines=(line,),
        duration=4 * HOUR_SECONDS,
        earliest=NOW,
        latest=NOW + SEARCH_DAYS * DAY_SECONDS,
        count=1,
    )
    took = []
    for _ in range(SEARCHES):
        began = time.perf_counter()
        found = offers.search(centre, wish, NOW)
        took.append(time.perf_counter() - began)
    assert found.intervals, "the search must find what is there"
    return statistics.median(took) * 1000


def _fill(centre: Centre, chance: random.Random, advance: Advance) -> None:
    """Book at random until the pool is as full as it should be."""
    wanted = int(FILL * UNITS * SEARCH_DAYS * 24)
    booked = 0
    while booked < wanted:
        hours, units = chance.randint(1, 24), chance.randint(1, GPUS_PER_NODE)
        start = NOW + chance.randrange(SEARCH_DAYS * 24 - hours) * HOUR_SECONDS
        try:
            centre.apply(decide(centre, _wish(chance, start, start + hours * HOUR_SECONDS, units), NOW), NOW, 3)
        except Rejected:
            continue
        booked += hours * units
        advance(booked, wanted)


def _wish(chance: random.Random, start: int, end: int, units: int) -> commands.CreateReservation:
    return commands.CreateReservation(
        reservation_id=f"{chance.getrandbits(60):015x}",
        company=chance.choice(COMPANIES),
        start=start,
        end=end,
        lines=(Line(resource=POOL, units=units),),
    )


def _whole_nodes_for_days() -> Iterator[Event]:
    """Every node is held, a day at a time, until a few days before the end."""
    for day in range(FULL_DAYS):
        for node in range(NODES):
            bins = tuple(range(node * GPUS_PER_NODE, (node + 1) * GPUS_PER_NODE))
            yield _confirmed(f"full-{day}-{node}", bins, NOW + day * DAY_SECONDS, NOW + (day + 1) * DAY_SECONDS)


def _one_gpu_of_every_node() -> Iterator[Event]:
    """A job that has begun holds one GPU of every node: 1,400 are free, but no eight of one node."""
    for node in range(NODES):
        name = f"piece-{node}"
        days = PIECES_DAYS_MIN + node % (FULL_DAYS - PIECES_DAYS_MIN)
        yield _confirmed(name, (node * GPUS_PER_NODE,), NOW, NOW + days * DAY_SECONDS)
        yield ReservationActivated(reservation_id=name)


def _confirmed(name: str, bins: tuple[int, ...], start: int, end: int) -> ReservationConfirmed:
    units = len(bins)
    allocation = Allocation(
        resource=POOL, units=units, spans=((start, end),), bins=bins, amounts=(1,) * units, meter=POOL
    )
    return ReservationConfirmed(
        reservation_id=name,
        company=COMPANIES[0],
        start=start,
        end=end,
        lines=(Line(resource=POOL, units=units),),
        allocations=(allocation,),
    )
