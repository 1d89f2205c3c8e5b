"""What the centre takes from a booking is told in its history with what is given for it."""

from services.ledger.reporting.history import history
from services.ledger.reporting.views import NOW
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    company,
    confirmed,
    displaced,
    entry,
    extend,
    held,
    hours,
    pool,
    requested,
    tariff,
)


async def test_a_history_says_what_is_given_for_what_an_outage_took(ledger: Ledger) -> None:
    """To the won as the books post it; of an offer that was only held, and without such a rule, nothing is said."""
    card = tariff(h100=3000, displacement=10)
    founding = [entry(*(pool("h100"), company(), card), actor="operator")]
    booked = confirmed("r", held(range(4), hours(100, 104)))
    asked = requested("s", held(range(4, 8), hours(100, 104)))
    extend(ledger.log, founding, [entry(booked)], [entry(asked)], [entry(activated("r"))])
    lost = [entry(displaced("r", MONDAY + 102 * HOUR), displaced("s", MONDAY + 100 * HOUR), actor="system")]
    extend(ledger.log, lost)
    await ledger.fold()
    told = {}
    for name in ("r", "s"):
        _, entries = await history(ledger.readers, "CMP-0001", name, NOW, voters_named=False)
        told[name] = entries[-1].description
    assert told["r"].endswith("the rest was given back. 2,400 KRW are given for that.")
    assert told["s"].endswith("the rest was given back.")
