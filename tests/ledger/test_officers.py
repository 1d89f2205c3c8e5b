"""Who may read a company's books in its name: the support officers whom the log assigns to it, while that lasts."""

import pytest

from services.allocation import events
from services.allocation.events import Event
from services.allocation.values.conduct import Assignment
from services.ledger.officers import officers_of
from services.ledger.reading import company_snapshot
from services.ledger.reporting import history
from services.ledger.reporting.views import NOW
from tests.ledger.folding import Ledger
from tests.ledger.pages import HOUR, MONDAY, OPENING, company, confirmed, entry, extend, held, hours


def assigned(first: int, last: int, to: str = "CMP-0001") -> Event:
    """Han may act for a company from one hour after Monday midnight to another."""
    start, end = hours(first, last)
    return events.OfficerAssigned(assignment=Assignment(company=to, officer="han", start=start, end=end))


DISMISSED = events.OfficerDismissed(company="CMP-0001", officer="han", reason="left")


@pytest.mark.parametrize(
    ("story", "may"),
    [
        ([], False),
        ([(0, assigned(0, 10))], True),
        ([(0, assigned(5, 10))], False),
        ([(0, assigned(0, 10)), (11, company("CMP-0009"))], False),
        ([(0, assigned(0, 10)), (11, assigned(11, 20))], True),
        ([(0, assigned(0, 10)), (1, DISMISSED)], False),
        ([(0, assigned(0, 10)), (1, DISMISSED), (2, assigned(2, 10))], True),
        ([(0, assigned(0, 10, to="CMP-0002"))], False),
    ],
)
async def test_an_officer_acts_while_the_last_assignment_lasts(
    ledger: Ledger, story: list[tuple[int, Event]], may: bool
) -> None:
    """By the log and its time alone: from the start of the newest one to its end, unless it was taken back."""
    extend(
        ledger.log, OPENING, *([entry(fact, at=MONDAY + hour * HOUR, actor="operators/lee")] for hour, fact in story)
    )
    await ledger.fold()
    assert await officers_of(ledger.readers)("han", "CMP-0001") is may
    assert not await officers_of(ledger.readers)("kim", "CMP-0001")


async def test_a_history_tells_who_acted_for_whom(ledger: Ledger) -> None:
    """To the company itself as well: the officer by name, and in whose name."""
    booked = entry(confirmed("r", held([0], hours(48, 50))), actor="officers/han/companies/CMP-0001", request_id="q")
    extend(ledger.log, OPENING, [entry(assigned(0, 10), actor="operators/lee")], [booked])
    await ledger.fold()
    _, [told] = await history.history(ledger.readers, "CMP-0001", "r", NOW, voters_named=False)
    assert told.description.startswith("Officer han for CMP-0001 booked 1 GPU of h100")
    assert (told.actor, told.request_id) == ("officers/han/companies/CMP-0001", "q")


async def test_a_company_sees_its_own_officers_alone(ledger: Ledger) -> None:
    """P8 in the database: without any WHERE, those who may act for it."""
    extend(ledger.log, OPENING, [entry(assigned(0, 10), assigned(0, 10, to="CMP-0002"), actor="operators/lee")])
    await ledger.fold()
    async with company_snapshot(ledger.readers, "CMP-0002") as connection:
        assert [row["company"] for row in await connection.fetch("SELECT company FROM officers")] == ["CMP-0002"]
