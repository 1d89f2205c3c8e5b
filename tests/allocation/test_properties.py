"""Any sequence of commands: granted and refused is what the naive rules say, and the promises hold throughout."""

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from services.allocation import image
from services.allocation.calendar import DAYS_BEHIND
from services.allocation.commands import (
    ApproveReservation,
    CancelReservation,
    CheckIn,
    ConfirmReservation,
    DeclareOutage,
    DenyReservation,
    LiftOutage,
    PublishTerms,
    ReleaseReservation,
    Tick,
)
from services.allocation.decide import decide
from services.allocation.events import AllocationsMoved, ReservationCurtailed, ReservationDisplaced
from services.allocation.offers import Search, search
from services.allocation.outage import OutageKind, Scope
from services.allocation.rejections import OVERRIDABLE, Reason, Rejected
from services.allocation.repack import piece_of
from services.allocation.resources import Allocation, Colocation, Companion, Line, Reservation, Resource, State
from services.allocation.terms import StrikeRule, Terms
from tests.allocation import fixture, naive_changing
from tests.allocation.examples import examples
from tests.allocation.fixture import NOW
from tests.allocation.naive import CELL, GIVEN_BACK, NEVER, Naive, Out
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, change, drawn, grids_of, outage

GPUS = replace(fixture.A100, id="gpus", nodes=fixture.A100.nodes[1:4], bins_per_node=2, units_min=250, units_step=250)
NODES = replace(fixture.H100, id="nodes", nodes=fixture.H100.nodes[:3])
STAFF = replace(fixture.OPERATORS, id="staff", nodes=fixture.seats("staff", 2))
SEATS = replace(
    fixture.CLOCK_ROUND,
    id="seats",
    slot_minutes=30,
    nodes=fixture.seats("seats", 3),
    no_show_grace_minutes=40,
    free_cancel_hours=2,
)
RIG = replace(
    fixture.M01,
    id="rig",
    notice_hours=2,
    horizon_days=8,
    slots_max=3,
    approval="committee",
    approval_hours=20,
    approval_voters=3,
    approval_quorum=2,
    companions=(
        Companion(resource="seats", units=1),
        Companion(resource="gpus", units=2000),
        Companion(resource="staff", units=1),
    ),
)
LAB = replace(
    fixture.CLOCK_ROUND, id="lab", slot_minutes=60, companions=(Companion(resource="staff", units=1, edges=True),)
)
FAST = replace(fixture.track("fast"), slot_minutes=30, changeover_minutes=30)
SLOW = replace(fixture.track("slow"), slot_minutes=60, changeover_minutes=60, approval="manager", approval_hours=5)
VOTERS = ("operators/kim", "operators/lee", "operators/park")
RESOURCES: tuple[Resource, ...] = (GPUS, NODES, STAFF, SEATS, RIG, LAB, FAST, SLOW)

COMPANIES = (
    fixture.company("RICH", horizon_days=9),
    fixture.company("POOR", notice_hours=1, reservation_days_max=1, agreement_end=at("2026-03-12 00:00")),
    fixture.company("NONE"),
)
WEEKS = [at("2026-03-01 00:00"), at("2026-03-05 00:00"), at("2026-03-10 00:00"), at("2026-03-25 00:00")]
QUOTAS = tuple(
    replace(fixture.quota(name, meter, 3, hours, at_once), start=start, end=end)
    for name, hours, at_once in (("RICH", 5000, 0), ("POOR", 60, 2))
    for meter in ("equipment", "nodes")
    for start, end in pairwise(WEEKS)
)
TERMS = Terms(effective=NOW, strike_rules=(StrikeRule(strikes=2, window_days=1, suspension_days=1),))
SIZES = {"gpus": (250, 500, 750, 1000, 1000, 2000, 3000, 4000, 6000), "nodes": (8, 16, 24, 32), "rig": (1, 1, 1, 1)}
POLICY = tuple(sorted(OVERRIDABLE - {Reason.CLOSED_DAY, Reason.OUTSIDE_OPENING_HOURS}))
OUTAGES = 4
"""At most so many in one example, so that something is left to book."""
LOOSE = (Reason.NO_PLACEMENT,)
"""How units would have to stand is for the placement tests; here it may refuse what is not made of identical bins."""

Wish = tuple[tuple[Line, ...], int, int]


