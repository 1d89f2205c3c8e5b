"""What the books post in KRW: prices, discounts, fees and what is free, to the won."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.events import Event
from services.allocation.reservations import Allocation
from services.ledger.chart import Account
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    company,
    confirmed,
    grant,
    held,
    hours,
    missed,
    moved,
    pool,
    released,
    requested,
    tariff,
    voted,
)
from tests.ledger.posting_desk import APRIL, CENTRE, PEAKY, Desk, allocations


@given(allocations(), st.integers(-10, 910), st.sampled_from((CENTRE, PEAKY)))
def test_parts_add_up_to_the_whole(held_: tuple[Allocation, ...], cut: int, centre: tuple[Event, ...]) -> None:
    """Used and given back are together what was booked, to the unit-second and the won, wherever the cut is."""
    desk = Desk(*centre, confirmed("r", *held_), activated("r"), released("r", MONDAY + cut * HOUR))
    whole = Desk(*centre, confirmed("r", *held_)).standing()
    for each in held_:
        parts = [desk.standing().get((each.resource, account), (0, 0)) for account in (Account.USED, Account.RELEASED)]
        assert (parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]) == whole[each.resource, Account.BOOKED]


def test_an_hour_of_a_gpu_has_its_price() -> None:
    """Whole GPUs by the hour, shares by their part in steps of an eighth, equipment by the slot begun."""
    desk = Desk(*CENTRE)
    desk.says(confirmed("r1", held(range(4), hours(0, 3))))
    desk.says(confirmed("r2", held([0], hours(0, 1), resource="a100", amounts=[130])))
    desk.says(confirmed("r3", held([0], hours(0, 4), hours(24, 29), resource="M01")))
    assert desk.standing()["h100", Account.BOOKED] == (12 * HOUR, 36_000)
    assert desk.standing()["a100", Account.BOOKED] == (130 * HOUR, 300)
    assert desk.standing()["M01", Account.BOOKED] == (9 * HOUR, 1_800_000)


def test_months_of_one_booking_add_up_at_any_hour() -> None:
    """A booking with prices of day and night is worth in both its months what it is worth in one."""
    night, day = hours(APRIL - 5, APRIL + 20), hours(APRIL + 24, APRIL + 40)
    desk = Desk(*PEAKY, confirmed("r", held(range(3), night, day)))
    krw = [desk.standing(month)["h100", Account.BOOKED][1] for month in (202603, 202604)]
    night_hours, peak_hours = 7.5 + 6, 9 + 7
    rest = 25 + 16 - night_hours - peak_hours
    assert sum(krw) == desk.standing()["h100", Account.BOOKED][1]
    assert sum(krw) == 3 * 30 * (night_hours * 70 + peak_hours * 130 + rest * 100)


def test_a_discount_is_the_companys() -> None:
    """Half the price for those who pay half, nothing for those who pay nothing."""
    for stage, krw in (("startup", 3000), ("sme", 1500), ("university", 0)):
        card = tariff(h100=3000, discounts={"sme": 50, "university": 100})
        desk = Desk(pool(), company(stage=stage), card, confirmed("r", held([0], hours(0, 1))))
        assert desk.standing()["h100", Account.BOOKED] == (HOUR, krw)


def test_what_comes_along_is_in_the_fee() -> None:
    """GPUs and operators that equipment needs cost nothing beside it."""
    along = held([0], hours(0, 4)).__class__(
        resource="h100", units=1, spans=(hours(0, 4),), bins=(0,), amounts=(1,), companion_of="M01"
    )
    desk = Desk(*CENTRE, confirmed("r", held([0], hours(0, 4), resource="M01"), along))
    assert desk.standing()["h100", Account.BOOKED] == (4 * HOUR, 0)
    assert desk.standing()["M01", Account.BOOKED] == (4 * HOUR, 600_000)


def test_a_price_never_changes_behind_a_booking() -> None:
    """A newer rate card prices what is booked after it and starts once it is valid; nothing else."""
    desk = Desk(*CENTRE)
    desk.says(confirmed("before", held([0], hours(100, 101))))
    desk.says(tariff("krw-2027", valid_from=MONDAY + 50 * HOUR, h100=9000))
    desk.says(confirmed("early", held([1], hours(40, 41))))
    desk.says(confirmed("late", held([2], hours(50, 51))))
    prices = {each.reservation: each.krw for each in desk.posted}
    assert prices == {"before": 3000, "early": 3000, "late": 9000}
    desk.says(moved("before", held([7], hours(100, 101))))
    assert desk.says(cancelled("before"))[0].krw == 3000


def test_a_late_cancellation_costs_what_the_rule_says() -> None:
    """Until 24 hours before the start it is free; from then on the fee is due, unless it is excused."""
    start = MONDAY + 100 * HOUR
    for at, excused, due in (
        (start - 24 * HOUR, False, 0),
        (start - 24 * HOUR + 1, False, 480_000),
        (start - HOUR, True, 0),
    ):
        card = tariff(M01=600_000, equipment_late=80)
        desk = Desk(*CENTRE[:-1], card, confirmed("r", held([0], hours(100, 104), resource="M01")))
        desk.says(cancelled("r", excused=excused), at=at)
        assert desk.standing().get(("M01", Account.PENALTY), (0, 0)) == (0, due)
        assert desk.standing()["M01", Account.RELEASED] == (4 * HOUR, 600_000 - due)


def test_not_coming_costs_what_the_rule_says() -> None:
    """What was held until it was given back was idle, at its price; of the rest the percentage of the rule is due."""
    card = tariff(M01=600_000, no_show=50)
    desk = Desk(*CENTRE[:-1], card, confirmed("r", held([0], hours(100, 108), resource="M01")), activated("r"))
    desk.says(missed("r", MONDAY + 104 * HOUR), at=MONDAY + 101 * HOUR)
    assert desk.standing()["M01", Account.IDLE] == (4 * HOUR, 600_000)
    assert desk.standing()["M01", Account.PENALTY] == (0, 300_000)
    assert desk.standing()["M01", Account.RELEASED] == (4 * HOUR, 300_000)


def test_compute_on_which_nothing_ran_is_charged_as_whoever_does_not_come() -> None:
    """The hour until it was given back was idle, of the rest the rule's percentage is due, and all sums to zero."""
    desk = Desk(
        *CENTRE[:-1], tariff(h100=3000, no_show=100), confirmed("r", held([0], hours(100, 110))), activated("r")
    )
    desk.says(missed("r", MONDAY + 101 * HOUR), at=MONDAY + 101 * HOUR)
    standing = desk.standing()
    assert standing["h100", Account.IDLE] == (HOUR, 3_000)
    assert standing["h100", Account.PENALTY] == (0, 27_000)
    assert ("h100", Account.BOOKED) not in standing
    assert sum(krw for _, krw in standing.values()) == 0


