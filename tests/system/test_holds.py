"""Held offers outlive the death of the scheduler: what is confirmed stands, what is not expires once."""

import uuid
from collections import Counter
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.checker import faults
from tests.system.harness import Clients, eventually, kill, running_centre
from tests.system.raw_log import read_log
from tests.system.small_catalogue import COMPANY
from tests.system.workload import Asked, Crowd, Outcome, booking

pytestmark = pytest.mark.asyncio


async def held(crowd: Crowd, day: int, seconds: int) -> api.Reservation:
    """An offer of all seats on a day, held for so long."""
    request = booking(COMPANY, "SEATS", 4, day)
    request.hold.CopyFrom(Duration(seconds=seconds))
    asked = Asked(COMPANY, "CreateReservation", request)
    await crowd.settle(asked)
    assert asked.outcome is Outcome.GRANTED
    return asked.answers[0]


async def state_of(clients: Clients, name: str) -> "api.Reservation.State.ValueType":
    """How a reservation stands."""
    request = api.GetReservationRequest(name=name)
    found: api.Reservation = await clients.call(clients.scheduler.GetReservation, request, COMPANY)
    return found.state


async def test_kill_nine_between_hold_and_confirm(tmp_path: Path) -> None:
    """P2, P4: the offer is still held afterwards, confirmed by one event however often it is asked; another expires."""
    async with running_centre(tmp_path, speed=1) as clients:
        crowd, scheduler = Crowd(clients, seed=1), clients.centre.scheduler
        kept, lost = await held(crowd, 2, seconds=900), await held(crowd, 3, seconds=2)
        kill(scheduler)
        await scheduler.exited()
        await scheduler.start()
        assert await state_of(clients, kept.name) == api.Reservation.STATE_HELD
        request = api.ConfirmReservationRequest(name=kept.name, request_id=str(uuid.uuid4()))
        confirming = Asked(COMPANY, "ConfirmReservation", request)
        await crowd.settle(confirming)
        kill(scheduler)
        await scheduler.exited()
        await scheduler.start()
        await crowd.attempt(confirming)
        assert len(confirming.answers) == 2

        async def expired() -> bool:
            return await state_of(clients, lost.name) == api.Reservation.STATE_EXPIRED

        await eventually(expired, "the other offer expires")
        assert await state_of(clients, kept.name) == api.Reservation.STATE_CONFIRMED
        log = await read_log(clients.centre)
        events = Counter(event["type"] for raw in log for entry in raw.page["entries"] for event in entry["events"])
        assert (events["reservation_held"], events["reservation_confirmed"], events["reservation_expired"]) == (2, 1, 1)
        assert not faults(log, crowd.asked, clients.centre.name)
