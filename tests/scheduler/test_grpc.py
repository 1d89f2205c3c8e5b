"""The promises of the API, over the wire: durable before told, safe to repeat, explained when refused."""

import asyncio

import grpc
import pytest

from services.allocation.rejections import Reason
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.fixture import MONDAY, TUESDAY
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import ALPHA, AUDITOR, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id

CONFIRMED, CANCELLED = api.Reservation.STATE_CONFIRMED, api.Reservation.STATE_CANCELLED


def events(desk: Desk) -> int:
    """Pages in the log."""
    return len(desk.log.pages)


async def test_a_booking_is_told_as_it_is(desk: Desk) -> None:
    """The answer to a booking is what can be read afterwards, companions and units by name."""
    booked = await desk.call("CreateReservation", demand(1, ("M01", 1), start=TUESDAY + 9 * HOUR, hours=4, note="hi"))
    assert (booked.state, booked.note, booked.etag, booked.position) == (CONFIRMED, "hi", '"1"', events(desk))
    assert {each.resource: list(each.unit_names)[:1] for each in booked.allocations} == {
        "resources/M01": ["M01-0"],
        "resources/M03": ["M03-0"],
        "resources/a100": ["a100-0/0"],
        "resources/OP": ["OP-0"],
    }
    assert await desk.call("GetReservation", api.GetReservationRequest(name=booked.name)) == booked
    listed = await desk.call("ListReservations", api.ListReservationsRequest(parent="companies/ALPHA"))
    assert list(listed.reservations) == [booked]


async def test_readers_see_nothing_that_is_not_durable(desk: Desk) -> None:
    """P2: while a page is on its way, no reader is told what it will say; nor do later decisions slip in."""
    desk.log.gate.clear()
    desk.log.asked.clear()
    booking = asyncio.create_task(desk.call("CreateReservation", demand(1)))
    await desk.log.asked.wait()
    reads = [
        asyncio.create_task(desk.call("ListReservations", api.ListReservationsRequest(parent="companies/ALPHA"))),
        asyncio.create_task(desk.call("GetCalendar", calendar("cpu"))),
        asyncio.create_task(desk.call("SearchOffers", search("cpu"))),
    ]
    await asyncio.sleep(0.05)
    later = [asyncio.create_task(desk.call("CreateReservation", demand(number))) for number in range(2, 30)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in (booking, *reads))
    desk.log.gate.set()
    answers = await asyncio.gather(*reads)
    held = {answer.position: events_until(desk, answer.position) for answer in answers}
    listed = answers[0]
    assert len(listed.reservations) == held[listed.position]
    assert max(interval.reserved_units for interval in answers[1].intervals) == held[answers[1].position]
    await asyncio.gather(booking, *later)


def events_until(desk: Desk, position: int) -> int:
    """Bookings that the log holds up to a position."""
    return sum(page.count(b'"reservation_confirmed"') for page in desk.log.pages[:position])


def calendar(resource: str, start: int = TUESDAY, days: int = 2) -> api.GetCalendarRequest:
    """A question about some days of a resource."""
    request = api.GetCalendarRequest(name=f"resources/{resource}")
    request.start_time.seconds, request.end_time.seconds = start, start + days * DAY
    return request


def search(
    resource: str,
    units: int = 1,
    company: str = "ALPHA",
    hours: int = 1,
    most: int = 0,
    hold: int = 0,
    number: int = 1,
) -> api.SearchOffersRequest:
    """A search for some units; with `hold` the first offer is held for so many seconds, as request `number`."""
    request = api.SearchOffersRequest(parent=f"companies/{company}", page_size=most)
    request.lines.add(resource=f"resources/{resource}", units=units)
    request.duration.seconds = hours * HOUR
    if hold:
        request.hold.seconds, request.request_id = hold, request_id(number)
    return request


async def test_a_reader_may_ask_for_at_least_a_position(desk: Desk) -> None:
    """P5: a position that is reached is served, one that lies ahead is not, and says so."""
    booked = await desk.call("CreateReservation", demand(1))
    request = api.GetReservationRequest(name=booked.name, min_position=booked.position)
    assert await desk.call("GetReservation", request) == booked
    request.min_position += 1
    with pytest.raises(Refused) as refused:
        await desk.call("GetReservation", request)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAVAILABLE, "POSITION_NOT_REACHED")


