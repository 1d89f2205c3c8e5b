"""Double entry, without a database: what each event posts, in unit-seconds and in KRW."""

from collections import Counter
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.events import Event, QuotaReviewed, ReservationEvent, TariffPublished
from services.allocation.reservations import Allocation, State
from services.allocation.values.reclaim import Removal
from services.allocation.values.tariff import Peak
from services.ledger.books import Books
from services.ledger.chart import Account, Phase, Transfer, phase_of
from services.ledger.posting import GIVEN_BACK, STANDING, post
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    changed,
    closed,
    company,
    completed,
    confirmed,
    correction,
    equipment,
    grant,
    held,
    hours,
    missed,
    moved,
    pool,
    released,
    requested,
    tariff,
    used,
    voted,
)

APRIL = 29 * 24 + 15  # Hours from Monday, 2 March, 00:00 UTC to midnight of 1 April in Seoul.
CENTRE = (
    pool(),
    pool("a100", bin_capacity=1000),
    equipment("M01", fee=600_000, slot_hours=4, free_cancel_hours=24),
    pool("OP", nodes=1000, bins_per_node=1),
    company(),
    tariff(h100=3000, a100=1200, M01=600_000),
)
PEAKS = (
    Peak(weekdays=(0, 1, 2, 3, 4), starts=9 * 60, ends=18 * 60, percent=130),
    Peak(weekdays=(0, 1, 2, 3, 4, 5, 6), starts=22 * 60 + 30, ends=30 * 60, percent=70),
)
PEAKY = (*CENTRE[:-1], tariff(h100=3000, a100=1201, M01=600_001, peaks=PEAKS))
"""The same with prices of day and night."""


class Desk:
    """Books that have taken some events, and everything that was posted."""

    def __init__(self, *facts: Event) -> None:
        self.books = Books()
        self.posted: list[Transfer] = []
        self.number = 0
        for fact in facts:
            self.says(fact)

    def says(self, event: Event, at: int = MONDAY) -> list[Transfer]:
        """What an event posts."""
        self.number += 1
        step = self.books.take(event, self.number, at, self.number)
        transfers = list(post(event, step, self.books, at))
        assert all(transfer.unit_seconds >= 0 and transfer.krw >= 0 for transfer in transfers)
        assert all(transfer.unit_seconds or transfer.krw for transfer in transfers)
        self.posted += transfers
        return transfers

    def standing(self, period: int = 0) -> dict[tuple[str, Account], tuple[int, int]]:
        """Unit-seconds and KRW by resource and account, in one month or in all."""
        seconds, krw = Counter[tuple[str, Account]](), Counter[tuple[str, Account]]()
        for transfer in self.posted:
            if period in (0, transfer.period):
                for account, sign in ((transfer.from_account, -1), (transfer.to_account, 1)):
                    seconds[transfer.resource, account] += sign * transfer.unit_seconds
                    krw[transfer.resource, account] += sign * transfer.krw
        return {key: (seconds[key], krw[key]) for key in seconds if seconds[key] or krw[key]}


@st.composite
def allocations(draw: st.DrawFn) -> tuple[Allocation, ...]:
    """Some bins of some resources, for one to three spans each, some of them over the end of the month."""
    made = []
    for resource in draw(st.lists(st.sampled_from(["h100", "a100", "M01", "OP"]), min_size=1, max_size=4, unique=True)):
        edges = sorted(draw(st.sets(st.integers(0, 900), min_size=2, max_size=6)))
        spans = [hours(first, last) for first, last in zip(edges[::2], edges[1::2], strict=False)]
        most = 1000 if resource == "a100" else 1
        bins = 1 if resource == "M01" else draw(st.integers(1, 16))
        amounts = draw(st.lists(st.integers(1, most), min_size=bins, max_size=bins))
        made.append(held(range(len(amounts)), *spans, resource=resource, amounts=amounts))
    return tuple(made)


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


def test_compute_may_be_cancelled_by_the_companys_own_hours() -> None:
    """How long before the start compute is free to cancel follows from the company's track."""
    for notice, due in ((2, 0), (1, 3000)):
        desk = Desk(pool(), company(free_cancel_hours="2"), tariff(h100=3000, compute_late=100))
        desk.says(confirmed("r", held([0], hours(100, 101))))
        desk.says(cancelled("r"), at=MONDAY + (100 - notice) * HOUR)
        assert desk.standing().get(("h100", Account.PENALTY), (0, 0)) == (0, due)


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


def test_a_grant_is_worth_its_price() -> None:
    """A quota is a budget in KRW as well, in the month in which it begins."""
    assert [(each.period, each.unit_seconds, each.krw) for each in Desk(*CENTRE).says(grant(hours=10))] == [
        (202603, 10 * HOUR, 30_000)
    ]


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


def test_without_a_tariff_all_is_free() -> None:
    """A centre that published no rate card keeps its books in unit-seconds alone."""
    desk = Desk(pool(), company(), confirmed("r", held([0], hours(0, 1))))
    assert desk.standing()["h100", Account.BOOKED] == (HOUR, 0)


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
