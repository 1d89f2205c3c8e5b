"""Outages over the wire: declared durably, reported to whom they concern, lifted by etag."""

import asyncio

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.scenario import HOUR
from tests.scheduler.serving import ALPHA, AUDITOR, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id
from tests.scheduler.test_grpc import calendar

Affected = api.AffectedReservation


def outage(*scopes: api.OutageScope, start: int = 0, hours: int = 0, number: int = 50) -> api.DeclareOutageRequest:
    """A planned outage of some CPU nodes, from now or a start on, for some hours or until it is lifted."""
    wish = api.Outage(name="outages/works", kind=api.Outage.KIND_MAINTENANCE, reason="power", scopes=scopes)
    if start:
        wish.start_time.seconds = start
    if hours:
        wish.end_time.seconds = start + hours * HOUR
    return api.DeclareOutageRequest(outage=wish, request_id=request_id(number))


CPU = api.OutageScope(resource="resources/cpu")
ONE = api.OutageScope(resource="resources/cpu", nodes=["cpu-0"])


async def test_a_report_names_everybody_and_offers_what_would_be_granted(desk: Desk) -> None:
    """Each affected reservation is named with what became of it and what it lost; each offer, asked for, is granted."""
    first = await desk.call("CreateReservation", demand(1, ("cpu", 112)))
    second = await desk.call("CreateReservation", demand(2, ("cpu", 112), company="BETA"), BETA)
    report = await desk.call("DeclareOutage", outage(CPU, start=NOON, hours=4), OPERATOR)
    assert {each.reservation: each.outcome for each in report.affected} == {
        first.name: Affected.OUTCOME_DISPLACED,
        second.name: Affected.OUTCOME_DISPLACED,
    }
    assert (report.affected_count, report.pending_count, report.outage.etag) == (2, 0, '"1"')
    assert [(each.resource, list(each.nodes), each.units) for each in report.outage.taken] == [
        ("resources/cpu", ["cpu-0", "cpu-1"], 224)
    ]
    lost = report.affected[0]
    assert (lost.lost_start_time.seconds, lost.lost_end_time.seconds) == (
        first.start_time.seconds,
        first.end_time.seconds,
    )
    assert lost.offers
    for number, offer in enumerate(lost.offers):
        start, end = offer.start_time.seconds, offer.end_time.seconds
        wish = demand(10 + number, ("cpu", 112), start=start, hours=(end - start) // HOUR, validate_only=True)
        await desk.call("CreateReservation", wish)
    shown = await desk.call("GetReservation", api.GetReservationRequest(name=first.name))
    assert (shown.state, shown.outage) == (api.Reservation.STATE_DISPLACED, "outages/works")
    listed = await desk.call(
        "ListReservations",
        api.ListReservationsRequest(parent="companies/ALPHA", states=[api.Reservation.STATE_DISPLACED]),
    )
    assert [each.name for each in listed.reservations] == [first.name]


async def test_a_report_says_what_is_given_for_what_was_lost(desk: Desk) -> None:
    """By the rate card's share of the price of what an outage took of a booking; nothing for an offer that was held."""
    card = api.Tariff(
        name="tariffs/krw", prices=[api.Price(resource="resources/cpu", krw=100)], displacement_percent=10
    )
    await desk.call("PublishTariff", api.PublishTariffRequest(tariff=card, request_id=request_id(49)), OPERATOR)
    booked = await desk.call("CreateReservation", demand(1, ("cpu", 100), hours=2))
    wish = demand(2, ("cpu", 100), hours=2)
    wish.hold.seconds = 600
    held = await desk.call("CreateReservation", wish)
    plan = outage(CPU, start=NOON - HOUR, hours=9)
    plan.validate_only = True
    expected = {booked.name: booked.cost.krw // 10, held.name: 0}
    planned = await desk.call("DeclareOutage", plan, OPERATOR)
    assert {each.reservation: each.compensation_krw for each in planned.affected} == expected
    plan.validate_only = False
    report = await desk.call("DeclareOutage", plan, OPERATOR)
    assert {each.reservation: each.compensation_krw for each in report.affected} == expected
    assert booked.cost.krw == 100 * 2 * 100


async def test_a_company_is_told_of_its_own_reservations_alone(desk: Desk) -> None:
    """P8: everybody may know what is out and why; who else stood there is nobody's business."""
    await desk.call("CreateReservation", demand(1, ("cpu", 112)))
    theirs = await desk.call("CreateReservation", demand(2, ("cpu", 112), company="BETA"), BETA)
    await desk.call("DeclareOutage", outage(CPU, start=NOON, hours=4), OPERATOR)
    request = api.GetOutageRequest(name="outages/works")
    told = await desk.call("GetOutage", request, BETA)
    assert [each.reservation for each in told.affected] == [theirs.name]
    assert told.affected_count == 1
    assert (await desk.call("GetOutage", request, AUDITOR)).affected_count == 2


async def test_a_drain_plan_changes_nothing_and_comes_true(desk: Desk) -> None:
    """`validate_only` tells what would become of whom; the same declared then does just that."""
    await desk.call("CreateReservation", demand(1, ("cpu", 112)))
    pages = len(desk.log.pages)
    wish = outage(ONE, start=NOON, hours=4)
    wish.validate_only = True
    planned = await desk.call("DeclareOutage", wish, OPERATOR)
    assert len(desk.log.pages) == pages
    assert [each.outcome for each in planned.affected] == [Affected.OUTCOME_MOVED]
    wish.validate_only = False
    done = await desk.call("DeclareOutage", wish, OPERATOR)
    assert done.affected == planned.affected
    assert await desk.call("DeclareOutage", wish, OPERATOR) == done, "the same request id, the same yes"
    assert len(desk.log.pages) == pages + 1


async def test_what_is_out_shows_everywhere_with_its_reason(desk: Desk) -> None:
    """Cordoned is not gone: the resource, the calendar and the refusal all say what is out, why and until when."""
    await desk.call("DeclareOutage", outage(ONE, start=NOON, hours=4), OPERATOR)
    shown = await desk.call("GetResource", api.GetResourceRequest(name="resources/cpu"))
    assert shown.capacity_units == 224
    [told] = shown.outages
    assert (told.outage, told.reason, list(told.nodes), told.units) == ("outages/works", "power", ["cpu-0"], 112)
    busy = [each for each in (await desk.call("GetCalendar", calendar("cpu"))).intervals if each.closed_units]
    assert [(each.start_time.seconds, each.end_time.seconds) for each in busy] == [(NOON, NOON + 4 * HOUR)]
    assert (busy[0].closed_units, busy[0].free_units, list(busy[0].closures)) == (
        112,
        112,
        ["outage works (maintenance: power)"],
    )
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", demand(3, ("cpu", 200)))
    assert refused.value.reason == "MAINTENANCE"
    assert "outage works (maintenance: power) until 2026-03-03 16:00 KST" in refused.value.message
    assert refused.value.refusal.alternatives


async def test_lifting_needs_the_etag_that_was_read(desk: Desk) -> None:
    """An outage that changed meanwhile is not lifted by mistake; the units are back once it is."""
    await desk.call("DeclareOutage", outage(CPU), OPERATOR)
    stale = api.LiftOutageRequest(name="outages/works", request_id=request_id(60), etag='"9"')
    with pytest.raises(Refused) as refused:
        await desk.call("LiftOutage", stale, OPERATOR)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    lift = api.LiftOutageRequest(name="outages/works", request_id=request_id(61), etag='"1"', reason="fixed")
    lifted = await desk.call("LiftOutage", lift, OPERATOR)
    assert (lifted.state, lifted.lift_reason, lifted.etag) == (api.Outage.STATE_OVER, "fixed", '"2"')
    await desk.call("CreateReservation", demand(4, ("cpu", 224)))
    assert not (await desk.call("ListOutages", api.ListOutagesRequest())).outages
    kept = await desk.call("ListOutages", api.ListOutagesRequest(show_over=True))
    assert [each.name for each in kept.outages] == ["outages/works"]


async def test_outages_are_listed_page_by_page(desk: Desk) -> None:
    """The earliest start comes first, and no page repeats another."""
    for number, start in enumerate((NOON + 2 * HOUR, NOON, NOON + HOUR)):
        wish = outage(ONE, start=start, hours=1, number=70 + number)
        wish.outage.name = f"outages/o{number}"
        await desk.call("DeclareOutage", wish, OPERATOR)
    request, seen = api.ListOutagesRequest(page_size=2), []
    while True:
        page = await desk.call("ListOutages", request)
        seen += [each.name for each in page.outages]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == ["outages/o1", "outages/o2", "outages/o0"]


async def test_a_declaration_is_durable_before_it_is_told(desk: Desk) -> None:
    """P2: while its page is on its way, nobody hears of an outage."""
    desk.log.gate.clear()
    desk.log.asked.clear()
    declaring = asyncio.create_task(desk.call("DeclareOutage", outage(CPU), OPERATOR))
    await desk.log.asked.wait()
    reading = asyncio.create_task(desk.call("GetOutage", api.GetOutageRequest(name="outages/works"), ALPHA))
    await asyncio.sleep(0.05)
    assert not declaring.done()
    assert not reading.done()
    desk.log.gate.set()
    assert (await declaring).outage == (await reading).outage


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "works"}, "outage.name"),
        ({"kind": 9}, "outage.kind"),
        ({"scopes": []}, "outage.scopes"),
        ({"scopes": [api.OutageScope(resource="cpu")]}, "outage.scopes[0].resource"),
        ({"scopes": [api.OutageScope(resource="resources/cpu", count=-1)]}, "outage.scopes[0].count"),
        ({"reason": "x" * 600}, "outage.reason"),
    ],
)
async def test_a_declaration_that_cannot_be_read_names_the_field(
    desk: Desk, change: dict[str, object], field: str
) -> None:
    """Bad input is refused with every invalid field, and nothing is written."""
    wish = outage(ONE)
    for name in change:
        wish.outage.ClearField(name)  # type: ignore[arg-type]  # The names stand above.
    wish.outage.MergeFrom(api.Outage(**change))
    pages = len(desk.log.pages)
    with pytest.raises(Refused) as refused:
        await desk.call("DeclareOutage", wish, OPERATOR)
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert field in str(refused.value.status)
    assert len(desk.log.pages) == pages