def test_compute_may_be_cancelled_by_the_companys_own_hours() -> None:
    """How long before the start compute is free to cancel follows from the company's track."""
    for notice, due in ((2, 0), (1, 3000)):
        desk = Desk(pool(), company(free_cancel_hours="2"), tariff(h100=3000, compute_late=100))
        desk.says(confirmed("r", held([0], hours(100, 101))))
        desk.says(cancelled("r"), at=MONDAY + (100 - notice) * HOUR)
        assert desk.standing().get(("h100", Account.PENALTY), (0, 0)) == (0, due)


def test_a_grant_is_worth_its_price() -> None:
    """A quota is a budget in KRW as well, in the month in which it begins."""
    assert [(each.period, each.unit_seconds, each.krw) for each in Desk(*CENTRE).says(grant(hours=10))] == [
        (202603, 10 * HOUR, 30_000)
    ]


def test_without_a_tariff_all_is_free() -> None:
    """A centre that published no rate card keeps its books in unit-seconds alone."""
    desk = Desk(pool(), company(), confirmed("r", held([0], hours(0, 1))))
    assert desk.standing()["h100", Account.BOOKED] == (HOUR, 0)


def test_what_is_confirmed_at_another_time_is_booked_at_its_price() -> None:
    """What stays is booked, what is longer comes from the centre, what is shorter is given back; all of it sums up."""
    for hours_, back, more in ((6, 0, 2), (3, 1, 0)):
        desk = Desk(*CENTRE)
        desk.says(requested("r", held([0], hours(48, 52))))
        desk.says(voted("r"))
        other = held([0], hours(72, 72 + hours_))
        desired = hours(48, 52)
        desk.says(replace(confirmed("r", other), desired=desired))
        standing = desk.standing()
        assert standing["h100", Account.BOOKED] == (hours_ * HOUR, hours_ * 3000)
        assert ("h100", Account.HELD) not in standing
        assert standing.get(("h100", Account.RELEASED), (0, 0)) == (back * HOUR, back * 3000)
        assert standing["h100", Account.CAPACITY][0] == -(4 + more) * HOUR
