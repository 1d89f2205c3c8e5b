"""What is due for what was given back late: of a cancellation, and of a change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.events import Event
from services.allocation.reservations import Allocation
from services.ledger.chart import Account
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    changed,
    company,
    confirmed,
    curtailed,
    displaced,
    equipment,
    held,
    hours,
    pool,
    released,
    requested,
    tariff,
)
from tests.ledger.posting_desk import Desk, allocations
from tests.ledger.test_handing_over import handed_over, offered

START = 100
CARD = tariff(h100=3000, M01=600_000, compute_late=50, equipment_late=80)
CENTRE = (
    pool(),
    equipment("M01", fee=600_000, slot_hours=4, free_cancel_hours=24),
    company(free_cancel_hours="48"),
    CARD,
)


def gpus(count: int, *spans: tuple[int, int]) -> Allocation:
    """GPUs for spans in hours after Monday midnight."""
    return held(range(count), *(hours(*span) for span in spans))


@pytest.mark.parametrize(
    ("then", "due", "booked"),
    [
        (gpus(4, (100, 103)), 6_000, 36_000),  # shortened by an hour of four GPUs
        (gpus(3, (100, 104)), 6_000, 36_000),  # a GPU less for four hours
        (gpus(2, (102, 106)), 18_000, 24_000),  # two hours moved, and two GPUs less for the other two
        (gpus(4, (101, 105)), 6_000, 48_000),  # as long, an hour later: one hour is given back
        (gpus(4, (800, 804)), 24_000, 48_000),  # moved away altogether
        (gpus(6, (99, 105)), 0, 108_000),  # more of everything
    ],
)
def test_a_late_change_costs_the_share_of_what_it_gives_back(then: Allocation, due: int, booked: int) -> None:
    """Half the price of every hour that is held no more, wherever the booking went; what it is now costs its price."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, (100, 104))))
    desk.says(changed("r", then), at=MONDAY + 53 * HOUR)
    assert desk.standing().get(("h100", Account.PENALTY), (0, 0)) == (0, due)
    assert desk.standing()["h100", Account.BOOKED] == (then.unit_seconds, booked)


@pytest.mark.parametrize(
    ("at", "excused", "begun"), [(START - 48, False, False), (START - 1, True, False), (START + 1, False, True)]
)
def test_a_change_in_time_or_excused_costs_nothing(at: int, excused: bool, begun: bool) -> None:
    """Up to the hour to which a cancellation is free, when an operator excuses it, and in a log of the days when what
    had begun was free.
    """
    desk = Desk(*CENTRE, confirmed("r", gpus(4, (100, 104))))
    if begun:
        desk.says(activated("r"))
    desk.says(changed("r", gpus(4, (100, 102)), excused=excused), at=MONDAY + at * HOUR)
    assert ("h100", Account.PENALTY) not in desk.standing()
    assert desk.standing()["h100", Account.RELEASED] == (8 * HOUR, 24_000)


def test_a_slot_begun_is_paid_and_not_given_back() -> None:
    """Equipment by the slot: to leave within a slot gives nothing of it back, so it costs no fee."""
    desk = Desk(*CENTRE, confirmed("r", held([0], hours(100, 108), resource="M01")))
    desk.says(changed("r", held([0], hours(100, 106), resource="M01")), at=MONDAY + 99 * HOUR)
    assert ("M01", Account.PENALTY) not in desk.standing()
    desk.says(changed("r", held([0], hours(100, 104), resource="M01")), at=MONDAY + 99 * HOUR)
    assert desk.standing()["M01", Account.PENALTY] == (0, 480_000)


@given(allocations(), allocations(), st.integers(0, 60))
def test_whatever_way_it_goes_a_booking_costs_no_more_than_its_price(
    first: tuple[Allocation, ...], then: tuple[Allocation, ...], notice: int
) -> None:
    """To change and then to cancel charges no more than the price of what was given back, and sums to zero."""
    start = min(span[0] for each in first for span in each.spans)
    centre = (pool("a100", bin_capacity=1000), pool("OP"), *CENTRE[:-1], tariff(h100=3000, a100=1200, M01=600_000))
    desk = Desk(*centre, confirmed("r", *first))
    price = {key[0]: krw for key, (_, krw) in desk.standing().items() if key[1] is Account.BOOKED}
    desk.says(changed("r", *then), at=start - notice * HOUR)
    for resource, krw in price.items():
        assert 0 <= desk.standing().get((resource, Account.PENALTY), (0, 0))[1] <= krw
    for period in (0, 202603, 202604, 202605):
        for resource in {resource for resource, _ in desk.standing(period)}:
            amounts = [pair for (on, _), pair in desk.standing(period).items() if on == resource]
            assert (sum(seconds for seconds, _ in amounts), sum(krw for _, krw in amounts)) == (0, 0)


