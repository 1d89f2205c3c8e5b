"""How many people of a class came: in the log of use, in the yearly report, and with nobody's name."""

from msgspec.structs import replace

from services.allocation import events
from services.allocation.values.people import Participants
from services.ledger.reporting.views import NOW
from services.ledger.reporting.years import equipment_use, year_report
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    company,
    completed,
    confirmed,
    entry,
    equipment,
    extend,
    held,
    hours,
)


async def test_the_log_of_use_and_the_year_count_people(ledger: Ledger) -> None:
    """Those who checked in last of all; a booking that names nobody counts none, and one that was not used neither."""
    opening = (entry(equipment("M01"), company("CMP-0001", region="gwangju"), company("CMP-0002"), actor="operator"),)
    people = Participants(count=3, ids=("p1", "p2", "p3"))
    class_ = replace(confirmed("class", held([0], hours(10, 14), resource="M01")), participants=people)
    alone = confirmed("alone", held([0], hours(20, 24), resource="M01"))
    later = replace(confirmed("later", held([0], hours(30, 34), resource="M01")), participants=Participants(count=1))
    extend(ledger.log, opening, [entry(class_, alone, later)])
    extend(ledger.log, [entry(activated("class"), at=MONDAY + 10 * HOUR)])
    for present, who in ((1, "p1"), (2, "p3")):
        came = events.ReservationCheckedIn(reservation_id="class", present=present, ids=(who,))
        extend(ledger.log, [entry(came, at=MONDAY + 10 * HOUR)])
        await ledger.fold()
    extend(ledger.log, [entry(completed("class"), activated("alone"), at=MONDAY + 24 * HOUR)])
    extend(ledger.log, [entry(completed("alone"), at=MONDAY + 24 * HOUR)])
    await ledger.fold()
    _, uses = await equipment_use(ledger.readers, "CMP-0001", 2026, NOW, (0, ""), 10)
    assert {each.reservation: each.people for each in uses} == {"class": 2, "alone": 0}
    _, report = await year_report(ledger.readers, 2026, NOW)
    assert report.total.people == 2
    assert report.groups["region", "gwangju"].people == 2
    before = await ledger.digests()
    await ledger.drop()
    await ledger.fold()
    assert await ledger.digests() == before
