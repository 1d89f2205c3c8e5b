"""P7: fold the log again, and the same digests come out; beside a ledger that goes on following and answering."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.ledger import batch, migrate
from services.ledger.generations import Busy, making
from services.ledger.journal import Superseded, read_checkpoint
from services.ledger.migrate import Migration, migrations
from services.ledger.reading import snapshot
from services.ledger.rebuild import Different, Report, rebuild
from services.ledger.reporting.balances import company_balance
from services.ledger.reporting.history import history
from services.ledger.reporting.statements import centre_statement, changes, interval_statement, month_statement
from services.ledger.reporting.transfers import Filter, page_of
from services.ledger.reporting.views import NOW, View
from tests.ledger.busy import COMPANIES, busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import CENTRE, HOUR, MONDAY, chained, entry, extend, pool
from tests.ledger.test_officers import assigned


class Stopped(Exception):
    """Somebody ended the rebuild."""


def stop_at(phase: str) -> Callable[[Report], None]:
    """Ends a rebuild in the middle of a phase."""

    def report(report: Report) -> None:
        if report.phase == phase and report.done > 0:
            raise Stopped

    return report


async def made(ledger: Ledger) -> object:
    """Which tables these are, by a number that no other table ever has."""
    return await ledger.rows("SELECT 'journal'::regclass::oid")


async def schemas(ledger: Ledger) -> list[str]:
    """What stands in the database."""
    query = "SELECT nspname::text FROM pg_namespace WHERE nspname ~ '^(ledger|notary)' ORDER BY nspname"
    return [name for (name,) in await ledger.rows(query)]


async def pour(ledger: Ledger, pages: list[bytes]) -> None:
    """Let the log grow, a page at a time, each one taken before the next comes."""
    for page in pages[len(ledger.log.pages) :]:
        position = ledger.log.append_as_other(page)
        assert await ledger.progress.wait_for(position, 30)


async def read_for_ever(ledger: Ledger) -> None:
    """Answers agree with their own checkpoint, and never fall behind the one before."""
    last = 0
    while True:
        async with snapshot(ledger.readers) as connection:
            checkpoint = await read_checkpoint(connection)
            assert await connection.fetchval("SELECT max(number) FROM journal") == checkpoint.number
            assert await connection.fetchval("SELECT count(*) FROM pages") == checkpoint.position
        assert checkpoint.position >= last
        last = checkpoint.position


async def test_a_rebuild_gives_the_same_digests(ledger: Ledger) -> None:
    """Everything can be dropped and comes out equal, to the last row of the last table."""
    officer = entry(assigned(0, 9, COMPANIES[0]), at=MONDAY + 365 * 24 * HOUR, actor="operators/lee")
    ledger.log.pages += chained([*busy_centre(120), (officer,)])
    await ledger.fold()
    before = await ledger.digests()
    made_before = await made(ledger)
    rebuilt = await rebuild(ledger.log, CENTRE, ledger.dsn)
    assert rebuilt.digests == before == await ledger.digests()
    assert (set(rebuilt.compared), rebuilt.differing) == (set(before), ())
    assert rebuilt.checkpoint.position == len(ledger.log.pages)
    assert [table for table, digest in before.items() if not digest.rows] == []
    assert await made(ledger) != made_before, "the tables are the old ones"
    assert await schemas(ledger) == ["ledger", "notary"]


async def test_readers_read_on_after_an_exchange(ledger: Ledger) -> None:
    """Whoever has asked before the tables are exchanged asks the same afterwards, and is answered the same."""
    ledger.log.pages += chained(busy_centre(40))
    await ledger.fold()
    bounds = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    name = (await ledger.rows("SELECT reservation FROM reservations WHERE company = $1", COMPANIES[0]))[0][0]
    answers = []
    for _ in range(2):
        answers.append(
            (
                await month_statement(ledger.readers, COMPANIES[0], 202604, NOW),
                await interval_statement(ledger.readers, COMPANIES[0], *bounds, NOW),
                await centre_statement(ledger.readers, 202604, NOW),
                await changes(ledger.readers, COMPANIES[0], 202604, View(known_at=20), NOW),
                await page_of(ledger.readers, "", NOW, Filter(), (0, 0), 50),
                await company_balance(ledger.readers, COMPANIES[0], View(known_at=20)),
                await history(ledger.readers, COMPANIES[0], name, NOW, voters_named=True),
            )
        )
        await rebuild(ledger.log, CENTRE, ledger.dsn)
    assert answers[0] == answers[1]


async def test_the_first_generation_needs_none_before_it(unmade: Ledger) -> None:
    """In an empty database a rebuild makes the tables, as far as the log goes."""
    unmade.log.pages += chained(busy_centre(30))
    rebuilt = await rebuild(unmade.log, CENTRE, unmade.dsn)
    assert (rebuilt.position, rebuilt.compared) == (30, ())
    assert await unmade.digests() == rebuilt.digests


async def test_the_living_ledger_follows_and_answers_meanwhile(ledger: Ledger) -> None:
    """While pages pour in and readers read, generations are exchanged twice: the same ledger writes on, every answer is
    of one moment, none goes back in time, and the books come out as if nothing had been."""
    pages = chained(busy_centre(100))
    ledger.log.pages += pages[:60]
    await ledger.fold()
    living = asyncio.create_task((await ledger.open()).follow(until=len(pages)))
    reading = asyncio.create_task(read_for_ever(ledger))
    for end in (75, 95):
        pouring = asyncio.create_task(pour(ledger, pages[:end]))
        rebuilt = await rebuild(ledger.log, CENTRE, ledger.dsn)
        await pouring
        assert rebuilt.differing == ()
    await pour(ledger, pages)
    await living
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    rebuilt = await rebuild(ledger.log, CENTRE, ledger.dsn)
    assert (rebuilt.position, rebuilt.differing) == (100, ())


async def test_a_rebuild_cut_short_leaves_the_living_tables(ledger: Ledger) -> None:
    """Wherever it is stopped, the living tables stand as before, and the next rebuild clears away what is left."""
    ledger.log.pages += chained(busy_centre(120))
    await ledger.fold()
    before, made_before = await ledger.digests(), await made(ledger)
    for phase in ("folding", "comparing"):
        with pytest.raises(Stopped):
            await rebuild(ledger.log, CENTRE, ledger.dsn, report=stop_at(phase))
        assert "ledger_next" in await schemas(ledger)
        assert (await ledger.digests(), await made(ledger)) == (before, made_before)
    assert (await rebuild(ledger.log, CENTRE, ledger.dsn)).digests == before
    assert await schemas(ledger) == ["ledger", "notary"]


async def test_of_two_rebuilds_one_works(ledger: Ledger) -> None:
    """The second one is told so, and touches nothing."""
    ledger.log.pages += chained(busy_centre(20))
    await ledger.fold()
    async with making(ledger.writer):
        with pytest.raises(Busy, match="another rebuild"):
            await rebuild(ledger.log, CENTRE, ledger.dsn)


async def test_tables_that_are_not_the_fold_are_not_exchanged_unseen(ledger: Ledger) -> None:
    """A row that was changed behind the ledger's back is found; only who insists gets the fold in its place."""
    ledger.log.pages += chained(busy_centre(60))
    await ledger.fold()
    sound = await ledger.digests()
    async with ledger.tampering() as connection:
        await connection.execute("UPDATE reservations SET note = 'mine' WHERE reservation = 'r1'")
    with pytest.raises(Different, match="the fold of the log: reservations"):
        await rebuild(ledger.log, CENTRE, ledger.dsn)
    assert await ledger.digests() != sound
    assert "ledger_next" in await schemas(ledger)
    rebuilt = await rebuild(ledger.log, CENTRE, ledger.dsn, even_if_different=True)
    assert rebuilt.differing == ("reservations",)
    assert await ledger.digests() == sound