async def test_a_quota_tells_what_is_booked_of_it(desk: Desk) -> None:
    """What a period may still give is its grant less what is booked: more after a yes, as before after a cancel."""
    request = api.ListQuotasRequest(parent="companies/ALPHA", page_size=2)
    request.start_time.seconds, request.end_time.seconds = TUESDAY, TUESDAY + DAY
    before = await desk.call("ListQuotas", request)
    made = await desk.call("CreateReservation", demand(1, ("h100", 16), hours=3))
    request.min_position = made.position
    after = await desk.call("ListQuotas", request)
    cancel = api.CancelReservationRequest(name=made.name, request_id=request_id(2))
    request.min_position = (await desk.call("CancelReservation", cancel)).position
    again = await desk.call("ListQuotas", request)
    assert [quota.meter for quota in before.quotas] == ["equipment", "resources/h100"]
    assert [quota.booked_unit_seconds for quota in after.quotas] == [0, 16 * 3 * HOUR]
    assert list(again.quotas) == list(before.quotas)


async def test_quotas_come_in_pages(desk: Desk) -> None:
    """Every period of every meter is told once, whatever the size of a page."""
    request, seen = api.ListQuotasRequest(parent="companies/ALPHA", page_size=3), []
    while not seen or request.page_token:
        page = await desk.call("ListQuotas", request)
        seen += [(quota.start_time.seconds, quota.meter) for quota in page.quotas]
        request.page_token = page.next_page_token
    assert len(seen) == 10
    assert seen == sorted(set(seen))


async def test_the_centre_tells_its_time(desk: Desk) -> None:
    """A client of a centre with a simulated clock learns what time it is there."""
    listed = await desk.call("ListResources", api.ListResourcesRequest(page_size=1))
    assert listed.time.seconds == desk.clock.seconds


async def test_a_repeated_request_is_one_booking(desk: Desk) -> None:
    """P4: fifty calls at once with one request id are one event and one answer; another case of the id too."""
    answers = await asyncio.gather(*(desk.call("CreateReservation", demand(7)) for _ in range(50)))
    told = events(desk)
    shouted = demand(7)
    shouted.request_id = request_id(7).upper()
    answers.append(await desk.call("CreateReservation", shouted))
    assert len({answer.name for answer in answers}) == 1
    assert events(desk) == told


async def test_a_request_id_answers_one_method_only(desk: Desk) -> None:
    """P4: a cancellation's request id does not answer a release of the same reservation."""
    booked = await desk.call("CreateReservation", demand(1))
    fields = {"name": booked.name, "request_id": request_id(2)}
    cancelled = await desk.call("CancelReservation", api.CancelReservationRequest(**fields))
    assert cancelled.state == CANCELLED
    with pytest.raises(Refused) as refused:
        await desk.call("ReleaseReservation", api.ReleaseReservationRequest(**fields))
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_validating_books_nothing(desk: Desk) -> None:
    """`validate_only` says yes or why not, leaves no trace, and does not use the request id up."""
    before = events(desk)
    draft = await desk.call("CreateReservation", demand(1, validate_only=True))
    assert (draft.name, draft.start_time.seconds) == ("", NOON)
    with pytest.raises(Refused):
        await desk.call("CreateReservation", demand(2, ("cpu", 300), validate_only=True))
    assert events(desk) == before
    await desk.call("CreateReservation", demand(1))


async def test_a_no_names_every_rule_and_what_would_work(desk: Desk) -> None:
    """P3: a refusal carries all violations and alternatives, and each alternative is granted when asked for."""
    await desk.call("CreateReservation", demand(1, ("cpu", 224), hours=3))
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", demand(2, ("cpu", 10)))
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert [each.reason for each in refused.value.refusal.violations] == ["NO_CAPACITY"]
    offers = refused.value.refusal.alternatives
    assert len(offers) == 3
    for number, offer in enumerate(offers):
        wish = demand(10 + number, ("cpu", 10), start=offer.start_time.seconds)
        assert (await desk.call("CreateReservation", wish)).start_time == offer.start_time


async def test_what_is_offered_is_granted(desk: Desk) -> None:
    """Each offer of a search can be booked."""
    found = await desk.call("SearchOffers", search("M01", hours=4))
    assert [offer.lines[0].resource for offer in found.offers] == ["resources/M01"] * 3
    for number, offer in enumerate(found.offers):
        wish = demand(number + 1, ("M01", 1), start=offer.start_time.seconds, hours=4)
        assert (await desk.call("CreateReservation", wish)).state == CONFIRMED


async def test_a_watch_tells_of_every_change(desk: Desk) -> None:
    """A watch from the start hears of the booking and the cancellation, at their positions."""
    booked = await desk.call("CreateReservation", demand(1))
    cancel = api.CancelReservationRequest(name=booked.name, request_id=request_id(2), reason="rain")
    cancelled = await desk.call("CancelReservation", cancel)
    request = api.WatchReservationsRequest(parent="companies/ALPHA", after_position=booked.position - 1)
    heard = await desk.watch(request, count=3)
    assert [each.reservation for each in heard[:2]] == [booked, cancelled]
    assert cancelled.state_reason == "rain"
    assert not heard[2].HasField("reservation")


