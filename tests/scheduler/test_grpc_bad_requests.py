"""Bad requests and the status that each must get: definite, explained, and without a trace in the log."""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.identity import Identity
from tests.allocation.fixture import MONDAY, NOW
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import ALPHA, AUDITOR, BETA, NOON, OPERATOR, Desk, Refused, demand
from tests.scheduler.test_grpc import calendar, quota, search
from tests.scheduler.test_grpc_tenants import handing_over, splitting
from tests.scheduler.wishes import (
    YEAR,
    accepting,
    approving,
    batched,
    cancelling,
    changed,
    company,
    confirming,
    declining,
    denying,
    flexible,
    granting,
    held,
    identified,
    listing,
    looking,
    noted,
    noting,
    offering_more,
    registering,
    releasing,
    searching,
    timed,
    watching,
)

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
CORE = api.Line(resource="resources/cpu", units=1)
CORES, LESS = api.Line(resource="resources/cpu", units=99), api.Line(resource="resources/cpu", units=-1)
SHAPED = api.Line(resource="resources/cpu", units=1, shape=api.Shape(units_per_node=1))
SEAT = api.Line(resource="resources/T1", units=1)
MINE, THEIRS = "companies/ALPHA/reservations/{mine}", "companies/BETA/reservations/{theirs}"


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
    ("split at no time and by no units", "SplitReservation", splitting(MINE), ALPHA, INVALID),
    ("split at a time and by units", "SplitReservation", splitting(MINE, CORE, at=NOON + HOUR), ALPHA, INVALID),
    ("split in another shape", "SplitReservation", splitting(MINE, SHAPED), ALPHA, INVALID),
    ("split where it ends", "SplitReservation", splitting(MINE, at=NOON + HOUR), ALPHA, INVALID),
    ("split off all of it", "SplitReservation", splitting(MINE, CORE), ALPHA, INVALID),
    ("split off more than it has", "SplitReservation", splitting(MINE, CORES), ALPHA, INVALID),
    ("split off less than nothing", "SplitReservation", splitting(MINE, LESS), ALPHA, INVALID),
    ("split off what it has not", "SplitReservation", splitting(MINE, SEAT), ALPHA, INVALID),
    ("split another tenant's", "SplitReservation", splitting(THEIRS, at=NOON + HOUR // 2), ALPHA, MISSING),
    ("split without an id", "SplitReservation", api.SplitReservationRequest(name=MINE, lines=[CORE]), ALPHA, INVALID),
    ("split as an auditor", "SplitReservation", splitting(MINE, at=NOON + HOUR // 2), AUDITOR, DENIED),
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
