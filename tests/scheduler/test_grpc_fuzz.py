"""Any message of the right type gets a definite answer: never UNKNOWN, never INTERNAL, no event for a refusal."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from services.allocation import image
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.identity import Identity
from tests.allocation.examples import examples
from tests.allocation.scenario import HOUR, check_no_double_booking
from tests.scheduler.serving import ALPHA, NOON, OPERATOR, SERVICE, Desk, Refused, demand, request_id, serving
from tests.scheduler.test_grpc import calendar, search
from tests.scheduler.test_grpc_tenants import administration, changing_series, series, splitting, updating
from tests.strange import messages, spoil

NEVER = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED}
MANY = {"BatchCreateReservations", "BookStream"}
WRITES = {method.name for method in SERVICE.methods if "request_id" in method.input_type.fields_by_name}


def sound(method: str) -> Message:
    """A request of a method that would be granted, or at least understood."""
    match method:
        case "CreateReservation":
            return demand(3, ("cpu", 1), ("a100", 1000))
        case "BatchCreateReservations":
            return api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=[demand(4), demand(5)])
        case "BookStream":
            return api.BookStreamRequest(parent="companies/ALPHA", requests=[demand(6), demand(7)])
        case "SearchOffers":
            return search("cpu")
        case "GetCalendar":
            return calendar("cpu")
        case (
            "RegisterResource"
            | "RegisterCompany"
            | "GrantQuota"
            | "PublishTariff"
            | "ClosePeriod"
            | "PostCorrection"
            | "PublishTerms"
            | "GrantQualification"
            | "ForgiveStrike"
            | "RecordArrears"
            | "RecordMisuse"
            | "DeclareOutage"
            | "SetFunding"
        ):
            request: Message = administration(method, "companies/BETA")
            return request
        case "ListReserves":
            return api.ListReservesRequest(programme="academy")
        case "GetResource":
            return api.GetResourceRequest(name="resources/cpu")
        case "ListReservations" | "WatchReservations":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(parent="companies/ALPHA")
        case "CreateSeries":
            return series("ALPHA", 9)
        case "UpdateSeries":
            return changing_series("companies/ALPHA/series/s1", 9)
        case "GetSeries" | "CancelSeries":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(name="companies/ALPHA/series/s1")
        case "ListSeries":
            return api.ListSeriesRequest(parent="companies/ALPHA")
        case "ExportCalendar":
            return api.ExportCalendarRequest(name="resources/cpu")
        case "RevokeQualification":
            return api.RevokeQualificationRequest(parent="companies/BETA", resource="resources/L01")
        case "ClearArrears":
            return api.ClearArrearsRequest(parent="companies/BETA", month="2026-01")
        case "LiftMisuse":
            return api.LiftMisuseRequest(parent="companies/BETA")
        case "ExemptFromReview":
            return api.ExemptFromReviewRequest(parent="companies/BETA", reason="it moves house")
        case "DismissOfficer":
            return api.DismissOfficerRequest(parent="companies/BETA", officer="officers/han")
        case "ListOfficers":
            return api.ListOfficersRequest(parent="companies/ALPHA")
        case "GetConduct":
            return api.GetConductRequest(parent="companies/ALPHA")
        case "GetOutage" | "LiftOutage":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(name="outages/works")
        case "UpdateReservation":
            return updating("companies/ALPHA/reservations/r1", 9, note="another")
        case "DenyReservation":
            return api.DenyReservationRequest(name="companies/ALPHA/reservations/r1", comment="No.")
        case "SplitReservation":
            return splitting("companies/ALPHA/reservations/r1", at=NOON + HOUR)
        case "AcceptTransfer" | "DeclineTransfer":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(name="companies/BETA/reservations/r1")
        case "GetReservation" | "CheckIn" | "ApproveReservation" | "ConfirmReservation":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(name="companies/ALPHA/reservations/r1")
        case "CancelReservation" | "ReleaseReservation":
            kind = GetMessageClass(SERVICE.methods_by_name[method].input_type)
            return kind(name="companies/ALPHA/reservations/r1")
        case _:
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)()


@st.composite
def nearly_sound(draw: st.DrawFn, method: str) -> Message:
    """A sound request in which one value, somewhere, is another."""
    request: Any = sound(method)
    number = draw(st.integers(10, 10**6))
    for name in ("resource", "company"):
        if method == f"Register{name.title()}":
            getattr(request, name).name += str(number)
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = request_id(number)
    spoil(draw, request)
    return request  # type: ignore[no-any-return]


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, Message]:
    """A method, and a request that is mostly sound, or made up throughout."""
    method = draw(st.sampled_from([each.name for each in SERVICE.methods]))
    if draw(st.integers(0, 4)) == 0:
        return method, draw(messages(SERVICE.methods_by_name[method].input_type))
    return method, draw(nearly_sound(method))


def test_any_message_gets_a_definite_answer(tmp_path: Path) -> None:
    """Whatever is asked, a yes is one page at most, a no is explained and leaves the state as it was."""
    with asyncio.Runner() as runner:
        context = serving(tmp_path / "keys")
        desk = runner.run(context.__aenter__())
        try:
            fuzz(runner, desk)
        finally:
            runner.run(context.__aexit__(None, None, None))


def fuzz(runner: asyncio.Runner, desk: Desk) -> None:
    """Ask this and that, of one centre."""

    @given(calls(), st.booleans())
    @examples(300)
    def ask(call: tuple[str, Message], operator: bool) -> None:
        method, request = call
        runner.run(ask_one(desk, method, request, operator))

    ask()
    check_no_double_booking(desk.writer.centre)


async def ask_one(desk: Desk, method: str, request: Message, operator: bool) -> None:
    """One call, and what must be true after it."""
    before, pages = image.digest(desk.writer.centre), len(desk.log.pages)
    refused = await refusal_of(desk, method, request, OPERATOR if operator or "Register" in method else ALPHA)
    if refused is None:
        assert len(desk.log.pages) <= pages + (method in WRITES or method in MANY)
        return
    assert refused.code not in NEVER, f"{method}: {refused}"
    assert refused.reason or refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (image.digest(desk.writer.centre), len(desk.log.pages)) == (before, pages)


async def refusal_of(desk: Desk, method: str, request: Message | bytes, identity: Identity) -> Refused | None:
    """How a call was refused, if it was."""
    try:
        await desk.ask(method, request, identity)
    except Refused as refused:
        return refused
    return None


@pytest.mark.parametrize("method", sorted(each.name for each in SERVICE.methods))
def test_any_bytes_get_a_definite_answer(tmp_path: Path, method: str) -> None:
    """Bytes that are no message are an invalid argument; bytes that happen to be one are like any other."""
    with asyncio.Runner() as runner:
        context = serving(tmp_path / "keys")
        desk = runner.run(context.__aenter__())

        @given(st.binary(max_size=60))
        @examples(15)
        def send(data: bytes) -> None:
            refused = runner.run(refusal_of(desk, method, data, OPERATOR))
            assert refused is None or refused.code not in NEVER, refused

        try:
            send()
        finally:
            runner.run(context.__aexit__(None, None, None))
