"""An operator's corrections in the ledger: in the statement, in the history, and for nobody else."""

from services.ledger.reporting.history import history
from services.ledger.reporting.statements import centre_statement, month_statement
from services.ledger.reporting.views import NOW, View
from tests.ledger.folding import Ledger
from tests.ledger.pages import company, confirmed, correction, entry, extend, held, hours, pool, tariff

OPERATOR = "operators/lee"


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
