"""The log that scrapes are measured on is a sound one, of a thousand companies."""

from loadtests.core import NOW
from loadtests.crowd import write_crowd
from services.allocation.events import CompanyRegistered, ReservationActivated, ReservationConfirmed
from services.eventlog.chain import ChainReader
from services.eventlog.memory import MemoryLog
from services.eventlog.page import Head, Record
from services.metrics.usage import Usage


async def test_the_crowd_is_a_thousand_companies_that_book():
    """It is chained, it folds without contradiction, and half of its bookings lie ahead."""
    log = MemoryLog()
    head = await write_crowd(log, "crowd", NOW)
    chain, usage = ChainReader(Head(), "crowd"), Usage()
    for position, data in enumerate(log.pages, 1):
        usage.apply(position, chain.take(Record(position=position, data=data)))
    ahead = usage.applied[ReservationConfirmed] - usage.applied[ReservationActivated]
    assert head.position == len(log.pages)
    assert usage.applied[CompanyRegistered] == 1_000
    assert 0.4 < ahead / usage.applied[ReservationConfirmed] < 0.6