def sized(name: str, size: int) -> int:
    """Units of a resource, from small to more than there is."""
    return SIZES[name][min(size, len(SIZES[name])) - 1] if name in SIZES else size


def staggered(names: str, units: int, after: float, before: float) -> tuple[Line, ...]:
    """The first line for all of the time, the others from some hours later until some hours earlier."""
    first, *others = names.split()
    return (
        Line(resource=first, units=sized(first, units)),
        *(
            Line(
                resource=name,
                units=sized(name, units),
                starts_after=int(after * HOUR),
                ends_before=int(before * HOUR),
            )
            for name in others
        ),
    )


def phased(names: str, starts: list[float], lengths: list[float]) -> st.SearchStrategy[Wish]:
    """Wishes of which some lines begin later or end earlier."""
    return st.builds(
        lambda units, day, hour, length, after, before: (
            staggered(names, units, after, before),
            at("2026-03-02 00:00") + day * DAY + int(hour * HOUR),
            int(length * HOUR),
        ),
        st.integers(1, 3),
        st.integers(0, 3),
        st.sampled_from(starts),
        st.sampled_from(lengths),
        st.sampled_from([0, 0.5, 1, 2]),
        st.sampled_from([0, 0, 1]),
    )


def sensible(names: str, starts: list[float], lengths: list[float], most: int) -> st.SearchStrategy[Wish]:
    """Wishes that have a chance: so many units of some resources, on a day soon, from an hour for some hours."""
    return st.builds(
        lambda units, near, day, hour, length: (
            tuple(
                Line(
                    resource=name,
                    units=sized(name, units),
                    colocation=near if name == "gpus" else Colocation.ANYWHERE,
                )
                for name in names.split()
            ),
            at("2026-03-02 00:00") + day * DAY + int(hour * HOUR),
            int(length * HOUR),
        ),
        st.integers(1, most),
        st.sampled_from([Colocation.ANYWHERE, Colocation.ANYWHERE, Colocation.RACK]),
        st.integers(0, 3),
        st.sampled_from(starts),
        st.sampled_from(lengths),
    )


