"""The reserves of the programmes in the books: what a review returns, what is given out of it, and that it adds up."""

import random

import pytest
from msgspec.structs import replace

from services.allocation.events import CompanyRegistered, CorrectionPosted, Event, QuotaReviewed
from services.allocation.values.reclaim import Removal
from services.ledger.chart import Account
from services.ledger.journal import Violated
from services.ledger.reporting.balances import centre_balance
from services.ledger.reporting.statements import month_statement
from services.ledger.reporting.views import NOW, View
from tests.ledger.folding import Ledger
from tests.ledger.pages import MONDAY, closed, company, entry, extend, grant, hours_corrected, pool, tariff
from tests.ledger.posting_desk import Desk

OPERATOR = "operators/lee"
HOUR = 3600
APRIL = MONDAY + 40 * 24 * HOUR


def member(name: str, programme: str = "resident") -> Event:
    """A company of a programme."""
    admitted = company(name)
    assert isinstance(admitted, CompanyRegistered)
    return CompanyRegistered(company=replace(admitted.company, programme=programme))


def returned(hours: int, by: str = "CMP-0001", to_reserve: bool = True) -> Event:
    """A review takes hours of the quota of March."""
    removal = Removal(meter="h100", start=MONDAY, unit_seconds=hours * HOUR)
    return QuotaReviewed(company=by, at=MONDAY + 1, meters=(), removals=(removal,), to_reserve=to_reserve)


def given(name: str, hours: int, by: str = "CMP-0002", krw: int = 0, reverses: str = "") -> Event:
    """An operator gives hours out of the reserve or, negative, takes back what was given."""
    made = hours_corrected(name, hours, by=by, krw=krw, reverses=reverses)
    assert isinstance(made, CorrectionPosted)
    return CorrectionPosted(correction=replace(made.correction, from_reserve=True))


CENTRE = (pool(), member("CMP-0001"), member("CMP-0002"), member("CMP-0003", "academy"), tariff(h100=3000))
GRANTS = tuple(grant(f"CMP-000{number}", hours=10) for number in (1, 2, 3))


def test_hours_go_to_the_reserve_and_their_worth_to_the_centre() -> None:
    """A reserve is of hours alone, since each company's hours are worth something else; older reviews have none."""
    desk = Desk(*CENTRE, *GRANTS)
    went = desk.says(returned(4))
    assert [(each.from_account, each.to_account, each.unit_seconds, each.krw) for each in went] == [
        (Account.GRANTED, Account.RESERVE, 4 * HOUR, 0),
        (Account.GRANTED, Account.CAPACITY, 0, 12_000),
    ]
    [gone] = desk.says(returned(1, to_reserve=False))
    assert (gone.to_account, gone.unit_seconds, gone.krw) == (Account.CAPACITY, HOUR, 3_000)
    got = desk.says(given("c1", 3, krw=9_000))
    assert [(each.company, each.from_account, each.to_account, each.unit_seconds, each.krw) for each in got] == [
        ("CMP-0002", Account.RESERVE, Account.GRANTED, 3 * HOUR, 0),
        ("CMP-0002", Account.CAPACITY, Account.GRANTED, 0, 9_000),
    ]
    back = desk.says(given("c2", -3, krw=-9_000, reverses="c1"))
    assert [(each.from_account, each.to_account, each.unit_seconds, each.krw) for each in back] == [
        (Account.GRANTED, Account.RESERVE, 3 * HOUR, 0),
        (Account.GRANTED, Account.CAPACITY, 0, 9_000),
    ]


async def given_and_taken(ledger: Ledger) -> None:
    """One company lost four hours, another of its programme got three of them."""
    extend(ledger.log, [entry(*CENTRE, *GRANTS, actor=OPERATOR)])
    extend(ledger.log, [entry(returned(4), actor="system")], [entry(given("c1", 3, krw=9_000), actor=OPERATOR)])
    await ledger.fold()


