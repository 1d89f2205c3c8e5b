"""Changing a reservation: granted exactly when no rule is broken by what is new."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec.structs import replace

from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation
from tests.allocation import naive_changing
from tests.allocation.machine.asking import Asking
from tests.allocation.machine.small_centre import WEEKS
from tests.allocation.machine.wishes import EDGES, Wish, anew, phases, sized
from tests.allocation.scenario import HOUR, change


class Changing(Asking):
    """What companies ask of what they have."""

    @precondition(lambda self: self.naive.bookings)
    @rule(
        asked=st.lists(
            st.tuples(st.integers(0, 1000), st.sampled_from(EDGES), st.sampled_from([0, 0, 0, 1, 2, 3]), phases, anew),
            min_size=1,
            max_size=6,
        )
    )
    def change(
        self, asked: list[tuple[int, tuple[float, float], int, tuple[float, float] | None, Wish | None]]
    ) -> None:
        """A change is granted exactly when no rule is broken by what is new, and else the reservation stays."""
        for number, edges, units, staggers, other in asked:
            before = self.scenario.centre.reservations[self.changeable(number)]
            lines = before.lines
            if staggers is not None:
                after, ahead = (int(hours * HOUR) for hours in staggers)
                others = (replace(line, starts_after=after, ends_before=ahead) for line in lines[1:])
                lines = (lines[0], *others)
            if units:
                lines = tuple(replace(line, units=sized(line.resource, units)) for line in lines)
            start, end = before.start + int(edges[0] * HOUR), before.end + int(edges[1] * HOUR)
            if end > WEEKS[-1]:
                continue  # The model's calendar ends soon after.
            self.change_one(before, (lines, start, end) if other is None else (other[0], other[1], sum(other[1:])))

    def changeable(self, number: int) -> str:
        """A reservation, rather one that has begun than one that has not, and rather that than one that has ended."""
        bookings = self.naive.bookings
        for states in [("active",), ("confirmed",)] if number % 3 else [("pending",), ("held", "confirmed", "active")]:
            if names := [name for name, each in bookings.items() if each.state in states]:
                return names[number % len(names)]
        return list(bookings)[number % len(bookings)]

    def change_one(self, before: Reservation, wish: Wish) -> None:
        """One change."""
        lines, start, end = wish
        now, name = self.scenario.now, before.id
        expected = naive_changing.reasons(self.naive, name, wish, before.lines, now)
        asks = wish != (before.lines, before.start, before.end) and naive_changing.asks(
            self.naive, self.naive.bookings[name], wish, before.lines
        )
        command = change(before, lines=lines, start=start, end=end)
        try:
            after = self.scenario.grants(command)
        except Rejected as refusal:
            if asks:
                expected |= self.elsewhere(before, wish) & {each.reason for each in refusal.violations}
            if not self.naive.outages:
                self.agree(refusal, expected, lines if asks else ())
            return
        # What of the time that runs is out, the model does not tell in half-hours.
        assert self.naive.outages or expected == set(), (expected, before, wish, after)
        assert isinstance(after, Reservation)
        if asks:
            self.ask(before, after, wish)
            return
        self.naive.drop(name)  # What was asked for before is asked for no more.
        self.alter(before, after, wish)
        if after.allocations != before.allocations and before.start > now:
            self.marked(after)
