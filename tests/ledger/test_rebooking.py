"""Late fees are returned as far as somebody books again what was given back, and never more than was charged."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.events import Event
from services.allocation.reservations import Allocation
from services.ledger.chart import Account, Phase
from services.ledger.moments import moment
from services.ledger.reporting.history import history
from services.ledger.reporting.statements import month_statement
from services.ledger.reporting.transfers import LATE_FEE_RETURNED
from services.ledger.reporting.views import NOW, View
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    changed,
    company,
    confirmed,
    entry,
    equipment,
    extend,
    held,
    hours,
    missed,
    pool,
    requested,
    tariff,
)
from tests.ledger.posting_desk import Desk
from tests.ledger.test_handing_over import handed_over, offered

LATE = MONDAY + 99 * HOUR
CARD = tariff(h100=3000, M01=600_000, compute_late=50, equipment_late=80, no_show=100, late_return=100)
CENTRE = (
    pool(),
    equipment("M01", fee=600_000, slot_hours=4, free_cancel_hours=24),
    company(free_cancel_hours="48"),
    company("CMP-0002"),
    CARD,
)


def gpus(count: int, first: float, last: float, place: int = 0) -> Allocation:
    """GPUs from one hour after Monday midnight to another."""
    return held(range(place, place + count), (MONDAY + int(first * HOUR), MONDAY + int(last * HOUR)))


def penalty(desk: Desk, resource: str = "h100") -> int:
    """What stands on the penalty account of the first company."""
    return sum(
        each.krw * (1 if each.to_account is Account.PENALTY else -1)
        for each in desk.posted
        if Account.PENALTY in (each.from_account, each.to_account) and each.resource == resource
    )


def given_back(*, card: Event = CARD) -> Desk:
    """The first company has given four GPUs of four hours back an hour before, for a fee of half of 48,000 KRW."""
    desk = Desk(*CENTRE[:-1], card, confirmed("first", gpus(4, 100, 104)))
    desk.says(cancelled("first"), at=LATE)
    assert penalty(desk) == 24_000
    return desk


@pytest.mark.parametrize(
    ("again", "left"),
    [
        (gpus(4, 100, 104), 0),
        (gpus(4, 102, 106), 12_000),  # half of the time
        (gpus(1, 100, 104), 18_000),  # a quarter of the units
        (gpus(8, 90, 110), 0),  # more of everything
        (gpus(4, 104, 108), 24_000),  # another time
    ],
)
def test_what_is_booked_again_is_not_charged(again: Allocation, left: int) -> None:
    """Somebody books all of it, a part, or something else: the fee of that part is returned, as a reversal."""
    desk = given_back()
    posted = desk.says(confirmed("second", again, by="CMP-0002"), at=LATE)
    assert penalty(desk) == left
    reversals = [each for each in posted if each.from_account is Account.PENALTY]
    assert [(each.company, each.reservation, each.to_account) for each in reversals] == [
        ("CMP-0001", "first", Account.REFUNDED)
    ] * (left < 24_000)


def test_it_is_returned_once_and_by_bookings_alone() -> None:
    """The second who books the same time returns nothing; nor does what is only held, asked for, moved or started."""
    desk = given_back()
    desk.says(requested("asked", gpus(2, 100, 104), by="CMP-0002"), at=LATE)
    assert penalty(desk) == 24_000
    desk.says(confirmed("asked", gpus(2, 100, 104), by="CMP-0002"), at=LATE)
    assert penalty(desk) == 12_000
    desk.says(changed("asked", gpus(3, 100, 104)), at=LATE)
    assert penalty(desk) == 6_000
    desk.says(activated("asked"), at=LATE + HOUR)
    desk.says(confirmed("second", gpus(1, 100, 104), by="CMP-0002"), at=LATE)
    desk.says(confirmed("third", gpus(4, 100, 104), by="CMP-0002"), at=LATE)
    assert penalty(desk) == 0


def test_who_gave_back_first_is_first() -> None:
    """Units are alike, so the oldest fee is returned before the next one."""
    desk = Desk(*CENTRE, confirmed("first", gpus(4, 100, 104)), confirmed("second", gpus(4, 100, 104)))
    for name in ("first", "second"):
        desk.says(cancelled(name), at=LATE)
    posted = desk.says(confirmed("third", gpus(6, 100, 104), by="CMP-0002"), at=LATE)
    returned = {each.reservation: each.krw for each in posted if each.from_account is Account.PENALTY}
    assert returned == {"first": 24_000, "second": 12_000}


def test_a_part_given_back_and_taken_again_is_as_if_nothing_had_happened() -> None:
    """Who shortens a booking late and extends it again before anybody else takes the time pays no fee."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, 100, 104)))
    desk.says(changed("r", gpus(4, 100, 102)), at=LATE)
    assert penalty(desk) == 12_000
    desk.says(changed("r", gpus(4, 100, 104)), at=LATE)
    assert penalty(desk) == 0


