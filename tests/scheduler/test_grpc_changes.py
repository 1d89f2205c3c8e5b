"""Changing a reservation over the wire: what the mask means, what is shown beforehand, and what is refused by name."""

from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import BadRequest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR
from tests.scheduler.serving import ALPHA, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id

CPU = [api.Line(resource="resources/cpu", units=4)]


def changing(
    name: str, number: int = 5, mask: str | None = None, etag: str = "", validate_only: bool = False, **fields: Any
) -> api.UpdateReservationRequest:
    """A change; times in seconds."""
    wish = api.Reservation(name=name)
    for field, value in fields.items():
        if field in ("start_time", "end_time", "duration"):
            getattr(wish, field).seconds = value
        elif field == "lines":
            wish.lines.extend(value)
        else:
            setattr(wish, field, value)
    return api.UpdateReservationRequest(
        reservation=wish,
        update_mask=None if mask is None else FieldMask(paths=mask.split(",")),
        request_id=request_id(number),
        etag=etag,
        validate_only=validate_only,
    )


async def booked(desk: Desk, hours: float = 2) -> api.Reservation:
    """Two hours of a core from noon on, with a note."""
    made: api.Reservation = await desk.call("CreateReservation", demand(900, note="first", hours=hours))
    return made


@pytest.mark.parametrize(
    ("mask", "fields", "expected"),
    [
        ("end_time", {"end_time": NOON + 3 * HOUR, "note": "ignored"}, (0, 3, 1, "first")),
        ("start_time", {"start_time": NOON + HOUR}, (1, 2, 1, "first")),
        ("start_time,duration", {"start_time": NOON + HOUR, "duration": 2 * HOUR}, (1, 3, 1, "first")),
        ("duration", {"duration": HOUR}, (0, 1, 1, "first")),
        ("lines", {"lines": CPU}, (0, 2, 4, "first")),
        ("note", {}, (0, 2, 1, "")),
        (None, {"note": "second"}, (0, 2, 1, "second")),
        (None, {"lines": CPU, "end_time": NOON + HOUR}, (0, 1, 4, "first")),
        ("*", {"lines": CPU, "start_time": NOON, "end_time": NOON + HOUR}, (0, 1, 4, "")),
        ("*", {"lines": CPU, "start_time": NOON, "duration": HOUR, "note": "x"}, (0, 1, 4, "x")),
    ],
)
async def test_the_mask_says_what_changes(
    desk: Desk, mask: str | None, fields: dict[str, Any], expected: tuple[int, int, int, str]
) -> None:
    """What it names is taken from the request, and all else stays; without one, whatever is set."""
    made = await booked(desk)
    after = await desk.call("UpdateReservation", changing(made.name, mask=mask, **fields))
    hours = [(time.seconds - NOON) // HOUR for time in (after.start_time, after.end_time)]
    assert (*hours, after.lines[0].units, after.note) == expected
    assert (after.name, after.etag, after.create_time) == (made.name, '"2"', made.create_time)
    assert after.position == len(desk.log.pages)
    assert await desk.call("GetReservation", api.GetReservationRequest(name=made.name)) == after


@pytest.mark.parametrize(
    ("mask", "fields", "faulty"),
    [
        ("name", {}, "update_mask"),
        ("state,etag", {}, "update_mask"),
        ("nonsense", {"note": "x"}, "update_mask"),
        ("lines.units", {"lines": CPU}, "update_mask"),
        (None, {}, "update_mask"),
        ("start_time", {}, "reservation.start_time"),
        ("duration", {}, "reservation.duration"),
        ("lines", {}, "reservation.lines"),
        ("end_time,duration", {"end_time": NOON + HOUR, "duration": HOUR}, "reservation.end_time"),
        (None, {"end_time": NOON + HOUR, "duration": HOUR}, "reservation.end_time"),
        ("note", {"note": "x" * 501}, "reservation.note"),
        ("*", {"lines": CPU}, "reservation.start_time"),
    ],
)
async def test_what_makes_no_sense_is_named(desk: Desk, mask: str | None, fields: dict[str, Any], faulty: str) -> None:
    """Unknown and immutable paths, and values that are missing or wrong, are INVALID_ARGUMENT by name."""
    made = await booked(desk)
    before = len(desk.log.pages)
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateReservation", changing(made.name, mask=mask, **fields))
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert faulty in [each.field for each in refused.value.detail(BadRequest).field_violations]
    assert len(desk.log.pages) == before


async def test_nothing_is_left_of_what_is_shrunk_to_nothing(desk: Desk) -> None:
    """An empty or reversed interval is no interval, and the reservation stays."""
    made = await booked(desk)
    for end in (NOON, NOON - HOUR):
        with pytest.raises(Refused) as refused:
            await desk.call("UpdateReservation", changing(made.name, end_time=end))
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INTERVAL")
    assert await desk.call("GetReservation", api.GetReservationRequest(name=made.name)) == made


async def test_extending_over_a_neighbour_is_refused_without_a_name(desk: Desk) -> None:
    """It is busy then, by whom is nobody's business, and what there was is still there."""
    mine = await desk.call("CreateReservation", demand(1))
    wish = demand(2, ("cpu", 224), start=NOON + HOUR, company="BETA", note="secret")
    theirs = await desk.call("CreateReservation", wish, BETA)
    pages = len(desk.log.pages)
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateReservation", changing(mine.name, end_time=NOON + 2 * HOUR))
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION
    told = refused.value.status.SerializeToString()
    assert not any(secret in told for secret in (b"BETA", b"secret", theirs.name.rsplit("/", 1)[1].encode()))
    assert len(desk.log.pages) == pages
    assert await desk.call("GetReservation", api.GetReservationRequest(name=mine.name)) == mine


async def test_a_dry_run_shows_what_would_be(desk: Desk) -> None:
    """It is the reservation as it would become, units included; and nothing is written down."""
    made = await booked(desk)
    before = len(desk.log.pages)
    shown = await desk.call("UpdateReservation", changing(made.name, end_time=NOON + 4 * HOUR, validate_only=True))
    assert len(desk.log.pages) == before
    assert await desk.call("GetReservation", api.GetReservationRequest(name=made.name)) == made
    after = await desk.call("UpdateReservation", changing(made.name, end_time=NOON + 4 * HOUR))
    assert (shown.end_time, shown.allocations, shown.etag) == (after.end_time, after.allocations, after.etag)


async def test_an_etag_protects_a_change(desk: Desk) -> None:
    """STALE_ETAG, wherever the etag stands; the right one goes through."""
    made = await booked(desk)
    within, beside = changing(made.name, note="x"), changing(made.name, etag='"7"', note="x")
    within.reservation.etag = '"7"'
    for request in (within, beside):
        with pytest.raises(Refused) as refused:
            await desk.call("UpdateReservation", request)
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    within.etag = made.etag
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateReservation", within)
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    await desk.call("UpdateReservation", changing(made.name, etag=made.etag, note="x"))


async def test_a_repeated_change_is_the_same_yes(desk: Desk) -> None:
    """P4: repeated with its id it is one change and one answer, even a dry run of it; with another body, a no."""
    made = await booked(desk)
    first = await desk.call("UpdateReservation", changing(made.name, duration=HOUR))
    before = len(desk.log.pages)
    assert await desk.call("UpdateReservation", changing(made.name, duration=HOUR)) == first
    again = changing(made.name, duration=HOUR, validate_only=True)
    assert (await desk.call("UpdateReservation", again)).etag == first.etag
    assert len(desk.log.pages) == before
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateReservation", changing(made.name, duration=2 * HOUR))
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_what_has_begun_tells_what_cannot_be_changed(desk: Desk) -> None:
    """A start that has happened and more units are refused together, over the wire."""
    made = await booked(desk)
    desk.clock.seconds = NOON
    desk.writer.tick()
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateReservation", changing(made.name, start_time=NOON + HOUR, lines=CPU))
    assert [each.reason for each in refused.value.refusal.violations] == ["WRONG_STATE", "WRONG_STATE"]


async def test_an_operator_changes_for_a_company(desk: Desk) -> None:
    """It is recorded as the operator's doing."""
    made = await booked(desk)
    await desk.call("UpdateReservation", changing(made.name, note="moved for maintenance"), OPERATOR)
    assert b'"actor":"operators/operator"' in desk.log.pages[-1]


async def test_a_watcher_sees_a_change(desk: Desk) -> None:
    """The reservation as it now stands comes to whoever follows."""
    made = await booked(desk)
    after = await desk.call("UpdateReservation", changing(made.name, note="x"))
    watch = api.WatchReservationsRequest(parent="companies/ALPHA", after_position=made.position)
    (seen,) = await desk.watch(watch, ALPHA)
    assert seen.reservation == after


async def test_a_change_of_times_that_no_calendar_reaches_is_a_plain_no(desk: Desk) -> None:
    """A year from now, before 1970, or ending before it starts."""
    made = await booked(desk)
    for number, fields in enumerate(
        (
            {"end_time": NOW + 400 * 24 * HOUR},
            {"end_time": NOON - HOUR},
            {"duration": 0},
            {"start_time": 0, "duration": HOUR},
        )
    ):
        with pytest.raises(Refused) as refused:
            await desk.call("UpdateReservation", changing(made.name, 20 + number, **fields))
        assert refused.value.reason in ("BEYOND_HORIZON", "INVALID_INTERVAL", "INVALID_FIELD", "START_IN_PAST")
    assert (
        Timestamp(seconds=NOON)
        == (await desk.call("GetReservation", api.GetReservationRequest(name=made.name))).start_time
    )


async def test_a_cancellation_shows_its_quote_first(desk: Desk) -> None:
    """A dry run says until when it is free and what is due now; the cancellation itself does as it says."""
    made = await booked(desk)
    request = api.CancelReservationRequest(name=made.name, request_id=request_id(6), validate_only=True)
    shown = await desk.call("CancelReservation", request)
    (fee,) = shown.cancellation_quote.fees
    assert (fee.resource, fee.free_until_time.seconds, fee.percent) == ("resources/cpu", NOON, 0)
    assert not shown.cancellation_quote.strike
    request.validate_only = False
    assert not (await desk.call("CancelReservation", request)).HasField("cancellation_quote")


async def test_giving_a_part_back_late_shows_its_quote_first(desk: Desk) -> None:
    """A dry run says what the part given back costs: nothing where an operator, and nobody else, excuses it."""
    card = api.Tariff(name="tariffs/t", prices=[api.Price(resource="resources/L01", krw=1)], equipment_late_percent=80)
    await desk.call("PublishTariff", api.PublishTariffRequest(tariff=card, request_id=request_id(1)), OPERATOR)
    made = await desk.call("CreateReservation", demand(900, ("L01", 1), ("OP", 1), start=NOON - 24 * HOUR, hours=4))
    shorter = changing(made.name, end_time=NOON - 22 * HOUR, validate_only=True)
    shown = await desk.call("UpdateReservation", shorter)
    assert [(fee.resource, fee.percent) for fee in shown.cancellation_quote.fees] == [("resources/L01", 80)]
    assert shown.cancellation_quote.strike
    longer = changing(made.name, end_time=NOON - 19 * HOUR, validate_only=True)
    assert not (await desk.call("UpdateReservation", longer)).HasField("cancellation_quote")
    shorter.excused = True
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateReservation", shorter)
    assert refused.value.code == grpc.StatusCode.PERMISSION_DENIED
    assert not (await desk.call("UpdateReservation", shorter, OPERATOR)).HasField("cancellation_quote")


async def test_extensions_are_offered(desk: Desk) -> None:
    """A search that names a reservation finds until when it could be extended; asked as given, it is granted."""
    made = await booked(desk)
    await desk.call("CreateReservation", demand(1, ("cpu", 224), start=NOON + 4 * HOUR))
    search = api.SearchOffersRequest(parent="companies/ALPHA", reservation=made.name)
    found = await desk.call("SearchOffers", search)
    assert [(each.end_time.seconds - NOON) // HOUR for each in found.offers] == [3, 4]
    longer = changing(made.name, end_time=found.offers[-1].end_time.seconds)
    await desk.call("UpdateReservation", longer)
    nothing = await desk.call("SearchOffers", search)
    assert not nothing.offers
    assert [each.reason for each in nothing.violations] == ["NO_CAPACITY"]


@pytest.mark.parametrize(
    ("fields", "identity", "code"),
    [
        ({"reservation": "companies/ALPHA/reservations/none"}, ALPHA, grpc.StatusCode.NOT_FOUND),
        ({"reservation": "companies/BETA/reservations/{theirs}"}, ALPHA, grpc.StatusCode.NOT_FOUND),
        ({"reservation": "nonsense"}, ALPHA, grpc.StatusCode.INVALID_ARGUMENT),
        ({"lines": CPU}, ALPHA, grpc.StatusCode.INVALID_ARGUMENT),
        ({"page_size": 99}, ALPHA, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_extensions_of_what_is_not_ones_own_are_not_told(
    desk: Desk, fields: dict[str, Any], identity: Any, code: grpc.StatusCode
) -> None:
    """P8: another company's reservation is a missing one; and what says itself need not be said."""
    made = await booked(desk)
    theirs = await desk.call("CreateReservation", demand(900, company="BETA"), BETA)
    name = fields.pop("reservation", made.name).format(theirs=theirs.name.rsplit("/", 1)[1])
    with pytest.raises(Refused) as refused:
        await desk.call("SearchOffers", api.SearchOffersRequest(parent="companies/ALPHA", reservation=name, **fields))
    assert refused.value.code is code


async def test_a_refusal_proposes_the_smallest_changes(desk: Desk) -> None:
    """Of a booking and of a change alike; asked as given, each is granted."""
    await desk.call("CreateReservation", demand(1, ("cpu", 200), start=NOON + 2 * HOUR))
    made = await booked(desk)
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", demand(2, ("cpu", 100), start=NOON + HOUR, hours=2))
    proposals = refused.value.refusal.smallest_changes
    assert [each.description for each in proposals] == [
        "Ask for 24 cores of cpu instead of 100.",
        "Start 1 hour earlier.",
        "End 1 hour earlier.",
    ]
    for number, each in enumerate(proposals):
        start, end = each.offer.start_time.seconds, each.offer.end_time.seconds
        wish = demand(20 + number, start=start, hours=(end - start) / HOUR, validate_only=True)
        del wish.reservation.lines[:]
        wish.reservation.lines.extend(each.offer.lines)
        await desk.call("CreateReservation", wish)
    with pytest.raises(Refused) as refused:
        await desk.call(
            "UpdateReservation",
            changing(made.name, end_time=NOON + 3 * HOUR, lines=[api.Line(resource="resources/cpu", units=50)]),
        )
    assert "Ask for 24 cores of cpu instead of 50." in [
        each.description for each in refused.value.refusal.smallest_changes
    ]
