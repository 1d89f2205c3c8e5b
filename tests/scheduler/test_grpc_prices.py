"""Money at the door: what a booking costs is told before it is made, and what a change or a cancellation brings."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.admission import Limits
from services.runtime.identity import Identity, Role
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import NOON, OPERATOR, Desk, Refused, demand, request_id, serving
from tests.scheduler.test_grpc_tenants import handing_over

CARD = api.Tariff(
    name="tariffs/krw-2026",
    prices=[
        api.Price(resource="resources/cpu", krw=100),
        api.Price(resource="resources/L01", krw=7000, basis=api.PRICE_BASIS_SLOT),
    ],
    equipment_late_percent=50,
)


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The fixture centre with a rate card."""
    async with serving(tmp_path / "keys") as served:
        request = api.PublishTariffRequest(tariff=CARD, request_id=request_id(1))
        await served.call("PublishTariff", request, OPERATOR)
        yield served


def costs(reservation: api.Reservation) -> tuple[int, str, dict[str, int]]:
    """All of it, by which card, and for what."""
    cost = reservation.cost
    return cost.krw, cost.tariff, {part.resource: part.krw for part in cost.resources}


async def test_what_a_booking_costs_is_told_before_it_is_made(desk: Desk) -> None:
    """A dry run, the booking, the reading, an offer that is held and its confirmation tell one price."""
    wish = demand(900, ("cpu", 4), hours=2)
    wish.validate_only = True
    expected = (800, "tariffs/krw-2026", {"resources/cpu": 800})
    before = len(desk.log.pages)
    assert costs(await desk.call("CreateReservation", wish)) == expected
    assert len(desk.log.pages) == before
    wish.validate_only = False
    made = await desk.call("CreateReservation", wish)
    assert costs(made) == expected
    assert (made.cost.currency, made.cost.discount_krw) == ("KRW", 0)
    assert costs(await desk.call("GetReservation", api.GetReservationRequest(name=made.name))) == expected
    wish.validate_only = True
    assert costs(await desk.call("CreateReservation", wish)) == expected  # Of what was made by that request.
    wish = demand(901, ("cpu", 4), hours=2)
    wish.hold.CopyFrom(Duration(seconds=600))
    held = await desk.call("CreateReservation", wish)
    assert costs(held) == expected
    taken = await desk.call(
        "ConfirmReservation", api.ConfirmReservationRequest(name=held.name, request_id=request_id(902))
    )
    assert costs(taken) == expected


async def test_lists_and_watches_tell_prices_and_bulk_work_where_it_asks(desk: Desk) -> None:
    """Whoever reads learns what is held costs, and not of what was given back; batches and streams say if they ask."""
    prices, before = [], desk.writer.pages.head.position
    for number, priced in ((100, False), (200, True)):
        requests = [demand(number + each, ("cpu", each), hours=2) for each in (1, 2)]
        batch = api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=requests, priced=priced)
        told = [*(await desk.call("BatchCreateReservations", batch)).results]
        bookings = desk.stream()
        message = api.BookStreamRequest(
            parent="companies/ALPHA", requests=[demand(number + 50, ("cpu", 3), hours=2)], priced=priced
        )
        await bookings.write(message)
        told += await bookings.end()
        prices += [each.reservation.cost.krw if each.reservation.HasField("cost") else None for each in told]
    assert prices == [None, None, None, 200, 400, 600]
    parent = api.ListReservationsRequest(parent="companies/ALPHA")
    listed = (await desk.call("ListReservations", parent)).reservations
    assert sorted(each.cost.krw for each in listed) == [200, 200, 400, 400, 600, 600]
    last = api.CancelReservationRequest(name=listed[0].name, request_id=request_id(3))
    gone = await desk.call("CancelReservation", last)
    request = api.WatchReservationsRequest(parent="companies/ALPHA", after_position=before)
    changes = await desk.watch(request, count=7)
    assert sorted(each.reservation.cost.krw for each in changes) == [0, 200, 200, 400, 400, 600, 600]
    listed = (await desk.call("ListReservations", parent)).reservations
    assert [each.name for each in listed if not each.HasField("cost")] == [gone.name]


