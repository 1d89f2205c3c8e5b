"""Double entry, without a database: what each event posts, in unit-seconds and in KRW."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.allocation.events import QuotaReviewed, ReservationEvent, TariffPublished
from services.allocation.reservations import Allocation, State
from services.allocation.values.reclaim import Removal
from services.ledger.chart import Account, Phase, phase_of
from services.ledger.posting import GIVEN_BACK, STANDING
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    changed,
    closed,
    completed,
    confirmed,
    correction,
    grant,
    held,
    hours,
    missed,
    moved,
    released,
    used,
)
from tests.ledger.posting_desk import APRIL, CENTRE, Desk, allocations


@given(allocations(), st.integers(-10, 910), st.integers(-100, 400), st.booleans(), st.booleans())
def test_what_is_booked_ends_somewhere_and_sums_to_zero(
    held_: tuple[Allocation, ...], cut: int, notice: int, excused: bool, close: bool
) -> None:
    """However a reservation ends, all of it and all of its price end on one account or another, in every month."""
    start = min(span[0] for each in held_ for span in each.spans)
    for ending in (
        completed("r"),
        cancelled("r", excused=excused),
        released("r", MONDAY + cut * HOUR),
        missed("r", MONDAY + cut * HOUR),
    ):
        desk = Desk(*CENTRE)
        desk.says(confirmed("r", *held_))
        booked = desk.standing()
        if not isinstance(ending, type(cancelled("r"))):
            desk.says(activated("r"))
        if close:
            desk.says(closed("2026-03"), at=MONDAY + 40 * 24 * HOUR)
        desk.says(ending, at=start - notice * HOUR)
        for period in (0, 202603, 202604, 202605):
            for resource in {resource for resource, _ in desk.standing(period)}:
                amounts = [pair for (on, _), pair in desk.standing(period).items() if on == resource]
                assert (sum(seconds for seconds, _ in amounts), sum(krw for _, krw in amounts)) == (0, 0)
        for each in held_:
            assert (each.resource, Account.BOOKED) not in desk.standing()
            price = booked[each.resource, Account.BOOKED]
            assert price[0] == each.unit_seconds
            assert desk.standing()[each.resource, Account.CAPACITY] == (-price[0], -price[1])


def test_what_nodes_report_as_idle_stands_apart() -> None:
    """Held and not used is idle, at its price, once the booking ends; what was given back is not counted again."""
    desk = Desk(*CENTRE, confirmed("r", held(range(4), hours(APRIL - 2, APRIL + 2))), activated("r"))
    assert desk.says(used("r", 4 * HOUR, 1 * HOUR, 3 * HOUR)) == []
    assert desk.says(used("r", 8 * HOUR, 1 * HOUR, 7 * HOUR)) == []
    desk.says(completed("r"))
    assert desk.standing(202603)["h100", Account.IDLE] == (8 * HOUR, 24_000)
    assert desk.standing(202604)["h100", Account.IDLE] == (2 * HOUR, 6000)
    assert desk.standing()["h100", Account.USED] == (6 * HOUR, 18_000)
    early = Desk(*CENTRE, confirmed("r", held([0], hours(0, 4))), activated("r"), used("r", HOUR, 0, 9 * HOUR))
    early.says(released("r", MONDAY + HOUR))
    assert early.standing()["h100", Account.IDLE] == (HOUR, 3000)
    assert early.standing()["h100", Account.RELEASED] == (3 * HOUR, 9000)
    assert early.says(used("r", HOUR, 0, HOUR)) == []


def test_a_booking_over_the_end_of_a_month_is_split_there() -> None:
    """Each month has the hours that lie in it, by the clock of the centre."""
    desk = Desk(*CENTRE, confirmed("r", held([0], hours(APRIL - 2, APRIL + 3))))
    assert desk.standing(202603)["h100", Account.BOOKED] == (2 * HOUR, 6000)
    assert desk.standing(202604)["h100", Account.BOOKED] == (3 * HOUR, 9000)


def test_a_closed_month_is_frozen() -> None:
    """What it leaves pending is carried over, and what is learnt about it later is posted to the open month."""
    desk = Desk(*CENTRE, confirmed("r", held([0], hours(APRIL - 2, APRIL + 3))), activated("r"))
    carried = desk.says(closed("2026-03"), at=MONDAY + APRIL * HOUR)
    assert [(each.period, each.about, each.from_account, each.to_account) for each in carried] == [
        (202603, 202603, Account.BOOKED, Account.CAPACITY),
        (202604, 202603, Account.CAPACITY, Account.BOOKED),
    ]
    assert desk.standing(202603) == {}
    used = desk.says(completed("r"))
    assert sorted((each.period, each.about, each.unit_seconds, each.krw) for each in used) == [
        (202604, 202603, 2 * HOUR, 6000),
        (202604, 202604, 3 * HOUR, 9000),
    ]
    assert desk.standing(202604)["h100", Account.USED] == (5 * HOUR, 15_000)
    late = desk.says(grant(hours=10))
    assert [(each.period, each.about) for each in late] == [(202604, 202603)]


def test_what_a_review_takes_back_leaves_the_grant() -> None:
    """In the month that it was granted for, at its price."""
    desk = Desk(*CENTRE, grant(hours=10))
    removal = Removal(meter="h100", start=MONDAY, unit_seconds=4 * HOUR)
    [lost] = desk.says(QuotaReviewed(company="CMP-0001", at=MONDAY + 1, meters=(), removals=(removal,)))
    assert (lost.from_account, lost.to_account) == (Account.GRANTED, Account.CAPACITY)
    assert (lost.period, lost.unit_seconds, lost.krw) == (202603, 4 * HOUR, 12_000)


@given(allocations(), allocations())
def test_a_change_posts_what_more_or_less_is_held(first: tuple[Allocation, ...], then: tuple[Allocation, ...]) -> None:
    """After a change exactly what it is for now is booked, at its price; what was more before counts as given back."""
    desk = Desk(*CENTRE, confirmed("r", *first), changed("r", *then))
    anew = Desk(*CENTRE, confirmed("r", *then))
    for resource in {each.resource for each in (*first, *then)}:
        on = (resource, Account.BOOKED)
        assert desk.standing().get(on, (0, 0)) == anew.standing().get(on, (0, 0))
        for period in (0, 202603, 202604, 202605):
            amounts = [pair for (name, _), pair in desk.standing(period).items() if name == resource]
            assert (sum(seconds for seconds, _ in amounts), sum(krw for _, krw in amounts)) == (0, 0)


def test_a_move_posts_nothing() -> None:
    """Standing on other bins costs the same."""
    desk = Desk(*CENTRE, confirmed("r", held([0, 1], hours(0, 4))))
    assert desk.says(moved("r", held([4, 5], hours(0, 4)))) == []


def test_every_state_that_holds_has_its_account() -> None:
    """A new state or event says where what it holds, or gives back, stands."""
    assert {state for state in State if state.live} <= STANDING.keys()
    assert GIVEN_BACK.keys() <= set(get_args(ReservationEvent))
    assert TariffPublished not in GIVEN_BACK


def test_entries_tell_their_phase() -> None:
    """Pending, posted and voided follow from the accounts; what a closing carries over is neither."""
    told = {
        ("capacity", "granted", False): Phase.SINGLE,
        ("capacity", "booked", False): Phase.PENDING,
        ("held", "booked", False): Phase.PENDING,
        ("booked", "used", True): Phase.POSTED,
        ("booked", "penalty", False): Phase.POSTED,
        ("booked", "released", False): Phase.VOIDED,
        ("held", "released", False): Phase.VOIDED,
        ("booked", "capacity", False): Phase.CARRIED,
        ("capacity", "booked", True): Phase.CARRIED,
    }
    assert {key: phase_of(*key) for key in told} == told


def test_a_correction_stands_beside_what_bookings_cost() -> None:
    """A credit is owed less, a debit more, in the month of the decision, and a reversal takes back to the won."""
    desk = Desk(*CENTRE, confirmed("r", held([0], hours(0, 1))))
    (credit,) = desk.says(correction("c1", 5_000, about="r"), at=MONDAY + HOUR)
    assert (credit.period, credit.reservation, credit.resource) == (202603, "r", "corrections")
    assert desk.standing()["corrections", Account.COMPENSATION] == (0, 5_000)
    desk.says(correction("c2", -5_000, reverses="c1"))
    assert ("corrections", Account.COMPENSATION) not in desk.standing()
    desk.says(correction("c3", -7_000))
    assert desk.standing()["corrections", Account.COMPENSATION] == (0, -7_000)
    assert desk.standing()["corrections", Account.CAPACITY] == (0, 7_000)


def test_a_correction_after_a_closing_is_in_the_open_month() -> None:
    """A month that is closed is not corrected in its own books."""
    desk = Desk(*CENTRE, closed("2026-03"))
    (late,) = desk.says(correction("c1", 5_000), at=MONDAY + HOUR)
    assert (late.period, late.about) == (202604, 202603)
