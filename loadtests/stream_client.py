"""The same messages of a hundred demands as in batches, through BookStream: one stream for each company, pipelined.

The answers tell each reservation in brief, as `aidc book-many` asks for them: its name, state and etag.
"""

import asyncio
import time
from collections import Counter

import grpc
from google.protobuf.message import Message

from loadtests.batch_client import BatchTarget, outcomes_of
from loadtests.jobs import Job, Lane
from loadtests.measures import Round, percentiles_ms
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

METHOD = "/aidc.scheduler.v1.Scheduler/BookStream"
STREAM_SECONDS_MAX = 60.0


class StreamTarget(BatchTarget):
    """The scheduler's door for streams, with a connection and a stream for each company."""

    def __init__(self, address: str, lanes: tuple[Lane, ...]) -> None:
        super().__init__(address, lanes)
        self._streams: list[grpc.aio.StreamStreamMultiCallable[bytes, bytes]] = [
            channel.stream_stream(METHOD) for channel in self._channels
        ]

    def message(self, parent: str, items: list[api.CreateReservationRequest]) -> Message:
        """One message's demands, to be answered in brief."""
        return api.BookStreamRequest(parent=parent, requests=items, brief=True)

    async def stream(self, lane: int, requests: list[bytes]) -> list[tuple[float, bytes]]:
        """Send everything without waiting, on one stream; the answers with their moments. Raises `AioRpcError`."""
        call = self._streams[lane](timeout=STREAM_SECONDS_MAX, metadata=self._metadata[lane])
        sending = asyncio.create_task(_send(call, requests))
        answers = [(time.perf_counter(), answer) async for answer in call]
        await sending
        return answers


async def _send(call: "grpc.aio.StreamStreamCall[bytes, bytes]", requests: list[bytes]) -> None:
    for request in requests:
        await call.write(request)
    await call.done_writing()


async def stream_round(target: StreamTarget, job: Job) -> Round:
    """Send all messages of a job, every company's on its stream, and count their items. Raises `AioRpcError`.

    Latency counts from the start of the round: it is the time in which everything was wanted at once.
    """
    by_lane: dict[int, list[bytes]] = {}
    for batch in target.batches(job):
        by_lane.setdefault(batch.lane, []).append(batch.request)
    began = time.perf_counter()
    told = await asyncio.gather(*(target.stream(lane, requests) for lane, requests in by_lane.items()))
    took = time.perf_counter() - began
    answers = [answer for stream in told for answer in stream]
    outcomes = Counter(outcome for _, answer in answers for outcome in outcomes_of(answer))
    latencies = percentiles_ms([moment - began for moment, _ in answers])
    return Round(target=job.target, seconds=took, outcomes=dict(outcomes), latency_ms=latencies)
