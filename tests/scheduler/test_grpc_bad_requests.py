"""Bad requests and the status that each must get: definite, explained, and without a trace in the log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.identity import Identity
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import ALPHA, AUDITOR, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id, serving
from tests.scheduler.test_grpc import calendar, quota, search
from tests.scheduler.test_grpc_tenants import administration, handing_over

INVALID, MISSING, DENIED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED,
)
FAILED, SPENT, EXISTS = (
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ALREADY_EXISTS,
)
RANGE, ABORTED, NOBODY = (
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.UNAUTHENTICATED,
)
MINE, THEIRS = "companies/ALPHA/reservations/{mine}", "companies/BETA/reservations/{theirs}"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The fixture centre behind its doors."""
    async with serving(tmp_path / "keys") as served:
        yield served


def changed(request: Message, change: Callable[[Any], object]) -> Message:
    """A request with a change made to it."""
    change(request)
    return request


def timed(field: str, seconds: int = 0, nanos: int = 0) -> api.CreateReservationRequest:
    """A booking with a strange time."""
    request = demand()
    time = getattr(request.reservation, field)
    time.seconds, time.nanos = seconds, nanos
    return request


def noted(text: str) -> api.CreateReservationRequest:
    """A booking with a note."""
    return demand(note=text)


def listing(parent: str = "companies/ALPHA", **fields: Any) -> api.ListReservationsRequest:
    """A list of reservations."""
    return api.ListReservationsRequest(parent=parent, **fields)


def cancelling(name: str, number: int = 5, **fields: Any) -> api.CancelReservationRequest:
    """A cancellation."""
    return api.CancelReservationRequest(name=name, request_id=request_id(number), **fields)


def confirming(name: str, **fields: Any) -> api.ConfirmReservationRequest:
    """A confirmation."""
    return api.ConfirmReservationRequest(name=name, request_id=request_id(7), **fields)


YEAR = Duration(seconds=365 * 86_400)


def accepting(name: str) -> api.AcceptTransferRequest:
    """A company takes over what is offered."""
    return api.AcceptTransferRequest(name=name, request_id=request_id(8))


def declining(name: str, reason: str) -> api.DeclineTransferRequest:
    """It does not."""
    return api.DeclineTransferRequest(name=name, request_id=request_id(8), reason=reason)


def noting(name: str, **fields: Any) -> api.UpdateReservationRequest:
    """Another note, and something beside it."""
    return api.UpdateReservationRequest(
        reservation=api.Reservation(name=name, note="x"), request_id=request_id(8), **fields
    )


def offering_more(name: str) -> api.UpdateReservationRequest:
    """An offer of something that is changed with it."""
    request = handing_over(name, "BETA")
    request.update_mask.paths.append("note")
    return request


def approving(name: str, **fields: Any) -> api.ApproveReservationRequest:
    """A vote for a reservation."""
    return api.ApproveReservationRequest(name=name, request_id=request_id(8), **fields)


def denying(name: str, comment: str) -> api.DenyReservationRequest:
    """A vote against a reservation."""
    return api.DenyReservationRequest(name=name, request_id=request_id(8), comment=comment)


def held(seconds: int, nanos: int = 0) -> api.CreateReservationRequest:
    """An offer to hold for a strange time."""
    request = demand()
    request.hold.seconds, request.hold.nanos = seconds, nanos
    return request


def searching(request_id: str) -> api.SearchOffersRequest:
    """A search that holds what it finds, under a strange id."""
    request = search("cpu", hold=60)
    request.request_id = request_id
    return request


def flexible(
    company: str = "ALPHA", duration: int = HOUR, duration_max: int = 0, desired: int = 0, **fields: Any
) -> api.SearchOffersRequest:
    """A search that lets something vary; times in seconds."""
    request = search("cpu", company=company)
    request.duration.seconds = duration
    request.MergeFrom(api.SearchOffersRequest(**fields))
    if duration_max:
        request.duration_max.seconds = duration_max
    if desired:
        request.desired_start_time.seconds = desired
    return request


