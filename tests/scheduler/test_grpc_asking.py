"""Changing what was approved, over the wire: the change waits, both places are held, and everybody can see it."""

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR
from tests.scheduler.serving import ALPHA, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id
from tests.scheduler.test_grpc_approvals import CONFIRMED, KIM, LEE, approval, pending
from tests.scheduler.test_grpc_changes import changing


async def approved(desk: Desk) -> api.Reservation:
    """An hour that two have agreed to."""
    made = await pending(desk)
    await desk.call("ApproveReservation", approval(made.name, 801), KIM)
    booked: api.Reservation = await desk.call("ApproveReservation", approval(made.name, 802), LEE)
    return booked


async def get(desk: Desk, name: str) -> api.Reservation:
    """A reservation as it stands."""
    found: api.Reservation = await desk.call("GetReservation", api.GetReservationRequest(name=name))
    return found


async def test_a_change_waits_and_takes_effect_when_enough_agree(desk: Desk) -> None:
    """Shown before it is asked; until two agree the booking is what it was, and then it is what was asked for."""
    booked = await approved(desk)
    longer = changing(booked.name, end_time=NOON + 2 * HOUR, validate_only=True)
    shown = await desk.call("UpdateReservation", longer)
    assert shown.asked_change.end_time.seconds == NOON + 2 * HOUR
    assert not (await get(desk, booked.name)).HasField("asked_change")
    longer.validate_only = False
    waiting = await desk.call("UpdateReservation", longer)
    assert (waiting.state, waiting.end_time, waiting.allocations) == (CONFIRMED, booked.end_time, booked.allocations)
    asked = waiting.asked_change
    assert (asked.create_time.seconds, asked.expire_time.seconds) == (NOW, NOW + 24 * HOUR)
    assert (asked.approval.quorum, len(asked.approval.votes)) == (2, 0)
    assert await desk.call("UpdateReservation", longer) == waiting  # P4
    first = await desk.call("ApproveReservation", approval(booked.name, 803, comment="sound"), KIM)
    assert [vote.comment for vote in first.asked_change.approval.votes] == ["sound"]
    with pytest.raises(Refused) as twice:
        await desk.call("ApproveReservation", approval(booked.name, 804), KIM)
    assert twice.value.reason == "ALREADY_VOTED"
    after = await desk.call("ApproveReservation", approval(booked.name, 805), LEE)
    assert (after.end_time.seconds, after.HasField("asked_change")) == (NOON + 2 * HOUR, False)
    assert len(after.approval.votes) == 2


async def test_a_no_and_a_withdrawal_leave_the_booking_untouched(desk: Desk) -> None:
    """Denied by two, or taken back by asking for what there is: it stands, and others can have the other hour."""
    booked = await approved(desk)
    bench = await desk.call("GetResource", api.GetResourceRequest(name="resources/B24"))
    for number, by_company in ((10, False), (20, True)):
        await desk.call("UpdateReservation", changing(booked.name, number, end_time=NOON + 2 * HOUR))
        other = demand(number + 1, ("B24", bench.capacity_units - 3), start=NOON + HOUR, company="BETA")
        with pytest.raises(Refused) as taken:
            await desk.call("CreateReservation", other, BETA)
        assert taken.value.reason == "NO_CAPACITY"
        if by_company:
            after = await desk.call("UpdateReservation", changing(booked.name, number + 2, end_time=NOON + HOUR))
        else:
            for more, who in enumerate((KIM, LEE), 3):
                no = api.DenyReservationRequest(name=booked.name, request_id=request_id(number + more), comment="No.")
                after = await desk.call("DenyReservation", no, who)
        assert (after.end_time, after.allocations) == (booked.end_time, booked.allocations)
        assert not after.HasField("asked_change")


async def test_what_waits_is_listed_for_those_who_decide(desk: Desk) -> None:
    """Pending bookings and changes that wait, the earliest deadline first; nothing else."""
    booked, other = await approved(desk), await pending(desk, 30, NOON + 5 * HOUR)
    await desk.call("CreateReservation", demand(31))
    desk.clock.seconds += 60
    await desk.call("UpdateReservation", changing(booked.name, 32, end_time=NOON + 2 * HOUR))
    request = api.ListReservationsRequest(parent="companies/-", to_approve=True, order_by="expire_time")
    found = await desk.call("ListReservations", request, OPERATOR)
    assert [each.name for each in found.reservations] == [other.name, booked.name]
    mine = api.ListReservationsRequest(parent="companies/BETA", to_approve=True)
    assert not (await desk.call("ListReservations", mine, BETA)).reservations


