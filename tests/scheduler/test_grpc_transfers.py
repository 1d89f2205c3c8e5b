"""Handing a reservation over, as clients do it: offered, seen, accepted under the rules of the other company."""

from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.identity import Identity, Role
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import ALPHA, AUDITOR, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id
from tests.scheduler.test_grpc_tenants import handing_over, series, updating

GAMMA = Identity("park", Role.COMPANY, "GAMMA")
OPEN, ACCEPTED = api.TransferOffer.STATE_OPEN, api.TransferOffer.STATE_ACCEPTED
DECLINED, LAPSED = api.TransferOffer.STATE_DECLINED, api.TransferOffer.STATE_LAPSED


async def offered(desk: Desk, to: str = "GAMMA", **wish: Any) -> api.Reservation:
    """ALPHA books some GPUs, and offers them."""
    made = await desk.call("CreateReservation", demand(1, ("h100", 16), note="our secret plan", hours=2, **wish))
    told: api.Reservation = await desk.call("UpdateReservation", handing_over(made.name, to, 2))
    return told


def accepting(name: str, number: int = 3, **fields: Any) -> api.AcceptTransferRequest:
    """The wish to take it over."""
    return api.AcceptTransferRequest(name=name, request_id=request_id(number), **fields)


async def reason_of(desk: Desk, method: str, request: Any, identity: Identity) -> str:
    """Why it is refused."""
    with pytest.raises(Refused) as refused:
        await desk.ask(method, request, identity)
    return refused.value.reason


async def listed(desk: Desk, identity: Identity, company: str, *, offers: bool = False) -> list[str]:
    """The names of a company's reservations, or of those that it is offered."""
    request = api.ListReservationsRequest(parent=f"companies/{company}", offered=offers)
    return [each.name for each in (await desk.call("ListReservations", request, identity)).reservations]


async def test_what_is_accepted_goes_over_with_its_id_times_and_units(desk: Desk) -> None:
    """From then on its name begins with the new company, and the former one has nothing of that name."""
    offer = await offered(desk)
    assert (offer.transfer.to, offer.transfer.state) == ("companies/GAMMA", OPEN)
    taken = await desk.call("AcceptTransfer", accepting(offer.name), GAMMA)
    assert taken.name == offer.name.replace("ALPHA", "GAMMA")
    assert (taken.start_time, taken.end_time, taken.allocations) == (
        offer.start_time,
        offer.end_time,
        offer.allocations,
    )
    assert (taken.note, taken.state) == ("", api.Reservation.STATE_CONFIRMED)
    assert not taken.HasField("transfer")
    get = api.GetReservationRequest(name=offer.name)
    assert await reason_of(desk, "GetReservation", get, ALPHA) == "RESERVATION_NOT_FOUND"
    assert (await listed(desk, ALPHA, "ALPHA"), await listed(desk, GAMMA, "GAMMA")) == ([], [taken.name])
    cancel = api.CancelReservationRequest(name=taken.name, request_id=request_id(4))
    assert await reason_of(desk, "CancelReservation", cancel, ALPHA) == "RESERVATION_NOT_FOUND"
    assert (await desk.call("CancelReservation", cancel, GAMMA)).state == api.Reservation.STATE_CANCELLED


async def missing(desk: Desk, name: str, identity: Identity) -> tuple[str, dict[str, str]]:
    """What is said of a name that is not there, or no longer, for whoever asks."""
    with pytest.raises(Refused) as refused:
        await desk.call("GetReservation", api.GetReservationRequest(name=name), identity)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.NOT_FOUND, "RESERVATION_NOT_FOUND")
    return refused.value.message, dict(refused.value.detail(ErrorInfo).metadata)


async def test_its_former_company_is_told_when_it_went_to_whom_and_nothing_since(desk: Desk) -> None:
    """P8: that it heard when it was accepted; others find it missing; of what becomes of it later nobody tells it."""
    made = await desk.call("CreateReservation", demand(1, ("cpu", 2)))
    offer = await desk.call("UpdateReservation", handing_over(made.name, "GAMMA", 2))
    at = desk.clock.seconds
    taken = await desk.call("AcceptTransfer", accepting(offer.name), GAMMA)
    day = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
    told, metadata = await missing(desk, offer.name, ALPHA)
    assert told.startswith(f"{offer.name} was handed over to GAMMA at {day}")
    assert (metadata["handed_over_to"], metadata["handed_over_time"][:10]) == ("companies/GAMMA", day)
    assert await missing(desk, offer.name, OPERATOR) == (told, metadata)
    nowhere = offer.name.replace(offer.name.rpartition("/")[2], "r-none")
    for name in (offer.name, taken.name):
        found = await missing(desk, name, BETA)
        expected = await missing(desk, nowhere.replace("ALPHA", name.split("/")[1]), BETA)
        assert str(found).replace(name.rpartition("/")[2], "r-none") == str(expected)
    desk.clock.seconds += HOUR
    await desk.call("UpdateReservation", handing_over(taken.name, "BETA", 5), GAMMA)
    await desk.call("AcceptTransfer", accepting(taken.name, 6), BETA)
    assert await missing(desk, offer.name, ALPHA) == (told, metadata)
    assert (await missing(desk, taken.name, GAMMA))[1]["handed_over_to"] == "companies/BETA"