async def test_a_new_projection_comes_in_by_a_rebuild(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release with one more table is put in place beside the running one, which then stops and writes nothing."""
    ledger.log.pages += chained(busy_centre(40))
    await ledger.fold()
    old = await ledger.open()
    text = "CREATE TABLE more (company text); GRANT SELECT ON more TO aidc_auditor"
    files = [*migrations(), Migration("9999_more.sql", text, "of more")]
    monkeypatch.setattr(migrate, "migrations", lambda: files)
    rebuilt = await rebuild(ledger.log, CENTRE, ledger.dsn)
    assert "more" in rebuilt.digests
    assert "more" not in rebuilt.compared
    extend(ledger.log, (entry(pool("one-more")),))
    with pytest.raises(Superseded, match="another release"):
        await old.follow(until=41)
    assert await ledger.rows("SELECT position FROM checkpoint") == [(40,)]
    await ledger.fold()
    assert await ledger.rows("SELECT position FROM checkpoint") == [(41,)]


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
        SELECT company, period, resource, account, sum(unit_seconds), sum(krw) FROM (
            SELECT company, period, resource, account, unit_seconds, krw FROM balances
            UNION ALL SELECT company, period, resource, from_account, unit_seconds, krw FROM transfers
            UNION ALL SELECT company, period, resource, to_account, -unit_seconds, -krw FROM transfers) AS amounts
        GROUP BY company, period, resource, account HAVING sum(unit_seconds) <> 0 OR sum(krw) <> 0
    """
    assert await ledger.rows(differences) == []
    assert await ledger.rows("SELECT sum(unit_seconds)::bigint, sum(krw)::bigint FROM balances") == [(0, 0)]
    assert await ledger.rows("SELECT 1 FROM balances WHERE krw > 0 LIMIT 1")
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
        SELECT resource, sum(unit_seconds)::bigint FROM balances WHERE account = 'booked'
        GROUP BY resource HAVING sum(unit_seconds) <> 0 ORDER BY resource
    """
    assert await ledger.rows(held) == await ledger.rows(accounts)
