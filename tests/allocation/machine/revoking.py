"""Misuse: a company loses all that it has, books nothing, and may book again."""

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

    @precondition(lambda self: len(self.naive.bookings) > 4)
    @rule(company=bookers)
    def revoke(self, company: str) -> None:
        """All that has not ended is given back without a fee or a strike, at once; then the company may book again."""
        self.pass_until(self.scenario.now)
        self.scenario.grants(RecordMisuse(company=company, reason="a test"))
        while self.scenario.centre.next_due() == self.scenario.now:
            self.scenario.tell(decide(self.scenario.centre, Tick(), self.scenario.now))
        for name, booking in self.naive.bookings.items():
            if booking.company != company or booking.state in GIVEN_BACK:
                continue
            if booking.state == "active":
                self.naive.release(name, self.scenario.now, self.naive.cell(booking))
            elif booking.state in ("held", "pending", "confirmed"):
                booking.state = "cancelled"
        start = (self.scenario.now // DAY + 2) * DAY
        assert Reason.REVOKED in self.scenario.refuses(book(company, line("gpus", 1000), start=start, hours=1))
        self.scenario.grants(LiftMisuse(company=company))