async def test_bulk_work_is_told_in_brief_where_it_asks(desk: Desk) -> None:
    """A brief answer has the name, state and etag, and the price where that is asked for; the rest is there to read."""
    told = []
    for number, priced in ((100, False), (200, True)):
        options = {"parent": "companies/ALPHA", "priced": priced, "brief": True}
        wish = demand(number, ("cpu", 2), hours=2)
        batch = api.BatchCreateReservationsRequest(**options, requests=[wish])
        told += [each.reservation for each in (await desk.call("BatchCreateReservations", batch)).results]
        bookings = desk.stream()
        await bookings.write(api.BookStreamRequest(**options, requests=[demand(number + 1, ("cpu", 2), hours=2)]))
        told += [each.reservation for each in await bookings.end()]
    for brief, cost in zip(told, ([], [], ["cost"], ["cost"]), strict=True):
        whole = await desk.call("GetReservation", api.GetReservationRequest(name=brief.name))
        fields = ["name", "state", "etag", *cost]
        assert sorted(field.name for field, _ in brief.ListFields()) == sorted(fields)
        assert all(getattr(brief, field) == getattr(whole, field) for field in fields)
        assert len(whole.allocations) == 1


async def test_a_change_tells_the_difference_and_a_cancellation_the_sums(desk: Desk) -> None:
    """Slots of equipment that are given back late cost half of their price; the other half is not to be paid."""
    wish = demand(900, ("L01", 1), ("OP", 1), start=NOON - 24 * HOUR, hours=4)
    made = await desk.call("CreateReservation", wish)
    shorter = api.UpdateReservationRequest(
        reservation=api.Reservation(name=made.name, end_time=Timestamp(seconds=NOON - 21 * HOUR)),
        request_id=request_id(2),
        validate_only=True,
    )
    shown = await desk.call("UpdateReservation", shorter)
    assert (shown.cost.krw, shown.cost_change_krw) == (21_000, -7000)
    (fee,) = shown.cancellation_quote.fees
    assert (fee.resource, fee.price_krw, fee.due_krw) == ("resources/L01", 7000, 3500)
    request = api.CancelReservationRequest(name=made.name, request_id=request_id(3), validate_only=True)
    quote = (await desk.call("CancelReservation", request)).cancellation_quote
    assert (quote.due_krw, quote.refund_krw) == (14_000, 14_000)
    request.excused = True
    quote = (await desk.call("CancelReservation", request, OPERATOR)).cancellation_quote
    assert (quote.due_krw, quote.refund_krw) == (0, 28_000)
    request.validate_only, request.reason = False, "storm"
    cancelled = await desk.call("CancelReservation", request, OPERATOR)
    assert not cancelled.HasField("cost")


async def test_a_release_tells_first_what_giving_the_rest_back_costs(desk: Desk) -> None:
    """What was used is used; half the price of the three hours after it is due, and only an operator excuses that."""
    wish = demand(900, ("L01", 1), ("OP", 1), start=NOON, hours=4)
    made = await desk.call("CreateReservation", wish)
    desk.clock.seconds = NOON + 60
    while desk.writer.tick():
        pass
    request = api.ReleaseReservationRequest(name=made.name, request_id=request_id(2), validate_only=True)
    shown = await desk.call("ReleaseReservation", request)
    quote = shown.cancellation_quote
    assert (shown.state, shown.cost.krw) == (api.Reservation.STATE_ACTIVE, 28_000)
    assert (quote.due_krw, quote.refund_krw, quote.strike) == (10_500, 10_500, True)
    request.excused = True
    with pytest.raises(Refused) as refused:
        await desk.call("ReleaseReservation", request)
    assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED
    quote = (await desk.call("ReleaseReservation", request, OPERATOR)).cancellation_quote
    assert (quote.due_krw, quote.refund_krw, quote.strike) == (0, 21_000, False)
    request.validate_only = request.excused = False
    left = await desk.call("ReleaseReservation", request)
    assert (left.state, left.end_time.seconds, left.cost.krw) == (
        api.Reservation.STATE_COMPLETED,
        NOON + HOUR,
        7000,
    )
    assert not left.HasField("cancellation_quote")


