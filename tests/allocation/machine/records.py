"""Bills that are not paid, and reviews of what was granted: what an operator records, and what time makes of it."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from services.allocation.commands import ClearArrears, ExemptFromReview, RecordArrears
from services.allocation.rejections import Reason
from services.allocation.values.arrears import Arrear
from tests.allocation import naive_records
from tests.allocation.fixture import NOW
from tests.allocation.machine.model import SmallCentre
from tests.allocation.machine.small_centre import TERMS
from tests.allocation.machine.wishes import bookers
from tests.allocation.naive_booking import Bill
from tests.allocation.scenario import DAY, HOUR, at, book, line

months = st.sampled_from(["2025-10", "2025-10", "2025-11", "2026-01"])
bills = st.one_of(
    *[st.sampled_from(["2025-12-02 09:00", "2025-12-03 09:00"]).map(lambda due: ("2025-10", due))] * 2,
    *[st.sampled_from(["2026-02-02 12:00", "2026-02-03 15:30"]).map(lambda due: ("2025-11", due))] * 2,
    st.tuples(
        st.sampled_from(["2026-01", "2026-03", "2026-13"]), st.sampled_from(["2026-02-04 00:00", "2026-01-31 23:00"])
    ),
    st.just(("2026-01", None)),
)
"""The month of a bill, and when it was due: so that it has been overdue for one month, or three, soon; or nonsense."""


class Records(SmallCentre):
    """What companies owe, and what they did not use."""

    @rule(
        company=st.sampled_from(["RICH", "POOR", "NONE"]),
        bill=bills,
        krw=st.sampled_from([999, 999, 12345, 0]),
        waits=st.sampled_from([True, True, False]),
    )
    def record_arrears(self, company: str, bill: tuple[str, str | None], krw: int, waits: bool) -> None:
        """A bill of a month that is over, and was due by now, is recorded once, and has its effect in time."""
        (month, due), now = bill, self.scenario.now
        moment = at(due) if due else now + HOUR
        wish = RecordArrears(company=company, arrear=Arrear(month=month, krw=krw, since=moment))
        expected = naive_records.recording(self.naive, company, month, krw, moment, now)
        if expected:
            assert set(self.scenario.refuses(wish)) == expected
            return
        self.scenario.grants(wish)
        owed = self.naive.bills.setdefault(company, {})[month] = Bill(krw, moment)
        stages = [naive_records.later(moment, rule.months) for rule in TERMS.arrears]
        ahead = [stage for stage in stages if now < stage < NOW + 12 * DAY]
        if waits and ahead:
            self.pass_until(min(ahead))
        if owed.suspends:
            start = (self.scenario.now // DAY + 2) * DAY
            assert Reason.ARREARS in self.scenario.refuses(book(company, line("gpus", 1000), start=start, hours=1))

    @rule(company=bookers, month=months)
    def clear_arrears(self, company: str, month: str) -> None:
        """What is recorded can be cleared, and then keeps nobody from booking; what was surcharged stays."""
        wish = ClearArrears(company=company, month=month)
        if month not in self.naive.bills.get(company, {}):
            assert self.scenario.refuses(wish) == [Reason.NO_SUCH_RECORD]
            return
        self.scenario.grants(wish)
        del self.naive.bills[company][month]

    @rule(company=bookers)
    def exempt(self, company: str) -> None:
        """The next review passes a company by, if it is far enough ahead and does not do so already."""
        wish = ExemptFromReview(company=company, reason="a test")
        expected = naive_records.exempting(self.naive, company, self.scenario.now)
        if expected:
            assert set(self.scenario.refuses(wish)) == expected
            return
        self.scenario.grants(wish)
        naive_records.exempt(self.naive, company, self.scenario.now)

    @invariant()
    def bills_agree(self) -> None:
        """Every bill, what followed from it and what it was surcharged are what the model says."""
        for company in self.naive.companies:
            stands = self.scenario.centre.records.conduct(company)
            bills = self.naive.bills.get(company, {})
            told = {each.month: (each.krw, set(each.reached), each.suspends) for each in stands.arrears}
            assert told == {month: (bill.krw, bill.reached, bill.suspends) for month, bill in bills.items()}
            posted = self.scenario.centre.records.corrections.get(company, {}).values()
            assert -sum(each.krw for each in posted if not each.meter) == self.naive.surcharged.get(company, 0)
            assert (stands.misuse is not None) == (company in self.naive.misused)

    @invariant()
    def grants_agree(self) -> None:
        """What is granted is what the reviews of the model left, to the unit-second."""
        granted = {
            (each.company, each.meter, each.start): (each.unit_seconds, each.reclaimed) for each in self.naive.quotas
        }
        for (company, meter), kept in self.scenario.centre.meters.items():
            for period in kept.periods:
                quota = period.quota
                assert (quota.unit_seconds, quota.reclaimed) == granted[company, meter, quota.start]
