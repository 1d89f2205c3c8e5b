"""Discipline over the wire: training, check-in, no-show, strike, suspension, forgiveness, terms."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import BETA, NOON, OPERATOR, Desk, Refused, demand, request_id, serving
from tests.scheduler.test_grpc_tenants import series as daily
from tests.scheduler.test_grpc_tenants import training

NO_SHOW = api.Reservation.STATE_NO_SHOW
STRICT = api.Terms(strike_rules=[api.StrikeRule(strikes=1)])
STRICT.strike_rules[0].window.seconds = STRICT.strike_rules[0].suspension.seconds = 9 * DAY


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The fixture centre behind its doors; ALPHA is trained for L01, and one strike suspends."""
    async with serving(tmp_path / "keys") as served:
        await served.call("PublishTerms", api.PublishTermsRequest(terms=STRICT, request_id=request_id(901)), OPERATOR)
        await served.call("GrantQualification", training("companies/ALPHA", 902), OPERATOR)
        yield served


def pass_time(desk: Desk, until: float) -> None:
    """Time passes, and every tick that was due has come."""
    desk.clock.seconds = until
    while desk.writer.tick():
        pass


async def conduct(desk: Desk) -> api.Conduct:
    """ALPHA's record."""
    found: api.Conduct = await desk.call("GetConduct", api.GetConductRequest(parent="companies/ALPHA"))
    return found


async def test_nobody_came_and_everything_follows(desk: Desk) -> None:
    """The deadline is told at the booking; then come the no-show, the strike, the suspension, and forgiveness."""
    booked = await desk.call("CreateReservation", demand(1, ("L01", 1), hours=4))
    assert booked.check_in_deadline.seconds == booked.start_time.seconds + 900
    pass_time(desk, NOON)
    pass_time(desk, NOON + 900)
    missed = await desk.call("GetReservation", api.GetReservationRequest(name=booked.name))
    assert (missed.state, missed.end_time.seconds) == (NO_SHOW, NOON + HOUR)
    record = await conduct(desk)
    assert [strike.reservation for strike in record.strikes] == [booked.name]
    assert record.suspended_until_time.seconds == NOON + 900 + 9 * DAY
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", demand(2, ("T1", 1), start=NOON + 2 * HOUR))
    assert refused.value.reason == "SUSPENDED"
    forgive = api.ForgiveStrikeRequest(name=booked.name, request_id=request_id(3), reason="the door was locked")
    after = await desk.call("ForgiveStrike", forgive, OPERATOR)
    assert not after.strikes
    assert not after.HasField("suspended_until_time")
    assert await desk.call("ForgiveStrike", forgive, OPERATOR) == after
    await desk.call("CreateReservation", demand(4, ("T1", 1), start=NOON + 2 * HOUR))


async def test_a_check_in_keeps_the_reservation_and_is_safe_to_repeat(desk: Desk) -> None:
    """P4: the same request gives the same answer; the reservation stays to its end, and the record is clean."""
    booked = await desk.call("CreateReservation", demand(1, ("L01", 1), hours=4))
    pass_time(desk, NOON)
    came = api.CheckInRequest(name=booked.name, request_id=request_id(2))
    first = await desk.call("CheckIn", came)
    assert first.check_in_time.seconds == NOON
    assert not first.HasField("check_in_deadline")
    assert await desk.call("CheckIn", came) == first
    pass_time(desk, NOON + 3 * HOUR)
    assert (await desk.call("GetReservation", api.GetReservationRequest(name=booked.name))).state == first.state
    release = api.ReleaseReservationRequest(
        name=booked.name, request_id=request_id(3), condition=api.CONDITION_DAMAGED, hand_over="One lens is cracked."
    )
    left = await desk.call("ReleaseReservation", release)
    assert (left.condition, left.hand_over) == (api.CONDITION_DAMAGED, "One lens is cracked.")
    record = await conduct(desk)
    assert (record.reliability, record.kept, record.missed) == (1.0, 1, 0)


async def test_only_an_operator_excuses_a_late_cancellation(desk: Desk) -> None:
    """A company cannot excuse itself; what an operator excuses is no strike."""
    booked = await desk.call("CreateReservation", demand(1, ("L01", 1)))
    desk.clock.seconds = NOON - HOUR
    late = api.CancelReservationRequest(name=booked.name, request_id=request_id(2), excused=True, reason="storm")
    with pytest.raises(Refused) as refused:
        await desk.call("CancelReservation", late)
    assert refused.value.code == grpc.StatusCode.PERMISSION_DENIED
    await desk.call("CancelReservation", late, OPERATOR)
    assert not (await conduct(desk)).strikes