def test_moving_away_and_cancelling_there_costs_what_cancelling_costs() -> None:
    """A late booking is not made free by moving it to a day on which cancelling is free."""
    there = Desk(*CENTRE, confirmed("r", gpus(4, (100, 104))))
    there.says(cancelled("r"), at=MONDAY + 99 * HOUR)
    moved = Desk(*CENTRE, confirmed("r", gpus(4, (100, 104))))
    moved.says(changed("r", gpus(4, (800, 804))), at=MONDAY + 99 * HOUR)
    moved.says(cancelled("r"), at=MONDAY + 99 * HOUR)
    assert there.standing()["h100", Account.PENALTY] == moved.standing()["h100", Account.PENALTY] == (0, 24_000)


@pytest.mark.parametrize(
    ("lost", "due"), [(released("r", MONDAY + 101 * HOUR), 0), (released("r", MONDAY + 101 * HOUR, late=True), 18_000)]
)
def test_releasing_costs_the_share_of_the_rest_from_the_day_of_that_rule_on(lost: Event, due: int) -> None:
    """Half the price of the three hours of four GPUs that were not used, where the event says so; older ones do not."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, (100, 104))), activated("r"))
    desk.says(lost, at=MONDAY + 100 * HOUR + 60)
    assert desk.standing().get(("h100", Account.PENALTY), (0, 0)) == (0, due)
    assert desk.standing()["h100", Account.USED] == (4 * HOUR, 12_000)
    assert desk.standing()["h100", Account.RELEASED] == (12 * HOUR, 36_000 - due)


def test_leaving_early_costs_the_same_by_whichever_call() -> None:
    """To release, to shorten after the start and to shorten just before it: the same share of the same hours."""
    penalties = []
    for begun, event in (
        (True, released("r", MONDAY + 101 * HOUR, late=True)),
        (True, changed("r", gpus(4, (100, 101)), late=True)),
        (False, changed("r", gpus(4, (100, 101)))),
    ):
        desk = Desk(*CENTRE, confirmed("r", gpus(4, (100, 104))), *([activated("r")] if begun else []))
        desk.says(event, at=MONDAY + 100 * HOUR + (60 if begun else -60))
        penalties.append(desk.standing()["h100", Account.PENALTY])
    assert penalties == [(0, 18_000)] * 3


@pytest.mark.parametrize("hours_before", [10, 60])
def test_what_is_asked_for_anew_after_a_hand_over_is_given_back_as_late_as_before(hours_before: int) -> None:
    """It was booked, so cancelling it while it is pending again costs the new company what it would have cost."""
    other = company("CMP-0002", free_cancel_hours="48")
    gone = gpus(4, (100, 104))
    desk = Desk(*CENTRE[:-1], other, CARD, confirmed("r", gone), offered("r"), *handed_over("r", gone))
    desk.says(requested("r", gone, by="CMP-0002"))
    assert desk.standing()["h100", Account.HELD] == (gone.unit_seconds, 48_000)
    desk.says(cancelled("r"), at=MONDAY + (100 - hours_before) * HOUR)
    due = 24_000 if hours_before < 48 else 0
    assert desk.standing().get(("h100", Account.PENALTY), (0, 0)) == (0, due)


def test_where_cancelling_is_free_up_to_the_start_so_is_releasing() -> None:
    """A company without a free-cancel rule pays no late share, a minute before the start or a minute after."""
    desk = Desk(CENTRE[0], company(), CARD, confirmed("r", gpus(4, (100, 104))), activated("r"))
    desk.says(released("r", MONDAY + 101 * HOUR, late=True), at=MONDAY + 100 * HOUR + 60)
    assert ("h100", Account.PENALTY) not in desk.standing()


def test_what_an_outage_takes_is_not_charged_and_compensated() -> None:
    """By the card of the booking: so much of the price of what is taken, as KRW beyond not charging it."""
    card = tariff(h100=3000, displacement=10)
    for ending, taken in ((displaced("r", MONDAY + 102 * HOUR), 24_000), (curtailed("r", MONDAY + 103 * HOUR), 12_000)):
        desk = Desk(*CENTRE[:-1], card, confirmed("r", gpus(4, (100, 104))), activated("r"))
        desk.says(tariff("later", h100=3000, displacement=90))
        desk.says(ending, at=MONDAY + 102 * HOUR)
        assert desk.standing()["h100", Account.REFUNDED][1] == taken
        assert desk.standing()["h100", Account.COMPENSATION] == (0, taken // 10)


def test_an_offer_that_is_only_held_is_not_compensated() -> None:
    """Nothing was owed for it yet, so nothing is given for its loss; nor for what the company gives back itself."""
    card = tariff(h100=3000, displacement=10)
    desk = Desk(*CENTRE[:-1], card, requested("r", gpus(4, (100, 104))), confirmed("s", gpus(4, (100, 104))))
    desk.says(displaced("r", MONDAY + 100 * HOUR))
    desk.says(cancelled("s"))
    assert ("h100", Account.COMPENSATION) not in desk.standing()
