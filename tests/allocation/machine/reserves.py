"""The reserves of the programmes: what reviews return to them, and what an operator gives out of them."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from services.allocation.commands import PostCorrection
from services.allocation.values.correction import Correction, CorrectionKind
from tests.allocation import naive_records, naive_reserve
from tests.allocation.fixture import NOW
from tests.allocation.machine.model import SmallCentre
from tests.allocation.machine.small_centre import WEEKS
from tests.allocation.machine.wishes import bookers
from tests.allocation.scenario import DAY, HOUR

HALF, ALL, ONE_MORE, NOTHING, BACK = "half", "all", "one more", "nothing", "back"


class Reserves(SmallCentre):
    """What is taken from one company and given to another of its programme."""

    @rule(
        company=bookers,
        share=st.sampled_from([HALF, HALF, HALF, ALL, ALL, ONE_MORE, NOTHING, BACK]),
        start=st.sampled_from([*WEEKS, *WEEKS[:3]]),
        waits=st.sampled_from([True, True, False]),
        and_back=st.sampled_from([True, False, False]),
    )
    def give_from_reserve(self, company: str, share: str, start: int, waits: bool, and_back: bool) -> None:
        """As much as there is and no more, for a period that the company has a quota of, is given."""
        if waits:
            self.wait_for_a_review()
        left = naive_reserve.left(self.naive, self.naive.companies[company].programme)
        amount = {HALF: left // 2, ALL: left, ONE_MORE: left + 1, NOTHING: 0, BACK: -HOUR}[share]
        self.count += 1
        wish = correction(f"g{self.count}", company, start, amount)
        expected = naive_reserve.giving(self.naive, company, start, amount)
        if expected:
            assert set(self.scenario.refuses(wish)) == expected
            return
        self.scenario.grants(wish)
        naive_reserve.give(self.naive, wish.correction.id, company, start, amount)
        if and_back:
            self.reverse(wish.correction.id)

    def wait_for_a_review(self) -> None:
        """Time passes until a review is due, or the play is nearly over."""
        every = (date for each in self.naive.companies.values() for date in naive_records.dates(self.naive, each))
        ahead = [date for date in every if self.scenario.now < date < NOW + 12 * DAY]
        if ahead:
            self.pass_until(min(ahead))

    @precondition(lambda self: self.naive.gifts)
    @rule(number=st.integers(0, 100))
    def take_back_what_was_given(self, number: int) -> None:
        """What was given is taken back once, as far as it is not booked, and then the reserve has it again."""
        self.reverse(list(self.naive.gifts)[number % len(self.naive.gifts)])

    def reverse(self, name: str) -> None:
        """A gift is taken back by the correction that names it, or that is refused for a reason of the model."""
        gift = self.naive.gifts[name]
        self.count += 1
        wish = correction(f"g{self.count}", gift.company, gift.start, -gift.unit_seconds, reverses=name)
        expected = naive_reserve.reversing(self.naive, name)
        if expected:
            assert set(self.scenario.refuses(wish)) == expected
            return
        self.scenario.grants(wish)
        naive_reserve.take_back(self.naive, name)

    @invariant()
    def reserves_agree(self) -> None:
        """Each has what the quotas of its programme lost less what was given of that, and never less than nothing."""
        kept, lost = self.scenario.centre.reserves.of, {}
        for (company, meter), each in self.scenario.centre.meters.items():
            key = self.naive.companies[company].programme, meter
            lost[key] = lost.get(key, 0) + sum(period.quota.reclaimed for period in each.periods)
        assert {key: each.returned for key, each in kept.items()} == {key: lost[key] for key in lost if lost[key]}
        for (programme, _), each in kept.items():
            assert each.left == naive_reserve.left(self.naive, programme) >= 0
            assert each.given >= 0


def correction(name: str, company: str, start: int, unit_seconds: int, reverses: str = "") -> PostCorrection:
    """Unit-seconds out of the reserve; a reversal goes back there without saying so."""
    return PostCorrection(
        correction=Correction(
            id=name,
            company=company,
            krw=0,
            kind=CorrectionKind.GOODWILL,
            reason="a test",
            unit_seconds=unit_seconds,
            meter=naive_reserve.METER,
            start=start,
            reverses=reverses,
            from_reserve=not reverses,
        )
    )
