"""A change that waits, in the books: its new place is held, what stands stays booked, and a yes moves it."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.allocation import events
from services.allocation.events import Event
from services.allocation.prices.flows import flows
from services.allocation.reservations import Allocation, Line
from services.allocation.values.approval import Approval, Rule
from services.allocation.values.change import ChangeOutcome
from services.ledger.books import Books, Misfit
from services.ledger.chart import Account
from services.ledger.posting import post
from services.ledger.reporting import history
from services.ledger.reporting.views import NOW
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    company,
    confirmed,
    entry,
    extend,
    grant,
    held,
    hours,
    pool,
    tariff,
    voted,
)

COMPANY = "CMP-0001"
STANDS = held([0, 1], hours(48, 52))
LATER = held([0, 1], hours(50, 56))
BESIDE = held([0, 1], hours(52, 56))
CENTRE = (pool(), company(COMPANY), tariff(h100=3000, compute_late=50), grant(COMPANY))
Posted = list[tuple[Account, Account, int, int]]


def asked(new: Allocation = LATER, beside: Allocation = BESIDE) -> Event:
    """Another place is asked for."""
    return events.ChangeRequested(
        reservation_id="r",
        start=new.spans[0][0],
        end=new.spans[-1][1],
        lines=(Line(resource="h100", units=2),),
        allocations=(new,),
        beside=(beside,),
        expires_at=MONDAY + 48 * HOUR,
        approval=Approval(rule=Rule.MANAGER),
    )


def granted(asked_at: int = MONDAY, new: Allocation = LATER) -> Event:
    """It is had."""
    return events.ReservationChanged(
        reservation_id="r",
        start=new.spans[0][0],
        end=new.spans[-1][1],
        lines=(Line(resource="h100", units=2),),
        allocations=(new,),
        asked_at=asked_at,
    )


def ended(outcome: ChangeOutcome = ChangeOutcome.DENIED) -> Event:
    """It is not."""
    return events.ChangeEnded(reservation_id="r", outcome=outcome, reason="Others wait.")


def posted(*facts: Event, at: int = MONDAY) -> list[Posted]:
    """What each event posts; the metrics count the same, to the unit-second."""
    books, found = Books(), []
    for number, fact in enumerate(facts, 1):
        step = books.take(fact, number, at, number)
        made = post(fact, step, books, at)
        found.append([(each.from_account, each.to_account, each.unit_seconds, each.krw) for each in made])
        if step is None:
            continue
        moved = flows(step.before.reservation if step.before else None, step.after.reservation, books.periods)
        assert sum(each.reserved for each in moved) == sum(
            amount for source, _, amount, _ in found[-1] if source is Account.CAPACITY
        )
        assert sum(each.released for each in moved) == sum(
            amount for _, target, amount, _ in found[-1] if target is Account.RELEASED
        )
    return found


def test_the_new_place_is_held_and_a_yes_books_it() -> None:
    """Eight unit-hours wait beside the eight that are booked; granted, four of them come and four are free again."""
    *_, booked, waits, vote, yes = posted(*CENTRE, confirmed("r", STANDS), asked(), voted("r"), granted())
    assert booked == [(Account.CAPACITY, Account.BOOKED, 8 * HOUR, 24_000)]
    assert waits == [(Account.CAPACITY, Account.HELD, 8 * HOUR, 24_000)]
    assert vote == []
    assert yes == [
        (Account.HELD, Account.BOOKED, 4 * HOUR, 12_000),
        (Account.HELD, Account.RELEASED, 4 * HOUR, 12_000),
    ]


@pytest.mark.parametrize("end", [ended(), ended(ChangeOutcome.LAPSED), cancelled("r", excused=True)])
def test_whatever_ends_it_gives_the_new_place_back(end: Event) -> None:
    """Denied, not decided or cancelled with its booking, nothing of it was ever booked."""
    *_, last = posted(*CENTRE, confirmed("r", STANDS), asked(), end)
    assert (Account.HELD, Account.RELEASED, 8 * HOUR, 24_000) in last
    assert ((Account.BOOKED, Account.RELEASED, 8 * HOUR, 24_000) in last) == isinstance(
        end, events.ReservationCancelled
    )
    assert not [each for each in last if Account.PENALTY in each]


def test_a_second_question_moves_the_difference() -> None:
    """What both ask for stays held."""
    less, other = held([0, 1], hours(50, 54)), held([0, 1], hours(52, 54))
    *_, second = posted(*CENTRE, confirmed("r", STANDS), asked(), asked(less, other))
    assert second == [(Account.HELD, Account.RELEASED, 4 * HOUR, 12_000)]


@pytest.mark.parametrize(("asked_at", "fee"), [(MONDAY, 0), (MONDAY + 47 * HOUR, 6_000)])
def test_what_it_gives_back_is_as_late_as_when_it_was_asked_for(asked_at: int, fee: int) -> None:
    """Two hours of two GPUs go: free for who asked in time, half of their price for who asked an hour before."""
    *_, yes = posted(
        *CENTRE[:1], company(COMPANY, free_cancel_hours="24"), *CENTRE[2:], confirmed("r", STANDS), asked(),
        granted(asked_at), at=MONDAY + 47 * HOUR,
    )  # fmt: skip
    assert sum(krw for _, target, _, krw in yes if target is Account.PENALTY) == fee


def test_what_nobody_asked_for_stops_the_reader() -> None:
    """P9: neither an end nor a vote fits a booking of which nothing waits."""
    for event in (ended(), voted("r")):
        with pytest.raises(Misfit):
            posted(*CENTRE, confirmed("r", STANDS), event)


async def test_the_tables_hold_both_places_and_let_nobody_in(ledger: Ledger) -> None:
    """P1 in the database, over a restart between any two events; a rebuild gives the same digests (P7)."""
    story: list[tuple[Event, ...]] = [
        CENTRE, (confirmed("r", STANDS),), (asked(),), (voted("r"),), (granted(),), (activated("r"),),
    ]  # fmt: skip
    for number, facts in enumerate(story):
        at = MONDAY + (50 if number == 5 else 0) * HOUR
        extend(ledger.log, [entry(*facts, at=at)])
        await ledger.fold()
    rows = await ledger.rows(
        "SELECT extract(epoch FROM ends_at - starts_at)::int / 3600, upper_inf(held) FROM allocations"
        " ORDER BY number, 1"
    )
    assert rows == [(4, False), (4, False), (4, False), (6, True)]
    assert await ledger.balances() == {
        ("h100", "granted"): 1000 * HOUR, ("h100", "booked"): 12 * HOUR, ("h100", "released"): 4 * HOUR,
        ("h100", "capacity"): -1016 * HOUR,
    }  # fmt: skip
    before = await ledger.digests()
    await ledger.drop()
    await ledger.fold()
    assert await ledger.digests() == before


async def test_its_history_tells_the_question_and_the_answer(ledger: Ledger) -> None:
    """Who asked, who decides, and what became of it."""
    extend(ledger.log, [entry(*CENTRE)], [entry(confirmed("r", STANDS))], [entry(asked())], [entry(ended())])
    extend(ledger.log, [entry(replace(asked(), void_votes=1))], [entry(voted("r"), granted(), actor="operators/kim")])
    await ledger.fold()
    _, told = await history.history(ledger.readers, COMPANY, "r", NOW, voters_named=False)
    sentences: list[Any] = [each.description for each in told]
    assert "asked to change it to 2 GPUs of h100, from " in sentences[1]
    assert "until then it stands as it is" in sentences[1]
    assert sentences[2] == "The change was denied (Others wait.); it stands as it stood."
    assert sentences[3].endswith("Votes cast before that count no more: 1.")
    assert sentences[5].startswith("It was changed as it was asked for: 2 GPUs of h100, from ")
