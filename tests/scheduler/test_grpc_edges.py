"""At the edge of what is fine: neighbours, repetitions, text that looks like code, and many at once."""

import asyncio
from typing import Any

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR
from tests.scheduler.serving import ALPHA, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id
from tests.scheduler.test_grpc import quota
from tests.scheduler.wishes import cancelling, changed, granting, noted


async def test_adjacent_bookings_are_fine(desk: Desk) -> None:
    """A booking may begin when another one ends."""
    first = await desk.call("CreateReservation", demand(1, ("T1", 1), start=NOON, hours=1))
    then = await desk.call("CreateReservation", demand(2, ("T1", 1), start=NOON + HOUR, hours=1))
    assert first.end_time == then.start_time
    assert {first.state, then.state} == {api.Reservation.STATE_CONFIRMED}


async def test_what_is_taken_is_busy_and_nothing_more_is_told(desk: Desk) -> None:
    """Over one's own booking or another's there is no other; whose it is stands in no answer."""
    booked = await desk.call("CreateReservation", demand(1, ("cpu", 224), note="secret"))
    for number, (name, identity) in enumerate((("ALPHA", ALPHA), ("BETA", BETA)), start=2):
        with pytest.raises(Refused) as refused:
            await desk.call("CreateReservation", demand(number, ("cpu", 1), company=name), identity)
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_CAPACITY")
        told = refused.value.status.SerializeToString()
        assert not any(word in told for word in (b"secret", booked.name.rsplit("/", 1)[1].encode()))
    assert b"ALPHA" not in told


async def test_a_period_is_granted_once(desk: Desk) -> None:
    """A quota over a period that has one is refused: nobody is left with less than was booked by mistake."""
    await desk.call("GrantQuota", quota(), OPERATOR)
    with pytest.raises(Refused) as refused:
        await desk.call("GrantQuota", changed(granting(unit_seconds=1), renumbered), OPERATOR)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS")


def renumbered(request: Any) -> None:
    """The same, as another request."""
    request.request_id = request_id(98)


async def test_ids_of_two_tenants_are_independent(desk: Desk) -> None:
    """The same request id of another company is another request."""
    first = await desk.call("CreateReservation", demand(1))
    second = await desk.call("CreateReservation", demand(1, company="BETA"), BETA)
    assert first.name != second.name


async def test_a_repeated_cancellation_is_the_same_yes(desk: Desk) -> None:
    """Repeated with its id a cancellation is OK; anew it is refused."""
    booked = await desk.call("CreateReservation", demand(1))
    first = await desk.call("CancelReservation", cancelling(booked.name))
    assert await desk.call("CancelReservation", cancelling(booked.name)) == first
    with pytest.raises(Refused) as refused:
        await desk.call("CancelReservation", cancelling(booked.name, 77))
    assert refused.value.reason == "WRONG_STATE"


async def test_an_unknown_method_is_unimplemented(desk: Desk) -> None:
    """Other methods, and reflection, are not there."""
    for path in (
        "/aidc.scheduler.v1.Scheduler/Drop",
        "/",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await desk.channel.unary_unary(path)(b"", timeout=5)
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_unknown_fields_leave_no_trace(desk: Desk) -> None:
    """What we do not know is ignored, and never written down."""
    await desk.call("CreateReservation", demand(1).SerializeToString() + b"\xba\x3e\x06canary")
    assert b"canary" not in b"".join(desk.log.pages)


async def test_text_is_stored_as_it_is(desk: Desk) -> None:
    """Quotes, percent signs and braces are text, for ever."""
    text = "'; DROP TABLE reservations; -- %s {} \\x00 [INFO]"
    booked = await desk.call("CreateReservation", noted(text))
    assert (await desk.call("GetReservation", api.GetReservationRequest(name=booked.name))).note == text


async def test_nobody_overspends_in_parallel(desk: Desk) -> None:
    """A hundred calls at once spend a quota to its end and not beyond."""
    await desk.call("GrantQuota", granting(unit_seconds=8 * HOUR * 30), OPERATOR)
    calls = [
        desk.call("CreateReservation", demand(n, ("h100", 8), company="BETA", start=TUESDAY + n * HOUR), BETA)
        for n in range(1, 101)
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(each, Refused) for each in outcomes) == 30
    (period,) = desk.writer.centre.meters["BETA", "h100"].periods
    assert period.booked == period.quota.unit_seconds
