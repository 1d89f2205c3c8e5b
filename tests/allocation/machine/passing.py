"""Time, restarts and searches: what changes nothing that was promised."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.allocation import image
from services.allocation.calendars.calendar import DAYS_BEHIND
from services.allocation.decide import decide
from services.allocation.offering.offers import Search, search
from tests.allocation.fixture import NOW
from tests.allocation.machine.model import SmallCentre
from tests.allocation.machine.wishes import Wish, wishes
from tests.allocation.naive_booking import CELL
from tests.allocation.scenario import DAY, HOUR, book, grids_of


class Passing(SmallCentre):
    """What happens to a centre by itself."""

    @rule(seconds=st.sampled_from([60, 900, CELL, HOUR, 3 * HOUR, 11 * HOUR]))
    def wait_for(self, seconds: int) -> None:
        """Time passes, and moves every reservation on."""
        self.wait(seconds)

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
        assert after.lists.running.keys() == before.lists.running.keys()
        assert {name: list(pool.waiting) for name, pool in after.pools.items()} == {
            name: list(pool.waiting) for name, pool in before.pools.items()
        }
        self.scenario.centre = after
        self.restarted_at = len(self.scenario.history)
