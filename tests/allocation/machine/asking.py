"""Changes that somebody must agree to: both places are held until they have, and nothing is lost if they do not."""

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from services.allocation.commands import ApproveReservation, DenyReservation
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation
from tests.allocation import naive_asking, naive_changing
from tests.allocation.machine.model import SmallCentre, held_by
from tests.allocation.machine.small_centre import VOTERS
from tests.allocation.machine.wishes import Wish
from tests.allocation.naive_booking import CELL, Booking


class Asking(SmallCentre):
    """What was asked of what stands, and what those say who may agree."""

    def ask(self, before: Reservation, after: Reservation, wish: Wish) -> None:
        """The model takes in that a change waits: what stands stays, and the new place is held beside it."""
        naive, now, name = self.naive, self.scenario.now, before.id
        booking = naive.bookings[name]
        assert after.asked is not None
        assert (after.start, after.end, after.allocations) == (before.start, before.end, before.allocations)
        begun = naive_changing.opens(naive, booking, now) > 0
        expires = naive_asking.deadline(naive, booking, wish, begun, now)
        assert after.asked.expires_at == expires
        changed = naive_changing.changed(naive, booking, wish, before.lines, now)
        beside = Booking(booking.company, wish[1], wish[2], held_by(after.beside), paid_by(after))
        assert naive_asking.covered(changed.held, booking.held, beside.held)
        naive.asked[name] = naive_asking.Asked(wish, now, expires)
        naive.beside[name] = beside

    def elsewhere(self, before: Reservation, wish: Wish) -> set[Reason]:
        """The reasons there may be as well against a change that waits, if it has to stand on other units."""
        if all(len(self.resource(line.resource).nodes) == 1 for line in wish[0]):
            return set()
        booking = self.naive.bookings[before.id]
        after = naive_changing.changed(self.naive, booking, wish, before.lines, self.scenario.now)
        return naive_asking.reasons(self.naive, before.id, after, apart=True)

    @precondition(lambda self: any(self.naive.waits(name) for name in self.naive.asked))
    @rule(number=st.integers(0, 1000), voter=st.sampled_from(VOTERS), approves=st.sampled_from([True, True, False]))
    def judge(self, number: int, voter: str, approves: bool) -> None:
        """Enough who agree make it true, too few who could leave what stands; in between everybody votes once."""
        names = [name for name in self.naive.asked if self.naive.waits(name)]
        self.say(names[number % len(names)], voter, approves)

    def say(self, name: str, voter: str, approves: bool) -> None:
        """One vote on a change."""
        naive, now = self.naive, self.scenario.now
        booking, asked = naive.bookings[name], naive.asked[name]
        kind = ApproveReservation if approves else DenyReservation
        wish = kind(reservation_id=name, company=booking.company, voter=voter)
        if asked.expires <= now:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]
            return
        if voter in asked.votes:
            assert self.scenario.refuses(wish) == [Reason.ALREADY_VOTED]
            return
        before = self.scenario.centre.reservations[name]
        after = self.scenario.grants(wish)
        assert isinstance(after, Reservation)
        granted = naive_asking.vote(naive, booking, asked, voter, approves)
        if granted is None:
            assert after.asked is not None
            return
        naive.drop(name)
        if not granted:
            assert (after.asked, after.allocations) == (None, before.allocations)
            return
        changed = naive_changing.changed(naive, booking, asked.wish, before.lines, now)
        if naive_changing.gives_back_late(naive, booking, changed, asked.at):
            naive.strike_for_lateness(name, now)
        naive.bookings[name], self.lines[name] = changed, asked.wish[0]
        if naive_changing.opens(naive, booking, now):
            self.bound[name] = after.allocations

    @invariant()
    def what_waits_agrees(self) -> None:
        """A change waits of exactly those of which the model says so, and holds beside them what the model says."""
        for name in self.naive.bookings:
            reservation, waits = self.scenario.centre.reservations[name], self.naive.waits(name)
            assert (reservation.asked is not None) == waits, reservation
            if waits:
                assert held_by(reservation.beside) == self.naive.beside[name].held


def paid_by(reservation: Reservation) -> Counter[tuple[str, int]]:
    """Units held beside a reservation that a quota pays for, by meter and half-hour."""
    paid: Counter[tuple[str, int]] = Counter()
    for each in reservation.beside:
        for start, end in each.spans if each.meter else ():
            for cell in range(start, end, CELL):
                paid[each.meter, cell] += each.units
    return paid
