"""Classes that change: they grow and shrink exactly as far as there is a seat for everybody, around who has come."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from msgspec.structs import replace

from services.allocation.commands import CheckIn
from services.allocation.rejections import Rejected
from services.allocation.reservations import Line, Reservation
from tests.allocation import naive_changing
from tests.allocation.fixture import NOW
from tests.allocation.machine.asking import Asking
from tests.allocation.machine.booking import Booking
from tests.allocation.machine.wishes import class_of, sized
from tests.allocation.scenario import DAY, HOUR, change


class Classes(Booking, Asking):
    """What companies ask of who takes part."""

    @precondition(lambda self: self.naive.bookings)
    @rule(
        asked=st.lists(
            st.tuples(st.integers(0, 1000), st.sampled_from([0, 1, 2, 3, 4, 8]), st.sampled_from([0, 0, 1, 2, 3])),
            min_size=1,
            max_size=6,
        )
    )
    def resize(self, asked: list[tuple[int, int, int]]) -> None:
        """A class is of more or fewer people, or has more or fewer seats, or both; and a booking becomes a class."""
        for number, people, units in asked:
            self.resize_one(self.taught(number), people, units)

    @rule(
        company=st.sampled_from(["RICH", "RICH", "NONE", "POOR"]),
        first=st.sampled_from([2, 3, 4]),
        come=st.sampled_from([0, 1, 2, 3]),
        then=st.sampled_from([1, 2, 3, 4, 8]),
    )
    def teach_soon(self, company: str, first: int, come: int, then: int) -> None:
        """Once some of a class have come, they stay in it, however many it is of from then on."""
        start = (self.scenario.now // HOUR + 1) * HOUR
        self.book_one(company, ((Line(resource="gpus", units=1000),), start, HOUR), people=first)
        name = f"b{self.count}"
        if name not in self.naive.bookings or start >= NOW + 12 * DAY:
            return
        self.pass_until(start)
        booking = self.naive.bookings[name]
        if booking.state == "active" and 0 < come <= first:
            self.scenario.grants(CheckIn(reservation_id=name, company=company, present=come))
            booking.checked_in, booking.present = True, come
        self.resize_one(name, then, 0)

    def taught(self, number: int) -> str:
        """A class that is not over, if there is one, and else any booking."""
        bookings = self.naive.bookings
        open_ = [name for name, each in bookings.items() if each.state in ("held", "pending", "confirmed", "active")]
        classes = [name for name in open_ if bookings[name].people]
        names = (classes if number % 4 else open_) or open_ or list(bookings)
        return names[number % len(names)]

    def resize_one(self, name: str, people: int, units: int) -> None:
        """One change; 0 leaves the people, or the units, as they are."""
        before, booking, now = self.scenario.centre.reservations[name], self.naive.bookings[name], self.scenario.now
        lines = before.lines
        if units:
            lines = tuple(replace(line, units=sized(line.resource, units)) for line in lines)
        wish, then = (lines, before.start, before.end), people or booking.people
        expected = naive_changing.reasons(self.naive, name, wish, before.lines, now, then)
        try:
            after = self.scenario.grants(change(before, lines=lines, participants=class_of(people)))
        except Rejected as refusal:
            if not self.naive.outages:
                self.agree(refusal, expected)
            return
        assert self.naive.outages or expected == set(), (expected, before, wish, after)
        assert isinstance(after, Reservation)
        if wish != (before.lines, before.start, before.end) and naive_changing.asks(
            self.naive, booking, wish, before.lines
        ):
            self.ask(before, after, wish)
            return
        self.naive.drop(name)
        self.alter(before, after, wish)
        self.naive.bookings[name].people = then
        if after.allocations != before.allocations and before.start > now:
            self.marked(after)

    @invariant()
    def everybody_in_a_class_has_a_seat(self) -> None:
        """Every class is of as many as the model says, has as many come, and has a seat for each."""
        for name, booking in self.naive.bookings.items():
            stands = self.scenario.centre.reservations[name]
            told = (stands.participants.count, stands.participants.present) if stands.participants else (0, 0)
            assert told == (booking.people, booking.present)
            assert not self.naive.crowded(stands.lines, booking.people)
