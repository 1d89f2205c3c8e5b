"""Batches, in the client process: so many calls of so many demands each, several on the way at once.

Requests are made before the clock starts and answers are read after it stops, so that the client, which shares the
machine with what it measures, does as little as it can meanwhile.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import grpc
from google.protobuf.message import Message

from loadtests.jobs import Job, Lane
from loadtests.measures import GRANTED, Round, percentiles_ms
from loadtests.workload import demands, request_of
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

METHOD = "/aidc.scheduler.v1.Scheduler/BatchCreateReservations"
CALL_SECONDS_MAX = 8.0


class Batch(NamedTuple):
    """One call to be made."""

    lane: int
    request: bytes


class BatchTarget:
    """The scheduler's door for batches, with a connection for each company."""

    def __init__(self, address: str, lanes: tuple[Lane, ...]) -> None:
        self._lanes = lanes
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.aio.insecure_channel(address, options=options) for _ in lanes]
        self._methods: list[grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = [
            channel.unary_unary(METHOD) for channel in self._channels
        ]
        self._metadata = [(("authorization", f"Bearer {lane.token}"),) for lane in lanes]

    def batches(self, job: Job) -> list[Batch]:
        """All calls of a job, the lanes in turn."""
        wishes = [demands(job.seed * len(self._lanes) + n, job.now, lane.company) for n, lane in enumerate(self._lanes)]

        def request(lane: int) -> bytes:
            items = [request_of(wish) for wish in itertools.islice(wishes[lane], job.items)]
            parent = f"companies/{self._lanes[lane].company}"
            return self.message(parent, items).SerializeToString()

        lanes = [number % len(self._lanes) for number in range(job.calls)]
        return [Batch(lane, request(lane)) for lane in lanes]

    def message(self, parent: str, items: list[api.CreateReservationRequest]) -> Message:
        """One call's demands. The answers tell every reservation whole."""
        return api.BatchCreateReservationsRequest(parent=parent, requests=items)

    async def book(self, batch: Batch) -> bytes:
        """Make one call; the answer as it came. Raises `grpc.aio.AioRpcError`."""
        method, metadata = self._methods[batch.lane], self._metadata[batch.lane]
        return await method(batch.request, timeout=CALL_SECONDS_MAX, metadata=metadata)

    async def close(self) -> None:
        """Disconnect."""
        for channel in self._channels:
            await channel.close()


async def batch_round(target: BatchTarget, job: Job) -> Round:
    """Make all calls of a job, `clients` at once, and count their items. Raises `grpc.aio.AioRpcError`."""
    waiting = iter(target.batches(job))
    answers: list[bytes] = []
    latencies: list[float] = []

    async def call_until_none_is_left() -> None:
        for batch in waiting:
            asked = time.perf_counter()
            answers.append(await target.book(batch))
            latencies.append(time.perf_counter() - asked)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(job.clients):
            group.create_task(call_until_none_is_left())
    took = time.perf_counter() - began
    outcomes = Counter(outcome for answer in answers for outcome in outcomes_of(answer))
    return Round(target=job.target, seconds=took, outcomes=dict(outcomes), latency_ms=percentiles_ms(latencies))


def outcomes_of(answer: bytes) -> Iterator[str]:
    """What became of every item."""
    for result in api.BatchCreateReservationsResponse.FromString(answer).results:
        yield GRANTED if result.HasField("reservation") else result.problem.reason
