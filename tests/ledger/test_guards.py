"""The database's own guards: what it refuses even if everything before it were wrong."""

import asyncpg
import pytest

from services.allocation.events import Event
from services.ledger.database import as_owner
from services.ledger.journal import Violated
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    OPENING,
    cancelled,
    closed,
    confirmed,
    entry,
    extend,
    held,
    hours,
    moved,
)


def shared(name: str, index: int, milli: int, first: int, last: int) -> Event:
    """A share of one GPU of the shared pool."""
    return confirmed(name, held([index], hours(first, last), resource="a100", amounts=[milli]))


async def refused(ledger: Ledger, *facts: Event) -> Violated:
    """The violation of a page of these events, after which the tables stand where they stood before it."""
    before = len(ledger.log.pages)
    extend(ledger.log, tuple(entry(fact) for fact in facts))
    with pytest.raises(Violated) as violation:
        await ledger.fold()
    assert await ledger.rows("SELECT max(position) FROM pages") == [(before,)]
    return violation.value


async def test_a_double_booking_is_refused(ledger: Ledger) -> None:
    """Two live reservations on one whole GPU at one time do not enter the tables (P1)."""
    extend(ledger.log, OPENING, (entry(confirmed("r1", held(range(8), hours(0, 4)))),))
    await ledger.fold()
    violation = await refused(ledger, confirmed("r2", held([7, 8], hours(3, 5))))
    assert violation.invariant == "allocations_overlap"


async def test_a_double_booking_within_one_batch_is_refused(ledger: Ledger) -> None:
    """The guard holds at every prefix of the log: that one of the two ended a moment later does not help."""
    extend(ledger.log, OPENING)
    await ledger.fold()
    r1, r2 = confirmed("r1", held([0], hours(0, 4))), confirmed("r2", held([0], hours(0, 4)))
    violation = await refused(ledger, r1, r2, cancelled("r1"))
    assert violation.invariant == "allocations_overlap"


async def test_who_has_ended_can_hold_nothing_again(ledger: Ledger) -> None:
    """The guards look at what comes, so a row can only end: nobody makes one hold its bins longer, or anew."""
    extend(ledger.log, OPENING, (entry(confirmed("r1", held([0], hours(0, 4)))),), (entry(cancelled("r1")),))
    await ledger.fold()
    async with ledger.writer.acquire() as connection:
        for forgery in ("held = int8range(lower(held), NULL)", "held = int8range(0, upper(held))", "guarded = true"):
            with pytest.raises(asyncpg.ExclusionViolationError, match="cannot be made to hold its bins longer"):
                await connection.execute(f"UPDATE allocations SET {forgery}")


async def test_what_ended_before_its_time_leaves_the_guards(ledger: Ledger) -> None:
    """Whoever books and cancels the same hours over and over leaves nothing that later bookings must look at."""
    again = [fact for name in ("r1", "r2") for fact in (confirmed(name, held([0], hours(0, 4))), cancelled(name))]
    pages = [(entry(again[0]),), (entry(again[1]), entry(again[2]), entry(again[3]))]
    extend(ledger.log, OPENING, *pages, (entry(confirmed("r3", held([0], hours(0, 4)))),))
    await ledger.fold()
    assert await ledger.rows("SELECT reservation FROM allocations WHERE guarded") == [("r3",)]


async def test_neighbours_and_successors_are_lawful(ledger: Ledger) -> None:
    """Touching intervals, other bins, other resources, and bins given back are no double booking."""
    extend(
        ledger.log,
        OPENING,
        (entry(confirmed("r1", held([0], hours(0, 4)))),),
        (entry(confirmed("after", held([0], hours(4, 6)))), entry(confirmed("beside", held([1], hours(0, 4))))),
        (entry(shared("other", 0, 1000, 0, 4)),),
        (entry(cancelled("r1")), entry(confirmed("r2", held([0], hours(1, 3))))),
        (entry(cancelled("r2")), entry(confirmed("r3", held([0], hours(0, 4))))),
    )
    await ledger.fold()
    live = "SELECT reservation FROM allocations WHERE upper_inf(held) ORDER BY reservation"
    assert await ledger.rows(live) == [("after",), ("beside",), ("other",), ("r3",)]


async def test_a_swap_in_one_decision_is_lawful(ledger: Ledger) -> None:
    """One decision may exchange the bins of two reservations: it becomes true all at once."""
    extend(
        ledger.log,
        OPENING,
        (entry(confirmed("r1", held([0], hours(0, 4)))), entry(confirmed("r2", held([1], hours(0, 4))))),
        (entry(moved("r1", held([1], hours(0, 4))), moved("r2", held([0], hours(0, 4)))),),
    )
    await ledger.fold()
    live = "SELECT reservation, place FROM allocations WHERE upper_inf(held) ORDER BY reservation"
    assert await ledger.rows(live) == [("r1", 1), ("r2", 0)]


async def test_shares_fill_a_bin_and_never_overfill_it(ledger: Ledger) -> None:
    """Shares of a GPU may add up to all of it at every moment, and to no more."""
    shares = [("a", 500, 0, 4), ("b", 500, 0, 2), ("c", 500, 2, 4), ("d", 1000, 4, 6)]
    extend(ledger.log, OPENING, tuple(entry(shared(name, 3, *share)) for name, *share in shares))
    await ledger.fold()
    violation = await refused(ledger, shared("e", 3, 125, 1, 3))
    assert violation.invariant == "allocations_overfull"


async def test_overfilling_within_one_batch_is_refused(ledger: Ledger) -> None:
    """Two shares that arrive together are checked against each other as well."""
    extend(ledger.log, OPENING)
    await ledger.fold()
    pages = [shared("a", 3, 600, 0, 4), shared("b", 3, 600, 3, 5), cancelled("b")]
    violation = await refused(ledger, *pages)
    assert violation.invariant == "allocations_overfull"


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE journal SET actor = 'somebody'",
        "DELETE FROM pages",
        "TRUNCATE journal",
        "UPDATE transfers SET unit_seconds = 1",
    ],
)
async def test_what_happened_cannot_be_changed(ledger: Ledger, forgery: str) -> None:
    """The journal, the pages and the transfers are append-only."""
    extend(ledger.log, OPENING)
    await ledger.fold()
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        async with as_owner(ledger.writer) as connection:
            await connection.execute(forgery)


async def test_nothing_is_posted_to_a_closed_month(ledger: Ledger) -> None:
    """Once a month is closed, the database itself takes no more entries of it."""
    extend(ledger.log, OPENING, (entry(confirmed("r1", held([0], hours(0, 4)))),), (entry(closed("2026-03")),))
    await ledger.fold()
    forged = """
        INSERT INTO transfers (number, line, time, company, reservation, resource, from_account, to_account,
                               unit_seconds, period, about, krw)
        SELECT number + 1, 0, time, company, reservation, resource, from_account, to_account, unit_seconds,
               period, about, krw
        FROM transfers WHERE period = 202603 ORDER BY number DESC LIMIT 1
    """
    async with ledger.writer.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="which is closed"):
            await connection.execute(forged)


async def test_books_that_do_not_balance_are_refused(ledger: Ledger) -> None:
    """A balance cannot be written that does not sum to zero with its fellows."""
    extend(ledger.log, OPENING)
    await ledger.fold()
    async with ledger.writer.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="instead of zero"):
            await connection.execute("UPDATE balances SET unit_seconds = unit_seconds + 1 WHERE account = 'granted'")
        with pytest.raises(asyncpg.CheckViolationError, match="1 KRW instead of zero"):
            await connection.execute("UPDATE balances SET krw = krw + 1 WHERE account = 'granted'")
