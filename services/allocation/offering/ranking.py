"""What passes the net, the best first: candidates of every variant in one order, and which of them are left."""

from collections.abc import Iterator
from heapq import merge
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.offering.choice import Choice, Order
from services.allocation.offering.net import bounds, caught, moments
from services.allocation.offering.prices import prices
from services.allocation.offering.steps import Steps
from services.allocation.offering.variants import Variant

TAKEN_AT_ONCE = 256
"""Candidates that leave their arrays together."""


class Candidate(NamedTuple):
    """What it is ordered by, its start, and the place of its variant: the least is the best."""

    key: int
    start: int
    number: int


class Ranking:
    """The candidates of some variants. Those that were taken out are looked at; the others are left."""

    def __init__(self) -> None:
        self._rows: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self._taken: list[int] = []

    def add(self, keys: NDArray[np.int64], starts: NDArray[np.int64]) -> None:
        """Put in the next variant: its starts, the best first, and what they are ordered by."""
        self._rows.append((keys, starts))
        self._taken.append(0)

    def __iter__(self) -> Iterator[Candidate]:
        """Take them out one by one."""
        for candidate in merge(*(self._row(number) for number in range(len(self._rows)))):
            self._taken[candidate.number] += 1
            yield candidate

    @property
    def earliest_left(self) -> int:
        """The earliest start that was not taken out; 0 if there is none."""
        left = [starts[taken:] for (_, starts), taken in zip(self._rows, self._taken, strict=True)]
        return min([int(starts.min()) for starts in left if len(starts)], default=0)

    def _row(self, number: int) -> Iterator[Candidate]:
        keys, starts = self._rows[number]
        for first in range(0, len(starts), TAKEN_AT_ONCE):
            some = slice(first, first + TAKEN_AT_ONCE)
            for key, start in zip(keys[some].tolist(), starts[some].tolist(), strict=True):
                yield Candidate(key, start, number)


def ranked(
    centre: Centre, company: Company, choice: Choice, variant: Variant, now: int
) -> Steps[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The starts of a variant that pass the net, the best first, and what they are ordered by."""
    first, last = bounds(company, variant.wants, (choice.earliest, choice.latest), variant.duration, now)
    starts = moments(variant.wants, first, last)
    if len(starts):
        starts = caught(centre, company, variant.wants, starts, variant.duration)
    yield
    match choice.order:
        case Order.EARLIEST:
            return starts, starts
        case Order.CLOSEST:
            keys = np.abs(starts - (choice.desired or choice.earliest)) + variant.short
        case Order.CHEAPEST:
            keys = yield from prices(centre, company, variant, starts)
    best = np.argsort(keys, kind="stable")
    return keys[best], starts[best]
