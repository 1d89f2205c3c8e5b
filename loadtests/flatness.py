"""Whether the core is as fast in a full centre as in an empty one: deciding a booking and making it true.

In memory, without log and doors, in alternating rounds, so that a noisy machine is noisy for both.
"""

import gc
import itertools
import random
import statistics
import time
from collections.abc import Iterator

from msgspec import Struct

from loadtests import workload
from loadtests.core import NOW, Advance, centre_with
from loadtests.workload import COMPANIES, POOL
from services.allocation.centre import Centre
from services.allocation.commands import CreateReservation
from services.allocation.decide import decide
from services.allocation.reservations import Line

LIVE = 100_000
ROUNDS = 9
BOOKINGS = 1_000
"""In each round; few, so that the empty centre stays so."""


class Flatness(Struct, kw_only=True):
    """Bookings a second of every round, in a centre that is empty before it and in the full one."""

    empty: list[float]
    full: list[float]

    @property
    def ratio(self) -> float:
        """The median over the rounds of the full centre's rate to the empty one's."""
        return statistics.median(full / empty for full, empty in zip(self.full, self.empty, strict=True))


def flatness(seed: int, advance: Advance) -> Flatness:
    """Book 100,000 reservations, then measure beside centres that have none."""
    wishes = _wishes(random.Random(seed))
    full = centre_with()
    for done in range(0, LIVE, BOOKINGS):
        _rate(full, wishes)
        advance(done, LIVE)
    found = Flatness(empty=[], full=[])
    # As in the scheduler, what is there for long is not looked at again.
    gc.freeze()
    try:
        for _ in range(ROUNDS):
            found.empty.append(_rate(centre_with(), wishes))
            found.full.append(_rate(full, wishes))
    finally:
        gc.unfreeze()
    assert sum(reservation.state.live for reservation in full.reservations.values()) >= LIVE
    return found


def _rate(centre: Centre, wishes: Iterator[CreateReservation]) -> float:
    """Book so many demands; how many a second that was."""
    asked = list(itertools.islice(wishes, BOOKINGS))
    began = time.perf_counter()
    for position, wish in enumerate(asked, centre.position + 1):
        centre.apply(decide(centre, wish, NOW), NOW, position)
    return BOOKINGS / (time.perf_counter() - began)


def _wishes(chance: random.Random) -> Iterator[CreateReservation]:
    """The workload's demands as the core is asked."""
    lanes = [workload.demands(chance.getrandbits(32), NOW, company) for company in COMPANIES]
    for wish in itertools.chain.from_iterable(zip(*lanes, strict=True)):
        yield CreateReservation(
            reservation_id=f"{chance.getrandbits(60):015x}",
            company=wish.company,
            start=wish.start,
            end=wish.end,
            lines=(Line(resource=POOL, units=wish.units),),
        )