async def test_an_operator_who_gives_a_booking_back_says_why(desk: Desk) -> None:
    """Without a reason nothing is given back and the field is named; looking needs none, and the company reads it."""
    booked = await desk.call("CreateReservation", demand(1, ("cpu", 1)))
    cancel = api.CancelReservationRequest(name=booked.name, request_id=request_id(2))
    series = await desk.call("CreateSeries", daily("ALPHA"))
    for method, request in (
        ("CancelReservation", cancel),
        ("CancelReservation", api.CancelReservationRequest(name=booked.name, request_id=request_id(2), reason=" ")),
        ("ReleaseReservation", api.ReleaseReservationRequest(name=booked.name, request_id=request_id(2))),
        ("CancelSeries", api.CancelSeriesRequest(name=series.name, request_id=request_id(2))),
    ):
        with pytest.raises(Refused) as refused:
            await desk.call(method, request, OPERATOR)
        assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
        assert "reason" in str(refused.value.status)
    looking = api.CancelReservationRequest(name=booked.name, request_id=request_id(2), validate_only=True)
    assert (await desk.call("CancelReservation", looking, OPERATOR)).state == booked.state
    cancel.reason = "The roof leaks."
    await desk.call("CancelReservation", cancel, OPERATOR)
    told = await desk.call("GetReservation", api.GetReservationRequest(name=booked.name))
    assert told.state_reason == "The roof leaks."


async def test_without_a_training_the_equipment_stays_closed(desk: Desk) -> None:
    """A company without a training is told so, and what would help."""
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", demand(1, ("L01", 1), company="BETA"), BETA)
    assert "NOT_QUALIFIED" in str(refused.value.status)


async def test_the_terms_of_a_time_can_be_read(desk: Desk) -> None:
    """Terms take effect at their time, and those before are still known."""
    later = api.Terms(strike_rules=STRICT.strike_rules)
    later.effective_time.seconds = NOON
    later.check_in_early.seconds = 1800
    await desk.call("PublishTerms", api.PublishTermsRequest(terms=later, request_id=request_id(1)), OPERATOR)
    request = api.GetTermsRequest()
    request.time.seconds = NOON - 1
    assert (await desk.call("GetTerms", request)).check_in_early.seconds == 0
    request.time.seconds = NOON
    assert (await desk.call("GetTerms", request)).check_in_early.seconds == 1800


async def test_a_class_is_booked_and_counted_as_it_comes(desk: Desk) -> None:
    """How many, and by pseudonym who: shown to its company, with what was said of each."""
    request = demand(30, ("cpu", 3))
    request.reservation.participants.count = 3
    request.reservation.participants.ids.extend(["p-1", "p-2", "p-3"])
    made = await desk.call("CreateReservation", request)
    assert (made.participants.count, made.participants.present) == (3, 0)
    desk.clock.seconds = made.start_time.seconds
    came = api.CheckInRequest(name=made.name, request_id=request_id(31), ids=["p-2"])
    told = await desk.call("CheckIn", came)
    assert (told.participants.present, list(told.participants.present_ids)) == (1, ["p-2"])
    told = await desk.call("CheckIn", api.CheckInRequest(name=made.name, request_id=request_id(32)))
    assert (told.participants.present, sorted(told.participants.present_ids)) == (3, ["p-1", "p-2", "p-3"])


@pytest.mark.parametrize("who", ["kim@example.org", "Kim Min-jun", "김민준", "", "x" * 33])
async def test_a_name_is_no_pseudonym(desk: Desk, who: str) -> None:
    """No address and no name comes into the log by mistake, neither with the booking nor at check-in."""
    request = demand(33, ("cpu", 1))
    request.reservation.participants.count = 1
    request.reservation.participants.ids.append(who)
    before = len(desk.log.pages)
    came = api.CheckInRequest(name="companies/ALPHA/reservations/r1", request_id=request_id(34), ids=[who])
    for method, wish in (("CreateReservation", request), ("CheckIn", came)):
        with pytest.raises(Refused) as refused:
            await desk.call(method, wish)
        assert refused.value.reason == "INVALID_FIELD"
    assert len(desk.log.pages) == before


async def test_too_few_seats_are_explained_without_another_time(desk: Desk) -> None:
    """P3: at no other time is there room for everybody, so none is offered."""
    request = demand(35, ("cpu", 3))
    request.reservation.participants.count = 4
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", request)
    assert (refused.value.reason, len(refused.value.refusal.alternatives)) == ("TOO_FEW_SEATS", 0)
    request.reservation.participants.count = 0
    with pytest.raises(Refused) as nobody:
        await desk.call("CreateReservation", request)
    assert nobody.value.reason == "INVALID_FIELD"


async def test_a_record_that_is_only_asked_for_is_answered_as_it_would_stand(desk: Desk) -> None:
    """`validate_only` tells the record with what was asked for in it, and changes nothing."""
    before = await conduct(desk)
    told = api.RecordMisuseRequest(parent="companies/ALPHA", request_id=request_id(5), validate_only=True)
    told.misuse.reason = "mining"
    planned = await desk.call("RecordMisuse", told, OPERATOR)
    assert planned.misuse.reason == "mining"
    assert [each.resource for each in planned.qualifications] == ["resources/L01"]
    untrained = api.RevokeQualificationRequest(
        parent="companies/ALPHA", resource="resources/L01", request_id=request_id(6), validate_only=True
    )
    assert not (await desk.call("RevokeQualification", untrained, OPERATOR)).qualifications
    assert await conduct(desk) == before
    lift = api.LiftMisuseRequest(parent="companies/ALPHA", request_id=request_id(7), validate_only=True)
    with pytest.raises(Refused) as refused:
        await desk.call("LiftMisuse", lift, OPERATOR)
    assert refused.value.reason == "NO_SUCH_RECORD"