async def test_a_programmes_reserve_is_what_its_companies_gave_and_got(ledger: Ledger) -> None:
    """On the account of each, in the centre's balance together, and every account adds up to zero with its fellows."""
    await given_and_taken(ledger)
    standing = "SELECT company, account, unit_seconds, krw FROM balances WHERE account = 'reserve' ORDER BY company"
    assert await ledger.rows(standing) == [
        ("CMP-0001", "reserve", 4 * HOUR, 0),
        ("CMP-0002", "reserve", -3 * HOUR, 0),
    ]
    _, amounts = await centre_balance(ledger.readers, NOW)
    accounts = {each.account: (each.unit_seconds, each.krw) for each in amounts}
    assert accounts["reserve"] == (HOUR, 0)
    assert accounts["granted"] == (29 * HOUR, 87_000)
    assert [sum(parts) for parts in zip(*accounts.values(), strict=True)] == [0, 0]
    _, before = await centre_balance(ledger.readers, View(known_at=2))
    assert {each.account: each.unit_seconds for each in before}["reserve"] == 4 * HOUR


async def test_a_statement_tells_where_hours_went_and_came_from(ledger: Ledger) -> None:
    """Each line names its event; hours and worth of a grant are what they would be without a reserve."""
    await given_and_taken(ledger)
    told = await month_statement(ledger.readers, "CMP-0001", 202603, NOW)
    lines = [line for line in told.lines if line.event == "quota_reviewed"]
    assert [(line.to_account, line.unit_seconds, line.krw) for line in lines] == [
        ("reserve", 4 * HOUR, 0),
        ("capacity", 0, 12_000),
    ]
    assert [(row.granted_unit_seconds, row.budget_krw) for row in told.rows] == [(6 * HOUR, 18_000)]
    got = await month_statement(ledger.readers, "CMP-0002", 202603, NOW)
    assert [line.from_account for line in got.lines if line.event == "correction_posted"] == ["reserve", "capacity"]
    assert [(row.granted_unit_seconds, row.budget_krw) for row in got.rows] == [(13 * HOUR, 39_000)]


@pytest.mark.parametrize(
    "wrong",
    [given("c2", 2), given("c2", 1, by="CMP-0003")],
    ids=["more than there is", "of another programme"],
)
async def test_nobody_is_given_more_than_a_reserve_has(ledger: Ledger, wrong: Event) -> None:
    """The database refuses it, whoever wrote the log; the last hour of the right programme it takes."""
    await given_and_taken(ledger)
    extend(ledger.log, [entry(wrong, actor=OPERATOR)])
    with pytest.raises(Violated) as violation:
        await ledger.fold()
    assert violation.value.invariant == "balances_reserve"


async def test_a_reserve_may_be_emptied_and_filled_again(ledger: Ledger) -> None:
    """To the last second; in a month that is closed meanwhile as an adjustment of the open one."""
    await given_and_taken(ledger)
    extend(ledger.log, [entry(closed("2026-03"), at=APRIL, actor=OPERATOR)])
    extend(ledger.log, [entry(given("c2", 1), at=APRIL, actor=OPERATOR)])
    extend(ledger.log, [entry(given("c3", -1, reverses="c2"), at=APRIL, actor=OPERATOR)])
    await ledger.fold()
    rows = await ledger.rows("SELECT sum(unit_seconds)::bigint FROM balances WHERE account = 'reserve'")
    assert rows == [(HOUR,)]


async def test_a_rebuild_gives_the_same_reserves(ledger: Ledger) -> None:
    """P7: whatever the batches were, over many reviews and gifts, and the reserve is what a count by hand says."""
    draw, left, number = random.Random(7), 0, 0
    extend(ledger.log, [entry(*CENTRE, *GRANTS, actor=OPERATOR)])
    stands = {f"CMP-000{each}": 10 for each in (1, 2)}
    for _ in range(40):
        by = draw.choice(sorted(stands))
        hours = draw.randint(1, 3)
        if draw.random() < 0.5 and stands[by] >= hours:
            extend(ledger.log, [entry(returned(hours, by), actor="system")])
            stands[by], left = stands[by] - hours, left + hours
        elif left >= hours:
            number += 1
            extend(ledger.log, [entry(given(f"c{number}", hours, by), actor=OPERATOR)])
            stands[by], left = stands[by] + hours, left - hours
        if draw.random() < 0.2:
            await ledger.fold()
    await ledger.fold()
    assert number > 5
    assert await ledger.rows("SELECT sum(unit_seconds)::bigint FROM balances WHERE account = 'reserve'") == [
        (left * HOUR,)
    ]
    before = await ledger.digests()
    await ledger.drop()
    await ledger.fold()
    assert await ledger.digests() == before
