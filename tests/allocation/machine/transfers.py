"""Handing over: a reservation goes to another company exactly when that breaks no rule of its own."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from services.allocation.commands import AcceptTransfer, DeclineTransfer, OfferTransfer
from tests.allocation import naive_transfers
from tests.allocation.machine.model import SmallCentre
from tests.allocation.machine.wishes import bookers
from tests.allocation.scenario import HOUR


class Transfers(SmallCentre):
    """What companies offer one another."""

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000), to=bookers, hours=st.sampled_from([1, 24, 200]))
    def offer(self, number: int, to: str, hours: int) -> None:
        """What has not begun can be offered to one company at a time, and the offer be taken back."""
        names = list(self.naive.bookings)
        name = names[-1 - number % len(names)]
        booking = self.naive.bookings[name]
        wish = OfferTransfer(reservation_id=name, company=booking.company, to=to, seconds=hours * HOUR)
        expected = naive_transfers.offering(self.naive, name, to, self.scenario.now)
        if expected:
            assert set(self.scenario.refuses(wish)) == expected
            return
        self.scenario.grants(wish)
        booking.offered_to = "" if to == booking.company else to
        booking.offered_until = min(self.scenario.now + hours * HOUR, booking.start)

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000), accepts=st.sampled_from([True, True, False]))
    def take_over(self, number: int, accepts: bool) -> None:
        """It goes to the other company, which asks for approval anew, or stays for every rule that this would break."""
        bookings = self.naive.bookings
        names = [name for name, each in bookings.items() if each.offered_to] or list(bookings)
        name = names[-1 - number % len(names)]
        booking = bookings[name]
        kind = AcceptTransfer if accepts else DeclineTransfer
        wish = kind(reservation_id=name, company=booking.company)
        expected = naive_transfers.answering(self.naive, name, self.lines[name], self.scenario.now, accepts=accepts)
        if expected:
            assert set(self.scenario.refuses(wish)) == expected
            return
        self.scenario.grants(wish)
        booking.company, booking.offered_to = booking.offered_to if accepts else booking.company, ""
        if accepts:
            booking.votes, booking.agreed = {}, None
            if self.naive.approvers(booking.company, self.lines[name]):
                self.naive.settle(booking, self.lines[name], self.scenario.now)
                booking.was_booked = True
            booking.people = booking.present = 0  # Whoever takes it over brings people of its own.
            self.marked(self.scenario.centre.reservations[name])

    @invariant()
    def offers_agree(self) -> None:
        """Every reservation is whose the model says, and offered to whom it says; each company has a list of those."""
        offered: dict[str, set[str]] = {}
        for name, booking in self.naive.bookings.items():
            reservation = self.scenario.centre.reservations[name]
            to = booking.offered_to if booking.state == "confirmed" else ""
            assert (reservation.company, reservation.offered_to) == (booking.company, to)
            if to:
                offered.setdefault(to, set()).add(name)
        listed = self.scenario.centre.lists.offered
        assert {company: set(names) for company, names in listed.items() if names} == offered
