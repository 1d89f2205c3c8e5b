"""A busy centre in a few lines: seeded, lawful events of every kind, by the page."""

import random
from collections.abc import Iterator

from services.allocation.events import Event
from services.allocation.reservations import Allocation
from services.eventlog.page import Entry
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    changed,
    closed,
    company,
    completed,
    confirmed,
    entry,
    grant,
    held,
    hours,
    moved,
    pool,
    released,
    tariff,
    used,
)

CLOSING_PAGE = 25
COMPANIES = tuple(f"CMP-{number:04}" for number in range(1, 9))


def busy_centre(pages: int, seed: int = 1, entries_max: int = 12) -> Iterator[tuple[Entry, ...]]:
    """The entries of each page: registrations first, then bookings that move, start, end and are given back.

    Each booking has a cell (bin and four hours) of its own, and a second one to move to, so all of it is lawful.
    """
    chance = random.Random(seed)
    companies = (company(name, free_cancel_hours="9") for name in COMPANIES)
    yield (entry(pool("h100", 40), pool("a100", 40, bin_capacity=1000), *companies, actor="operator"),)
    card = tariff(h100=3000, a100=1200, compute_late=50, late_return=80)
    yield (entry(card, *(grant(name) for name in COMPANIES), actor="operator"),)
    live: list[tuple[str, bool, str]] = []
    at, booked = MONDAY, 0
    for page in range(pages - 2):
        # In the books it is over when the log says so. Always the same page: a longer log begins like a shorter one.
        entries = [entry(closed("2026-03"), at=at, actor="operators/lee")] if page == CLOSING_PAGE else []
        for _ in range(chance.randrange(entries_max + 1)):
            at += chance.randrange(60)
            if live and chance.random() < 0.5:
                entries.append(entry(*_ending(chance, live), at=at, actor="system"))
            else:
                booked += 1
                name, by = f"r{booked}", chance.choice(COMPANIES)
                allocations = [_cell("h100", booked, 0)]
                if chance.random() < 0.3:
                    allocations.append(_cell("a100", booked, 0, amount=chance.choice([125, 500, 1000])))
                entries.append(entry(confirmed(name, *allocations, by=by), at=at, actor=by, request_id=f"q{booked}"))
                live.append((name, len(allocations) > 1, by))
        yield tuple(entries)


def _ending(chance: random.Random, live: list[tuple[str, bool, str]]) -> list[Event]:
    """What becomes of one live reservation, and sometimes a move that lets it live on."""
    place = chance.randrange(len(live))
    name, mixed, by = live[place]
    number = int(name[1:])
    if not mixed and chance.random() < 0.3:
        return [moved(name, _cell("h100", number, 1))]
    if not mixed and chance.random() < 0.3:
        live[place] = name, True, by  # It is longer or shorter now, and not moved any more.
        start = number * 4
        return [changed(name, held([(number * 2) % 320], hours(start, start + chance.choice([2, 3, 4]))))]
    del live[place]
    match chance.randrange(3):
        case 0:
            return [cancelled(name, "plans changed")]
        case 1:
            return [activated(name), completed(name), used(name, 3_600, 1_200, 600, by=by)]
        case _:
            return [activated(name), released(name, _start(number) + HOUR)]


def _cell(resource: str, number: int, spare: int, amount: int = 1) -> Allocation:
    start = number * 4
    return held([(number * 2 + spare) % 320], hours(start, start + 4), resource=resource, amounts=[amount])


def _start(number: int) -> int:
    return MONDAY + number * 4 * HOUR
