"""P7: drop every table, fold the log again, and the same digests come out."""

import pytest

from services.ledger import batch
from services.ledger.rebuild import rebuild
from tests.ledger.busy import COMPANIES, busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import CENTRE, chained, entry, extend, pool


async def test_a_rebuild_gives_the_same_digests(ledger: Ledger) -> None:
    """Everything can be dropped and comes out equal, to the last row of the last table."""
    ledger.log.pages += chained(busy_centre(120))
    await ledger.fold()
    before = await ledger.digests()
    checkpoint, after = await rebuild(ledger.log, CENTRE, ledger.writer)
    assert after == before
    assert checkpoint.position == len(ledger.log.pages)
    assert all(digest.rows > 0 for digest in after.values())


@pytest.mark.parametrize("pages_max", [1, 7, 1000])
async def test_tables_do_not_depend_on_where_batches_end(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, pages_max: int
) -> None:
    """One page at a time or all at once, with restarts in between or without: the tables are the same."""
    pages = chained(busy_centre(60))
    ledger.log.pages += pages
    await ledger.fold()
    before = await ledger.digests()
    monkeypatch.setattr(batch, "PAGES_MAX", pages_max)
    await ledger.drop()
    for end in (1, 2, 20, len(pages)):
        ledger.log.pages = pages[:end]
        await ledger.fold()  # opens the journal anew, as a restart does
    assert await ledger.digests() == before


async def test_a_digest_tells_every_difference(ledger: Ledger) -> None:
    """One more event changes the digests of the tables that it touches, and of no others."""
    ledger.log.pages += chained(busy_centre(20))
    await ledger.fold()
    before = await ledger.digests()
    extend(ledger.log, (entry(pool("one-more")),))
    await ledger.fold()
    after = await ledger.digests()
    assert {table for table in after if after[table] != before[table]} == {
        "checkpoint",
        "journal",
        "pages",
        "resources",
    }


async def test_balances_are_the_sums_of_the_transfers(ledger: Ledger) -> None:
    """After any history, each balance equals what was moved in and out, and all of them sum to zero."""
    ledger.log.pages += chained(busy_centre(150, seed=7))
    await ledger.fold()
    differences = """
        SELECT company, resource, account, sum(unit_seconds) FROM (
            SELECT company, resource, account, unit_seconds FROM balances
            UNION ALL SELECT company, resource, from_account, unit_seconds FROM transfers
            UNION ALL SELECT company, resource, to_account, -unit_seconds FROM transfers) AS amounts
        GROUP BY company, resource, account HAVING sum(unit_seconds) <> 0
    """
    assert await ledger.rows(differences) == []
    assert await ledger.rows("SELECT sum(unit_seconds)::bigint FROM balances") == [(0,)]
    assert await ledger.rows("SELECT count(DISTINCT company) FROM balances") == [(len(COMPANIES),)]


async def test_what_is_held_is_what_live_reservations_hold(ledger: Ledger) -> None:
    """The held accounts equal the bins and hours of the reservations that are live."""
    ledger.log.pages += chained(busy_centre(150, seed=3))
    await ledger.fold()
    held = """
        SELECT resource, sum(amount * bins * extract(epoch FROM allocations.ends_at - allocations.starts_at))::bigint
        FROM allocations JOIN reservations USING (reservation)
        WHERE upper_inf(held) AND state IN ('confirmed', 'active') GROUP BY resource ORDER BY resource
    """
    accounts = """
        SELECT resource, sum(unit_seconds)::bigint FROM balances WHERE account = 'held'
        GROUP BY resource HAVING sum(unit_seconds) <> 0 ORDER BY resource
    """
    assert await ledger.rows(held) == await ledger.rows(accounts)
