"""Setting what is funded: which reservations no longer fit, the newest first, and what becomes of them."""

from collections.abc import Iterable, Iterator

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from services.allocation import commands, events
from services.allocation.calendars.pool import Pool
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import no_resource
from services.allocation.measures import HOUR_SECONDS, MINUTE_SECONDS
from services.allocation.rejections import Reason, check_sound
from services.allocation.reservations import Allocation, Reservation
from services.allocation.tables.outages import holds
from services.allocation.values.change import ChangeOutcome
from services.allocation.values.funding import Funding
from services.allocation.values.outage import OPEN_END
from services.allocation.wording import counted, figure

DISPLACED_MAX = 300
"""One decision takes the units of at most so many reservations; a tick goes on with the others."""
STEPS_MAX = 100

Lost = events.ChangeEnded | events.ReservationCurtailed | events.ReservationDisplaced


class Unfit(Struct, frozen=True, kw_only=True):
    """What no longer fits under a step: changes that wait, which go first, then reservations, the newest first."""

    changes: tuple[Reservation, ...] = ()
    reservations: tuple[Reservation, ...] = ()


def set_funding(centre: Centre, command: commands.SetFunding, now: int) -> Events:
    """Fund so many units from a time on, and displace what no longer fits if that is asked for. Raises `Rejected`."""
    funding, found = plan(centre, command, now)
    lost = tuple(_losses(funding, found, now))[:DISPLACED_MAX] if funding.displace else ()
    return (*lost, events.CapacityFunded(funding=funding))


def plan(centre: Centre, command: commands.SetFunding, now: int) -> tuple[Funding, Unfit]:
    """The step as it would hold, and the reservations that would no longer fit, the newest first. Raises `Rejected`."""
    asked = command.funding
    pool = centre.pools.get(asked.resource)
    if pool is None:
        raise no_resource(asked.resource)
    funding = replace(asked, start=asked.start or now // HOUR_SECONDS * HOUR_SECONDS)
    check_sound(Reason.INVALID_FUNDING, asked.resource, _faults(pool, funding, asked.start, now))
    return funding, unfit(centre, pool, funding, now)


def displace_more(centre: Centre, now: int) -> Events:
    """Displace more of what no longer fits where a step says so, as far as a page goes."""
    for name in sorted(centre.outages.overfull):
        pool = centre.pools[name]
        for funding in pool.fundings:
            if funding.displace and (lost := tuple(_losses(funding, unfit(centre, pool, funding, now), now))):
                return lost[:DISPLACED_MAX]
    return ()


def unfit(centre: Centre, pool: Pool, funding: Funding, now: int) -> Unfit:
    """What is too many under a step of funding."""
    since, until = max(funding.start, now), pool.funded_until(funding)
    cells = pool.funded_cells(funding, now)
    excess = pool.calendar.total[cells] - funding.units
    if not (excess > 0).any():
        return Unfit()
    every = frozenset(range(pool.calendar.bins))
    names = dict.fromkeys((*pool.waiting, *centre.lists.running))
    found = [
        reservation
        for reservation in (centre.reservations[name] for name in names)
        if holds(reservation, pool.resource.id, every, (since, until))
    ]
    newest = sorted(found, key=lambda each: (each.created_at, each.start, each.id), reverse=True)
    room = _Room(pool, cells, excess)
    changes = tuple(each for each in newest if each.asked is not None and room.lacks(each.beside))
    return Unfit(changes=changes, reservations=tuple(each for each in newest if room.lacks(each.allocations)))


class _Room:
    """How many units of a pool are too many in some cells, with less and less of them held."""

    def __init__(self, pool: Pool, cells: slice, excess: NDArray[np.int64]) -> None:
        self._pool = pool
        self._first = cells.start
        self._excess = excess

    def lacks(self, allocations: Iterable[Allocation]) -> bool:
        """Whether these are held where there are too many; then they are held no more."""
        held = np.zeros(len(self._excess), dtype=np.int64)
        for each in allocations:
            for a, b in self._pool.calendar.windows(each.spans) if each.resource == self._pool.resource.id else ():
                held[max(0, a - self._first) : max(0, b - self._first)] += each.units
        lacking = bool((self._excess[held > 0] > 0).any())
        if lacking:
            self._excess = self._excess - held
        return lacking


def _losses(funding: Funding, found: Unfit, now: int) -> Iterator[Lost]:
    for each in found.changes:
        yield events.ChangeEnded(reservation_id=each.id, outcome=ChangeOutcome.UNFUNDED, funding=funding.key)
    cut = max(funding.start, now // MINUTE_SECONDS * MINUTE_SECONDS)
    for reservation in found.reservations:
        if reservation.start > now:
            yield events.ReservationDisplaced(
                reservation_id=reservation.id, displaced_at=reservation.start, funding=funding.key
            )
        elif not reservation.state.waiting and cut > now:
            yield events.ReservationCurtailed(reservation_id=reservation.id, until=cut, funding=funding.key)
        elif not reservation.state.waiting:
            at = max(cut, reservation.start)
            yield events.ReservationDisplaced(reservation_id=reservation.id, displaced_at=at, funding=funding.key)


def _faults(pool: Pool, funding: Funding, asked: int, now: int) -> Iterator[str]:
    capacity = pool.resource.capacity
    if not 0 <= funding.units <= capacity:
        unit = pool.resource.unit
        yield f"0 to {counted(capacity, unit)} of it can be funded, not {figure(funding.units, unit)}"
    if funding.start % HOUR_SECONDS or not funding.start < OPEN_END:
        yield "funding changes on a full hour"
    if asked and asked < now // HOUR_SECONDS * HOUR_SECONDS:
        yield "funding changes now or later: the past was paid for"
    if len(pool.fundings) >= STEPS_MAX:
        yield f"at most {STEPS_MAX} steps of funding are kept"