def looking() -> api.SearchOffersRequest:
    """A search that holds nothing, and has an id."""
    request = search("cpu")
    request.request_id = request_id(1)
    return request


def releasing(name: str) -> api.ReleaseReservationRequest:
    """A release."""
    return api.ReleaseReservationRequest(name=name, request_id=request_id(6))


def identified(text: str) -> api.CreateReservationRequest:
    """A booking with a request id of any form."""
    request = demand()
    request.request_id = text
    return request


def watching(after: int) -> api.WatchReservationsRequest:
    """A watch from a position on."""
    return api.WatchReservationsRequest(parent="companies/ALPHA", after_position=after)


def batched(*requests: api.CreateReservationRequest, atomic: bool = True) -> api.BatchCreateReservationsRequest:
    """Many bookings in one call."""
    return api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=requests, atomic=atomic)


def granting(**fields: Any) -> api.GrantQuotaRequest:
    """A quota with changed figures."""
    request = quota()
    for name, value in fields.items():
        setattr(request.quota, name, value)
    return request


def company(**fields: Any) -> api.RegisterCompanyRequest:
    """A new company."""
    request = api.RegisterCompanyRequest(request_id=request_id(50))
    request.company.name = fields.pop("name", "companies/NEW")
    request.company.agreement_start_time.seconds = NOW
    request.company.agreement_end_time.seconds = fields.pop("end", NOW + 100 * DAY)
    request.company.reservation_max.seconds = fields.pop("reservation_max", DAY)
    request.company.horizon.seconds = fields.pop("horizon", DAY)
    assert not fields
    return request


def registering(name: str) -> api.RegisterResourceRequest:
    """A resource of another name, made known under this one."""
    request: api.RegisterResourceRequest = administration("RegisterResource", "")
    request.resource.name = f"resources/{name}"
    return request


ZERO = "00000000-0000-0000-0000-000000000000"
DEEP = b"\x12\x80" * 200
GROUPS = b"\x7b" * 200 + b"\x7c" * 200
UTF8 = b"\x0a\x04\xff\xfe\xfd\xfc"

