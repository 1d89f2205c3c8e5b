"""The figures computed the slow way: a reservation is a set of quarter-hours, and nothing is cumulative.

It shares no code with the fold. Histories that Hypothesis draws lie on quarter-hours, so that counting is exact.
"""

from itertools import pairwise

from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation import events
from services.allocation.companies import Company, Quota
from services.allocation.events import Event
from services.allocation.reservations import Allocation, Line
from services.allocation.values.approval import Vote
from tests.metrics.synthetic import pool, requested

QUARTER = 900
HORIZON = 64  # quarter-hours
MONTH_ENDS = 32  # quarter-hours
START = 1_774_969_200 - MONTH_ENDS * QUARTER  # 2026-03-31 16:00 in Seoul
COMPANIES = ("CMP-0001", "CMP-0002", "CMP-0003")
POOLS = ("pool-000", "pool-001")
PERIODS = ((0, 24), (24, HORIZON))
MONTHS = (range(MONTH_ENDS), range(MONTH_ENDS, HORIZON))

GIVEN_BACK = {
    events.ReservationCancelled: "cancelled",
    events.ReservationExpired: "expired",
    events.ReservationDenied: "denied",
}
OPENINGS = {events.ReservationHeld: "held", events.ReservationRequested: "pending"}
Opening = events.ReservationHeld | events.ReservationRequested

WISHES = ("confirm", "hold", "request", "vote", "take", "lapse", "activate", "cancel", "complete", "release", "change")

Decision = tuple[int, list[Event]]


def at(quarter: int) -> int:
    """The time of a quarter-hour, in seconds."""
    return START + quarter * QUARTER


def opening() -> list[Decision]:
    """Two pools, three companies, and a quota for each of two periods."""
    made: list[Event] = [events.ResourceRegistered(resource=pool(number)) for number in range(len(POOLS))]
    for company in COMPANIES:
        terms = Company(id=company, display_name=company, agreement_start=at(0), agreement_end=at(HORIZON))
        made.append(events.CompanyRegistered(company=terms))
        for meter in POOLS:
            for start, end in PERIODS:
                quota = Quota(company=company, meter=meter, start=at(start), end=at(end), unit_seconds=10**9)
                made.append(events.QuotaGranted(quota=quota))
    return [(at(0), made)]


@st.composite
def allocations(draw: st.DrawFn, resource: str) -> Allocation:
    """Some units of a resource, over one or two stretches."""
    cuts = sorted(draw(st.sets(st.integers(0, HORIZON), min_size=4, max_size=4)))
    spans = ((at(cuts[0]), at(cuts[1])), (at(cuts[2]), at(cuts[3])))
    units = draw(st.integers(1, 16))
    return Allocation(
        resource=resource,
        units=units,
        spans=spans[: draw(st.integers(1, 2))],
        bins=tuple(range(units)),
        amounts=(1,) * units,
        meter=draw(st.sampled_from((resource, ""))),
    )


@st.composite
def confirmations(draw: st.DrawFn, number: int) -> events.ReservationConfirmed:
    """A reservation of one or two lines, maybe on the same pool."""
    resources = draw(st.lists(st.sampled_from(POOLS), min_size=1, max_size=2))
    granted = tuple(draw(allocations(resource)) for resource in resources)
    return events.ReservationConfirmed(
        reservation_id=f"R-{number}",
        company=draw(st.sampled_from(COMPANIES)),
        start=min(span[0] for allocation in granted for span in allocation.spans),
        end=max(span[1] for allocation in granted for span in allocation.spans),
        lines=tuple(Line(resource=allocation.resource, units=allocation.units) for allocation in granted),
        allocations=granted,
    )


SHARED = set(events.ReservationConfirmed.__struct_fields__) & set(events.ReservationHeld.__struct_fields__)


def held(confirmed: events.ReservationConfirmed) -> events.ReservationHeld:
    """The same as an offer, held for a while."""
    fields = {name: getattr(confirmed, name) for name in SHARED}
    return events.ReservationHeld(**fields, expires_at=confirmed.start)


def lapsed(opening: Opening) -> Event:
    """What happens to it when nobody decides."""
    if isinstance(opening, events.ReservationHeld):
        return events.ReservationExpired(reservation_id=opening.reservation_id)
    return events.ReservationDenied(reservation_id=opening.reservation_id)


