"""A booking that goes to another company: out of the one's books and into the other's, and each reads its own part."""

from collections import Counter

import pytest

from services.allocation import events
from services.allocation.events import Event
from services.allocation.reservations import Allocation, Line
from services.allocation.values.transfer import Outcome
from services.ledger.books import Books, Misfit
from services.ledger.chart import Account, Transfer
from services.ledger.posting import post
from services.ledger.reading import company_snapshot
from services.ledger.reporting import history, statements
from services.ledger.reporting.views import NOW, NotFound
from services.ledger.reporting.years import equipment_use
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    closed,
    company,
    completed,
    confirmed,
    entry,
    equipment,
    extend,
    grant,
    held,
    hours,
    pool,
    tariff,
)

GIVER, TAKER = "CMP-0001", "CMP-0002"
GPUS = held([0, 1], hours(48, 52))
CENTRE = (
    pool(),
    company(GIVER),
    company(TAKER, stage="startup"),
    tariff(h100=3000, discounts={"startup": 50}),
    grant(GIVER),
    grant(TAKER),
)


def offered(name: str, to: str = TAKER) -> Event:
    """It is offered until its start."""
    return events.TransferOffered(reservation_id=name, to=to, expires_at=MONDAY + 48 * HOUR)


def handed_over(name: str, *allocations: Allocation, to: str = TAKER) -> tuple[Event, Event]:
    """It is accepted, and the other company's from then on."""
    return events.TransferAccepted(reservation_id=name, to=to), events.ReservationTransferred(
        reservation_id=name,
        company=to,
        former=GIVER,
        start=min(start for each in allocations for start, _ in each.spans),
        end=max(end for each in allocations for _, end in each.spans),
        lines=tuple(Line(resource=each.resource, units=each.units) for each in allocations),
        allocations=allocations,
    )


def posted(*facts: Event) -> list[list[Transfer]]:
    """What each event posts."""
    books, found = Books(), []
    for number, fact in enumerate(facts, 1):
        step = books.take(fact, number, MONDAY, number)
        found.append(list(post(fact, step, books, MONDAY)))
    return found


def test_each_company_pays_its_own_price_by_the_card_of_the_booking() -> None:
    """What is booked is given back at the price of the one and booked at the discount of the other, to the won."""
    *_, offer, out, into = posted(*CENTRE, confirmed("r", GPUS), offered("r"), *handed_over("r", GPUS))
    assert offer == []
    assert [(each.company, each.from_account, each.to_account, each.unit_seconds, each.krw) for each in out] == [
        (GIVER, Account.BOOKED, Account.RELEASED, 8 * HOUR, 24_000)
    ]
    assert [(each.company, each.from_account, each.to_account, each.unit_seconds, each.krw) for each in into] == [
        (TAKER, Account.CAPACITY, Account.BOOKED, 8 * HOUR, 12_000)
    ]


def test_a_newer_rate_card_is_not_asked() -> None:
    """P6: the card that it was booked with goes along, whoever published another meanwhile."""
    newer = tariff("krw-late", valid_from=MONDAY, h100=9000)
    *_, into = posted(*CENTRE, confirmed("r", GPUS), newer, offered("r"), *handed_over("r", GPUS))
    assert [each.krw for each in into] == [12_000]


def test_all_that_is_posted_sums_to_zero_in_each_company_and_month() -> None:
    """A booking over two months, handed over and used: nothing is left on any account that it went through."""
    long = held([0, 1, 2], hours(600, 800))
    story = (confirmed("r", long), offered("r"), *handed_over("r", long), activated("r"), completed("r"))
    sums: Counter[tuple[str, int, str]] = Counter()
    seconds: Counter[tuple[str, Account]] = Counter()
    for transfer in (each for made in posted(*CENTRE[:-2], *story) for each in made):
        for account, sign in ((transfer.from_account, -1), (transfer.to_account, 1)):
            sums[transfer.company, transfer.period, "krw"] += sign * transfer.krw
            seconds[transfer.company, account] += sign * transfer.unit_seconds
    assert set(sums.values()) == {0}
    worth = long.unit_seconds
    assert {key: amount for key, amount in seconds.items() if amount} == {
        (GIVER, Account.RELEASED): worth,
        (GIVER, Account.CAPACITY): -worth,
        (TAKER, Account.USED): worth,
        (TAKER, Account.CAPACITY): -worth,
    }


@pytest.mark.parametrize(
    ("story", "misfit"),
    [
        ((confirmed("r", GPUS), *handed_over("r", GPUS)), "offered to nobody"),
        ((confirmed("r", GPUS), offered("r"), handed_over("r", GPUS)[1]), "has not accepted"),
        ((confirmed("r", GPUS), offered("r"), *handed_over("r", GPUS, to="CMP-9999")), "CMP-9999 is not registered"),
    ],
)
def test_nothing_goes_to_another_company_without_its_consent(story: tuple[Event, ...], misfit: str) -> None:
    """P9: a log that says so stops the reader."""
    with pytest.raises(Misfit, match=misfit):
        posted(*CENTRE, *story)


