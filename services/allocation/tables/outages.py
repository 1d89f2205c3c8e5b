"""The outages of a centre: what they take out of the calendars, who stands in their way, and what became of whom."""

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from services.allocation import events
from services.allocation.calendars.pool import Pool
from services.allocation.events import ReservationEvent
from services.allocation.reservations import Reservation
from services.allocation.resources import Interval
from services.allocation.values.funding import Funding
from services.allocation.values.outage import Fate, Outage, Outcome

OUTCOMES: Mapping[type, Outcome] = {
    events.ChangeEnded: Outcome.CHANGE_ENDED,
    events.AllocationsMoved: Outcome.MOVED,
    events.ReservationCurtailed: Outcome.CURTAILED,
    events.ReservationDisplaced: Outcome.DISPLACED,
}
"""What an event made of a reservation that stood in the way of an outage."""

Memo = tuple[set[str], set[str], dict[str, dict[str, Fate]]]
"""Who is stranded, what is overfull, and what became of whom."""


class Outages:
    """Every outage that is kept, in order of declaration.

    `stranded` are the reservations that still stand on what is out; they are dealt with page by page. `fates` tells for
    each outage what became of those that were. The centre's tables are shared, and only looked at.
    """

    def __init__(
        self,
        pools: Mapping[str, Pool],
        reservations: Mapping[str, Reservation],
        running: Mapping[str, None],
        now: Callable[[], int],
        given_for: Callable[[Reservation, Reservation], int],
    ) -> None:
        self.by_id: dict[str, Outage] = {}
        self.fates: dict[str, dict[str, Fate]] = {}
        self.stranded: set[str] = set()
        self.overfull: set[str] = set()  # resources of which more is held than a step that displaces funds
        self._pools = pools
        self._reservations = reservations
        self._running = running
        self._now = now
        self._given_for = given_for

    def declare(self, outage: Outage, position: int) -> Outage:
        """Take an outage in, and note who stands in its way."""
        outage = replace(outage, position=position)
        self.take_out(outage)
        self.stranded.update(each.id for each in self.in_the_way(outage))
        return outage

    def lift(self, event: events.OutageLifted, position: int) -> Outage:
        """Give the units of an outage back, and let those stand who still do."""
        before = self.by_id[event.outage]
        outage = replace(
            before,
            lifted_at=event.lifted_at,
            lift_reason=event.reason,
            version=before.version + 1,
            position=position,
        )
        self.take_out(outage)
        self.stranded = {each for each in self.stranded if self.obstacle(self._reservations[each])}
        return outage

    def fund(self, funding: Funding) -> Funding:
        """Let a step of funding hold."""
        self._pools[funding.resource].fund(funding)
        self._weigh(funding.resource)
        return funding

    def _weigh(self, resource: str) -> None:
        """Note whether more of a resource is held from now on than a step that displaces funds."""
        pool = self._pools[resource]
        self.overfull.discard(resource)
        for funding in pool.fundings:
            cells = pool.funded_cells(funding, self._now())
            if funding.displace and (pool.calendar.total[cells] > funding.units).any():
                self.overfull.add(resource)

    def take_out(self, outage: Outage) -> None:
        """Take the units of an outage out of the calendars, or leave them out for as long as it now says."""
        self.by_id[outage.id] = outage
        for taken in outage.taken:
            self._pools[taken.resource].close(outage, taken.nodes)

    def told(self, cause: str) -> list[Fate]:
        """What became of whom for an outage or a step of funding."""
        return list(self.fates.get(cause, {}).values())

    def restore(
        self,
        outages: Iterable[tuple[Outage, Iterable[Fate]]],
        fundings: Iterable[tuple[Funding, Iterable[Fate]]],
    ) -> None:
        """Take in what a snapshot kept, once its reservations are there."""
        for outage, fates in outages:
            self.take_out(outage)
            self._tell(outage.id, fates)
        for funding, fates in fundings:
            self.fund(funding)
            self._tell(funding.key, fates)
        for outage in self.by_id.values():
            self.stranded.update(each.id for each in self.in_the_way(outage))

    def _tell(self, cause: str, fates: Iterable[Fate]) -> None:
        if told := {fate.reservation_id: fate for fate in fates}:
            self.fates[cause] = told

    def withdraw(self, outage: Outage) -> None:
        """Undo `take_out`, as if the outage had never been."""
        del self.by_id[outage.id]
        for taken in outage.taken:
            self._pools[taken.resource].reopen(outage.id)

    def in_the_way(self, outage: Outage) -> list[Reservation]:
        """The live reservations that hold anything which an outage takes out."""
        found: dict[str, Reservation] = {}
        for taken in outage.taken:
            pool = self._pools[taken.resource]
            bins = frozenset(pool.bins_of(taken.nodes))
            for name in (*pool.waiting, *self._running):
                reservation = self._reservations[name]
                if name not in found and holds(reservation, taken.resource, bins, outage.interval):
                    found[name] = reservation
        return list(found.values())

    def obstacle(self, reservation: Reservation) -> Outage | None:
        """The earliest outage that takes out what a live reservation holds."""
        found = [outage for outage in self.by_id.values() if self._hits(outage, reservation)]
        return min(found, key=lambda outage: (outage.start, outage.declared_at, outage.id), default=None)

    def _hits(self, outage: Outage, reservation: Reservation) -> bool:
        return reservation.state.live and any(
            holds(
                reservation,
                taken.resource,
                frozenset(self._pools[taken.resource].bins_of(taken.nodes)),
                outage.interval,
            )
            for taken in outage.taken
        )

    def note(self, before: Reservation | None, after: Reservation, event: ReservationEvent) -> None:
        """Remember what an event made of a reservation, if that stood in the way of an outage."""
        if before is not None:
            self._note(before, after, event)
        for name in sorted(self.overfull) if self.overfull else ():
            self._weigh(name)

    def _note(self, before: Reservation, after: Reservation, event: ReservationEvent) -> None:
        outcome = OUTCOMES.get(type(event))
        cause = getattr(event, "outage", "") or getattr(event, "funding", "")
        if before.id in self.stranded:
            obstacle = self.obstacle(before)
            if not isinstance(event, events.ChangeEnded):  # Whoever else ends a change says no cause.
                cause = cause or (obstacle.id if obstacle else "")
            if self.obstacle(after) is None:
                self.stranded.remove(before.id)
        if outcome is not None and cause:
            self.fates.setdefault(cause, {})[after.id] = self.fate_of(before, after, event)

    def fate_of(self, before: Reservation, after: Reservation, event: ReservationEvent) -> Fate:
        """What an event that an outage brought about made of a reservation."""
        outcome = OUTCOMES[type(event)]
        match event:
            case events.ReservationCurtailed(until=cut) | events.ReservationDisplaced(displaced_at=cut):
                given = self._given_for(before, after)
                return Fate(before.id, before.company, outcome, cut, before.end, given)
            case _:
                return Fate(before.id, before.company, outcome)

    def memo(self) -> Memo | None:
        """What a rehearsal may change, to be put back after it; None if nobody is in the way of anything."""
        if not self.stranded and not self.overfull:
            return None
        return set(self.stranded), set(self.overfull), {cause: dict(told) for cause, told in self.fates.items()}

    def put_back(self, memo: Memo) -> None:
        """Let it be as it was."""
        self.stranded, self.overfull, self.fates = memo

    def forget_before(self, time: int) -> None:
        """Let go of the outages, and of the steps of funding, that were over by then."""
        kept = {funding.key for pool in self._pools.values() for funding in pool.fundings} | self.by_id.keys()
        self.fates = {cause: told for cause, told in self.fates.items() if cause in kept}
        for outage in [each for each in self.by_id.values() if each.interval[1] < time]:
            self.withdraw(outage)
            self.fates.pop(outage.id, None)


def holds(reservation: Reservation, resource: str, bins: frozenset[int], interval: Interval) -> bool:
    """Whether a reservation holds any of these bins of a resource at any time of an interval."""
    start, end = interval
    return start < end and any(
        not bins.isdisjoint(allocation.bins) and any(a < end and start < b for a, b in allocation.spans)
        for allocation in reservation.occupied
        if allocation.resource == resource
    )
