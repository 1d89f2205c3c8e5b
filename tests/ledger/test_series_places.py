"""A series whose occurrences change places, as the real Postgres takes it: in one step, or not at all."""

import pytest

from services.ledger.journal import Violated
from tests.allocation.scenario import Scenario
from tests.allocation.test_series_changing import asking
from tests.allocation.test_series_places import turned, turned_in_a_room, where
from tests.ledger.folding import Ledger
from tests.ledger.pages import entry, extend

LIVE = """
    SELECT reservation, extract(epoch FROM min(starts_at))::bigint FROM allocations
    WHERE upper_inf(held) AND reservation LIKE 's1-%' GROUP BY reservation ORDER BY reservation
"""


def written(ledger: Ledger, scenario: Scenario) -> None:
    """Every decision of a scenario so far is a page of the ledger's log."""
    for time, _, events in scenario.history[len(ledger.log.pages) :]:
        extend(ledger.log, (entry(*events, at=time, actor="operator"),))


@pytest.mark.parametrize("ring", [turned, turned_in_a_room])
async def test_a_ring_enters_the_books_in_one_step(ledger: Ledger, ring: object) -> None:
    """P1, P7: the guards of the table take it, hours and money stay whose they were, and a rebuild finds the same."""
    assert callable(ring)
    scenario, starts = ring()
    written(ledger, scenario)
    await ledger.fold()
    before = await ledger.balances("ALPHA")
    scenario.grants(asking(scenario, starts, first="2026-03-03T11:00", overwrites=True))
    written(ledger, scenario)
    await ledger.fold()
    assert await ledger.rows(LIVE) == [(f"s1-{day}", start) for day, start in enumerate(where(scenario, len(starts)))]
    assert [start for _, start in await ledger.rows(LIVE)] == starts
    assert await ledger.balances("ALPHA") == before
    told = await ledger.digests()
    await ledger.drop()
    await ledger.fold()
    assert await ledger.digests() == told


@pytest.mark.parametrize(("ring", "guard"), [(turned, "overfull"), (turned_in_a_room, "overlap")])
async def test_a_ring_told_in_two_decisions_is_refused(ledger: Ledger, ring: object, guard: str) -> None:
    """P1: between two decisions nobody stands in another's place, so the database stops the reader there."""
    assert callable(ring)
    scenario, starts = ring()
    told = scenario.decided(asking(scenario, starts, first="2026-03-03T11:00", overwrites=True))
    written(ledger, scenario)
    extend(ledger.log, *((entry(event, at=scenario.now),) for event in told))
    with pytest.raises(Violated) as violation:
        await ledger.fold()
    assert violation.value.invariant == f"allocations_{guard}"