async def test_time_is_told_and_a_release_ends_early(desk: Desk) -> None:
    """A reservation becomes active when its time comes, and a release gives the rest back."""
    booked = await desk.call("CreateReservation", demand(1, hours=4))
    desk.clock.seconds = NOON + 60
    desk.writer.tick()
    release = api.ReleaseReservationRequest(name=booked.name, request_id=request_id(2))
    released = await desk.call("ReleaseReservation", release)
    assert (released.state, released.end_time.seconds) == (api.Reservation.STATE_COMPLETED, NOON + HOUR)


async def test_a_log_that_is_away_is_an_unknown_outcome(desk: Desk) -> None:
    """When the writer has lost the log, writes and reads say UNAVAILABLE and when to try again, never yes or no."""
    desk.writer.pages._fail(RuntimeError("gone"))  # As when the process is about to end.
    for method, request in (("CreateReservation", demand(1)), ("GrantQuota", quota())):
        with pytest.raises(Refused) as refused:
            await desk.call(method, request, OPERATOR)
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAVAILABLE, "LOG_UNAVAILABLE")


def quota() -> api.GrantQuotaRequest:
    """Some quota for BETA."""
    request = api.GrantQuotaRequest(request_id=request_id(99))
    request.quota.company, request.quota.meter = "companies/BETA", "resources/h100"
    request.quota.start_time.seconds, request.quota.end_time.seconds = TUESDAY, TUESDAY + 30 * DAY
    request.quota.unit_seconds = 8 * HOUR
    return request


async def test_what_an_operator_grants_can_be_spent_at_once(desk: Desk) -> None:
    """A quota counts from its answer on, and only up to its amount, however many ask at once."""
    await desk.call("GrantQuota", quota(), OPERATOR)
    asked = [
        desk.call("CreateReservation", demand(n, ("h100", 8), company="BETA", start=NOON + n * HOUR), BETA)
        for n in range(1, 21)
    ]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    granted = [each for each in outcomes if not isinstance(each, Refused)]
    assert len(granted) == 1
    assert {each.code for each in outcomes if isinstance(each, Refused)} == {grpc.StatusCode.RESOURCE_EXHAUSTED}


async def test_operators_and_auditors_see_everybody(desk: Desk) -> None:
    """`companies/-` lists all companies to those who may look, and to nobody else."""
    await desk.call("CreateReservation", demand(1))
    await desk.call("CreateReservation", demand(1, company="BETA"), BETA)
    everybody = api.ListReservationsRequest(parent="companies/-")
    for identity in (OPERATOR, AUDITOR):
        assert len((await desk.call("ListReservations", everybody, identity)).reservations) == 2
    with pytest.raises(Refused):
        await desk.call("ListReservations", everybody, ALPHA)


async def test_a_restricted_calendar_needs_a_certificate(desk: Desk) -> None:
    """P8: a company sees busy time on what it may book, and on nothing else; operators and auditors see all of it."""
    for identity in (ALPHA, OPERATOR, AUDITOR):
        assert (await desk.call("GetCalendar", calendar("R01"), identity)).intervals
    with pytest.raises(Refused) as refused:
        await desk.call("GetCalendar", calendar("R01"), BETA)
    assert refused.value.reason == Reason.NOT_ENTITLED


async def test_an_operator_overrides_a_rule_and_it_is_recorded(desk: Desk) -> None:
    """A refusal says what may be overridden; a company cannot, an operator with a reason can, and everybody sees it."""
    wish = demand(1, ("M01", 1), start=MONDAY + 9 * HOUR, hours=4)
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", wish)
    assert [(each.reason, each.operator_may_override) for each in refused.value.refusal.violations] == [
        ("NOTICE_TOO_SHORT", True)
    ]
    wish.override_reasons.append("NOTICE_TOO_SHORT")
    wish.justification = "the minister comes"
    with pytest.raises(Refused) as denied:
        await desk.call("CreateReservation", wish)
    assert denied.value.code is grpc.StatusCode.PERMISSION_DENIED
    booked = await desk.call("CreateReservation", wish, OPERATOR)
    shown = await desk.call("GetReservation", api.GetReservationRequest(name=booked.name))
    assert (list(shown.override_reasons), shown.override_justification) == (["NOTICE_TOO_SHORT"], "the minister comes")
    wish.override_reasons.append("NO_SUCH_RULE")
    with pytest.raises(Refused) as unread:
        await desk.call("CreateReservation", wish, OPERATOR)
    assert "override_reasons[1]" in str(unread.value.status)
    batch = api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=[wish])
    with pytest.raises(Refused) as many:
        await desk.call("BatchCreateReservations", batch, OPERATOR)
    assert "requests[0].override_reasons" in str(many.value.status)
