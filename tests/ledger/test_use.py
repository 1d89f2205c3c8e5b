"""What was used and what lay idle, a reservation: as the log records it, and nobody else's."""

from time import monotonic

import pytest

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.reporting.books_api import BooksApi
from services.runtime.doors import Call
from services.runtime.identity import Identity, Role
from tests.ledger.folding import Ledger
from tests.ledger.pages import OPENING, activated, completed, confirmed, entry, extend, held, hours, used

SUMS = "SELECT reservation, resource, measured, busy, idle FROM reservation_use ORDER BY reservation"


@pytest.fixture
async def booked(ledger: Ledger) -> Ledger:
    """Two companies' reservations, just begun."""
    ours, theirs = confirmed("r1", held([0, 1], hours(0, 4))), confirmed("r2", held([2], hours(0, 4)), by="CMP-0002")
    extend(ledger.log, OPENING, (entry(ours, theirs), entry(activated("r1"), activated("r2"), actor="system")))
    await ledger.fold()
    return ledger


async def test_records_of_a_reservation_add_up(booked: Ledger) -> None:
    """Used against idle, to the unit-second, over all records of a reservation, and each reservation for itself."""
    first = (entry(used("r1", 7_200, 5_000, 0)), entry(used("r2", 3_600, 0, 3_600, by="CMP-0002")))
    extend(booked.log, first, (entry(completed("r1")),), (entry(used("r1", 7_200, 1_000, 6_000)),))
    await booked.fold()
    assert await booked.rows(SUMS) == [("r1", "h100", 14_400, 6_000, 6_000), ("r2", "h100", 3_600, 0, 3_600)]


async def test_measuring_moves_no_account(booked: Ledger) -> None:
    """What lay idle was held all the same: the books are what they are without any record."""
    before = await booked.balances()
    extend(booked.log, (entry(used("r1", 7_200, 0, 7_200)),))
    await booked.fold()
    assert await booked.balances() == before


async def test_a_history_tells_what_was_used(booked: Ledger) -> None:
    """A company reads in the history of its reservation how much of it worked, in unit-hours."""
    extend(booked.log, (entry(used("r1", 7_200, 5_400, 900), actor="system"),))
    await booked.fold()
    call = Call(Identity("kim", Role.COMPANY, "CMP-0001"), "", monotonic() + 5)
    name = "companies/CMP-0001/reservations/r1"
    answer = await BooksApi(booked.readers, booked.progress).get_history(call, wire.GetHistoryRequest(name=name))
    assert answer.entries[-1].description == (
        "Its use was measured from 2026-03-02 09:00 KST to 2026-03-02 10:00 KST: of 2.0 unit-hours of h100, 1.5 were at"
        " work and 0.2 idle; it was taken into use soon after its start."
    )