DAY_HOURS = [hour / 2 for hour in range(18, 36)]
wild = st.tuples(
    st.lists(
        st.builds(
            lambda name, units: Line(resource=name, units=sized(name, units)),
            st.sampled_from([each.id for each in RESOURCES]),
            st.integers(1, 4),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda line: line.resource,
    ).map(tuple),
    st.integers(-2, 10 * 48).map(lambda number: NOW + number * CELL),
    st.sampled_from([1, 2, 8, 18, 50, 66, 400]).map(lambda number: number * CELL),
)
bookers = st.sampled_from(["RICH", "RICH", "RICH", "POOR", "POOR", "NONE"])
plain_wishes = st.one_of(
    sensible("nodes", [*range(8, 24, 2)], [1, 2, 5, 12, 30], 2),
    sensible("nodes", [*range(8, 24, 2)], [1, 2, 5, 12, 30], 1),
    sensible("gpus", [*range(8, 24, 2)], [1, 2, 6, 24], 9),
    sensible("seats", DAY_HOURS, [0.5, 1, 2.5, 20], 2),
    sensible("fast", DAY_HOURS, [0.5, 1, 2], 1),
    sensible("slow", [*range(9, 18)], [1, 2, 24], 1),
    sensible("staff", DAY_HOURS, [0.5, 2, 4], 2),
    *(sensible(names, [9, 14], [4, 9, 23, 28], 8) for names in ("rig", "rig", "rig gpus", "rig seats", "rig staff")),
    sensible("seats gpus rig", [9, 14], [4, 9], 3),
    sensible("nodes seats", [*range(9, 18)], [1, 3], 2),
    sensible("slow seats", [*range(9, 16)], [1, 3], 1),
    sensible("lab", [*range(9, 18)], [1, 2, 5], 2),
    wild,
)
phased_wishes = st.one_of(
    phased("seats nodes", [*range(9, 18)], [4, 6]),
    phased("lab seats gpus", [*range(9, 16)], [4, 6]),
    phased("nodes slow", [*range(8, 15)], [4, 6]),
)
wishes = st.one_of(plain_wishes, plain_wishes, plain_wishes, phased_wishes)


def scopes(resource: Resource) -> st.SearchStrategy[Scope]:
    """All of a resource, some of its nodes, or a number of them."""
    names = [node.id for node in resource.nodes]
    return st.one_of(
        st.just(Scope(resource=resource.id)),
        st.sets(st.sampled_from(names), min_size=1, max_size=2).map(
            lambda some: Scope(resource=resource.id, nodes=tuple(sorted(some)))
        ),
        st.integers(1, len(names)).map(lambda count: Scope(resource=resource.id, count=count)),
    )


EDGES = [
    *((0.0, hours) for hours in (-2, -1, -0.5, 0, 0.5, 1, 2, 4, 9, 24, 190)),
    *((hours, hours) for hours in (-24, -4, -1, -0.5, 0.5, 1, 3, 24, 48, 190)),
    *((-1.0, 0.0), (1.0, 0.0), (-4.0, 4.0), (24.0, -24.0)),
]
"""How many hours later a reservation shall start and end."""

anew = st.sampled_from([False] * 5 + [True]).flatmap(lambda other: plain_wishes if other else st.none())
"""Now and then another wish altogether. What the rules say of changed phases, the model cannot tell."""


class CentreMachine(RuleBasedStateMachine):
    """A small centre beside its naive model."""

    def __init__(self) -> None:
        super().__init__()
        self.scenario = Scenario.of(*RESOURCES, *COMPANIES, *QUOTAS, now=NOW)
        self.scenario.grants(PublishTerms(terms=TERMS))
        self.naive = Naive(RESOURCES, COMPANIES, QUOTAS, TERMS)
        self.count = 0
        self.lines: dict[str, tuple[Line, ...]] = {}
        self.restarted_at = 0
        self.bound: dict[str, tuple[Allocation, ...]] = {}

    @rule(asked=st.lists(st.tuples(bookers, wishes), min_size=1, max_size=6))
    def book(self, asked: list[tuple[str, Wish]]) -> None:
        """A booking is granted exactly when no rule is broken, and else refused for exactly the broken ones."""
        for company, wish in asked:
            self.book_one(company, wish)

    @rule(
        name=st.sampled_from(["nodes", "nodes", "seats", "gpus"]),
        day=st.integers(0, 3),
        pieces=st.lists(st.tuples(st.integers(8, 18), st.integers(1, 5)), min_size=4, max_size=12),
        gone=st.lists(st.integers(0, 50), max_size=4),
    )
    def crowd(self, name: str, day: int, pieces: list[tuple[int, int]], gone: list[int]) -> None:
        """Many short bookings of one resource, with holes between: room must be made by moving."""
        for hour, hours in pieces:
            start = at("2026-03-03 00:00") + day * DAY + hour * HOUR
            self.book_one("RICH", ((Line(resource=name, units=sized(name, 1)),), start, hours * HOUR))
            if gone and len(gone) > hour % 5:
                self.cancel(gone[hour % len(gone)])

    @rule(asked=st.lists(st.tuples(bookers, wishes), min_size=1, max_size=6), seconds=st.sampled_from([60, 600, 900]))
    def hold(self, asked: list[tuple[str, Wish]], seconds: int) -> None:
        """An offer is held exactly when it would be booked, begins later than now, and few are held already."""
        for company, wish in asked:
            self.book_one(company, wish, seconds)

    @rule(number=st.integers(0, 1000))
    def confirm(self, number: int) -> None:
        """What is held can be confirmed until it expires, and nothing else."""
        held = [name for name, each in self.naive.bookings.items() if each.state == "held"]
        names = held or list(self.naive.bookings)
        if not names:
            return
        name = names[number % len(names)]
        booking = self.naive.bookings[name]
        wish = ConfirmReservation(reservation_id=name, company=booking.company)
        if booking.state == "held" and self.scenario.now < booking.expires:
            self.scenario.grants(wish)
            self.naive.settle(booking, self.lines[name], self.scenario.now)
        else:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]

    @rule(number=st.integers(0, 1000), voter=st.sampled_from(VOTERS), approves=st.sampled_from([True, True, False]))
    def vote(self, number: int, voter: str, approves: bool) -> None:
        """What is pending can be voted on, once by everybody, until it is decided or its deadline has come."""
        pending = [name for name, each in self.naive.bookings.items() if each.state == "pending"]
        names = pending or list(self.naive.bookings)
        if not names:
            return
        name = names[number % len(names)]
        booking = self.naive.bookings[name]
        kind = ApproveReservation if approves else DenyReservation
        wish = kind(reservation_id=name, company=booking.company, voter=voter)
        if booking.state != "pending" or booking.expires <= self.scenario.now:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]
        elif voter in booking.votes:
            assert self.scenario.refuses(wish) == [Reason.ALREADY_VOTED]
        else:
            self.scenario.grants(wish)
            self.naive.vote(booking, self.lines[name], voter, approves)

    @rule(company=bookers, wish=wishes)
    def insist(self, company: str, wish: Wish) -> None:
        """An operator who overrides every rule of policy that leaves the hours alone is refused for the others only."""
        self.book_one(company, wish, override=POLICY)

    def book_one(self, company: str, wish: Wish, hold: int = 0, override: tuple[str, ...] = ()) -> None:
        """One booking, or one offer to hold for some seconds, or what an operator lets break some rules."""
        wanted, start, length = wish
        end, why = start + length, {"override": override, "because": "a test"} if override else {}
        self.count += 1
        command = book(company, *wanted, start=start, end=end, reservation_id=f"b{self.count}", hold=hold, **why)
        broken = self.naive.reasons(company, wanted, start, end, self.scenario.now)
        expected = broken - set(override)
        if hold:
            expected |= self.naive.holding(company, start, self.scenario.now)
        try:
            reservation = self.scenario.books(command)
        except Rejected as refusal:
            self.agree(refusal, expected)
            return
        assert expected == set()
        assert set(reservation.override.reasons if reservation.override else ()) == broken
        booking = self.naive.booking(company, wanted, start, end)
        assert held_by(reservation) == booking.held
        self.naive.start(booking, wanted, self.scenario.now, hold)
        self.lines[reservation.id] = wanted
        self.naive.bookings[reservation.id] = booking

    def agree(self, refusal: Rejected, expected: set[Reason]) -> None:
        """A refusal names exactly the broken rules."""
        reasons = {each.reason for each in refusal.violations}
        if self.naive.outages and Reason.START_IN_PAST in reasons & expected:
            return  # In the half-hour that runs, the model cannot tell who stood on what is out.
        assert reasons - set(LOOSE) == expected
        for violation in refusal.violations:
            # Beside another reason it is not alone: what has begun, say, cannot be moved for a start in the past.
            if violation.reason in LOOSE and not expected:
                # What is out cuts the time of its units in two, and then the best arrangement is hard to find.
                cut = {name for out in self.naive.outages.values() for name in out.nodes}
                assert violation.subject in {"gpus", "seats", "staff", *cut}, "fragmentation alone refused"

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000))
    def cancel(self, number: int) -> None:
        """What is held, pending or confirmed and has not begun can be cancelled, and nothing else."""
        names = [name for name, each in self.naive.bookings.items() if each.state not in GIVEN_BACK]
        if not names:
            return
        name = names[-1 - number % len(names)]
        booking = self.naive.bookings[name]
        wish = CancelReservation(reservation_id=name, company=booking.company)
        if booking.state in ("held", "pending", "confirmed") and booking.start > self.scenario.now:
            free = max(self.naive.resources[each].free_cancel_hours for each in booking.own)
            if booking.state == "confirmed" and booking.start - self.scenario.now < free * HOUR:
                self.naive.strike(booking.company, self.scenario.now)
            self.scenario.grants(wish)
            booking.state = "cancelled"
        else:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]

    @precondition(lambda self: self.naive.bookings)
    @rule(
        asked=st.lists(
            st.tuples(st.integers(0, 1000), st.sampled_from(EDGES), st.sampled_from([0, 0, 0, 1, 2, 3]), anew),
            min_size=1,
            max_size=6,
        )
    )
    def change(self, asked: list[tuple[int, tuple[float, float], int, Wish | None]]) -> None:
        """A change is granted exactly when no rule is broken by what is new, and else the reservation stays."""
        for number, edges, units, other in asked:
            before = self.scenario.centre.reservations[self.changeable(number)]
            lines = before.lines
            if any(line.starts_after or line.ends_before for line in lines):
                continue
            if units:
                lines = tuple(replace(line, units=sized(line.resource, units)) for line in lines)
            start, end = before.start + int(edges[0] * HOUR), before.end + int(edges[1] * HOUR)
            if end > WEEKS[-1]:
                continue  # The model's calendar ends soon after.
            self.change_one(before, (lines, start, end) if other is None else (other[0], other[1], sum(other[1:])))

    def changeable(self, number: int) -> str:
        """A reservation, rather one that has begun than one that has not, and rather that than one that has ended."""
        bookings = self.naive.bookings
        for states in [("active",), ("confirmed",)] if number % 3 else [("held", "confirmed", "active")]:
            if names := [name for name, each in bookings.items() if each.state in states]:
                return names[number % len(names)]
        return list(bookings)[number % len(bookings)]

    def change_one(self, before: Reservation, wish: Wish) -> None:
        """One change."""
        lines, start, end = wish
        now, name = self.scenario.now, before.id
        expected = naive_changing.reasons(self.naive, name, wish, before.lines, now)
        command = change(before, lines=lines, start=start, end=end)
        try:
            after = self.scenario.grants(command)
        except Rejected as refusal:
            if not self.naive.outages:
                self.agree(refusal, expected)
            return
        # What of the time that runs is out, the model does not tell in half-hours.
        assert self.naive.outages or expected == set()
        assert isinstance(after, Reservation)
        self.lines[name] = lines
        booking = self.naive.bookings[name]
        if naive_changing.opens(self.naive, booking, now):
            assert bins_of(after) <= bins_of(before), "what has begun was moved"
            self.bound[name] = after.allocations
        if after.allocations != before.allocations:
            self.naive.bookings[name] = naive_changing.changed(self.naive, booking, wish, now)

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000))
    def release(self, number: int) -> None:
        """What is active can be released, up to the next cell of its coarsest calendar."""
        active = [name for name, each in self.naive.bookings.items() if each.state == "active"]
        name = (active or list(self.naive.bookings))[number % len(active or self.naive.bookings)]
        booking = self.naive.bookings[name]
        wish = ReleaseReservation(reservation_id=name, company=booking.company)
        if booking.state != "active":
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]
            return
        released = self.scenario.grants(wish)
        assert isinstance(released, Reservation)
        assert released.end == self.naive.release(name, self.scenario.now, self.naive.cell(booking))

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000))
    def check_in(self, number: int) -> None:
        """Somebody comes, once, from a little before the start until the end."""
        live = [name for name, each in self.naive.bookings.items() if each.state in ("confirmed", "active")]
        name = (live or list(self.naive.bookings))[number % len(live or self.naive.bookings)]
        booking = self.naive.bookings[name]
        wish = CheckIn(reservation_id=name, company=booking.company)
        if not live or booking.checked_in:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]
        elif self.scenario.now < booking.start - TERMS.check_in_early_minutes * 60:
            assert self.scenario.refuses(wish) == [Reason.TOO_EARLY]
        else:
            self.scenario.grants(wish)
            booking.checked_in = True

    @precondition(lambda self: len(self.naive.outages) < OUTAGES)
    @rule(
        kind=st.sampled_from(list(OutageKind)),
        scope=st.one_of(*(scopes(each) for each in RESOURCES)),
        more=st.one_of(*(scopes(each) for each in (NODES, GPUS, SEATS))),
        hours_ahead=st.sampled_from([0, 0, 0, 2, 5, 26]),
        hours=st.sampled_from([1, 4, 30, None]),
    )
    def declare(self, kind: OutageKind, scope: Scope, more: Scope, hours_ahead: int, hours: int | None) -> None:
        """Whoever stands on what goes out is moved, cut short or displaced, each by its rule, and nobody else."""
        name, now = f"o{len(self.naive.outages)}", self.scenario.now
        start = -(-now // HOUR) * HOUR + hours_ahead * HOUR if hours_ahead else 0
        end = (start or now // HOUR * HOUR) + hours * HOUR if hours else 0
        if 0 < end <= now:
            return
        self.take_out(outage(name, scope, more, kind=kind, start=start, end=end))

    @precondition(lambda self: len(self.naive.outages) < OUTAGES)
    @rule(
        number=st.integers(0, 1000),
        kind=st.sampled_from([OutageKind.FAILURE, OutageKind.FAILURE, OutageKind.MAINTENANCE]),
        run=st.sampled_from([0, 60, 1500, 3600, 4000]),
        ahead=st.sampled_from([0, 0, 0, 1, 2]),
        hours=st.sampled_from([3, 30, None]),
    )
    def strike(self, number: int, kind: OutageKind, run: int, ahead: int, hours: int | None) -> None:
        """What somebody stands on breaks, or is to be mended: before that booking begins, or while it runs."""
        live = [each for each in self.scenario.centre.reservations.values() if each.state.live and each.allocations]
        if not live:
            return
        booking = live[-1 - number % len(live)]
        each = booking.allocations[number % len(booking.allocations)]
        resource = self.resource(each.resource)
        node = resource.nodes[each.bins[0] // resource.bins_per_node].id
        if run and self.scenario.now < booking.start + run < NOW + 12 * DAY:
            self.pass_until(booking.start + run)
        start = -(-max(self.scenario.now + 1, booking.start) // HOUR) * HOUR + (ahead - 1) * HOUR if ahead else 0
        if 0 < start <= self.scenario.now:
            return
        end = -(-max(self.scenario.now, start) // HOUR) * HOUR + hours * HOUR if hours else 0
        scope = Scope(resource=resource.id, nodes=(node,))
        self.take_out(outage(f"o{len(self.naive.outages)}", scope, kind=kind, start=start, end=end))

    def take_out(self, wish: DeclareOutage) -> None:
        """Declare an outage, here and in the model. What begins just then has begun, for both."""
        self.pass_until(self.scenario.now)
        before = dict(self.scenario.centre.reservations)
        made = self.scenario.declares(wish)
        nodes = {taken.resource: set(taken.nodes) for taken in made.taken}
        self.naive.outages[made.id] = Out(made.kind.value, made.start, made.end or NEVER, nodes)
        assert made.start == (wish.outage.start or self.scenario.now // 60 * 60)
        self.settle(before)

    @precondition(lambda self: self.naive.outages)
    @rule(number=st.integers(0, OUTAGES))
    def lift(self, number: int) -> None:
        """What is not over can be lifted, and its units are back at once."""
        name = list(self.naive.outages)[number % len(self.naive.outages)]
        out = self.naive.outages[name]
        if self.scenario.centre.outages.by_id[name].lifted_at or out.end <= self.scenario.now:
            assert self.scenario.refuses(LiftOutage(outage_id=name)) == [Reason.WRONG_STATE]
            return
        out.end = max(out.start, self.scenario.lifts(name).until)

    def settle(self, before: dict[str, Reservation]) -> None:
        """What outages did to reservations since then is what the rules say about each, and the model follows it."""
        now, centre = self.scenario.now, self.scenario.centre
        met, lost = 0, []
        for name, was in before.items():
            stands = centre.reservations[name]
            cause = self.obstacle(was)
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
        """Whether everything that a reservation held would find a place now."""
        pools = self.scenario.centre.pools
        return all(
            pools[each.resource].layout.place(
                pools[each.resource].free_bins(each.spans),
                piece_of(pools[each.resource], reservation, number).parts,
                piece_of(pools[each.resource], reservation, number).colocation,
            )
            for number, each in enumerate(reservation.allocations)
        )

    def obstacle(self, reservation: Reservation) -> Out | None:
        """The first outage that takes out what a live reservation holds, by the second."""
        if not reservation.state.live:
            return None
        found = [
            out
            for out in self.naive.outages.values()
            for each in reservation.allocations
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

    @rule(seconds=st.sampled_from([60, 900, CELL, HOUR, 3 * HOUR, 11 * HOUR]))
    def wait_for(self, seconds: int) -> None:
        """Time passes, and moves every reservation on."""
        self.wait(seconds)

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

    @rule(seconds=st.sampled_from([-60, 0, 60, HOUR, 2 * HOUR]))
    def wait_for_the_next(self, seconds: int) -> None:
        """Time passes until something begins or ends, or nearly or a little more."""
        due = self.scenario.centre.next_due()
        if due is not None and due + seconds > self.scenario.now:
            self.wait(due + seconds - self.scenario.now)

    @rule(seconds=st.sampled_from([60, CELL, HOUR]))
    def oversleep(self, seconds: int) -> None:
        """Time passes, and no tick has said so yet."""
        self.scenario.now += seconds

    @rule(company=st.sampled_from(["RICH", "POOR"]), wish=wishes)
    def find(self, company: str, wish: Wish) -> None:
        """Every offer of a search is granted if it is asked for at once."""
        wanted, start, length = wish
        asked = Search(
            company=company,
            lines=wanted,
            duration=length,
            earliest=start,
            latest=NOW + 12 * DAY,
            count=3,
            tries=30,
        )
        before = image.digest(self.scenario.centre)
        for first, last in search(self.scenario.centre, asked, self.scenario.now).intervals:
            decide(self.scenario.centre, book(company, *wanted, start=first, end=last), self.scenario.now)
            assert not self.naive.reasons(company, wanted, first, last, self.scenario.now)
        assert image.digest(self.scenario.centre) == before

    @precondition(lambda self: len(self.scenario.history) > self.restarted_at)
    @rule(replay=st.booleans())
    def restart(self, replay: bool) -> None:
        """A restart, from the log or from a snapshot, changes nothing; life goes on from there."""
        before = self.scenario.centre
        since = self.scenario.now - DAYS_BEHIND * DAY
        after = self.scenario.replayed() if replay else self.scenario.restored()
        assert image.digest(after) == image.digest(before)
        assert grids_of(after, since) == grids_of(before, since)
        assert list(after.reservations) == list(before.reservations)
        assert after.outages.stranded == before.outages.stranded
        assert after.outages.fates == before.outages.fates
        assert after.running.keys() == before.running.keys()
        assert {name: list(pool.waiting) for name, pool in after.pools.items()} == {
            name: list(pool.waiting) for name, pool in before.pools.items()
        }
        self.scenario.centre = after
        self.restarted_at = len(self.scenario.history)

    @invariant()
    def states_agree(self) -> None:
        """Every reservation stands where the model says, and holds what the model says."""
        for name, booking in self.naive.bookings.items():
            reservation = self.scenario.centre.reservations[name]
            assert (reservation.state.value, reservation.start, reservation.end) == (
                booking.state,
                booking.start,
                booking.end,
            )
            assert held_by(reservation) == booking.held

    @invariant()
    def records_agree(self) -> None:
        """Strikes and suspensions are those that the model counts."""
        for company in self.naive.companies:
            conduct = self.scenario.centre.records.conduct(company)
            assert [strike.at for strike in conduct.strikes] == self.naive.strikes.get(company, [])
            assert conduct.suspended_until == self.naive.suspended.get(company, 0)

    @invariant()
    def nobody_stands_on_what_is_out(self) -> None:
        """No live reservation holds what is out, by the second, but what began just now and no tick has told of."""
        for reservation in self.scenario.centre.reservations.values():
            untold = reservation.state.waiting and reservation.start <= self.scenario.now
            assert untold or self.obstacle(reservation) is None
            assert (reservation.id in self.scenario.centre.outages.stranded) == (self.obstacle(reservation) is not None)

    @invariant()
    def what_has_begun_stays_where_it_is(self) -> None:
        """From its start on a reservation keeps its very units, whatever is booked or released around it."""
        for reservation in self.scenario.centre.reservations.values():
            if reservation.start <= self.scenario.now and reservation.state.live:
                assert self.bound.setdefault(reservation.id, reservation.allocations) == reservation.allocations

    @invariant()
    def calendars_are_the_sum_of_what_is_kept(self) -> None:
        """Each grid shows exactly the allocations of the reservations that are kept."""
        for pool in self.scenario.centre.pools.values():
            spans = [
                (span, dict(zip(each.bins, each.amounts, strict=True)))
                for reservation in self.scenario.centre.reservations.values()
                for each in reservation.holding
                if each.resource == pool.resource.id
                for span in each.spans
            ]
            grid = drawn(pool, spans)
            assert np.array_equal(grid, pool.calendar.used)
            assert np.array_equal(grid.sum(axis=1), pool.calendar.total)

    @invariant()
    def quota_is_the_sum_of_what_was_metered(self) -> None:
        """What is booked on every period is the unit-seconds that the model counts."""
        for meter in self.scenario.centre.meters.values():
            for period in meter.periods:
                assert period.booked == self.naive.booked(period.quota)


def bins_of(reservation: Reservation) -> set[tuple[str, int]]:
    """The very units that a reservation stands on."""
    return {(each.resource, index) for each in reservation.allocations for index in each.bins}


def held_by(reservation: Reservation) -> Counter[tuple[str, int]]:
    """Units held, by resource and half-hour."""
    held: Counter[tuple[str, int]] = Counter()
    for each in reservation.allocations:
        for start, end in each.spans:
            # What was moved while it ran stands twice in the half-hour of the move: it counts where it began.
            for cell in range(-(-start // CELL) * CELL, end, CELL):
                held[each.resource, cell] += each.units
    return held


TestCentre = CentreMachine.TestCase
TestCentre.settings = examples(100, steps=30)
