"""Misuse: a company loses all that it has, books nothing until an operator lifts it, and then may book again."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.allocation.commands import LiftMisuse, RecordMisuse, Tick
from services.allocation.decide import decide
from services.allocation.rejections import Reason
from tests.allocation.machine.model import SmallCentre
from tests.allocation.machine.wishes import bookers
from tests.allocation.naive_booking import GIVEN_BACK
from tests.allocation.scenario import DAY, book, line


class Revoking(SmallCentre):
    """What an operator takes back."""

    @precondition(lambda self: len(self.naive.bookings) > 4 or self.naive.misused)
    @rule(company=bookers, lifts=st.sampled_from([True, True, False]))
    def revoke(self, company: str, lifts: bool) -> None:
        """All that has not ended is given back at once, without fee or strike; nothing is booked until it is lifted."""
        self.pass_until(self.scenario.now)
        wish = RecordMisuse(company=company, reason="a test")
        if company in self.naive.misused:
            assert self.scenario.refuses(wish) == [Reason.ALREADY_EXISTS]
        else:
            self.scenario.grants(wish)
            self.naive.misused.add(company)
            self.take_back(company)
        start = (self.scenario.now // DAY + 2) * DAY
        assert Reason.REVOKED in self.scenario.refuses(book(company, line("gpus", 1000), start=start, hours=1))
        if lifts:
            self.lift_misuse(company)

    @rule(company=bookers)
    def lift_misuse(self, company: str) -> None:
        """What is recorded can be lifted, and nothing else."""
        wish = LiftMisuse(company=company)
        if company not in self.naive.misused:
            assert self.scenario.refuses(wish) == [Reason.NO_SUCH_RECORD]
            return
        self.scenario.grants(wish)
        self.naive.misused.remove(company)

    def take_back(self, company: str) -> None:
        """Everything live is given back: what runs up to its next cell, what waits as if it had never been."""
        while self.scenario.centre.next_due() == self.scenario.now:
            self.scenario.tell(decide(self.scenario.centre, Tick(), self.scenario.now))
        for name, booking in self.naive.bookings.items():
            if booking.company != company or booking.state in GIVEN_BACK:
                continue
            if booking.state == "active":
                self.naive.release(name, self.scenario.now, self.naive.cell(booking))
            elif booking.state in ("held", "pending", "confirmed"):
                booking.state = "cancelled"
