"""The small centre beside its naive model: what every rule of the machine rests on."""

from collections import Counter
from collections.abc import Iterable

from hypothesis.stateful import RuleBasedStateMachine
from msgspec.structs import replace

from services.allocation.calendars.pool import Pool
from services.allocation.commands import PublishTerms, Tick
from services.allocation.decide import decide
from services.allocation.events import AllocationsMoved, ReservationCurtailed, ReservationDisplaced
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Allocation, Line, Reservation, State
from services.allocation.resources import Resource
from services.allocation.states.asking import over
from services.allocation.units.repack import piece_of
from tests.allocation import naive_changing, naive_overburn, naive_records, naive_supply
from tests.allocation.fixture import NOW
from tests.allocation.machine.small_centre import COMPANIES, LOOSE, QUOTAS, RESOURCES, TERMS
from tests.allocation.machine.wishes import Wish
from tests.allocation.naive import Naive
from tests.allocation.naive_booking import CELL, Out
from tests.allocation.scenario import DAY, HOUR, Scenario


class SmallCentre(RuleBasedStateMachine):
    """A small centre beside its naive model."""

    def __init__(self) -> None:
        super().__init__()
        self.scenario = Scenario.of(*RESOURCES, *COMPANIES, *QUOTAS, now=NOW)
        self.scenario.grants(PublishTerms(terms=TERMS))
        self.naive = Naive(RESOURCES, COMPANIES, QUOTAS, TERMS)
        self.naive.away = list(naive_supply.away(RESOURCES))
        self.count = 0
        self.lines: dict[str, tuple[Line, ...]] = {}
        self.restarted_at = 0
        self.bound: dict[str, tuple[Allocation, ...]] = {}

    def agree(self, refusal: Rejected, expected: set[Reason], both: Iterable[Line] = ()) -> None:
        """A refusal names exactly the broken rules. Beside a place that is kept, `both` may not stand as they would."""
        reasons = {each.reason for each in refusal.violations}
        if self.naive.outages and Reason.START_IN_PAST in reasons & expected:
            return  # In the half-hour that runs, the model cannot tell who stood on what is out.
        assert reasons - set(LOOSE) == expected, (refusal.violations, expected)
        for violation in refusal.violations:
            # Beside another reason it is not alone: what has begun, say, cannot be moved for a start in the past.
            if violation.reason in LOOSE and not expected:
                # What is out cuts the time of its units in two, and then the best arrangement is hard to find.
                cut = {name for out in self.naive.outages.values() for name in out.nodes}
                kept = {each.resource for each in (*both, *self.kept_for_changes())}
                assert violation.subject in {"gpus", "seats", "staff", *cut, *kept}, "fragmentation alone refused"

    def kept_for_changes(self) -> list[Allocation]:
        """What keeps its very units though it has not begun: both places of what a change waits of."""
        waiting = [self.scenario.centre.reservations[name] for name in self.naive.asked if self.naive.waits(name)]
        return [each for reservation in waiting for each in reservation.occupied]

    def begin(self, reservation: Reservation, wanted: tuple[Line, ...], hold: int = 0, people: int = 0) -> None:
        """The model takes a new reservation in, which holds what it says and is a class of so many people, or none."""
        assert (reservation.participants.count if reservation.participants else 0) == people
        booking = self.naive.booking(reservation.company, wanted, reservation.start, reservation.end)
        assert held_by(reservation.allocations) == booking.held
        booking.people = people
        self.naive.start(booking, wanted, self.scenario.now, hold)
        self.lines[reservation.id] = wanted
        self.naive.bookings[reservation.id] = booking

    def alter(self, before: Reservation, after: Reservation, wish: Wish) -> None:
        """The model follows a change."""
        now, name = self.scenario.now, before.id
        booking = self.naive.bookings[name]
        self.lines[name] = wish[0]
        if after.asked is None:
            self.naive.drop(name)
        if naive_changing.opens(self.naive, booking, now):
            assert bins_of(after) <= bins_of(before), "what has begun was moved"
            self.bound[name] = after.allocations
        if after.allocations != before.allocations or booking.state == "pending":
            changed = naive_changing.changed(self.naive, booking, wish, before.lines, now)
            if naive_changing.gives_back_late(self.naive, booking, changed, now):
                self.naive.strike_for_lateness(name, now)
            self.naive.bookings[name] = changed

    def marked(self, reservation: Reservation) -> None:
        """What of a reservation that was just booked lies beyond its quotas stands on it."""
        expected = naive_overburn.beyond(self.naive, self.naive.bookings[reservation.id], reservation.id)
        assert {each.meter: each.unit_seconds for each in reservation.overburn} == expected

    def give_back(self, name: str) -> None:
        """The model lets a booking go that has not begun."""
        booking, now = self.naive.bookings[name], self.scenario.now
        free = max(self.naive.resources[each].free_cancel_hours for each in booking.own)
        if self.naive.binding(booking) and max(0, booking.start - booking.ahead - now) < free * HOUR:
            self.naive.strike_for_lateness(name, now)
        booking.state = "cancelled"

    def settle(self, before: dict[str, Reservation]) -> None:
        """What outages did to reservations since then is what the rules say about each, and the model follows it."""
        now, centre = self.scenario.now, self.scenario.centre
        met, lost = 0, []
        for name, was in before.items():
            stands = centre.reservations[name]
            untold = was.state.waiting and was.start <= now
            if was.asked is not None and not untold and self.obstacle(was) is not None:
                assert stands.asked is None, "what was asked for stands on what is out"
                self.naive.drop(name)
            cause = self.obstacle(over(was))
            if cause is None or (was.state.waiting and was.start <= now):
                assert stands.state is was.state
                assert stands.end == was.end
                continue
            met += 1
            cut = max(was.start, cause.start)
            fixed = was.start <= now and (cause.kind != "failure" or cause.start > now)
            if stands.state is State.DISPLACED:
                assert was.start > now or cause.start <= now
                self.naive.lose(name, cut if was.start <= now else was.start, "displaced")
                lost.append(was)
            elif stands.end != was.end:
                assert fixed
                assert stands.end == cause.start > now
                self.naive.lose(name, cut, "active")
                self.bound.pop(name, None)
            else:
                assert not fixed
                self.bound.pop(name, None)
            assert self.obstacle(stands) is None
        if met == len(lost) == 1 and lost[0].start > now:
            assert not self.fits(lost[0]), "displaced, although there was room"

    def fits(self, reservation: Reservation) -> bool:
        """Whether everything that a reservation held would find a place now, all of it together."""
        drawn: list[tuple[Pool, Allocation]] = []
        try:
            for number, each in enumerate(reservation.allocations):
                pool = self.scenario.centre.pools[each.resource]
                piece = piece_of(pool, reservation, number)
                place = pool.layout.place(pool.free_bins(each.spans), piece.parts, piece.colocation)
                if place is None:
                    return False
                drawn.append((pool, replace(each, bins=place.bins, amounts=place.amounts)))
                pool.hold(drawn[-1][1], 1)
        finally:
            for pool, each in drawn:
                pool.hold(each, -1)
        return True

    def obstacle(self, reservation: Reservation) -> Out | None:
        """The first outage that takes out what a live reservation holds, by the second."""
        if not reservation.state.live:
            return None
        found = [
            out
            for out in self.naive.outages.values()
            for each in reservation.occupied
            if {index // self.resource(each.resource).bins_per_node for index in each.bins}
            & out.nodes.get(each.resource, set())
            and any(out.start < end and start < out.end for start, end in each.spans)
            and out.start < out.end
        ]
        return min(found, key=lambda out: out.start, default=None)

    @staticmethod
    def resource(name: str) -> Resource:
        """A resource by its name."""
        return next(each for each in RESOURCES if each.id == name)

    def wait(self, seconds: int) -> None:
        """Some seconds go by."""
        if self.scenario.now + seconds < NOW + 12 * DAY:
            self.pass_until(self.scenario.now + seconds)

    def pass_until(self, time: int) -> None:
        """Time passes until then."""
        self.scenario.now = time
        while happened := decide(self.scenario.centre, Tick(), time):
            before = dict(self.scenario.centre.reservations)
            self.scenario.tell(happened)
            if isinstance(happened[0], AllocationsMoved | ReservationCurtailed | ReservationDisplaced):
                self.settle(before)
        self.naive.tick(time)
        naive_records.overdue(self.naive, time)
        naive_records.review(self.naive, time)


def bins_of(reservation: Reservation) -> set[tuple[str, int]]:
    """The very units that a reservation stands on."""
    return {(each.resource, index) for each in reservation.allocations for index in each.bins}


def held_by(allocations: Iterable[Allocation]) -> Counter[tuple[str, int]]:
    """Units held, by resource and half-hour."""
    held: Counter[tuple[str, int]] = Counter()
    for each in allocations:
        for start, end in each.spans:
            # What was moved while it ran stands twice in the half-hour of the move: it counts where it began.
            for cell in range(-(-start // CELL) * CELL, end, CELL):
                held[each.resource, cell] += each.units
    return held
