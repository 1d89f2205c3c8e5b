"""What the scheduler quotes is what the ledger books, to the won: two folds of one log, asked before and after."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from services.allocation.commands import (
    CancelReservation,
    CheckIn,
    Command,
    ConfirmReservation,
    PublishTariff,
    ReleaseReservation,
    Tick,
)
from services.allocation.decide import decide
from services.allocation.events import Events
from services.allocation.life import follow
from services.allocation.money.costing import cost_by, cost_of, drafted
from services.allocation.money.quoting import cancellation_quote, change_quote, release_quote
from services.allocation.rejections import Rejected
from services.allocation.reservations import Line, Reservation, State
from services.allocation.values.tariff import Basis, Discount, Peak, Price, Tariff
from services.ledger.chart import PENDING, Account, Transfer
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, change
from tests.ledger.posting_desk import Desk

NOW = at("2026-03-30 08:00")
MONDAY = at("2026-03-30 00:00")
COMPANIES = (
    replace(fixture.ALPHA, attributes={"stage": "sme", "free_cancel_hours": "30"}),
    replace(fixture.BETA, programme="academy"),
)
WINDOWS = (
    Peak(weekdays=(0, 1, 2, 3, 4), starts=9 * 60, ends=18 * 60, percent=133),
    Peak(weekdays=(0, 1, 2, 3, 4, 5, 6), starts=22 * 60 + 30, ends=30 * 60, percent=71, resources=("a100", "h100")),
    Peak(weekdays=(5, 6), starts=6 * 60, ends=22 * 60, percent=0, resources=("C24",)),
)
QUOTAS = tuple(each for each in fixture.QUOTAS if each.company == "ALPHA")

cards = st.builds(
    lambda krw, discount, late, windows, step: Tariff(
        id="later",
        valid_from=0,
        prices=(
            Price(resource="a100", krw=1200 + krw),
            Price(resource="h100", krw=3000 + krw),
            Price(resource="M01", krw=600_000 + krw, basis=Basis.SLOT),
            Price(resource="L01", krw=7 + krw, basis=Basis.SLOT),
            Price(resource="C24", krw=10_000 + krw),
            Price(resource="OP", krw=900 + krw),
        ),
        discounts=(
            Discount(attribute="stage", value="sme", percent=discount),
            Discount(attribute="programme", value="academy", percent=80),
        ),
        share_step=step,
        compute_late_percent=late,
        equipment_late_percent=100 - late,
        no_show_percent=50,
        peaks=windows,
    ),
    st.integers(0, 1000),
    st.sampled_from([0, 33, 50, 100]),
    st.integers(0, 100),
    st.sampled_from([(), WINDOWS[:1], WINDOWS[1:]]),
    st.sampled_from([0, 125, 400]),
)


def line(resource: str, units: int = 1, after: int = 0, before: int = 0) -> Line:
    """A line that may begin some hours later and end some earlier."""
    return Line(resource=resource, units=units, starts_after=after * HOUR, ends_before=before * HOUR)


demands = st.sampled_from(
    [
        (line("a100", 375),),
        (line("a100", 8000),),
        (line("h100", 16),),
        (line("M01"),),
        (line("M03"),),
        (line("M01"), line("M03", 2)),
        (line("L01"), line("OP")),
        (line("C24"), line("a100", 2000, after=1)),
        (line("C24", 2), line("h100", 8, before=1)),
        (line("T1"),),
    ]
)
starts = st.builds(
    lambda day, hour: MONDAY + day * DAY + hour * HOUR, st.integers(0, 4), st.sampled_from([0, 9, 9, 10, 14, 14, 20])
)
lengths = st.sampled_from([1, 2, 4, 4, 9, 26, 52]).map(lambda hours: hours * HOUR)


class Quotes(RuleBasedStateMachine):
    """A centre that quotes, and books that take its events."""

    def __init__(self) -> None:
        super().__init__()
        self.scenario = Scenario.of(*fixture.RESOURCES, *COMPANIES, *QUOTAS, now=NOW)
        self.desk = Desk()
        for _, _, events in self.scenario.history:
            for event in events:
                self.desk.says(event, NOW)
        self.names: list[str] = []

    def decided(self, wish: Command) -> Events:
        """What a wish would make happen; nothing where it is refused."""
        try:
            return decide(self.scenario.centre, wish, self.scenario.now)
        except Rejected:
            return ()

    def happens(self, decided: Events, reservation: str = "") -> dict[Account, int]:
        """What events of one decision add to the accounts of a reservation, in KRW."""
        self.scenario.tell(decided)
        posted: list[Transfer] = []
        for event in decided:
            posted += self.desk.says(event, self.scenario.now)
        added = dict.fromkeys(Account, 0)
        for each in posted:
            if each.reservation == reservation:
                added[each.from_account] -= each.krw
                added[each.to_account] += each.krw
        return added

    def chosen(self, number: int) -> Reservation:
        """One of all that were made."""
        return self.scenario.centre.reservations[self.names[-1 - number % len(self.names)]]

    @initialize(card=st.none() | cards)
    def begin(self, card: Tariff | None) -> None:
        """Mostly there is a rate card from the beginning."""
        if card is not None:
            self.publish(card, 0)

    @rule(card=cards, later=st.sampled_from([0, 0, HOUR, 2 * DAY]))
    def publish(self, card: Tariff, later: int) -> None:
        """Another rate card, for what is made from now on, and starts then or later."""
        name = f"card-{len(self.scenario.centre.cards.published)}"
        valid_from = self.scenario.now + later if later else 0
        decided = self.decided(PublishTariff(tariff=replace(card, id=name, valid_from=valid_from)))
        assert decided
        self.happens(decided)

    @rule(
        company=st.sampled_from(["ALPHA", "ALPHA", "BETA"]),
        lines=demands,
        start=starts,
        length=lengths,
        hold=st.sampled_from([0, 0, 600]),
    )
    def book(self, company: str, lines: tuple[Line, ...], start: int, length: int, hold: int) -> None:
        """What a booking would cost is what is booked for it, or held."""
        wish = book(company, *lines, start=start, end=start + length, hold=hold)
        decided = self.decided(wish)
        if decided:
            quoted = cost_of(self.scenario.centre, drafted(decided, self.scenario.now))
            added = self.happens(decided, wish.reservation_id)
            assert sum(added[each] for each in PENDING) == quoted.krw == sum(quoted.by_resource.values())
            self.names.append(wish.reservation_id)

    @precondition(lambda self: self.names)
    @rule(number=st.integers(0, 20))
    def confirm(self, number: int) -> None:
        """A held offer costs as a booking what it cost as an offer."""
        held = self.chosen(number)
        added = self.happens(self.decided(ConfirmReservation(reservation_id=held.id, company=held.company)), held.id)
        assert sum(added[each] for each in PENDING) == 0

    @precondition(lambda self: self.names)
    @rule(
        number=st.integers(0, 20),
        start=st.none() | starts,
        length=st.none() | lengths,
        lines=st.none() | demands,
        excused=st.booleans(),
    )
    def change(
        self, number: int, start: int | None, length: int | None, lines: tuple[Line, ...] | None, excused: bool
    ) -> None:
        """The difference and the fee of a change are what the books make of it."""
        before, centre, now = self.chosen(number), self.scenario.centre, self.scenario.now
        end = None if length is None else (before.start if start is None else start) + length
        decided = self.decided(change(before, start=start, end=end, lines=lines, excused=excused))
        if not decided:
            return
        cost = cost_of(centre, before)
        after = follow(before, decided[-1], now, 0)
        then = cost_by(centre, after, cost.card)
        quote = change_quote(centre, before, after, now, excused=excused)
        added = self.happens(decided, before.id)
        assert sum(added[each] for each in PENDING) == then.krw - cost.krw
        assert added[Account.PENALTY] == quote.due

    @precondition(lambda self: self.names)
    @rule(number=st.integers(0, 20), excused=st.booleans())
    def cancel(self, number: int, excused: bool) -> None:
        """What a cancellation was quoted to cost is its penalty, and the rest of the price is released."""
        given = self.chosen(number)
        wish = CancelReservation(reservation_id=given.id, company=given.company, excused=excused)
        decided = self.decided(wish)
        if decided:
            quote = cancellation_quote(self.scenario.centre, given, self.scenario.now, excused=excused)
            added = self.happens(decided, given.id)
            assert (added[Account.PENALTY], added[Account.RELEASED]) == (quote.due, quote.refund)
            assert sum(added[each] for each in PENDING) == -quote.due - quote.refund

    @precondition(lambda self: self.names)
    @rule(number=st.integers(0, 20), excused=st.booleans(), wait=st.sampled_from([0, 0, 60, 5000]))
    def release(self, number: int, excused: bool, wait: int) -> None:
        """A release costs what it was quoted to; the rest of what is given back is released, and all else is used."""
        self.reach(number, wait)
        given, centre, now = self.chosen(number), self.scenario.centre, self.scenario.now
        wish = ReleaseReservation(reservation_id=given.id, company=given.company, excused=excused)
        decided = self.decided(wish)
        if decided:
            after = follow(given, decided[-1], now, 0)
            quote = release_quote(centre, given, after, now, excused=excused)
            price, used = cost_of(centre, given), cost_by(centre, after, cost_of(centre, given).card)
            added = self.happens(decided, given.id)
            assert (added[Account.PENALTY], added[Account.RELEASED]) == (quote.due, quote.refund)
            assert added[Account.USED] == used.krw
            assert quote.due + quote.refund == price.krw - used.krw

    def reach(self, number: int, wait: int) -> None:
        """Mostly somebody comes to what is released, some seconds after its start."""
        given = self.chosen(number)
        if given.state is State.CONFIRMED and self.scenario.now <= given.start:
            self.wait(given.start - self.scenario.now)
            self.happens(self.decided(CheckIn(reservation_id=given.id, company=given.company)))
            self.wait(wait)

    @rule(seconds=st.sampled_from([600, 3600, 3 * HOUR, 10 * HOUR, DAY]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.scenario.now += seconds
        while events := self.decided(Tick()):
            self.happens(events)

    @invariant()
    def every_cost_is_that_of_the_books(self) -> None:
        """Whatever was published or moved since, a live reservation costs what its claim in the books says."""
        centre = self.scenario.centre
        for name, claim in self.desk.books.claims.items():
            cost = cost_of(centre, centre.reservations[name])
            assert cost.amounts == claim.amounts
            place = self.desk.books.prices.published[claim.tariff][1] if claim.tariff >= 0 else None
            assert cost.card == place

    def teardown(self) -> None:
        """A restart knows the same prices: from the log, and from a snapshot."""
        centre = self.scenario.centre
        for other in (self.scenario.replayed(), self.scenario.restored()):
            assert other.cards.kept == centre.cards.kept
            for each in centre.reservations.values():
                assert cost_of(other, each) == cost_of(centre, each)


TestQuotes = Quotes.TestCase
TestQuotes.settings = examples(60, steps=25)


@pytest.mark.parametrize("excused", [False, True])
@pytest.mark.parametrize("hold", [0, 600])
def test_a_booking_keeps_its_card_when_it_is_moved_and_given_back(excused: bool, hold: int) -> None:
    """By the card that it was made with, whatever was published since: the difference, the fee and the refund."""
    desk = Quotes()
    card = Tariff(
        id="",
        valid_from=0,
        prices=(Price(resource="a100", krw=1201), Price(resource="L01", krw=33_333, basis=Basis.SLOT)),
        compute_late_percent=37,
        equipment_late_percent=61,
        peaks=(replace(WINDOWS[1], resources=()),),
    )
    desk.publish(card, 0)
    desk.publish(replace(card, prices=(Price(resource="a100", krw=9999),), compute_late_percent=90), DAY)
    desk.book("ALPHA", (line("a100", 3000),), MONDAY + 20 * HOUR, 9 * HOUR, hold)
    desk.publish(replace(card, compute_late_percent=100), 0)
    if hold:
        desk.confirm(0)
    desk.change(0, MONDAY + 2 * DAY + 9 * HOUR, 9 * HOUR, None, excused)  # Now it starts when another card is valid.
    desk.every_cost_is_that_of_the_books()
    desk.change(0, MONDAY + DAY + 13 * HOUR, 26 * HOUR, None, excused)  # Over the end of the month.
    desk.cancel(0, excused)
    desk.teardown()
    due = [each.krw for each in desk.desk.posted if each.to_account is Account.PENALTY]
    assert bool(due) is not excused
    assert desk.scenario.current(desk.scenario.centre.reservations[desk.names[0]]).state is State.CANCELLED
