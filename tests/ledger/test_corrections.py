"""An operator's corrections in the ledger: in the statement, in the history, and for nobody else."""

import pytest

from services.allocation.events import QuotaReviewed
from services.allocation.values.reclaim import Removal
from services.ledger.journal import Violated
from services.ledger.reporting.history import history
from services.ledger.reporting.statements import centre_statement, month_statement
from services.ledger.reporting.views import NOW, View
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    MONDAY,
    OPENING,
    closed,
    company,
    confirmed,
    correction,
    entry,
    extend,
    grant,
    held,
    hours,
    hours_corrected,
    pool,
    tariff,
)

OPERATOR = "operators/lee"
APRIL = MONDAY + 40 * 24 * 3600


async def corrected(ledger: Ledger) -> None:
    """One company booked for 3,000 KRW, was credited 5,000 and debited 1,000; the other has nothing."""
    centre = (pool(), company(), company("CMP-0002"), tariff(h100=3000))
    extend(ledger.log, [entry(*centre, actor=OPERATOR)], [entry(confirmed("r", held([0], hours(0, 1))))])
    extend(ledger.log, [entry(correction("c1", 5_000, about="r"), actor=OPERATOR)])
    extend(ledger.log, [entry(correction("c2", -1_000), actor=OPERATOR)])
    await ledger.fold()


async def test_a_statement_has_a_line_for_each_traceable_to_its_event(ledger: Ledger) -> None:
    """A credit and a debit are lines that name their event, and what they come to is told apart from the price."""
    await corrected(ledger)
    told = await month_statement(ledger.readers, "CMP-0001", 202603, NOW)
    lines = [line for line in told.lines if line.event == "correction_posted"]
    assert [(line.position, line.reservation, line.krw, line.to_account) for line in lines] == [
        (3, "r", 5_000, "compensation"),
        (4, "", 1_000, "capacity"),
    ]
    assert {row.thing.resource: row.compensation_krw for row in told.rows} == {"h100": 0, "corrections": 4_000}
    before = await month_statement(ledger.readers, "CMP-0001", 202603, View(known_at=3))
    assert {row.thing.resource: row.compensation_krw for row in before.rows}["corrections"] == 5_000
    centre = await centre_statement(ledger.readers, 202603, NOW)
    assert [(each.company, each.compensation_krw) for each in centre.totals] == [("CMP-0001", 4_000)]
    assert not (await month_statement(ledger.readers, "CMP-0002", 202603, NOW)).lines


async def test_a_history_tells_who_corrected_and_why(ledger: Ledger) -> None:
    """The reservation that a correction is about tells of it."""
    await corrected(ledger)
    _, entries = await history(ledger.readers, "CMP-0001", "r", NOW, voters_named=False)
    assert (entries[-1].event, entries[-1].description) == (
        "correction_posted",
        "Operator lee credited CMP-0001 with 5,000 KRW, as goodwill: the cooling hummed.",
    )


async def test_a_debit_beyond_all_credits_stands(ledger: Ledger) -> None:
    """The books may owe less than nothing to a company on this account, and a rebuild gives the same (P7)."""
    await corrected(ledger)
    extend(ledger.log, [entry(correction("c3", -9_000), actor=OPERATOR)])
    await ledger.fold()
    rows = await ledger.rows("SELECT account, krw FROM balances WHERE resource = 'corrections' ORDER BY account")
    assert rows == [("capacity", 5_000), ("compensation", -5_000)]
    before = await ledger.digests()
    await ledger.drop()
    await ledger.fold()
    assert await ledger.digests() == before


async def test_hours_stand_in_the_month_of_the_quota(ledger: Ledger) -> None:
    """A credit and a debit of hours are lines of the statement, at their worth, and the grant is what they leave."""
    extend(ledger.log, [entry(pool(), company(), tariff(h100=3000), grant(hours=10), actor=OPERATOR)])
    extend(ledger.log, [entry(hours_corrected("c1", 4, krw=12_000), actor=OPERATOR)])
    extend(ledger.log, [entry(hours_corrected("c2", -1, krw=-3_000), actor=OPERATOR)])
    await ledger.fold()
    told = await month_statement(ledger.readers, "CMP-0001", 202603, NOW)
    lines = [line for line in told.lines if line.event == "correction_posted"]
    assert [(line.resource, line.to_account, line.unit_seconds, line.krw) for line in lines] == [
        ("h100", "granted", 4 * 3600, 12_000),
        ("h100", "capacity", 3600, 3_000),
    ]
    [row] = told.rows
    assert (row.granted_unit_seconds, row.budget_krw, row.compensation_krw) == (13 * 3600, 39_000, 0)


async def test_hours_of_a_closed_month_are_an_adjustment(ledger: Ledger) -> None:
    """What an operator, or a review, takes of a quota whose month is closed stands in the open one, below zero."""
    extend(ledger.log, OPENING, [entry(closed("2026-03"), at=APRIL, actor=OPERATOR)])
    extend(ledger.log, [entry(hours_corrected("c1", -4), at=APRIL, actor=OPERATOR)])
    removal = Removal(meter="h100", start=MONDAY, unit_seconds=2 * 3600)
    review = QuotaReviewed(company="CMP-0001", at=APRIL, meters=(), removals=(removal,))
    extend(ledger.log, [entry(review, at=APRIL, actor=OPERATOR)])
    await ledger.fold()
    told = await month_statement(ledger.readers, "CMP-0001", 202604, NOW)
    assert [(line.event, line.about, line.unit_seconds) for line in told.lines] == [
        ("correction_posted", 202603, 4 * 3600),
        ("quota_reviewed", 202603, 2 * 3600),
    ]
    assert [row.granted_unit_seconds for row in told.rows] == [-6 * 3600]


async def test_nobody_loses_more_hours_than_were_granted(ledger: Ledger) -> None:
    """Over all months together the database refuses a grant below nothing."""
    extend(ledger.log, OPENING, [entry(hours_corrected("c1", -100_000), actor=OPERATOR)])
    with pytest.raises(Violated) as violation:
        await ledger.fold()
    assert violation.value.invariant == "balances_granted"
