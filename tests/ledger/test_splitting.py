"""A booking that was split: nothing of it is given back, both parts have the rate card of the whole, and it is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.events import Event, ReservationChanged, ReservationConfirmed
from services.allocation.reservations import Allocation, Line, used_until
from services.allocation.values.origin import Origin
from services.ledger.books import Misfit
from services.ledger.chart import Account
from services.ledger.reporting import history
from services.ledger.reporting.views import NOW
from services.ledger.reporting.years import year_report
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    company,
    completed,
    confirmed,
    entry,
    extend,
    held,
    hours,
    pool,
    tariff,
)
from tests.ledger.posting_desk import APRIL, PEAKY, Desk
from tests.ledger.test_handing_over import handed_over, offered
from tests.ledger.test_rebooking import gpus, penalty

CARD = tariff(h100=3000, compute_late=50, late_return=100)
CENTRE = (pool(), company(free_cancel_hours="48"), company("CMP-0002", free_cancel_hours="48"), CARD)
ME = "companies/CMP-0001"


def split(
    name: str, rest: Allocation, part: Allocation, *, ahead: int = 0, card: str = "krw-2026"
) -> tuple[Event, Event]:
    """A part of a reservation is one of its own from now on."""
    times = [(each.spans[0][0], each.spans[-1][1]) for each in (rest, part)]
    lines = [(Line(resource=each.resource, units=each.units),) for each in (rest, part)]
    return (
        ReservationChanged(
            reservation_id=name,
            start=times[0][0],
            end=times[0][1],
            lines=lines[0],
            allocations=(rest,),
            parted=f"{name}-part",
        ),
        ReservationConfirmed(
            reservation_id=f"{name}-part",
            company="CMP-0001",
            start=times[1][0],
            end=times[1][1],
            lines=lines[1],
            allocations=(part,),
            origin=Origin(of=name, first=name, ahead=ahead, card=card),
            booked_at=MONDAY,
        ),
    )


def cut(whole: Allocation, at: int) -> tuple[Allocation, Allocation]:
    """What is held before an hour, and what from then on."""
    moment = MONDAY + at * HOUR
    (rest,) = used_until((whole,), moment)
    part = held(whole.bins, *whole.since(moment), resource=whole.resource, amounts=whole.amounts)
    return rest, part


def test_what_was_booked_stays_booked() -> None:
    """Neither given back nor paid for being late, though its start is near; both halves stand where the whole did."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, 10, 14)))
    before = desk.standing()
    for event in split("r", *cut(gpus(4, 10, 14), 12), ahead=2 * HOUR):
        desk.says(event, at=MONDAY + 9 * HOUR)
    assert desk.standing() == before
    assert {each.to_account for each in desk.posted} == {Account.BOOKED, Account.CAPACITY}


@given(
    st.integers(1, 16),
    st.integers(1, 300),
    st.integers(2, 300),
    st.integers(1, 299),
    st.sampled_from(["h100", "a100"]),
)
def test_both_cost_what_the_whole_did(bins: int, amount: int, length: int, at: int, resource: str) -> None:
    """Over the end of a month, by prices of day and night: all hours, and never a won more; a won less is rounded."""
    begins = APRIL - length // 2
    amounts = [amount if resource == "a100" else 1] * bins
    whole = held(range(bins), hours(begins, begins + length), resource=resource, amounts=amounts)
    desk = Desk(*PEAKY, confirmed("r", whole))
    seconds, krw = desk.standing()[resource, Account.BOOKED]
    for event in split("r", *cut(whole, begins + at % (length - 1) + 1)):
        desk.says(event)
    after = desk.standing()
    assert after[resource, Account.BOOKED][0] == seconds
    assert krw - 1 <= after[resource, Account.BOOKED][1] <= krw
    assert sum(amounts[1] for amounts in after.values()) == 0
    assert not any(account is Account.RELEASED for _, account in after)