def voted(opening: Opening) -> events.VoteCast:
    """Somebody's vote."""
    vote = Vote(voter="operators/kim", approves=True, at=0)
    return events.VoteCast(reservation_id=opening.reservation_id, vote=vote)


def taken(offer: Opening) -> events.ReservationConfirmed:
    """The confirmation of an offer."""
    fields = {name: getattr(offer, name) for name in SHARED}
    return events.ReservationConfirmed(**fields)


@st.composite
def histories(draw: st.DrawFn) -> list[Decision]:
    """A lawful life of a centre, decision by decision; what time and place allow is not this model's business."""
    decisions = opening()
    waiting: list[str] = []
    offered: list[Opening] = []
    active: list[str] = []
    made: dict[str, events.ReservationConfirmed] = {}
    quarter = 0
    for number in range(draw(st.integers(0, 20))):
        quarter = min(HORIZON, quarter + draw(st.integers(0, 6)))
        wish = draw(st.sampled_from(WISHES))
        if wish == "activate" and waiting:
            active.append(waiting.pop())
            event: Event = events.ReservationActivated(reservation_id=active[-1])
        elif wish == "hold":
            event = held(draw(confirmations(number)))
            offered.append(event)
        elif wish == "request":
            event = requested(draw(confirmations(number)))
            offered.append(event)
        elif wish == "vote" and offered and isinstance(offered[-1], events.ReservationRequested):
            event = voted(offered[-1])
        elif wish == "take" and offered:
            event = taken(offered.pop())
            made[event.reservation_id] = event
            waiting.append(event.reservation_id)
        elif wish == "lapse" and offered:
            event = lapsed(offered.pop(0))
        elif wish == "cancel" and offered:
            event = events.ReservationCancelled(reservation_id=offered.pop(0).reservation_id)
        elif wish == "cancel" and waiting:
            event = events.ReservationCancelled(reservation_id=waiting.pop(0))
        elif wish == "complete" and active:
            event = events.ReservationCompleted(reservation_id=active.pop())
        elif wish == "release" and active:
            event = events.ReservationReleased(reservation_id=active.pop(0), released_at=at(quarter))
        elif wish == "change" and waiting + active:
            event = draw(changes(made[draw(st.sampled_from(waiting + active))]))
        else:
            made[f"R-{number}"] = event = draw(confirmations(number))
            waiting.append(event.reservation_id)
        decisions.append((at(quarter), [event]))
    return decisions


@st.composite
def changes(draw: st.DrawFn, made: events.ReservationConfirmed) -> events.ReservationChanged:
    """Other units and times on the same resources."""
    granted = tuple(draw(allocations(allocation.resource)) for allocation in made.allocations)
    return events.ReservationChanged(
        reservation_id=made.reservation_id,
        start=min(span[0] for allocation in granted for span in allocation.spans),
        end=max(span[1] for allocation in granted for span in allocation.spans),
        lines=tuple(Line(resource=allocation.resource, units=allocation.units) for allocation in granted),
        allocations=granted,
    )