@pytest.fixture
async def told(ledger: Ledger) -> Ledger:
    """A ledger in which one booking was handed over, and another one declined."""
    extend(ledger.log, [entry(*CENTRE, actor="operators/lee")])
    booked = [entry(confirmed(name, each), actor=f"companies/{GIVER}") for name, each in (("r", GPUS), ("s", SPARE))]
    extend(ledger.log, booked, [entry(offered(name), actor=f"companies/{GIVER}") for name in "rs"])
    extend(ledger.log, [entry(*handed_over("r", GPUS), actor=f"companies/{TAKER}", request_id="secret")])
    ended = events.TransferEnded(reservation_id="s", outcome=Outcome.DECLINED, reason="no use")
    extend(ledger.log, [entry(ended, actor=f"companies/{TAKER}", request_id="secret")])
    await ledger.fold()
    return ledger


SPARE = held([4], hours(48, 52))


async def test_each_company_reads_its_own_part_of_the_history(told: Ledger) -> None:
    """P8: the former holder's ends with the hand-over, the new one's begins with it; neither reads the other's."""
    _, former = await history.history(told.readers, GIVER, "r", NOW, voters_named=False)
    _, new = await history.history(told.readers, TAKER, "r", NOW, voters_named=False)
    assert [each.event for each in former] == ["reservation_confirmed", "transfer_offered", "transfer_accepted"]
    assert [each.event for each in new] == ["reservation_transferred"]
    assert former[-1].description.startswith("CMP-0002 accepted it: from here on it is CMP-0002's")
    assert new[0].description.startswith("CMP-0002 took it over from CMP-0001: 2 GPUs of h100, from ")
    assert (former[-1].request_id, new[0].request_id) == ("", "secret")
    with pytest.raises(NotFound):
        await history.history(told.readers, TAKER, "s", NOW, voters_named=False)
    _, declined = await history.history(told.readers, GIVER, "s", NOW, voters_named=False)
    assert declined[-1].description == "CMP-0002 declined to take it over; it stays whose it is (no use)."
    assert declined[-1].request_id == ""


@pytest.mark.parametrize(("name", "reservations"), [(GIVER, {"s"}), (TAKER, {"r"})])
async def test_row_level_security_follows_the_booking(told: Ledger, name: str, reservations: set[str]) -> None:
    """P8 in the database: without any WHERE each company finds the bookings that are its own now."""
    async with company_snapshot(told.readers, name) as connection:
        found = await connection.fetch("SELECT reservation FROM reservations")
        mine = await connection.fetch("SELECT DISTINCT company FROM journal")
        moved = await connection.fetch("SELECT DISTINCT company FROM transfers")
    assert {row["reservation"] for row in found} == reservations
    assert [row["company"] for row in mine] == [row["company"] for row in moved] == [name]


async def test_the_statements_of_both_name_the_event(told: Ledger) -> None:
    """One line each: what went out, at its price, and what came in, at the other's; each closes on what is its own."""
    lines = {}
    for name in (GIVER, TAKER):
        made = await statements.month_statement(told.readers, name, 202603, NOW)
        lines[name] = [
            (line.event, line.from_account, line.to_account, line.krw) for line in made.lines if line.reservation == "r"
        ]
    assert lines == {
        GIVER: [
            ("reservation_confirmed", "capacity", "booked", 24_000),
            ("transfer_accepted", "booked", "released", 24_000),
        ],
        TAKER: [("reservation_transferred", "capacity", "booked", 12_000)],
    }


async def test_a_ledger_that_starts_anew_goes_on_from_the_new_company(told: Ledger) -> None:
    """P7: from the tables it knows whose the booking is, in a closed month too, and the end is posted there."""
    extend(told.log, [entry(activated("r"), at=MONDAY + 48 * HOUR, actor="system")])
    extend(told.log, [entry(closed("2026-03"), at=MONDAY + 800 * HOUR, actor="operators/lee")])
    extend(told.log, [entry(completed("r"), at=MONDAY + 800 * HOUR, actor="system")])
    await told.fold()
    assert (await told.balances(TAKER))["h100", "used"] == 8 * HOUR
    assert ("h100", "booked") not in await told.balances(TAKER)
    before = await told.digests()
    await told.drop()
    await told.fold()
    assert await told.digests() == before


@pytest.mark.parametrize("at_once", [False, True])
async def test_the_log_of_use_names_who_took_it_over(ledger: Ledger, at_once: bool) -> None:
    """Equipment that was handed over and used is in the log of the company that used it, by the event that gave it."""
    seat = held([0], hours(48, 52), resource="M01")
    opening = (entry(equipment("M01", fee=1000), company(GIVER), company(TAKER), actor="operators/lee"),)
    story = (
        [entry(confirmed("r", seat), actor=f"companies/{GIVER}")],
        [entry(offered("r"), actor=f"companies/{GIVER}")],
        [entry(*handed_over("r", seat), actor=f"companies/{TAKER}")],
        [entry(activated("r"), at=MONDAY + 48 * HOUR, actor="system")],
        [entry(completed("r"), at=MONDAY + 52 * HOUR, actor="system")],
    )
    extend(ledger.log, opening)
    for page in story:
        extend(ledger.log, page)
        if not at_once:
            await ledger.fold()
    await ledger.fold()
    _, uses = await equipment_use(ledger.readers, TAKER, 2026, NOW, (0, ""), 10)
    assert [(each.company, each.user, each.unit_seconds) for each in uses] == [(TAKER, f"companies/{TAKER}", 4 * HOUR)]
    assert (await equipment_use(ledger.readers, GIVER, 2026, NOW, (0, ""), 10))[1] == []