async def test_what_comes_back_is_ones_own_again(desk: Desk) -> None:
    """Whoever has it reads it, though they had handed it over before."""
    offer = await offered(desk)
    taken = await desk.call("AcceptTransfer", accepting(offer.name), GAMMA)
    await desk.call("UpdateReservation", handing_over(taken.name, "ALPHA", 5), GAMMA)
    back = await desk.call("AcceptTransfer", accepting(taken.name, 6), ALPHA)
    assert (await desk.call("GetReservation", api.GetReservationRequest(name=offer.name))).etag == back.etag
    assert (await missing(desk, taken.name, GAMMA))[1]["handed_over_to"] == "companies/ALPHA"


async def test_accepting_twice_is_accepting_once(desk: Desk) -> None:
    """P4: the same request gives the same yes, though what it names is another company's by then."""
    offer = await offered(desk)
    first = await desk.call("AcceptTransfer", accepting(offer.name), GAMMA)
    assert await desk.call("AcceptTransfer", accepting(offer.name), GAMMA) == first
    assert await reason_of(desk, "AcceptTransfer", accepting(offer.name, 9), GAMMA) == "RESERVATION_NOT_FOUND"


async def test_a_refusal_loses_nothing_and_names_every_rule(desk: Desk) -> None:
    """P3: the new company's quota says no, and the offer stands as it stood."""
    made = await desk.call("CreateReservation", demand(1, ("h100", 24), hours=5))
    offer = await desk.call("UpdateReservation", handing_over(made.name, "GAMMA", 2))
    with pytest.raises(Refused) as refused:
        await desk.call("AcceptTransfer", accepting(offer.name), GAMMA)
    assert [each.reason for each in refused.value.refusal.violations] == ["QUOTA_EXCEEDED", "CONCURRENCY_EXCEEDED"]
    assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await desk.call("GetReservation", api.GetReservationRequest(name=offer.name)) == offer


async def test_the_other_company_sees_the_offer_and_nothing_else(desk: Desk) -> None:
    """P8: lines and times of the one that it is offered; neither its note nor its units, and no other reservation."""
    await desk.call("CreateReservation", demand(8, ("cpu", 1)))
    offer = await offered(desk)
    seen = await desk.call("GetReservation", api.GetReservationRequest(name=offer.name), GAMMA)
    assert (seen.lines, seen.start_time, seen.transfer) == (offer.lines, offer.start_time, offer.transfer)
    assert (seen.note, len(seen.allocations)) == ("", 0)
    assert await listed(desk, GAMMA, "GAMMA", offers=True) == [offer.name]
    assert await listed(desk, GAMMA, "GAMMA") == []
    assert await listed(desk, BETA, "BETA", offers=True) == []
    assert await listed(desk, AUDITOR, "-", offers=True) == [offer.name]
    looked = await desk.call("AcceptTransfer", accepting(offer.name, validate_only=True), GAMMA)
    assert (looked.note, len(looked.allocations)) == ("", 0)
    for method, request in (
        ("GetReservation", api.GetReservationRequest(name=offer.name)),
        ("AcceptTransfer", accepting(offer.name)),
    ):
        assert await reason_of(desk, method, request, BETA) == "RESERVATION_NOT_FOUND"
    for method, request in (
        ("UpdateReservation", updating(offer.name, 5, note="mine")),
        ("CancelReservation", api.CancelReservationRequest(name=offer.name, request_id=request_id(5))),
    ):
        assert await reason_of(desk, method, request, GAMMA) == "RESERVATION_NOT_FOUND"


async def test_an_occurrence_is_offered_without_its_series(desk: Desk) -> None:
    """P8: that it is one of many is its company's business."""
    made = await desk.call("CreateSeries", series("ALPHA"))
    name = made.occurrences[0].reservation
    told = await desk.call("UpdateReservation", handing_over(name, "BETA", 2))
    assert told.series == made.name
    seen = await desk.call("GetReservation", api.GetReservationRequest(name=name), BETA)
    taken = await desk.call("AcceptTransfer", accepting(name), BETA)
    assert (seen.series, taken.series) == ("", "")


