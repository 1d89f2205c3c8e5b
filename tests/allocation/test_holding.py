"""Held offers: nobody else can take them, until they are confirmed, cancelled, or expire by an event."""

import pytest

from services.allocation.booking.holding import HOLD_SECONDS_MAX, HOLDS_MAX
from services.allocation.commands import ConfirmReservation
from services.allocation.events import AllocationsMoved, ReservationExpired
from services.allocation.offering.offers import Search, search
from services.allocation.rejections import Reason
from services.allocation.reservations import Colocation, Reservation, State
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, grids_of, line

NOON = TUESDAY + 12 * HOUR
TEN_MINUTES = 600


def held(scenario: Scenario, units: int = 16, start: int = NOON) -> Reservation:
    """An offer held for GAMMA for ten minutes."""
    return scenario.books(book("GAMMA", line("h100", units), start=start, hours=2, hold=TEN_MINUTES))


def expirations(scenario: Scenario) -> list[int]:
    """When something expired, in seconds."""
    return [time for time, _, events in scenario.history for event in events if isinstance(event, ReservationExpired)]


def test_nobody_takes_what_is_held() -> None:
    """P1: a held offer takes its units, its room and its company's quota like a booking."""
    scenario = fixture.fresh()
    offer = held(scenario)
    assert (offer.state, offer.expires_at) == (State.HELD, NOW + TEN_MINUTES)
    assert scenario.refuses(book("ALPHA", line("h100", 24), start=NOON, hours=1)) == [Reason.NO_CAPACITY]
    assert scenario.refuses(book("GAMMA", line("h100", 8), start=NOON, hours=1)) == [Reason.CONCURRENCY_EXCEEDED]
    scenario.books(book("ALPHA", line("T1"), start=NOON, hours=1, hold=60))
    assert scenario.refuses(book("ALPHA", line("T2"), start=NOON, hours=1)) == [Reason.EXCLUSIVE_GROUP_BUSY]


def test_a_confirmed_offer_is_a_booking() -> None:
    """Confirming keeps the units, the name and the note, and from then on it ends by itself no more."""
    scenario = fixture.fresh()
    offer = scenario.books(book("ALPHA", line("cpu", 7), start=NOON, hours=2, note="for Kim", hold=TEN_MINUTES))
    scenario.now += TEN_MINUTES - 1
    confirmed = scenario.confirms(offer, etag=offer.etag)
    assert (confirmed.id, confirmed.state, confirmed.note) == (offer.id, State.CONFIRMED, "for Kim")
    assert (confirmed.allocations, confirmed.expires_at) == (offer.allocations, 0)
    assert scenario.reaches(NOON).current(offer).state is State.ACTIVE
    assert not expirations(scenario)


def test_what_nobody_confirms_expires_by_an_event_exactly_once() -> None:
    """At its time it expires, gives everything back, and stays expired however often time passes."""
    scenario = fixture.fresh()
    before = grids_of(scenario.centre, 0)
    offer = held(scenario)
    assert scenario.reaches(offer.expires_at - 1).current(offer).state is State.HELD
    expired = scenario.reaches(offer.expires_at).current(offer)
    assert (expired.state, expired.holding) == (State.EXPIRED, ())
    assert grids_of(scenario.centre, 0) == before
    assert scenario.centre.meters["GAMMA", "h100"].periods[0].booked == 0
    scenario.reaches(NOON + HOUR)
    assert expirations(scenario) == [offer.expires_at]


@pytest.mark.parametrize("replay", [True, False])
def test_an_offer_expires_after_a_long_stop(replay: bool) -> None:
    """Whoever comes back after days, from the log or from a snapshot, lets it expire once, and never start."""
    scenario = fixture.fresh()
    offer = held(scenario)
    scenario.centre = scenario.replayed() if replay else scenario.restored()
    assert scenario.reaches(NOON + 3 * HOUR).current(offer).state is State.EXPIRED
    assert scenario.reaches(NOON + 9 * HOUR).current(offer).version == 2
    assert len(expirations(scenario)) == 1


def test_an_offer_is_held_until_its_start_at_most() -> None:
    """What begins sooner than the hold would last expires as it begins, and is never active unconfirmed."""
    scenario = fixture.fresh()
    scenario.now = NOON - 60
    offer = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1, hold=TEN_MINUTES))
    assert offer.expires_at == NOON
    assert scenario.reaches(NOON).current(offer).state is State.EXPIRED