def test_slots_are_returned_as_they_were_charged() -> None:
    """Equipment by the slot: who books the first of two slots returns the fee of that one."""
    desk = Desk(*CENTRE, confirmed("r", held([0], hours(100, 108), resource="M01")))
    desk.says(cancelled("r"), at=LATE)
    assert penalty(desk, "M01") == 960_000
    desk.says(confirmed("s", held([0], hours(100, 104), resource="M01"), by="CMP-0002"), at=LATE)
    assert penalty(desk, "M01") == 480_000


def test_the_rate_card_says_what_is_returned() -> None:
    """Of the card of the booking: nothing, where it says nothing; a half, where it says so."""
    for percent, left in ((0, 24_000), (50, 12_000)):
        desk = given_back(card=tariff(h100=3000, M01=600_000, compute_late=50, late_return=percent))
        desk.says(tariff("later", h100=3000, M01=600_000, late_return=100))
        desk.says(confirmed("second", gpus(4, 100, 104), by="CMP-0002"), at=LATE)
        assert penalty(desk) == left


def test_not_coming_is_not_giving_back() -> None:
    """The charge for a no-show stays, whoever uses what is left of the time."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, 100, 104)), activated("r"))
    desk.says(missed("r", MONDAY + 101 * HOUR), at=MONDAY + 101 * HOUR)
    desk.says(confirmed("s", gpus(4, 101, 104), by="CMP-0002"), at=MONDAY + 101 * HOUR)
    assert penalty(desk) == 36_000


def test_nothing_past_is_remembered() -> None:
    """Once its time is over nobody can book it again, and the books forget it."""
    desk = given_back()
    assert desk.books.rebooking.waiting
    desk.says(confirmed("later", gpus(1, 200, 201), by="CMP-0002"), at=MONDAY + 150 * HOUR)
    assert not desk.books.rebooking.waiting


SPAN = st.tuples(st.integers(1, 8), st.integers(100, 111), st.integers(1, 6))


@given(SPAN, st.lists(SPAN, max_size=8), st.integers(0, 100))
def test_no_more_is_returned_than_was_charged(
    first: tuple[int, int, int], others: list[tuple[int, int, int]], percent: int
) -> None:
    """Whoever books how much of it: what is returned never falls short of the part, nor goes beyond the fee."""
    count, start, length = first
    desk = Desk(*CENTRE[:-1], tariff(h100=3333, compute_late=67, late_return=percent))
    desk.says(confirmed("r", gpus(count, start, start + length)))
    desk.says(cancelled("r"), at=LATE)
    fee, before = penalty(desk), penalty(desk)
    free = Counter(dict.fromkeys(range(start, start + length), count))
    for number, (units, begin, lasting) in enumerate(others):
        desk.says(confirmed(f"s{number}", gpus(units, begin, begin + lasting), by="CMP-0002"), at=LATE)
        for hour in range(begin, begin + lasting):
            free[hour] = max(0, free[hour] - units)
        assert 0 <= penalty(desk) <= before
        before = penalty(desk)
        kept = fee - fee * percent // 100
        assert abs(before - kept - fee * percent // 100 * sum(free.values()) / (count * length)) <= 1 + len(others)
    if not sum(free.values()):
        assert before == fee - fee * percent // 100


async def test_a_restart_and_a_rebuild_return_the_same(ledger: Ledger) -> None:
    """P7: stopped between any two pages, or folded anew from the first, the ledger returns the same to the won."""
    first, second = confirmed("first", gpus(4, 100, 104)), confirmed("second", gpus(2, 102, 106, 8))
    extend(ledger.log, [entry(*CENTRE, actor="operator")], [entry(first)], [entry(second)])
    shorter = entry(changed("second", gpus(2, 102, 105, 8)), at=LATE)
    extend(ledger.log, [shorter], [entry(cancelled("first"), at=LATE)])
    for number, again in enumerate((gpus(1, 100, 103, 16), gpus(2, 101, 106, 17), gpus(4, 103, 104, 20))):
        extend(ledger.log, [entry(confirmed(f"s{number}", again, by="CMP-0002"), at=LATE)])
    for position in range(1, len(ledger.log.pages) + 1):
        projector = await ledger.open()  # As after every restart.
        await projector.follow(until=position)
    stepwise = await ledger.digests()
    assert stepwise["late_fees"].rows > 4
    await ledger.drop()
    await ledger.fold()
    assert await ledger.digests() == stepwise


async def test_who_was_charged_is_told_what_is_returned_and_not_to_whom(ledger: Ledger) -> None:
    """Statement, history and every earlier view: what was returned, when and for what; nothing of who booked (P8)."""
    extend(ledger.log, [entry(*CENTRE, actor="operator")], [entry(confirmed("first", gpus(4, 100, 104)))])
    extend(ledger.log, [entry(cancelled("first"), at=LATE)])
    again = entry(confirmed("other", gpus(2, 100, 104), by="CMP-0002"), at=LATE + 60, actor="companies/CMP-0002")
    extend(ledger.log, [again])
    await ledger.fold()
    told = await month_statement(ledger.readers, "CMP-0001", 202603, NOW)
    line = told.lines[-1]
    assert (line.event, line.position, line.phase, line.krw) == (LATE_FEE_RETURNED, 4, Phase.REVERSED, 12_000)
    assert (line.reservation, line.from_account, line.to_account) == ("first", "penalty", "refunded")
    assert [(row.penalty_krw, row.charged_krw, row.refunded_krw) for row in told.rows] == [(12_000, 12_000, 12_000)]
    for view in (View(known_at=3), View(as_of=moment((LATE + 59) * 1_000_000))):
        before = await month_statement(ledger.readers, "CMP-0001", 202603, view)
        assert [(row.penalty_krw, row.refunded_krw) for row in before.rows] == [(24_000, 0)]
    _, entries = await history(ledger.readers, "CMP-0001", "first", NOW, voters_named=False)
    assert [each.event for each in entries] == ["reservation_confirmed", "reservation_cancelled", LATE_FEE_RETURNED]
    assert (
        entries[-1].description
        == "Somebody booked a part of the time of h100 that it gave back late: 12,000 KRW of its fee are returned."
    )
    assert "CMP-0002" not in repr((told, entries))
    _, earlier = await history(ledger.readers, "CMP-0001", "first", View(known_at=3), voters_named=False)
    assert [each.event for each in earlier] == ["reservation_confirmed", "reservation_cancelled"]


def test_handing_over_is_not_booking_again() -> None:
    """Who takes a reservation over holds what was held, though it be drawn anew: nobody's fee is returned for that."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, 100, 104, 8)), confirmed("first", gpus(4, 100, 104)))
    desk.says(cancelled("first"), at=LATE)
    for event in (offered("r"), *handed_over("r", gpus(4, 100, 104, 16))):
        desk.says(event, at=LATE)
    assert penalty(desk) == 24_000
