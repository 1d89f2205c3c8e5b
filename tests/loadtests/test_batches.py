"""The batches that are offered are what a figure says they were."""

import pytest

from loadtests.batch_client import BatchTarget, batch_round, outcomes_of
from loadtests.batches import ITEMS, Batches
from loadtests.jobs import Job, Lane
from loadtests.measures import GRANTED, Round
from loadtests.stream_client import StreamTarget, stream_round
from loadtests.workload import CROWD
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

LANES = tuple(Lane(company=company, token="") for company in CROWD[:3])
JOB = Job(target="batches", seconds=1.0, seed=1, now=1_772_496_000, clients=2, calls=7, items=ITEMS)


class EverySecond(BatchTarget):
    """A scheduler that grants every second item."""

    async def book(self, batch):
        asked = api.BatchCreateReservationsRequest.FromString(batch.request)
        answers = [
            api.BatchResult(problem=api.BatchProblem(reason="NO_CAPACITY"))
            if number % 2
            else api.BatchResult(reservation=request.reservation)
            for number, request in enumerate(asked.requests)
        ]
        return api.BatchCreateReservationsResponse(results=answers).SerializeToString()


async def test_every_call_carries_a_hundred_different_requests():
    """Companies take turns, and no request id comes twice."""
    target = BatchTarget("127.0.0.1:1", LANES)
    batches = [api.BatchCreateReservationsRequest.FromString(batch.request) for batch in target.batches(JOB)]
    await target.close()
    ids = {request.request_id for batch in batches for request in batch.requests}
    assert [batch.parent for batch in batches[:4]] == [f"companies/{CROWD[n]}" for n in (0, 1, 2, 0)]
    assert len(batches) == JOB.calls
    assert len(ids) == JOB.calls * ITEMS


async def test_a_refused_item_is_no_booking():
    """A round counts its items one by one."""
    target = EverySecond("127.0.0.1:1", LANES)
    played = await batch_round(target, JOB)
    await target.close()
    assert played.outcomes == {GRANTED: JOB.calls * ITEMS // 2, "NO_CAPACITY": JOB.calls * ITEMS // 2}
    with pytest.raises(SystemExit):
        Batches(rounds=[played], grown_bytes=0).demand_granted()


def test_an_empty_answer_grants_nothing():
    """What is not there is not counted."""
    assert list(outcomes_of(b"")) == []


class Talking(StreamTarget):
    """A scheduler that grants everything on a stream."""

    async def stream(self, lane, requests):
        asked = [api.BookStreamRequest.FromString(request) for request in requests]
        answers = [
            api.BookStreamResponse(results=[api.BatchResult(reservation=each.reservation) for each in message.requests])
            for message in asked
        ]
        return [(0.0, answer.SerializeToString()) for answer in answers]


async def test_streams_carry_the_same_demands_as_batches():
    """Every message of a round is sent, each on its own company's stream, and its items are counted."""
    target = Talking("127.0.0.1:1", LANES)
    played = await stream_round(target, JOB)
    await target.close()
    assert played.outcomes == {GRANTED: JOB.calls * ITEMS}


def test_the_faster_way_counts():
    """The rate is the median of the rounds of one way, not of both mixed."""
    rounds = [
        Round(target=target, seconds=1, outcomes={GRANTED: granted}, latency_ms={})
        for target, granted in (("batches", 10), ("streams", 40), ("batches", 30), ("streams", 60), ("batches", 20))
    ]
    assert Batches(rounds=rounds, grown_bytes=0).rates() == {"batches": 20, "streams": 50}
    assert Batches(rounds=rounds, grown_bytes=0).bookings_per_second == 50


def test_memory_is_shared_by_all_that_was_booked():
    """Bytes for each reservation, over all rounds."""
    rounds = [Round(target="batches", seconds=1, outcomes={GRANTED: 50}, latency_ms={}) for _ in range(2)]
    assert Batches(rounds=rounds, grown_bytes=150_000).bytes_per_reservation == 1500
