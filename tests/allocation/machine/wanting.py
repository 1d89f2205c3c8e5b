"""Wanting more of what was approved: booked, agreed to, asked for anew and judged, all in a row or interrupted."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from services.allocation.commands import ApproveReservation
from services.allocation.reservations import Line, State
from tests.allocation.machine.booking import Booking
from tests.allocation.machine.changing import Changing
from tests.allocation.machine.small_centre import VOTERS
from tests.allocation.scenario import DAY, HOUR, at

EDGES = [(0, 1), (0, 1), (0, 2), (1, 1), (1, 2), (-1, 0), (24, 24), (48, 49), (0, -1)]


class Wanting(Booking, Changing):
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
        self.book_one("RICH", ((Line(resource=name, units=1),), start, 2 * HOUR))
        found = self.scenario.centre.reservations.get(f"b{self.count}")
        if found is None or found.state is not State.PENDING:
            return
        for voter in VOTERS[: found.approval.quorum if found.approval else 0]:
            self.scenario.grants(ApproveReservation(reservation_id=found.id, company="RICH", voter=voter))
            self.naive.vote(self.naive.bookings[found.id], self.lines[found.id], voter, approves=True)
        if begun and start > self.scenario.now and day < 2:
            self.pass_until(start + 60)
        for first, last in edges:
            now = self.scenario.centre.reservations[found.id]
            self.change_one(now, (now.lines, now.start + first * HOUR, now.end + last * HOUR))
        for voter, approves in zip(VOTERS, votes, strict=False):
            if self.naive.waits(found.id):
                self.say(found.id, voter, approves)
