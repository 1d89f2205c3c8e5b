"""Whether bookings are as fast in a full centre as in an empty one: from the bytes of a batch to those of its answer.

In memory, without gRPC and disk, by processor time, in alternating rounds, so that a noisy machine is noisy for both.
"""

import asyncio
import gc
import itertools
import random
import statistics
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress

from msgspec import Struct

from loadtests import workload
from loadtests.core import NOW, Advance, centre_with
from loadtests.workload import COMPANIES
from services.eventlog.memory import MemoryLog
from services.eventlog.page import Head
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.validation import violations
from services.scheduler import batch
from services.scheduler.clock import SimulatedClock
from services.scheduler.group_commit import GroupCommit
from services.scheduler.wire.replies import plain_brief
from services.scheduler.writer import Writer

LIVE = 100_000
ROUNDS = 9
BOOKINGS = 1_000
"""In each round; few, so that the empty centre stays so."""
BATCH = 100
"""Items."""


class Flatness(Struct, kw_only=True):
    """Bookings a second of every round, in a centre that is empty before it and in the full one."""

    empty: list[float]
    full: list[float]

    @property
    def ratio(self) -> float:
        """The median over the rounds of the full centre's rate to the empty one's."""
        return statistics.median(full / empty for full, empty in zip(self.full, self.empty, strict=True))


async def flatness(seed: int, advance: Advance) -> Flatness:
    """Book 100,000 reservations, then measure beside centres that have none."""
    asked = _batches(random.Random(seed))
    found = Flatness(empty=[], full=[])
    async with _writing() as full:
        for done in range(0, LIVE, BOOKINGS):
            await _rate(full, asked)
            advance(done, LIVE)
        # As in the scheduler, what is there for long is not looked at again.
        gc.freeze()
        try:
            for _ in range(ROUNDS):
                async with _writing() as empty:
                    found.empty.append(await _rate(empty, asked))
                found.full.append(await _rate(full, asked))
        finally:
            gc.unfreeze()
        assert sum(each.state.live for each in full.centre.reservations.values()) >= LIVE
    return found


@asynccontextmanager
async def _writing() -> AsyncGenerator[Writer, None]:
    """A writer of an empty centre, whose log is in memory."""
    centre = centre_with()
    for pool in centre.pools.values():
        # Untouched memory would cost the empty centre what the full one has paid long ago.
        pool.calendar.used.fill(0)
    pages = GroupCommit(log=MemoryLog(), name="flatness", centre_id="flatness", epoch=1, head=Head())
    running = asyncio.create_task(pages.run())
    try:
        yield Writer(centre=centre, pages=pages, clock=SimulatedClock(NOW, 0))
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _rate(writer: Writer, batches: Iterator[bytes]) -> float:
    """Book so many demands; how many for each second of the processor that was."""
    asked = list(itertools.islice(batches, BOOKINGS // BATCH))
    began = time.process_time()
    answers = await asyncio.gather(*(_book(writer, data) for data in asked))
    took = time.process_time() - began
    results = [result for data in answers for result in api.BatchCreateReservationsResponse.FromString(data).results]
    assert sum(result.HasField("reservation") for result in results) == BOOKINGS
    return BOOKINGS / took


async def _book(writer: Writer, data: bytes) -> bytes:
    """What the doors and the booking behind them do with a batch, but for the caller's token."""
    request = api.BatchCreateReservationsRequest.FromString(data)
    assert not violations(request, "requests")
    asks = batch.asks_of(request, request.parent.removeprefix("companies/"), request.parent)
    answers = await writer.submit_each(asks)
    results = [
        batch.result_of(writer.centre, ask.request_id, answer, plain_brief)
        for ask, answer in zip(asks, answers, strict=True)
    ]
    return api.BatchCreateReservationsResponse(results=results).SerializeToString()


def _batches(chance: random.Random) -> Iterator[bytes]:
    """The workload's demands, a batch of one company after another's."""
    lanes = [workload.demands(chance.getrandbits(32), NOW, company) for company in COMPANIES]
    for company, lane in itertools.cycle(zip(COMPANIES, lanes, strict=True)):
        items = [workload.request_of(next(lane)) for _ in range(BATCH)]
        asked = api.BatchCreateReservationsRequest(parent=f"companies/{company}", requests=items, brief=True)
        yield asked.SerializeToString()
