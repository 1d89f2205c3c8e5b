"""What live reservations hold, as one number: two who followed the same log compare what they made of it by that. Pure.

One line says who holds which run of bins, and when; the number is the sum of the lines' hashes, so neither order nor
pieces matter, and it can be taken from a table as well.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import groupby

from msgspec import Struct

from services.allocation.reservations import Allocation, Reservation

HASH_BYTES = 8
"""Of a line's SHA-256, read as a signed number."""


class Run(Struct, frozen=True, gc=False):
    """Neighbouring bins of a resource, of each of which so many units are held; `first` counts from 0."""

    first: int
    bins: int
    amount: int


class Standing(Struct, frozen=True, kw_only=True):
    """What live reservations hold at a position: the hash of its page, so many lines, and the sum of their hashes."""

    position: int
    hash: str
    lines: int
    sum: str


class Sum:
    """Lines counted, and their hashes added up."""

    def __init__(self) -> None:
        self.lines = 0
        self.total = 0

    def add(self, reservation: Reservation, bin_capacities: Mapping[str, int]) -> None:
        """Take what a live reservation holds; `bin_capacities` are those of the resources."""
        for line in lines(reservation, bin_capacities):
            self.lines += 1
            self.total += int.from_bytes(sha256(line.encode()).digest()[:HASH_BYTES], signed=True)

    def at(self, position: int, page_hash: str) -> Standing:
        """The sum so far, as what stood at a position."""
        return Standing(position=position, hash=page_hash, lines=self.lines, sum=str(self.total))


def lines(reservation: Reservation, bin_capacities: Mapping[str, int]) -> Iterator[str]:
    """A line for each run of bins and span of time: company, reservation, resource, bins, units of each, and when."""
    whose = f"{reservation.company} {reservation.id}"
    for allocation in reservation.occupied:
        for run in runs(allocation, bin_capacities[allocation.resource]):
            for start, end in allocation.spans:
                yield f"{whose} {allocation.resource} {run.first} {run.bins} {run.amount} {start} {end}"


def runs(allocation: Allocation, bin_capacity: int) -> Iterator[Run]:
    """Each run of whole bins, or each bin where bins can be shared."""
    if bin_capacity > 1:
        for index, amount in zip(allocation.bins, allocation.amounts, strict=True):
            yield Run(index, 1, amount)
        return
    if len(allocation.bins) == 1:
        yield Run(allocation.bins[0], 1, 1)
        return
    for _, members in groupby(enumerate(sorted(allocation.bins)), lambda numbered: numbered[1] - numbered[0]):
        run = [index for _, index in members]
        yield Run(run[0], len(run), 1)
