"""A change of a series that waits, as the real Postgres takes it: both places of each, until one is left."""

from services.ledger.reporting import history
from services.ledger.reporting.views import NOW
from tests.allocation.approving import PARK, approves, denies
from tests.allocation.test_series_asking import NAMES, approved, at_noon, stands
from tests.ledger.folding import Ledger
from tests.ledger.test_series_places import LIVE, written


async def test_each_occurrence_has_both_places_until_somebody_says_which(ledger: Ledger) -> None:
    """P1, P7: held beside what stands, one moves and one stays; its company reads why, and a rebuild finds the same."""
    scenario = approved()
    at_noon(scenario)
    scenario.grants(approves(stands(scenario, "s1-0"), PARK))
    scenario.grants(denies(stands(scenario, "s1-1"), PARK, "No."))
    written(ledger, scenario)
    await ledger.fold()
    starts = {name: stands(scenario, name).start for name in NAMES}
    assert await ledger.rows(LIVE) == sorted(starts.items())
    balances = await ledger.balances("ALPHA")
    # The first and the second hold an hour each, and the last one has asked for another beside its own.
    assert {name: amount for (_, name), amount in balances.items() if name in ("booked", "held")} == {
        "booked": 3 * 3600,
        "held": 3600,
    }
    _, told = await history.history(ledger.readers, "ALPHA", "s1-2", NOW, voters_named=False)
    assert "asked to change it to" in told[-1].description
    before = await ledger.digests()
    await ledger.drop()
    await ledger.fold()
    assert await ledger.digests() == before