async def test_nobody_else_sees_what_was_asked(desk: Desk) -> None:
    """P8: another company sees busy time on the new place, and finds neither the booking nor the change."""
    booked = await approved(desk)
    await desk.call("UpdateReservation", changing(booked.name, end_time=NOON + 2 * HOUR))
    for method, request in (
        ("GetReservation", api.GetReservationRequest(name=booked.name)),
        ("UpdateReservation", changing(booked.name, 40, end_time=NOON + HOUR)),
    ):
        with pytest.raises(Refused) as missing:
            await desk.call(method, request, BETA)
        assert missing.value.reason == "RESERVATION_NOT_FOUND"
    assert (await get(desk, booked.name)).HasField("asked_change")


async def test_it_is_neither_handed_over_nor_agreed_to_at_another_time(desk: Desk) -> None:
    """Both are refused by name, with what to do instead, and the change goes on waiting."""
    booked = await approved(desk)
    await desk.call("UpdateReservation", changing(booked.name, end_time=NOON + 2 * HOUR))
    offer = changing(booked.name, 50, mask="company", company="companies/GAMMA")
    other = approval(booked.name, 51)
    other.start_time.seconds, other.end_time.seconds = NOON + 3 * HOUR, NOON + 4 * HOUR
    for method, request, who in (("UpdateReservation", offer, ALPHA), ("ApproveReservation", other, KIM)):
        with pytest.raises(Refused) as refused:
            await desk.call(method, request, who)
        assert refused.value.reason == "WRONG_STATE"
    told = refused.value.refusal.violations[0].description
    assert "would be taken away for a time that it did not ask for" in told
    assert "deny it with a comment that says which time would do" in told
    assert not (await get(desk, booked.name)).asked_change.approval.votes


async def test_an_outages_report_lists_the_changes_that_it_only_ended(desk: Desk) -> None:
    """Looked at or declared: the booking stands, with the reason; of another company's nobody reads anything (P8)."""
    booked = await approved(desk)
    later = changing(booked.name, start_time=NOON + 5 * HOUR, end_time=NOON + 6 * HOUR)
    await desk.call("UpdateReservation", later)
    wish = api.DeclareOutageRequest(request_id=request_id(70), validate_only=True)
    wish.outage.name = "outages/works"
    wish.outage.kind, wish.outage.reason = api.Outage.KIND_MAINTENANCE, "works"
    wish.outage.scopes.add(resource="resources/B24")
    wish.outage.start_time.seconds, wish.outage.end_time.seconds = NOON + 5 * HOUR, NOON + 7 * HOUR
    expected = [(booked.name, api.AffectedReservation.OUTCOME_CHANGE_ENDED)]
    for planned in (True, False):
        wish.validate_only = planned
        report = await desk.call("DeclareOutage", wish, OPERATOR)
        assert [(each.reservation, each.outcome) for each in report.affected] == expected
        assert (await get(desk, booked.name)).HasField("asked_change") == planned
    name = report.outage.name
    for who, count in ((ALPHA, 1), (BETA, 0)):
        told = await desk.call("GetOutage", api.GetOutageRequest(name=name), who)
        assert len(told.affected) == count
    assert (await get(desk, booked.name)).start_time == booked.start_time


async def test_less_funding_names_the_changes_that_it_only_ended(desk: Desk) -> None:
    """As a drain plan and as done: what was asked for is given up, and what stands is not in the way."""
    booked = await approved(desk)
    later = changing(booked.name, start_time=NOON + 5 * HOUR, end_time=NOON + 6 * HOUR)
    await desk.call("UpdateReservation", later)
    wish = api.SetFundingRequest(request_id=request_id(71))
    wish.funding.resource, wish.funding.displace, wish.funding.reason = "resources/B24", True, "lease"
    wish.funding.start_time.seconds = NOON + 4 * HOUR
    for planned in (True, False):
        wish.validate_only = planned
        report = await desk.call("SetFunding", wish, OPERATOR)
        assert [(each.reservation, each.outcome) for each in report.affected] == [
            (booked.name, api.AffectedReservation.OUTCOME_CHANGE_ENDED)
        ]
    assert not (await get(desk, booked.name)).HasField("asked_change")