class Naive:
    """What a history comes to, asked figure by figure."""

    def __init__(self, history: list[Decision]) -> None:
        facts = [event for _, decided in history for event in decided]
        self.now = max(time for time, _ in history)
        self.facts = facts
        begun = [event for event in facts if isinstance(event, Opening | events.ReservationConfirmed)]
        self.first = [*{event.reservation_id: event for event in begun}.values()]
        self.confirmed = [replace(event, allocations=self.held(event)[-1]) for event in self.first]
        self.quotas = [event.quota for event in facts if isinstance(event, events.QuotaGranted)]

    def held(self, made: events.ReservationConfirmed) -> list[tuple[Allocation, ...]]:
        """What a reservation held at first, and after each change."""
        changed = [event for event in self.facts if isinstance(event, events.ReservationChanged)]
        return [made.allocations, *(each.allocations for each in changed if each.reservation_id == made.reservation_id)]

    def given_up(self, company: str, resource: str) -> int:
        """Unit-seconds that changes gave back of a month."""
        return sum(
            max(0, worth(before, resource, month) - worth(after, resource, month))
            for event in self.first
            if event.company == company
            for before, after in pairwise(self.held(event))
            for month in MONTHS
        )

    def ending(self, reservation_id: str) -> Event | None:
        """The event that ended a reservation, if one did."""
        ends = (events.ReservationCompleted, *GIVEN_BACK, events.ReservationReleased)
        found = [event for event in self.facts if isinstance(event, ends) and event.reservation_id == reservation_id]
        return found[0] if found else None

    def state(self, reservation_id: str) -> str:
        """Where a reservation stands."""
        ending = self.ending(reservation_id)
        if ending is not None:
            return GIVEN_BACK.get(type(ending), "completed")
        opened = self.opened(reservation_id)
        if opened and not self.taken(reservation_id):
            return opened
        started = events.ReservationActivated(reservation_id=reservation_id) in self.facts
        return "active" if started else "confirmed"

    def entered(self, reservation_id: str) -> list[str]:
        """Every state that a reservation went through."""
        started = events.ReservationActivated(reservation_id=reservation_id) in self.facts
        ended = [self.state(reservation_id)] if self.ending(reservation_id) else []
        opened = self.opened(reservation_id)
        begun = [opened, *(["confirmed"] if self.taken(reservation_id) else [])] if opened else ["confirmed"]
        return [*begun, *(["active"] if started else []), *ended]

    def opened(self, reservation_id: str) -> str:
        """How it began, if it was not confirmed at once."""
        return next(
            (
                OPENINGS[type(each)]
                for each in self.facts
                if isinstance(each, Opening) and each.reservation_id == reservation_id
            ),
            "",
        )

    def taken(self, reservation_id: str) -> bool:
        """Whether it was confirmed."""
        return any(
            isinstance(each, events.ReservationConfirmed) and each.reservation_id == reservation_id
            for each in self.facts
        )

    def account(self, company: str, resource: str, name: str) -> int:
        """Unit-seconds reserved, used, released or held."""
        given_up = self.given_up(company, resource) if name in ("reserved", "released") else 0
        return given_up + sum(
            allocation.units * len(self._share(event, allocation, name)) * QUARTER
            for event in self.confirmed
            if event.company == company
            for allocation in event.allocations
            if allocation.resource == resource
        )

    def booked(self, quota: Quota) -> int:
        """Unit-seconds on a quota's meter within its period."""
        period = quarters(((quota.start, quota.end),))
        return sum(
            allocation.units * len((covered - self._share(event, allocation, "released")) & period) * QUARTER
            for event in self.confirmed
            if event.company == quota.company
            for allocation in event.allocations
            if allocation.meter == quota.meter
            for covered in [quarters(allocation.spans)]
        )

    def _share(self, event: events.ReservationConfirmed | Opening, allocation: Allocation, name: str) -> set[int]:
        return _share(quarters(allocation.spans), self.ending(event.reservation_id), name)

    def reserved_now(self, resource: str, state: str) -> int:
        """Units held at this moment under a state."""
        return sum(
            allocation.units
            for event in self.confirmed
            if self.state(event.reservation_id) == state
            for allocation in event.allocations
            if allocation.resource == resource and (self.now - START) // QUARTER in quarters(allocation.spans)
        )

    def standing(self, resource: str) -> list[str]:
        """Reservations that stand on a resource."""
        return [
            event.reservation_id
            for event in self.confirmed
            if resource in [allocation.resource for allocation in event.allocations]
        ]


def worth(granted: tuple[Allocation, ...], resource: str, month: range) -> int:
    """Unit-seconds of a resource within a month."""
    mine = [each for each in granted if each.resource == resource]
    return sum(each.units * len(quarters(each.spans) & set(month)) * QUARTER for each in mine)


def quarters(spans: tuple[tuple[int, int], ...]) -> set[int]:
    """The quarter-hours that spans cover."""
    return {quarter for a, b in spans for quarter in range((a - START) // QUARTER, (b - START) // QUARTER)}


def _share(covered: set[int], ending: Event | None, name: str) -> set[int]:
    """The part of the quarter-hours of an allocation that an account counts."""
    match ending:
        case None:
            used, released = set(), set()
        case events.ReservationCancelled() | events.ReservationExpired() | events.ReservationDenied():
            used, released = set(), covered
        case events.ReservationReleased():
            used = {quarter for quarter in covered if at(quarter) < ending.released_at}
            released = covered - used
        case _:
            used, released = covered, set()
    shares = {"reserved": covered, "used": used, "released": released, "held": covered - used - released}
    return shares[name]
