"""The judge is judged: it finds nothing in a lawful log, and names whatever was done to it."""

import msgspec
import pytest
from msgspec.structs import replace

from services.allocation.commands import SplitReservation
from services.allocation.events import (
    CorrectionPosted,
    Event,
    ReservationCancelled,
    ReservationChanged,
    ReservationConfirmed,
)
from services.allocation.values.people import Participants
from tests.allocation import fixture, test_reserve
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, line
from tests.allocation.test_series_changing import asking
from tests.allocation.test_series_places import turned_in_a_room
from tests.system.checker import answer_faults, booking_faults
from tests.system.raw_log import RawPage
from tests.system.views import fold

NOON = TUESDAY + 12 * HOUR
ENTRY = {"actor": "companies/ALPHA", "request_id": "one", "events": []}


def lived() -> Scenario:
    """A centre in which something is booked, begins and ends."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=2, reservation_id="one"))
    scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=2, reservation_id="two"))
    return scenario


def told(scenario: Scenario, *more: Event) -> list[str]:
    """What the judge says of everything that happened, and of some events more."""
    return booking_faults(pages_of(scenario, *more))


def pages_of(scenario: Scenario, *more: Event) -> list[RawPage]:
    """Everything that happened, and some events more, as the log has it."""
    entries = [(now, events) for now, _, events in scenario.history]
    entries += [(scenario.now, (event,)) for event in more]
    return [
        RawPage(position, msgspec.json.encode({"entries": [{"time": now * 1_000_000, "events": events}]}))
        for position, (now, events) in enumerate(entries, 1)
    ]


def test_a_lawful_log_has_no_fault() -> None:
    """Booked, begun and ended as it should be."""
    assert told(lived()) == []
    assert told(lived().reaches(NOON).reaches(NOON + 2 * HOUR)) == []


def test_a_unit_that_is_held_twice_is_named() -> None:
    """P1: the same units at the same time, for another reservation."""
    scenario = lived()
    [first] = [each for each in scenario.history[-1][2] if isinstance(each, ReservationConfirmed)]
    faults = told(scenario, replace(first, reservation_id="three"))
    assert faults
    assert all("three" in fault and "P1" in fault for fault in faults)


def test_an_end_that_cannot_be_is_named() -> None:
    """What has begun is not cancelled, and what nobody booked does not end."""
    begun = lived().reaches(NOON)
    [fault] = told(begun, ReservationCancelled(reservation_id="one"))
    assert "one" in fault


def test_a_ring_is_lawful_in_one_decision_only() -> None:
    """P1: who change places in an exclusive room do so at once; event by event, two would be in it together."""
    scenario, starts = turned_in_a_room()
    scenario.grants(asking(scenario, starts, first="2026-03-03T11:00", overwrites=True))
    assert told(scenario) == []
    now, position, events = scenario.history.pop()
    scenario.history += [(now, position, (event,)) for event in events]
    assert any("in the same room" in fault for fault in told(scenario))
    assert any("gives 2 of 1 units" in fault for fault in told(scenario))


def test_more_out_of_a_reserve_than_reviews_returned_is_named() -> None:
    """What was returned may be given to the last second, to a company of that programme alone."""
    scenario = test_reserve.centre_with().reaches(test_reserve.FIRST).given(test_reserve.giving("c1", 50))
    assert told(scenario) == []
    for company in ("BETA", "GAMMA"):
        more = test_reserve.giving("c2", 1 / HOUR, company).correction
        assert any("c2" in fault for fault in told(scenario, CorrectionPosted(correction=more)))


def test_the_books_tell_where_a_reserve_comes_from_and_goes_to() -> None:
    """Added up the plain way, as the balances of the ledger are held against it."""
    scenario = test_reserve.centre_with().reaches(test_reserve.FIRST).given(test_reserve.giving("c1", 30))
    accounts = fold(pages_of(scenario)).accounts
    reserve = {company: seconds / HOUR for (company, _, account), seconds in accounts.items() if account == "reserve"}
    assert reserve == {"ALPHA": 50, "BETA": -30}
    assert (accounts["ALPHA", "h100", "granted"], accounts["BETA", "h100", "granted"]) == (150 * HOUR, 230 * HOUR)


def test_a_class_without_a_seat_for_everybody_is_named() -> None:
    """Whoever is in a class has a seat, also after it was changed."""
    scenario = fixture.fresh()
    wish = book("ALPHA", line("cpu", 3), start=NOON, hours=1, reservation_id="class")
    made = scenario.books(replace(wish, participants=Participants(count=2)))
    assert told(scenario) == []
    grown = ReservationChanged(
        reservation_id="class",
        start=made.start,
        end=made.end,
        lines=made.lines,
        allocations=made.allocations,
        participants=Participants(count=4),
    )
    [fault] = told(scenario, grown)
    assert "a class of 4, and has seats for 3" in fault


def test_a_part_that_is_not_what_left_is_named() -> None:
    """P1 and P6: two parts are what the whole was, unit by unit, in one decision, or the log is no lawful one."""
    scenario = lived()
    wish = SplitReservation(reservation_id="one", company="ALPHA", part_id="part", at=NOON + HOUR)
    changed, part = scenario.decided(wish)
    assert told(scenario.given(wish)) == []
    assert isinstance(part, ReservationConfirmed)
    for events, fault in (
        ((changed,), "part left one, and is nowhere"),
        ((part,), "of which it left nothing"),
        ((changed, replace(part, allocations=(replace(part.allocations[0], bins=(3,)),))), "are not what one was"),
        ((changed, replace(part, origin=replace(part.origin, ahead=0))), "is given back later than one"),
    ):
        whole = lived()
        whole.history.append((whole.now, 99, events))
        assert any(fault in each for each in told(whole)), fault


@pytest.mark.parametrize(("hours", "faults"), [(23, 1), (25, 0)])
def test_a_request_that_took_effect_twice_within_a_day_is_named(hours: int, faults: int) -> None:
    """P4: for a day the same id has one effect; after that it is forgotten, as the API says."""
    pages = [
        RawPage(position, msgspec.json.encode({"entries": [{**ENTRY, "time": time * HOUR * 1_000_000}]}))
        for position, time in ((7, 0), (8, hours))
    ]
    assert len([fault for fault in answer_faults(pages, []) if "P4" in fault]) == faults