Row = tuple[str, str, Any, Identity | None, grpc.StatusCode]
ROWS: list[Row] = [
    ("malformed bytes", "CreateReservation", b"\xff\xff\xff", ALPHA, INVALID),
    ("invalid utf-8", "CreateReservation", UTF8, ALPHA, INVALID),
    ("nesting that breaks off", "CreateReservation", DEEP, ALPHA, INVALID),
    ("nesting without end", "CreateReservation", GROUPS, ALPHA, INVALID),
    ("message too large", "CreateReservation", noted("x" * 100_000), ALPHA, SPENT),
    ("units of 2^40", "CreateReservation", demand(1, ("cpu", 2**40)), ALPHA, INVALID),
    ("unknown enum", "ListResources", b"\x18\x63", ALPHA, INVALID),
    ("unknown state", "ListReservations", b"\x0a\x0fcompanies/ALPHA\x22\x01\x63", ALPHA, INVALID),
    ("unspecified kind", "RegisterResource", api.RegisterResourceRequest(), OPERATOR, INVALID),
    ("control character", "CreateReservation", noted("a\x00b"), ALPHA, INVALID),
    ("bidi override", "CreateReservation", noted("a\u202eb"), ALPHA, INVALID),
    ("homoglyph id", "GetResource", api.GetResourceRequest(name="resources/\u0441pu"), ALPHA, INVALID),
    ("long note", "CreateReservation", noted("x" * 501), ALPHA, INVALID),
    ("long id", "GetResource", api.GetResourceRequest(name="resources/" + "x" * 10_000), ALPHA, INVALID),
    ("nobody", "CreateReservation", demand(), None, NOBODY),
    ("company as operator", "GrantQuota", quota(), ALPHA, DENIED),
    ("company registers", "RegisterCompany", company(), ALPHA, DENIED),
    ("auditor books", "CreateReservation", demand(), AUDITOR, DENIED),
    ("auditor cancels", "CancelReservation", cancelling(MINE), AUDITOR, DENIED),
    ("another tenant", "CreateReservation", demand(company="BETA"), ALPHA, DENIED),
    ("reversed", "CreateReservation", timed("end_time", NOON - HOUR), ALPHA, INVALID),
    ("empty", "CreateReservation", timed("end_time", NOON), ALPHA, INVALID),
    ("in the past", "CreateReservation", demand(start=NOW - HOUR, hours=5), ALPHA, FAILED),
    ("long ago", "CreateReservation", demand(start=MONDAY - 100 * DAY), ALPHA, FAILED),
    ("beyond the horizon", "CreateReservation", demand(start=NOON + 100 * DAY), ALPHA, FAILED),
    ("beyond the calendar", "CreateReservation", demand(start=NOON + 400 * DAY), ALPHA, FAILED),
    ("too long", "CreateReservation", demand(hours=24 * 8), ALPHA, INVALID),
    ("too long for any calendar", "CreateReservation", demand(hours=24 * 300), ALPHA, FAILED),
    ("too short", "CreateReservation", demand(hours=0.5), ALPHA, INVALID),
    ("off the grid", "CreateReservation", demand(start=NOON + 37), ALPHA, INVALID),
    ("nanos", "CreateReservation", timed("start_time", NOON, 1), ALPHA, INVALID),
    ("year 10000", "CreateReservation", timed("end_time", 253_402_300_800), ALPHA, INVALID),
    ("year 0", "CreateReservation", timed("start_time", -62_167_219_200), ALPHA, INVALID),
    ("least int64", "CreateReservation", timed("start_time", -(2**63)), ALPHA, INVALID),
    ("negative nanos", "CreateReservation", timed("start_time", NOON, -1), ALPHA, INVALID),
    ("too many nanos", "CreateReservation", timed("start_time", NOON, 1_999_999_999), ALPHA, INVALID),
    (
        "no start",
        "CreateReservation",
        changed(demand(), lambda r: r.reservation.ClearField("start_time")),
        ALPHA,
        INVALID,
    ),
    ("no units", "CreateReservation", demand(1, ("cpu", 0)), ALPHA, INVALID),
    ("negative units", "CreateReservation", demand(1, ("cpu", -1)), ALPHA, INVALID),
    ("above capacity", "CreateReservation", demand(1, ("cpu", 225)), ALPHA, FAILED),
    ("off the step", "CreateReservation", demand(1, ("a100", 130)), ALPHA, INVALID),
    ("over quota", "CreateReservation", demand(1, ("h100", 8), company="BETA"), BETA, SPENT),
    ("unknown resource", "CreateReservation", demand(1, ("nothing", 1)), ALPHA, MISSING),
    ("not entitled", "CreateReservation", demand(1, ("R01", 1), company="BETA"), BETA, FAILED),
    ("out of service", "CreateReservation", demand(1, ("X01", 1)), ALPHA, FAILED),
    ("no request id", "CreateReservation", identified(""), ALPHA, INVALID),
    (
        "zero request id",
        "CreateReservation",
        identified(ZERO),
        ALPHA,
        INVALID,
    ),
    ("id reused", "CreateReservation", demand(900, note="another body"), ALPHA, EXISTS),
    ("stale etag", "CancelReservation", cancelling(MINE, etag='"99"'), ALPHA, ABORTED),
    ("another tenant's", "CancelReservation", cancelling(THEIRS), ALPHA, MISSING),
    ("random id", "CancelReservation", cancelling("companies/ALPHA/reservations/none"), ALPHA, MISSING),
    ("nonsense name", "CancelReservation", cancelling("reservations/7"), ALPHA, INVALID),
    (
        "not active",
        "ReleaseReservation",
        releasing(MINE),
        ALPHA,
        FAILED,
    ),
    ("another tenant's", "GetReservation", api.GetReservationRequest(name=THEIRS), ALPHA, MISSING),
    ("list of another", "ListReservations", listing("companies/BETA"), ALPHA, DENIED),
    ("list of all", "ListReservations", listing("companies/-"), ALPHA, INVALID),
    ("negative page", "ListReservations", listing(page_size=-1), ALPHA, INVALID),
    ("negative page", "ListResources", api.ListResourcesRequest(page_size=-1), ALPHA, INVALID),
    (
        "too many offers",
        "SearchOffers",
        search("cpu", most=10**9),
        ALPHA,
        INVALID,
    ),
    ("made-up token", "ListReservations", listing(page_token="x"), ALPHA, INVALID),
    ("long filter", "ListReservations", listing(resource="resources/" + "x" * 900), ALPHA, INVALID),
    ("hundred years", "GetCalendar", calendar("cpu", days=36_500), ALPHA, INVALID),
    ("unknown resource", "GetCalendar", calendar("nothing"), ALPHA, MISSING),
    ("no times", "GetCalendar", api.GetCalendarRequest(name="resources/cpu"), ALPHA, INVALID),
    (
        "from the future",
        "WatchReservations",
        watching(10**9),
        ALPHA,
        RANGE,
    ),
    (
        "negative",
        "WatchReservations",
        watching(-1),
        ALPHA,
        INVALID,
    ),
    (
        "too old",
        "WatchReservations",
        watching(1),
        ALPHA,
        RANGE,
    ),
    ("empty batch", "BatchCreateReservations", batched(), ALPHA, INVALID),
    ("huge batch", "BatchCreateReservations", batched(*map(demand, range(1, 102))), ALPHA, INVALID),
    (
        "one slot twice",
        "BatchCreateReservations",
        batched(demand(1, ("T1", 1)), demand(2, ("T1", 1))),
        ALPHA,
        FAILED,
    ),
    ("one id twice", "BatchCreateReservations", batched(demand(1), demand(1)), ALPHA, INVALID),
    ("one bad item", "BatchCreateReservations", batched(demand(1), demand(2, ("cpu", 0))), ALPHA, INVALID),
    ("one foreign item", "BatchCreateReservations", batched(demand(1), demand(2, company="BETA")), ALPHA, INVALID),
    ("negative quota", "GrantQuota", granting(unit_seconds=-1), OPERATOR, INVALID),
    ("absurd quota", "GrantQuota", granting(unit_seconds=2**62), OPERATOR, INVALID),
    ("quota of nobody", "GrantQuota", granting(company="companies/NOBODY"), OPERATOR, MISSING),
    ("quota of nothing", "GrantQuota", granting(meter="resources/nothing"), OPERATOR, INVALID),
    ("duplicate resource", "RegisterResource", registering("cpu"), OPERATOR, EXISTS),
    ("duplicate company", "RegisterCompany", company(name="companies/ALPHA"), OPERATOR, EXISTS),
    ("agreement reversed", "RegisterCompany", company(end=NOW - 1), OPERATOR, INVALID),
    ("endless horizon", "RegisterCompany", company(horizon=1000 * DAY), OPERATOR, INVALID),
    ("half a day", "RegisterCompany", company(reservation_max=DAY // 2), OPERATOR, INVALID),
    ("hold for nothing", "CreateReservation", held(seconds=0), ALPHA, INVALID),
    ("hold for an hour", "CreateReservation", held(seconds=HOUR), ALPHA, INVALID),
    ("hold for less than no time", "CreateReservation", held(seconds=-60), ALPHA, INVALID),
    ("hold for a nanosecond", "CreateReservation", held(seconds=0, nanos=1), ALPHA, INVALID),
    ("hold as it begins", "CreateReservation", demand(start=NOW, hold=60), ALPHA, FAILED),
    ("hold in a batch for an hour", "BatchCreateReservations", batched(held(seconds=HOUR)), ALPHA, INVALID),
    ("confirm what is booked", "ConfirmReservation", confirming(MINE), ALPHA, FAILED),
    ("confirm another tenant's", "ConfirmReservation", confirming(THEIRS), ALPHA, MISSING),
    ("confirm an older version", "ConfirmReservation", confirming(MINE, etag='"99"'), ALPHA, ABORTED),
    ("confirm without an id", "ConfirmReservation", api.ConfirmReservationRequest(name=MINE), ALPHA, INVALID),
    ("search and hold without an id", "SearchOffers", searching(request_id=""), ALPHA, INVALID),
    ("search and hold for an hour", "SearchOffers", search("cpu", hold=HOUR), ALPHA, INVALID),
    ("search with an id and nothing to hold", "SearchOffers", looking(), ALPHA, INVALID),
    ("search and hold for another", "SearchOffers", search("cpu", company="BETA", hold=60), ALPHA, DENIED),
    ("search and hold under a used id", "SearchOffers", search("cpu", hold=60, number=900), ALPHA, EXISTS),
    ("offer to nobody", "UpdateReservation", handing_over(MINE, ""), ALPHA, INVALID),
    ("offer to a ghost", "UpdateReservation", handing_over(MINE, "GHOST"), ALPHA, MISSING),
    ("offer another tenant's", "UpdateReservation", handing_over(THEIRS, "ALPHA"), ALPHA, MISSING),
    ("offer for ever", "UpdateReservation", handing_over(MINE, "BETA", offer_for=YEAR), ALPHA, INVALID),
    ("offer what is not offered back", "UpdateReservation", handing_over(MINE, "ALPHA"), ALPHA, FAILED),
    ("how long without a company", "UpdateReservation", noting(MINE, offer_for=YEAR), ALPHA, INVALID),
    ("offer and change at once", "UpdateReservation", offering_more(MINE), ALPHA, INVALID),
    ("accept one's own", "AcceptTransfer", accepting(MINE), ALPHA, FAILED),
    ("accept what is not offered", "AcceptTransfer", accepting(THEIRS), ALPHA, MISSING),
    ("accept without an id", "AcceptTransfer", api.AcceptTransferRequest(name=THEIRS), ALPHA, INVALID),
    ("accept as an auditor", "AcceptTransfer", accepting(THEIRS), AUDITOR, DENIED),
    ("decline with a long reason", "DeclineTransfer", declining(THEIRS, "x" * 501), ALPHA, INVALID),
    ("approve as a company", "ApproveReservation", approving(MINE), ALPHA, DENIED),
    ("approve as an auditor", "ApproveReservation", approving(MINE), AUDITOR, DENIED),
    ("approve what is booked", "ApproveReservation", approving(MINE), OPERATOR, FAILED),
    ("approve what is not there", "ApproveReservation", approving("companies/A/reservations/b"), OPERATOR, MISSING),
    ("approve without an id", "ApproveReservation", api.ApproveReservationRequest(name=MINE), OPERATOR, INVALID),
    ("approve with a long reference", "ApproveReservation", approving(MINE, reference="x" * 101), OPERATOR, INVALID),
    ("deny as a company", "DenyReservation", denying(MINE, "No."), ALPHA, DENIED),
    ("deny without a reason", "DenyReservation", denying(MINE, " "), OPERATOR, INVALID),
    ("deny what is booked", "DenyReservation", denying(MINE, "No."), OPERATOR, FAILED),
    ("list in a strange order", "ListReservations", listing(order_by="name"), ALPHA, INVALID),
    ("search nothing", "SearchOffers", api.SearchOffersRequest(parent="companies/ALPHA"), ALPHA, INVALID),
    ("search for ever", "SearchOffers", search("cpu", hours=24 * 365), ALPHA, FAILED),
    ("search for ever and a day", "SearchOffers", search("cpu", hours=10**9), ALPHA, INVALID),
    ("search for less than the least time", "SearchOffers", flexible(duration_max=60), ALPHA, INVALID),
    ("search for more units than asked", "SearchOffers", flexible(units_min={"resources/cpu": 2}), ALPHA, INVALID),
    ("search for no units", "SearchOffers", flexible(units_min={"resources/cpu": 0}), ALPHA, INVALID),
    ("search for units of another", "SearchOffers", flexible(units_min={"resources/a100": 1}), ALPHA, INVALID),
    ("search for units of nothing", "SearchOffers", flexible(units_min={"cpu": 1}), ALPHA, INVALID),
    ("search in a strange order", "SearchOffers", flexible(order=77), ALPHA, INVALID),
    ("search near a time and earliest", "SearchOffers", flexible(desired=NOW), ALPHA, INVALID),
    ("search and tell of all", "SearchOffers", flexible(refused_max=21), ALPHA, INVALID),
    ("search flexibly for ever", "SearchOffers", flexible(duration=24 * 365 * HOUR, priced=True), ALPHA, FAILED),
    ("search flexibly for another", "SearchOffers", flexible(company="BETA", priced=True), ALPHA, DENIED),
    ("search for another", "SearchOffers", search("cpu", company="BETA"), ALPHA, DENIED),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}".replace(" ", "-"))
async def test_a_bad_request_gets_its_status(
    desk: Desk, row: tuple[str, str, Any, Identity | None, grpc.StatusCode]
) -> None:
    """The status is the one that the table names; it is explained, and nothing is written down."""
    _, method, request, identity, status = row
    mine = await desk.call("CreateReservation", demand(900))
    theirs = await desk.call("CreateReservation", demand(900, company="BETA"), BETA)
    if isinstance(request, Message) and "name" in request.DESCRIPTOR.fields_by_name:
        request = type(request).FromString(request.SerializeToString())
        request.name = {MINE: mine.name, THEIRS: theirs.name}.get(request.name, request.name)  # type: ignore[attr-defined]
    if isinstance(request, api.UpdateReservationRequest) and request.reservation.name in (MINE, THEIRS):
        request = api.UpdateReservationRequest.FromString(request.SerializeToString())
        request.reservation.name = {MINE: mine.name, THEIRS: theirs.name}[request.reservation.name]
    before = list(desk.log.pages)
    with pytest.raises(Refused) as refused:
        await desk.ask(method, request, identity)
    assert refused.value.code is status, refused.value
    assert desk.log.pages == before
    assert desk.writer.decided == len(before)
    if status is not SPENT or refused.value.reason:
        assert refused.value.reason, "no ErrorInfo"
    assert "Traceback" not in str(refused.value)


async def test_adjacent_bookings_are_fine(desk: Desk) -> None:
    """A booking may begin when another one ends."""
    await desk.call("CreateReservation", demand(1, ("T1", 1), start=NOON, hours=1))
    await desk.call("CreateReservation", demand(2, ("T1", 1), start=NOON + HOUR, hours=1))


async def test_what_is_taken_is_busy_and_nothing_more_is_told(desk: Desk) -> None:
    """Over one's own booking or another's there is no other; whose it is stands in no answer."""
    booked = await desk.call("CreateReservation", demand(1, ("cpu", 224), note="secret"))
    for number, (name, identity) in enumerate((("ALPHA", ALPHA), ("BETA", BETA)), start=2):
        with pytest.raises(Refused) as refused:
            await desk.call("CreateReservation", demand(number, ("cpu", 1), company=name), identity)
        assert (refused.value.code, refused.value.reason) == (FAILED, "NO_CAPACITY")
        told = refused.value.status.SerializeToString()
        assert not any(word in told for word in (b"secret", booked.name.rsplit("/", 1)[1].encode()))
    assert b"ALPHA" not in told


async def test_a_period_is_granted_once(desk: Desk) -> None:
    """A quota over a period that has one is refused: nobody is left with less than was booked by mistake."""
    await desk.call("GrantQuota", quota(), OPERATOR)
    with pytest.raises(Refused) as refused:
        await desk.call("GrantQuota", changed(granting(unit_seconds=1), renumbered), OPERATOR)
    assert (refused.value.code, refused.value.reason) == (EXISTS, "ALREADY_EXISTS")


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