def test_an_offer_begins_later_than_now() -> None:
    """What has begun already cannot wait to be confirmed."""
    scenario = fixture.fresh()
    scenario.now = NOON
    assert scenario.refuses(book("ALPHA", line("cpu"), start=NOON, hours=1, hold=60)) == [Reason.START_IN_PAST]


def test_a_cancelled_offer_is_free_at_once() -> None:
    """Whoever does not want it lets others have it before it expires, and may hold another."""
    scenario = fixture.fresh()
    offers = [held(scenario, units=8, start=NOON + number * 2 * HOUR) for number in range(HOLDS_MAX)]
    cancelled = scenario.cancels(offers[0])
    assert (cancelled.state, cancelled.holding) == (State.CANCELLED, ())
    held(scenario, units=8)


def test_only_what_is_held_can_be_confirmed() -> None:
    """A booking, a cancelled offer, and an offer whose time has come are not confirmed."""
    scenario = fixture.fresh()
    booked = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    gone = scenario.cancels(scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1, hold=60)))
    late = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1, hold=60))
    scenario.now += 60
    for each in (booked, gone, late):
        wish = ConfirmReservation(reservation_id=each.id, company="ALPHA")
        assert scenario.refuses(wish) == [Reason.WRONG_STATE]


def test_a_confirmation_asks_for_the_version_that_was_read() -> None:
    """An etag protects it, and another company's offer is a missing one."""
    scenario = fixture.fresh()
    offer = held(scenario)
    assert scenario.refuses(ConfirmReservation(reservation_id=offer.id, company="GAMMA", etag='"9"')) == [
        Reason.STALE_ETAG
    ]
    assert scenario.refuses(ConfirmReservation(reservation_id=offer.id, company="BETA")) == [
        Reason.RESERVATION_NOT_FOUND
    ]


def test_what_was_granted_is_not_asked_again() -> None:
    """The notice that sufficed when the offer was made suffices when it is confirmed."""
    scenario = fixture.fresh()
    scenario.now = TUESDAY + 9 * HOUR
    simulator = book("ALPHA", line("M01"), start=TUESDAY + 33 * HOUR, hours=4, hold=HOLD_SECONDS_MAX)
    offer = scenario.books(simulator)
    scenario.now += TEN_MINUTES
    assert scenario.confirms(offer).state is State.CONFIRMED


@pytest.mark.parametrize("replay", [True, False])
def test_a_company_hoards_no_offers(replay: bool) -> None:
    """So many are held at once and not one more, also after a restart; what expired counts no longer."""
    scenario = fixture.fresh()
    for _ in range(HOLDS_MAX):
        scenario.given(book("ALPHA", line("cpu"), start=NOON, hours=1, hold=60))
    scenario.centre = scenario.replayed() if replay else scenario.restored()
    one_more = book("ALPHA", line("cpu"), start=NOON, hours=1, hold=60)
    refusal = scenario.refusal(one_more)
    assert [(each.reason, each.limit) for each in refusal.violations] == [(Reason.TOO_MANY_HOLDS, HOLDS_MAX)]
    scenario.books(book("BETA", line("cpu"), start=NOON, hours=1, hold=60))
    scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    scenario.reaches(scenario.now + 60).books(one_more)


def test_a_held_offer_may_be_moved_to_other_units() -> None:
    """Until it starts its units are not bound: an offer makes room for two nodes in one rack, and stays held."""
    scenario = fixture.fresh()
    offers = [scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=2, hold=TEN_MINUTES)) for _ in range(4)]
    for offer in offers:
        if offer.allocations[0].bins[0] in (0, 2):
            scenario.cancels(offer)
    scenario.books(book("ALPHA", line("h100", 16, near=Colocation.RACK), start=NOON, hours=2))
    moved = [event for event in scenario.history[-1][2] if isinstance(event, AllocationsMoved)]
    assert [scenario.centre.reservations[event.reservation_id].state for event in moved] == [State.HELD]


def test_a_search_to_hold_says_when_enough_is_held() -> None:
    """No offer is found to hold when the company holds enough, and the reason says so."""
    scenario = fixture.fresh()
    for _ in range(HOLDS_MAX):
        scenario.given(book("ALPHA", line("cpu"), start=NOON, hours=1, hold=60))
    wish = Search(
        company="ALPHA",
        lines=(line("cpu"),),
        duration=HOUR,
        earliest=NOON,
        latest=NOON + 9 * HOUR,
        count=1,
        hold_seconds=60,
    )
    found = search(scenario.centre, wish, scenario.now)
    assert (found.intervals, [each.reason for each in found.violations]) == ((), [Reason.TOO_MANY_HOLDS])