async def test_a_watch_tells_each_company_its_own_part(desk: Desk) -> None:
    """The offer and its end reach the one that it is made to; the former holder is told that it is handed over."""
    before = desk.writer.pages.head.position
    offer = await offered(desk)
    decline = api.DeclineTransferRequest(name=offer.name, request_id=request_id(4), reason="no need")
    declined = await desk.call("DeclineTransfer", decline, GAMMA)
    assert (declined.transfer.state, declined.note) == (DECLINED, "")
    await desk.call("UpdateReservation", updating(offer.name, 5, note="another"))
    await desk.call("UpdateReservation", handing_over(offer.name, "BETA", 6))
    quota = api.GrantQuotaRequest(request_id=request_id(7))
    quota.quota.company, quota.quota.meter, quota.quota.unit_seconds = "companies/BETA", "resources/h100", 100 * HOUR
    quota.quota.start_time.seconds, quota.quota.end_time.seconds = NOON - DAY, NOON + DAY
    await desk.call("GrantQuota", quota, OPERATOR)
    await desk.call("AcceptTransfer", accepting(offer.name, 8), BETA)

    async def told(identity: Identity, count: int) -> list[tuple[str, int, str]]:
        request = api.WatchReservationsRequest(parent=f"companies/{identity.company}", after_position=before)
        found = await desk.watch(request, identity, count=count)
        return [
            (each.reservation.name.split("/")[1], each.reservation.transfer.state, each.reservation.note)
            for each in found
        ]

    plan = "our secret plan"
    assert await told(GAMMA, 2) == [("ALPHA", OPEN, ""), ("ALPHA", DECLINED, "")]
    assert await told(BETA, 2) == [("ALPHA", OPEN, ""), ("BETA", 0, "")]
    assert await told(ALPHA, 6) == [
        ("ALPHA", 0, plan),
        ("ALPHA", OPEN, plan),
        ("ALPHA", DECLINED, plan),
        ("ALPHA", DECLINED, "another"),
        ("ALPHA", OPEN, "another"),
        ("ALPHA", ACCEPTED, "another"),
    ]


async def test_an_offer_lapses_by_itself(desk: Desk) -> None:
    """At its deadline, at the latest when it begins, by an event; and then it is its company's to use."""
    made = await desk.call("CreateReservation", demand(1, ("cpu", 1)))
    request = handing_over(made.name, "BETA", 2)
    request.offer_for.seconds = HOUR
    offer = await desk.call("UpdateReservation", request)
    assert offer.transfer.expire_time.seconds == desk.clock.seconds + HOUR
    desk.clock.seconds += HOUR
    assert desk.writer.tick() == 1
    shown = await desk.call("GetReservation", api.GetReservationRequest(name=made.name))
    assert shown.transfer.state == LAPSED
    assert await reason_of(desk, "AcceptTransfer", accepting(made.name), BETA) == "RESERVATION_NOT_FOUND"
    again = await desk.call("UpdateReservation", handing_over(made.name, "BETA", 4))
    assert again.transfer.expire_time == made.start_time


async def test_an_offer_can_be_looked_at_before_it_is_made(desk: Desk) -> None:
    """With `validate_only` it is shown as it would be, and nobody is told."""
    made = await desk.call("CreateReservation", demand(1, ("cpu", 1)))
    shown = await desk.call("UpdateReservation", handing_over(made.name, "BETA", 2, validate_only=True))
    assert shown.transfer.to == "companies/BETA"
    assert await listed(desk, BETA, "BETA", offers=True) == []


async def test_what_was_approved_waits_for_approval_in_the_name_of_the_other(desk: Desk) -> None:
    """P8: it learns nothing of what was said to the former company; the same request tells the same again (P4)."""
    made = await desk.call("CreateReservation", demand(1, ("B24", 4), start=NOON + DAY, note="our secret plan"))
    for number, name in enumerate(("kim", "lee")):
        vote = api.ApproveReservationRequest(
            name=made.name, request_id=request_id(10 + number), comment="for ALPHA's trial", reference="IRB-7"
        )
        await desk.call("ApproveReservation", vote, Identity(name, Role.OPERATOR, ""))
    offer = await desk.call("UpdateReservation", handing_over(made.name, "GAMMA", 2))
    assert offer.state == api.Reservation.STATE_CONFIRMED
    taken = await desk.call("AcceptTransfer", accepting(offer.name), GAMMA)
    assert (taken.state, taken.allocations) == (api.Reservation.STATE_PENDING, offer.allocations)
    assert (taken.approval.quorum, len(taken.approval.votes), taken.note) == (2, 0, "")
    assert 0 < taken.expire_time.seconds <= taken.start_time.seconds
    assert await desk.call("AcceptTransfer", accepting(offer.name), GAMMA) == taken
    for number, name in enumerate(("kim", "lee")):
        deny = api.DenyReservationRequest(name=taken.name, request_id=request_id(20 + number), comment="not for this")
        told = await desk.call("DenyReservation", deny, Identity(name, Role.OPERATOR, ""))
    assert (told.state, told.state_reason) == (api.Reservation.STATE_DENIED, "not for this")
