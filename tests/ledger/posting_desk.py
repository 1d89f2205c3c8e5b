"""Books without a database: what they took, what was posted, and drawn allocations to post."""

from collections import Counter

from hypothesis import strategies as st

from services.allocation.events import Event
from services.allocation.reservations import Allocation
from services.allocation.values.tariff import Peak
from services.ledger.books import Books
from services.ledger.chart import Account, Transfer
from services.ledger.posting import post
from tests.ledger.pages import (
    MONDAY,
    company,
    equipment,
    held,
    hours,
    pool,
    tariff,
)

APRIL = 29 * 24 + 15  # Hours from Monday, 2 March, 00:00 UTC to midnight of 1 April in Seoul.
CENTRE = (
    pool(),
    pool("a100", bin_capacity=1000),
    equipment("M01", fee=600_000, slot_hours=4, free_cancel_hours=24),
    pool("OP", nodes=1000, bins_per_node=1),
    company(),
    tariff(h100=3000, a100=1200, M01=600_000),
)
PEAKS = (
    Peak(weekdays=(0, 1, 2, 3, 4), starts=9 * 60, ends=18 * 60, percent=130),
    Peak(weekdays=(0, 1, 2, 3, 4, 5, 6), starts=22 * 60 + 30, ends=30 * 60, percent=70),
)
PEAKY = (*CENTRE[:-1], tariff(h100=3000, a100=1201, M01=600_001, peaks=PEAKS))
"""The same with prices of day and night."""


class Desk:
    """Books that have taken some events, and everything that was posted."""

    def __init__(self, *facts: Event) -> None:
        self.books = Books()
        self.posted: list[Transfer] = []
        self.number = 0
        for fact in facts:
            self.says(fact)

    def says(self, event: Event, at: int = MONDAY) -> list[Transfer]:
        """What an event posts."""
        self.number += 1
        step = self.books.take(event, self.number, at, self.number)
        transfers = list(post(event, step, self.books, at))
        assert all(transfer.unit_seconds >= 0 and transfer.krw >= 0 for transfer in transfers)
        assert all(transfer.unit_seconds or transfer.krw for transfer in transfers)
        self.posted += transfers
        return transfers

    def standing(self, period: int = 0) -> dict[tuple[str, Account], tuple[int, int]]:
        """Unit-seconds and KRW by resource and account, in one month or in all."""
        seconds, krw = Counter[tuple[str, Account]](), Counter[tuple[str, Account]]()
        for transfer in self.posted:
            if period in (0, transfer.period):
                for account, sign in ((transfer.from_account, -1), (transfer.to_account, 1)):
                    seconds[transfer.resource, account] += sign * transfer.unit_seconds
                    krw[transfer.resource, account] += sign * transfer.krw
        return {key: (seconds[key], krw[key]) for key in seconds if seconds[key] or krw[key]}


@st.composite
def allocations(draw: st.DrawFn) -> tuple[Allocation, ...]:
    """Some bins of some resources, for one to three spans each, some of them over the end of the month."""
    made = []
    for resource in draw(st.lists(st.sampled_from(["h100", "a100", "M01", "OP"]), min_size=1, max_size=4, unique=True)):
        edges = sorted(draw(st.sets(st.integers(0, 900), min_size=2, max_size=6)))
        spans = [hours(first, last) for first, last in zip(edges[::2], edges[1::2], strict=False)]
        most = 1000 if resource == "a100" else 1
        bins = 1 if resource == "M01" else draw(st.integers(1, 16))
        amounts = draw(st.lists(st.integers(1, most), min_size=bins, max_size=bins))
        made.append(held(range(len(amounts)), *spans, resource=resource, amounts=amounts))
    return tuple(made)
