"""Splitting: a booking becomes two exactly when each of them could stand by itself, and nothing else changes."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.allocation.commands import SplitReservation
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Line, Reservation
from tests.allocation import naive_booking, naive_splitting
from tests.allocation.machine.booking import Booking
from tests.allocation.machine.model import held_by
from tests.allocation.machine.wishes import Wish, sized, wishes
from tests.allocation.naive_booking import CELL

Cut = tuple[int, int]
"""After so many eighths of its time; or after none, units from few to many."""
cuts = st.tuples(st.sampled_from([0, 0, 0, 1, 2, 4, 4, 4, 6, 7, 8]), st.integers(1, 4))
UNEVEN = {Reason.COMPANION_MISSING, Reason.INVALID_LINES}


class Splitting(Booking):
    """What companies make two of."""

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000), cut=cuts)
    def split(self, number: int, cut: Cut) -> None:
        """Anything there is, rather what is confirmed."""
        bookings = self.naive.bookings
        ready = [name for name, each in bookings.items() if each.state == "confirmed"] if number % 5 else []
        self.split_one((ready or list(bookings))[number % len(ready or bookings)], cut)

    @rule(company=st.sampled_from(["RICH"] * 5 + ["POOR"]), wish=wishes, cuts=st.lists(cuts, min_size=1, max_size=4))
    def book_and_split(self, company: str, wish: Wish, cuts: list[Cut]) -> None:
        """A booking becomes two, and one of these two again."""
        self.book_one(company, wish)
        names = [f"b{self.count}"]
        for cut in cuts if names[0] in self.naive.bookings else ():
            if part := self.split_one(names[cut[1] % len(names)], cut):
                names.append(part)

    def split_one(self, name: str, asked: Cut) -> str:
        """At a time, to the half-hour, or so many units of one of its lines. Gives the part's name if there is one."""
        (eighths, size), now = asked, self.scenario.now
        whole = self.scenario.centre.reservations[name]
        resource = whole.lines[size % len(whole.lines)].resource
        after = (whole.end - whole.start) * eighths // 8 // CELL * CELL
        cut = whole.start + after if eighths else (resource, sized(resource, size))
        expected = naive_splitting.parts(self.naive, name, whole.lines, cut, self.override_of(name), now)
        self.count += 1
        wish = SplitReservation(
            reservation_id=name,
            company=whole.company,
            part_id=f"part{self.count}",
            at=cut if isinstance(cut, int) else None,
            lines=() if isinstance(cut, int) else (Line(resource=cut[0], units=cut[1]),),
        )
        try:
            part = self.scenario.grants(wish)
        except Rejected as refusal:
            self.agree_on_split(refusal, expected, by_time=bool(eighths))
            return ""
        assert isinstance(part, Reservation)
        assert (expected.reasons, expected.uneven) == (set(), False), (expected, whole, part)
        self.halve(name, part)
        return part.id

    def agree_on_split(self, refusal: Rejected, expected: naive_splitting.Parts, *, by_time: bool) -> None:
        """A refusal names exactly the broken rules; how units stand that are shared out, the model does not know."""
        reasons = {each.reason for each in refusal.violations}
        if self.naive.outages and reasons == {Reason.WRONG_STATE}:
            return  # What stands on what is out waits for its place.
        if expected.uneven:
            assert reasons <= UNEVEN
        elif by_time or expected.reasons or reasons != {Reason.INVALID_UNITS}:
            assert reasons == expected.reasons, (reasons, expected)

    def halve(self, name: str, part: Reservation) -> None:
        """The model has two in the place of one: they hold, and pay for, the same together."""
        was, rest = self.naive.bookings[name], self.scenario.centre.reservations[name]
        kept, gone = self.half(was, rest), self.half(was, part)
        gone.ahead = was.ahead + part.start - was.start
        assert (kept.held + gone.held, kept.paid + gone.paid) == (was.held, was.paid)
        self.naive.bookings[name], self.naive.bookings[part.id] = kept, gone
        self.lines[name], self.lines[part.id] = rest.lines, part.lines

    def half(self, was: naive_booking.Booking, reservation: Reservation) -> naive_booking.Booking:
        """One of the two, as far as it was decided on."""
        made = self.naive.booking(was.company, reservation.lines, reservation.start, reservation.end)
        assert held_by(reservation.allocations) == made.held
        made.state, made.votes, made.agreed = was.state, dict(was.votes), was.agreed
        made.ahead, made.was_booked = was.ahead, was.was_booked
        return made