def test_the_part_is_as_late_as_the_whole() -> None:
    """Given back two days and an hour before its own start, it is given back an hour before that of the whole."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, 100, 150)))
    for event in split("r", *cut(gpus(4, 100, 150), 149), ahead=49 * HOUR):
        desk.says(event)
    desk.says(cancelled("r-part"), at=MONDAY + 99 * HOUR)
    assert penalty(desk) == 6_000


def test_a_newer_rate_card_is_not_asked() -> None:
    """Whatever was published meanwhile, the part has the card that it names, also when another company takes it."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, 10, 14)), tariff("krw-late", valid_from=MONDAY, h100=9000))
    for event in split("r", *cut(gpus(4, 10, 14), 12)):
        desk.says(event)
    assert desk.standing()["h100", Account.BOOKED] == (16 * HOUR, 48_000)
    part = cut(gpus(4, 10, 14), 12)[1]
    for event in (offered("r-part"), *handed_over("r-part", part)):
        desk.says(event)
    assert desk.standing()["h100", Account.BOOKED] == (16 * HOUR, 48_000)


def test_a_card_that_nobody_published_stops_the_reader() -> None:
    """P9: the books never guess a price."""
    desk = Desk(*CENTRE, confirmed("r", gpus(4, 10, 14)))
    changed, part = split("r", *cut(gpus(4, 10, 14), 12), card="krw-1999")
    desk.says(changed)
    with pytest.raises(Misfit, match="krw-1999"):
        desk.says(part)


def test_a_part_without_a_card_is_free() -> None:
    """What was booked before there were prices has none in two parts either."""
    desk = Desk(pool(), company(), confirmed("r", gpus(4, 10, 14)), CARD)
    for event in split("r", *cut(gpus(4, 10, 14), 12), card=""):
        desk.says(event)
    assert desk.standing()["h100", Account.BOOKED] == (16 * HOUR, 0)


def test_nobody_books_again_what_only_has_another_name() -> None:
    """A late fee waits for somebody who takes what was given back: a part of what another GPU did then is nobody."""
    desk = Desk(*CENTRE, confirmed("gone", gpus(4, 100, 104)), confirmed("r", gpus(4, 100, 104, 4)))
    desk.says(cancelled("gone"), at=MONDAY + 99 * HOUR)
    fee = penalty(desk)
    for event in split("r", *cut(gpus(4, 100, 104, 4), 102)):
        desk.says(event, at=MONDAY + 99 * HOUR)
    assert penalty(desk) == fee > 0


@pytest.fixture
async def told(ledger: Ledger) -> Ledger:
    """A ledger in which a booking was split under an older card, and what stayed was given back."""
    extend(ledger.log, [entry(*CENTRE, actor="operators/lee")])
    extend(ledger.log, [entry(confirmed("r", gpus(4, 100, 104)), actor=ME)])
    extend(ledger.log, [entry(tariff("krw-late", valid_from=MONDAY, h100=9000), actor="operators/lee")])
    extend(ledger.log, [entry(*split("r", *cut(gpus(4, 100, 104), 102), ahead=2 * HOUR), actor=ME)])
    await ledger.fold()
    return ledger


async def test_a_ledger_that_starts_anew_knows_the_card_of_a_part(told: Ledger) -> None:
    """P6: though what it was split off from is followed no more; and P7: the tables come out the same."""
    extend(told.log, [entry(cancelled("r"), actor=ME)])
    await told.fold()
    extend(told.log, [entry(activated("r-part"), at=MONDAY + 102 * HOUR, actor="system")])
    extend(told.log, [entry(completed("r-part"), at=MONDAY + 104 * HOUR, actor="system")])
    await told.fold()
    used = "SELECT sum(krw)::bigint FROM transfers WHERE to_account = 'used'"
    assert await told.rows(used) == [(24_000,)]
    before = await told.digests()
    await told.drop()
    await told.fold()
    assert await told.digests() == before


async def test_a_year_counts_it_once(told: Ledger) -> None:
    """Two reservations, and one booking; and one of another company once that has taken the part over."""
    _, report = await year_report(told.readers, 2026, NOW)
    assert report.total.bookings == 1
    part = cut(gpus(4, 100, 104), 102)[1]
    extend(told.log, [entry(offered("r-part"), *handed_over("r-part", part), actor="companies/CMP-0002")])
    await told.fold()
    _, report = await year_report(told.readers, 2026, NOW)
    assert report.total.bookings == 2


async def test_both_lives_say_where_they_part(told: Ledger) -> None:
    """The one names what left, the other what it was split off from."""
    (_, whole), (_, part) = [
        await history.history(told.readers, "CMP-0001", name, NOW, voters_named=False) for name in ("r", "r-part")
    ]
    assert whole[-1].description.startswith("CMP-0001 split it, and the reservation r-part has what left; it is now: 4")
    assert part[0].description.startswith("CMP-0001 split this off from the reservation r: 4 GPUs of h100, from ")
