"""Until when a reservation could be extended, and what cancelling it would bring: told before anything is decided."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import PublishTariff, RegisterResource
from services.allocation.money.quoting import ResourceQuote, cancellation_quote
from services.allocation.offering.extending import extensions
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation
from tests.allocation import fixture
from tests.allocation.fixture import NEXT_MONDAY, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, change, line

NOON = TUESDAY + 12 * HOUR
EVER = 4_000_000_000


def ends(scenario: Scenario, reservation: Reservation, count: int = 3, latest: int = EVER) -> list[int]:
    """The ends offered; each is granted if it is asked for, and one slot more than the last is not."""
    found = extensions(scenario.centre, scenario.current(reservation), count, latest, scenario.now)
    for start, end in found.intervals:
        assert start == reservation.start
        Scenario.changes(scenario, scenario.current(reservation), end=end)
    return [end for _, end in found.intervals]


def test_the_latest_end_is_told_with_steps_to_it() -> None:
    """Somebody comes after six hours: until then it could be longer, in steps."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=2))
    scenario.books(book("ALPHA", line("h100", 24), start=NOON + 8 * HOUR, hours=1))
    found = ends(scenario, made)
    assert found == [NOON + 4 * HOUR, NOON + 6 * HOUR, NOON + 8 * HOUR]
    assert scenario.refuses(change(scenario.current(made), end=NOON + 9 * HOUR)) == [Reason.NO_CAPACITY]


def test_what_has_begun_is_offered_what_the_terms_allow() -> None:
    """By at most seven days, and not before its last 48 hours."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=72))
    scenario.reaches(NOON)
    early = extensions(scenario.centre, scenario.current(made), 3, EVER, scenario.now)
    assert (early.intervals, [each.reason for each in early.violations]) == ((), [Reason.TOO_EARLY])
    scenario.reaches(NOON + 30 * HOUR)
    assert ends(scenario, made, count=1) == [NOON + 7 * DAY]  # The longest that ALPHA may book.


def test_equipment_is_extended_to_ends_of_its_slots() -> None:
    """Only moments at which a slot ends are offered, and no later than asked for."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("M01"), start=at("2026-03-10 09:00"), hours=4))
    assert ends(scenario, made, count=5, latest=at("2026-03-11 15:00")) == [
        at("2026-03-10 18:00"),
        at("2026-03-11 13:00"),
    ]


@pytest.mark.parametrize(("hours", "late"), [(24, False), (23, True)])
def test_a_cancellation_is_quoted_by_its_rule(hours: int, late: bool) -> None:
    """Free until a day before the start, by the equipment's rule; then the share that the rate card says."""
    slow = replace(fixture.CLOCK_ROUND, id="SLOW", free_cancel_hours=24)
    card = replace(fixture.TARIFF, late_return_percent=60)
    scenario = fixture.fresh().given(PublishTariff(tariff=card), RegisterResource(resource=slow))
    made = scenario.books(book("ALPHA", line("SLOW"), start=NEXT_MONDAY + 10 * HOUR, hours=2))
    now = made.start - hours * HOUR
    quote = cancellation_quote(scenario.centre, made, now, excused=False)
    share = scenario.centre.cards.published[fixture.TARIFF.id].equipment_late_percent
    assert share > 0
    due = {"percent": share, "return_percent": 60} if late else {"percent": 0}
    fee = ResourceQuote(resource="SLOW", free_until=made.start - 24 * HOUR, **due)
    assert (quote.fees, quote.strike) == ((fee,), late)


def test_what_is_excused_costs_nothing() -> None:
    """Nor is it a strike: the quote says what the ledger will charge, whoever asks."""
    scenario = fixture.fresh().given(PublishTariff(tariff=fixture.TARIFF))
    made = scenario.books(book("ALPHA", line("T1"), start=NEXT_MONDAY + 10 * HOUR, hours=2))
    quote = cancellation_quote(scenario.centre, made, made.start - 60, excused=True)
    assert ([fee.percent for fee in quote.fees], quote.strike) == ([0], False)