async def test_a_flexible_search_tells_prices_and_why_not(desk: Desk) -> None:
    """Longer if possible, fewer if need be: each offer with its cost can be booked as given, or is held at once."""
    await desk.call("CreateReservation", demand(900, ("cpu", 224), start=NOON, hours=4))
    request = api.SearchOffersRequest(
        parent="companies/ALPHA",
        lines=[api.Line(resource="resources/cpu", units=224)],
        duration=Duration(seconds=HOUR),
        duration_max=Duration(seconds=3 * HOUR),
        units_min={"resources/cpu": 112},
        earliest_start_time=Timestamp(seconds=NOON - 2 * HOUR),
        latest_end_time=Timestamp(seconds=NOON + 6 * HOUR),
        order=api.OFFER_ORDER_CLOSEST,
        desired_start_time=Timestamp(seconds=NOON - HOUR),
        refused_max=2,
    )
    found = await desk.call("SearchOffers", request)
    first = found.offers[0]
    assert (first.start_time.seconds, first.end_time.seconds) == (NOON - 2 * HOUR, NOON)
    assert (first.lines[0].units, first.cost.krw, first.cost.tariff) == (224, 2 * 224 * 100, "tariffs/krw-2026")
    (full,) = found.refused
    assert (full.first_start_time.seconds, full.last_start_time.seconds) == (NOON - 2 * HOUR, NOON + 3 * HOUR)
    assert [violation.reason for violation in full.violations] == ["NO_CAPACITY"]
    request.hold.CopyFrom(Duration(seconds=600))
    request.request_id = request_id(7)
    held = await desk.call("SearchOffers", request)
    assert (held.held.start_time, held.held.end_time, held.held.cost) == (first.start_time, first.end_time, first.cost)
    again = await desk.call("SearchOffers", request)
    assert again.held.name == held.held.name
    assert [offer.start_time for offer in again.offers] == [first.start_time]


async def test_the_cheapest_is_the_least_that_will_do(desk: Desk) -> None:
    """Without prices of day and night the fewest units for the shortest time cost least, the earliest first."""
    request = api.SearchOffersRequest(
        parent="companies/ALPHA",
        lines=[api.Line(resource="resources/cpu", units=10)],
        duration=Duration(seconds=HOUR),
        duration_max=Duration(seconds=2 * HOUR),
        units_min={"resources/cpu": 2},
        order=api.OFFER_ORDER_CHEAPEST,
        page_size=2,
    )
    found = await desk.call("SearchOffers", request)
    assert [(offer.lines[0].units, offer.cost.krw) for offer in found.offers] == [(2, 200), (2, 200)]


async def test_a_flexible_search_is_worth_several_calls(tmp_path: Path) -> None:
    """P11: who searches for many variants spends more of its calls than who asks for one."""
    limits = Limits(tenant_calls_per_second=0.001, tenant_calls_burst=4)
    async with serving(tmp_path / "limited", limits=limits) as served:
        request = api.SearchOffersRequest(
            parent="companies/ALPHA",
            lines=[api.Line(resource="resources/cpu", units=1)],
            duration=Duration(seconds=HOUR),
            priced=True,
        )
        assert (await served.call("SearchOffers", request)).offers
        request.duration_max.seconds = 2 * HOUR
        with pytest.raises(Refused) as refused:
            await served.call("SearchOffers", request)
        assert refused.value.reason == "RATE_LIMITED"


async def test_whoever_may_take_an_offer_over_is_told_their_own_price(desk: Desk) -> None:
    """P8: before they accept, by the card that it was made with and their own discount; what it cost is not told."""
    half = api.Discount(attribute="programme", value="academy", percent=50)
    card = api.Tariff(name="tariffs/academies", prices=CARD.prices, discounts=[half])
    await desk.call("PublishTariff", api.PublishTariffRequest(tariff=card, request_id=request_id(10)), OPERATOR)
    academy = api.Company(name="companies/DELTA", programme="academy")
    academy.agreement_start_time.seconds, academy.agreement_end_time.seconds = NOON - 90 * DAY, NOON + 90 * DAY
    academy.horizon.seconds, academy.reservation_max.seconds = 60 * DAY, DAY
    await desk.call("RegisterCompany", api.RegisterCompanyRequest(company=academy, request_id=request_id(13)), OPERATOR)
    made = await desk.call("CreateReservation", demand(903, ("cpu", 4), hours=2))
    await desk.call("UpdateReservation", handing_over(made.name, "DELTA", 11))
    delta = Identity("lee", Role.COMPANY, "DELTA")
    asked = api.AcceptTransferRequest(name=made.name, request_id=request_id(12), validate_only=True)
    told = await desk.call("AcceptTransfer", asked, delta)
    assert costs(told) == (400, "tariffs/academies", {"resources/cpu": 400})
    assert not (await desk.call("GetReservation", api.GetReservationRequest(name=made.name), delta)).HasField("cost")
    asked.validate_only = False
    assert costs(await desk.call("AcceptTransfer", asked, delta)) == costs(told)
