"""The journal in months: a partition each, closed where the next one begins, and read as one."""

from services.allocation.events import Event
from services.eventlog.page import Entry
from tests.ledger.folding import Ledger
from tests.ledger.pages import MONDAY, OPENING, company, confirmed, entry, extend, held, hours

DAY = 86_400


def at(day: int, *facts: Event) -> tuple[Entry, ...]:
    """The only entry of a page, so many days after Monday, 2 March."""
    return (entry(*facts, at=MONDAY + day * DAY),)


async def partitions(ledger: Ledger, table: str) -> list[tuple[str, str]]:
    """Each partition with its bounds."""
    query = """
        SELECT relname::text, pg_get_expr(relpartbound, oid) FROM pg_class
        WHERE relispartition AND oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::text::regclass)
        ORDER BY relname
    """
    found = await ledger.rows(query, table)
    return [(name, bounds) for name, bounds in found]


async def test_each_month_has_a_partition_of_its_own(ledger: Ledger) -> None:
    """What was read together before a month began is read together after, and stands where its month is."""
    extend(ledger.log, OPENING, at(28, company("CMP-0101")))
    await ledger.fold()
    extend(ledger.log, at(29, company("CMP-0102")), at(30, company("CMP-0103"), company("CMP-0104")))
    await ledger.fold()
    extend(ledger.log, at(31, company("CMP-0105")), at(95, company("CMP-0106")))
    await ledger.fold()
    opening = len(OPENING[0].events)
    march, april = opening + 2, opening + 5
    assert await partitions(ledger, "journal") == [
        ("journal_2026_03", f"FOR VALUES FROM ('1') TO ('{march + 1}')"),
        ("journal_2026_04", f"FOR VALUES FROM ('{march + 1}') TO ('{april + 1}')"),
        ("journal_2026_06", f"FOR VALUES FROM ('{april + 1}') TO (MAXVALUE)"),
    ]
    assert [name for name, _ in await partitions(ledger, "pages")] == [
        "pages_2026_03",
        "pages_2026_04",
        "pages_2026_06",
    ]
    assert await ledger.rows("SELECT count(*), max(number) FROM journal") == [(april + 1, april + 1)]
    assert await ledger.rows("SELECT array_agg(position ORDER BY position) FROM pages") == [([1, 2, 3, 4, 5, 6],)]
    stand = await ledger.rows("SELECT tableoid::regclass::text, count(*) FROM journal GROUP BY 1 ORDER BY 1")
    assert stand == [("journal_2026_03", march), ("journal_2026_04", 3), ("journal_2026_06", 1)]


async def test_a_month_may_hold_pages_without_events(ledger: Ledger) -> None:
    """An epoch page alone makes a month of pages, and none of the journal."""
    extend(ledger.log, OPENING)
    for day in (31, 62, 93):
        extend(ledger.log, (Entry(time=(MONDAY + day * DAY) * 1_000_000, actor="system", events=()),))
    extend(ledger.log, at(94, company("CMP-0101")))
    await ledger.fold()
    assert [name for name, _ in await partitions(ledger, "journal")] == ["journal_2026_03", "journal_2026_06"]
    assert len(await partitions(ledger, "pages")) == 4


async def test_time_that_runs_back_begins_no_month_anew(ledger: Ledger) -> None:
    """A page with an earlier time stands in the month that has begun."""
    extend(ledger.log, OPENING, at(40, company("CMP-0101")))
    await ledger.fold()
    extend(ledger.log, at(1, company("CMP-0102")))
    await ledger.fold()
    extend(ledger.log, at(41, confirmed("r1", held([0], hours(0, 4)))))
    await ledger.fold()
    assert len(await partitions(ledger, "journal")) == 2
    assert await ledger.rows("SELECT position FROM checkpoint") == [(4,)]