async def test_funding_names_who_no_longer_fits_and_shows_everywhere(desk: Desk) -> None:
    """The newest comes first; left standing or displaced as asked; the resource, the calendar and refusals tell it."""
    first = await desk.call("CreateReservation", demand(1, ("cpu", 112)))
    desk.clock.seconds += 1
    second = await desk.call("CreateReservation", demand(2, ("cpu", 112), company="BETA"), BETA)
    wish = api.SetFundingRequest(request_id=request_id(80))
    wish.funding.resource, wish.funding.units, wish.funding.reason = "resources/cpu", 100, "lease"
    wish.funding.start_time.seconds = NOON
    wish.validate_only = True
    planned = await desk.call("SetFunding", wish, OPERATOR)
    assert [(each.reservation, each.outcome) for each in planned.affected] == [
        (second.name, Affected.OUTCOME_STANDING),
        (first.name, Affected.OUTCOME_STANDING),
    ]
    wish.validate_only, wish.funding.units, wish.funding.displace = False, 112, True
    done = await desk.call("SetFunding", wish, OPERATOR)
    assert [(each.reservation, each.outcome) for each in done.affected] == [(second.name, Affected.OUTCOME_DISPLACED)]
    shown = await desk.call("GetResource", api.GetResourceRequest(name="resources/cpu"))
    assert [(each.units, each.start_time.seconds) for each in shown.funding] == [(112, NOON)]
    busy = [each for each in (await desk.call("GetCalendar", calendar("cpu"))).intervals if each.reserved_units]
    assert [(each.funded_units, each.free_units) for each in busy] == [(112, 0)]
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", demand(3, ("cpu", 8)))
    assert refused.value.reason == "NOT_FUNDED"
    assert not refused.value.refusal.violations[0].operator_may_override
