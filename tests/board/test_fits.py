"""When the usual sizes fit next: a scheduler that is busy costs a figure of the first page, and never the page."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from services.board.doors.answers import Limited
from services.board.frame.visit import Visit
from services.board.now.fits import BUSY, fits_of
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

POOL = api.Resource(
    name="resources/core",
    kind=api.RESOURCE_KIND_COMPUTE,
    unit=api.RESOURCE_UNIT_CORE,
    bins_per_node=1,
    bin_capacity=64,
    units_min=1,
    units_step=1,
    capacity_units=1024,
)


class Busy:
    """A scheduler that does only so many searches at once, and turns the others away for good."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0

    async def search(self, request: api.SearchOffersRequest) -> api.SearchOffersResponse:
        """Search for a while."""
        if self.now >= self.most:
            raise Limited("too many")
        self.now += 1
        await asyncio.sleep(0)
        self.now -= 1
        offer = api.Offer()
        offer.start_time.seconds = 1_772_409_600
        return api.SearchOffersResponse(offers=[offer])


def visit(caller: Busy) -> Visit:
    """A company's look at the first page."""
    person = SimpleNamespace(company="CMP-1", parent="companies/CMP-1")
    clock = SimpleNamespace(now=datetime(2026, 3, 2, tzinfo=UTC))
    return cast(Visit, SimpleNamespace(caller=cast(Any, caller), person=person, clock=clock))


async def test_what_is_turned_away_is_said_to_be_so() -> None:
    """Sizes that the scheduler has no time for say so, beside those that it answered."""
    fits = await fits_of(visit(Busy(most=1)), POOL, None)
    reasons = [reason for _, _, reason in fits]
    assert reasons.count("") == 1
    assert set(reasons) == {"", BUSY}
