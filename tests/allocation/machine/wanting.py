"""Wanting more of what was approved: booked, agreed to, asked for anew and judged, all in a row or interrupted."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from services.allocation.commands import ApproveReservation
from services.allocation.reservations import Line, State
from services.allocation.series import Policy
from tests.allocation.machine.booking import Booking
from tests.allocation.machine.changing import Changing
from tests.allocation.machine.repeating import SERIES, Repeating, policies
from tests.allocation.machine.small_centre import VOTERS
from tests.allocation.scenario import DAY, HOUR, at

EDGES = [(0, 1), (0, 1), (0, 2), (1, 1), (1, 2), (-1, 0), (24, 24), (48, 49), (0, -1)]
NEAR = [(1, 1), (-1, -1), (0, 1), (-1, 0)]
mostly_rich = st.sampled_from(["RICH"] * 5 + ["POOR"])


class Wanting(Booking, Changing, Repeating):
    """A short way to what chance alone seldom finds."""

    @rule(
        name=st.sampled_from(["slow", "slow", "rig"]),
        day=st.integers(0, 4),
        hour=st.integers(9, 15),
        edges=st.lists(st.sampled_from(EDGES), min_size=1, max_size=2),
        begun=st.booleans(),
        votes=st.lists(st.sampled_from([True, True, False]), max_size=3),
    )
    def want_more(
        self, name: str, day: int, hour: int, edges: list[tuple[int, int]], begun: bool, votes: list[bool]
    ) -> None:
        """What is approved shall be longer, earlier, later or on another day, once or twice; some people say what."""
        start = at("2026-03-03 00:00") + day * DAY + hour * HOUR
        booked = self.approved("RICH", name, start, 2)
        if not booked:
            return
        if begun and start > self.scenario.now and day < 2:
            self.pass_until(start + 60)
        for first, last in edges:
            self.move(booked, first, last)
        for voter, approves in zip(VOTERS, votes, strict=False):
            if self.naive.waits(booked):
                self.say(booked, voter, approves)

    @rule(
        day=st.integers(0, 3),
        pieces=st.lists(st.tuples(mostly_rich, st.integers(9, 12), st.integers(1, 2)), min_size=4, max_size=7),
        moves=st.lists(st.tuples(st.integers(0, 6), st.sampled_from(NEAR)), min_size=4, max_size=8),
        votes=st.lists(st.tuples(st.integers(0, 6), st.sampled_from([True, True, False])), max_size=2),
    )
    def crowd_the_pair(
        self,
        day: int,
        pieces: list[tuple[str, int, int]],
        moves: list[tuple[int, tuple[int, int]]],
        votes: list[tuple[int, bool]],
    ) -> None:
        """Two seats are full of what was approved, and some of it shall be at another time: who makes way for it?"""
        for later, order in enumerate((pieces, pieces[::-1], sorted(pieces))):
            self.crowd_one_day(self.midnight(day + later), order, moves, votes)

    def crowd_one_day(
        self,
        midnight: int,
        pieces: list[tuple[str, int, int]],
        moves: list[tuple[int, tuple[int, int]]],
        votes: list[tuple[int, bool]],
    ) -> None:
        """The pieces are booked in their order, and so they stand on other seats in another one."""
        tried = [self.approved(who, "pair", midnight + hour * HOUR, hours) for who, hour, hours in pieces]
        booked = [name for name in tried if name]
        for number, (first, last) in moves if booked else ():
            self.move(booked[number % len(booked)], first, last)
        for number, approves in votes if booked else ():
            if self.naive.waits(name := booked[number % len(booked)]):
                self.say(name, VOTERS[0], approves)

    @rule(
        day=st.integers(0, 1),
        changes=st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from([1, 1, -1, 2]), st.sampled_from([0, 0, 1]), policies),
            min_size=1,
            max_size=3,
        ),
        votes=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([True, True, False])), max_size=3),
    )
    def want_another_series(
        self, day: int, changes: list[tuple[int, int, int, Policy]], votes: list[tuple[int, bool]]
    ) -> None:
        """What is approved again and again shall be at another time: each waits and is judged for itself."""
        start, before = self.midnight(day) + 10 * HOUR, set(self.series)
        wish = ((Line(resource="pair", units=1),), start, HOUR)
        if len(before) < SERIES:
            self.repeat("RICH", wish, 3, Policy.SKIP, 0)
        for name in self.series.keys() - before:
            booked = [each.name for each in self.series[name].entries.values() if each.name]
            for each in booked:
                self.agree_to(each)
            for since, hours, longer, policy in changes:
                number = list(self.series).index(name)
                self.change_series(number, since, hours, longer, 0, 0, policy, False, 0)
            for number, approves in votes if booked else ():
                if self.naive.waits(one := booked[number % len(booked)]):
                    self.say(one, VOTERS[0], approves)

    def midnight(self, day: int) -> int:
        """When tomorrow begins, or some days after that."""
        first = at("2026-03-03 00:00")
        return first + ((self.scenario.now - first) // DAY + 1 + day) * DAY

    def approved(self, company: str, resource: str, start: int, hours: int) -> str:
        """The name of a booking to which enough have agreed; empty where it was refused, or nobody need agree."""
        self.book_one(company, ((Line(resource=resource, units=1),), start, hours * HOUR))
        found = self.scenario.centre.reservations.get(f"b{self.count}")
        if found is None or found.state is not State.PENDING:
            return ""
        self.agree_to(found.id)
        return found.id

    def agree_to(self, name: str) -> None:
        """As many agree to a booking as have to."""
        found = self.scenario.centre.reservations[name]
        for voter in VOTERS[: found.approval.quorum if found.approval else 0]:
            self.scenario.grants(ApproveReservation(reservation_id=name, company=found.company, voter=voter))
            self.naive.vote(self.naive.bookings[name], self.lines[name], voter, approves=True)

    def move(self, name: str, first: int, last: int) -> None:
        """A booking shall start and end so many hours later."""
        now = self.scenario.centre.reservations[name]
        self.change_one(now, (now.lines, now.start + first * HOUR, now.end + last * HOUR))
